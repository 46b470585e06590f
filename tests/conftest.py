"""Fixtures: the engine under test, a root directory with the probe in it, and the search for what was left behind."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(1, str(Path(__file__).parent / "integration"))  # harness.py and bundles.py, for tests/conformance, too

import harness
from harness import PATIENCE, Engine

HOST_VALUES = ("/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/net/ipv4/ping_group_range", "/proc/sys/net/ipv4/ip_unprivileged_port_start")
HOST_DEVICES = [f"/dev/{n}" for n in ("null", "zero", "full", "random", "urandom", "tty", "ptmx")]
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
USER = os.geteuid() or 48123 + 10 * WORKER  # the caller, or for root an ordinary user without a name, one for each worker; nobody on a usual host has this number


def pytest_configure(config):
    for s in (signal.SIGHUP, signal.SIGQUIT):  # nohup(1) and a shell's `&` have what they start ignore them
        signal.signal(s, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        return
    config.leak_before = host_now()


def scratch_parent():
    return os.environ.get("MYDOCKER_TEST_DIR", "/var/tmp")


def user_namespaces_refused():
    """Why none can be made here, "" when they can."""
    if Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
        return "user namespaces are switched off on this host"
    if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
        return "the kernel refuses user namespaces here, as in every chroot"
    return ""


SPREAD = {"test_fail_points.py", "test_runtime_fail_points.py"}  # in --full long, and each test has all it needs


def every_fifth_test(config, items):
    """Sanitizers look at code, which most tests share: ./check shows them every fifth one, ./check --full all."""
    config.hook.pytest_deselected(items=[item for n, item in enumerate(items) if n % 5])
    items[:] = items[::5]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if harness.SANITIZED and "not full" in config.option.markexpr:
        every_fifth_test(config, items)
    refused = user_namespaces_refused()
    for item in items:
        if item.path.name not in SPREAD or "not full" in config.option.markexpr:  # a file's tests are one worker's (--dist loadgroup): they may share a server
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        given = item.get_closest_marker("timeout")
        item.add_marker(pytest.mark.timeout(PATIENCE * (given.args[0] if given else float(config.getini("timeout")))), append=False)
        if refused and (item.get_closest_marker("userns") or "uidmap" in item.name):
            item.add_marker(pytest.mark.skip(reason=refused))
        for_root = item.get_closest_marker("root")
        if os.geteuid() != 0 and for_root:
            item.add_marker(pytest.mark.skip(reason=f"needs root: {for_root.args[0]}"))
        if os.geteuid() != 0 and re.search(r"uidmap( 0:0:[1-9].*|\]?)$", item.name):
            item.add_marker(pytest.mark.skip(reason="needs root: ids of the host are mapped"))


def host_now():
    """What of the host must be the same afterwards: groups, mounts, files beside ours, names and kernel parameters."""
    values = {p: Path(p).read_text() for p in HOST_VALUES if os.path.exists(p)}
    values |= {p: os.stat(p)[0:6] for p in HOST_DEVICES}
    return harness.all_groups(), harness.mounts(), set(os.listdir(scratch_parent())), values


def leaked(before):
    groups, mounts, files, values = before
    found = [f"group {g}" for g in sorted(harness.all_groups() - groups)]
    found = sorted({Path(g).name for g in found}) if len(found) > 40 else found
    points = {m[0] for m in mounts}  # others may mount meanwhile: ours would name us, be overlays, or cover what was there
    found += [f"mount {m[0]} ({m[1]})" for m in harness.mounts() if m not in mounts and ("mydocker" in m[0] or m[1] == "overlay" or m[0] in points)]
    found += [f"changed {p}" for p, v in host_now()[3].items() if values.get(p) != v]
    found += [f"lost mount {m[0]}" for m in mounts if m not in harness.mounts() and m[0].startswith(("/proc", "/sys", "/dev"))]
    found += [f"file {scratch_parent()}/{f}" for f in set(os.listdir(scratch_parent())) - files if f.startswith("mydocker")]
    return found


def pytest_sessionfinish(session, exitstatus):
    """After all tests, and all workers: the host is as it was."""
    before = getattr(session.config, "leak_before", None)
    if before is None or session.config.option.collectonly:
        return
    found = leaked(before)
    for _ in range(20):
        if not found:
            break
        time.sleep(0.1)
        found = leaked(before)
    session.config.leaks = found
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for what in getattr(config, "leaks", []):
        terminalreporter.write_line(f"FAILED leak check: left behind: {what}", red=True)


def remove(path):
    """A folder with all in it, also what its owner may not enter, as the kernel leaves an overlay's work folder. Returns what stays, and why."""
    failed = []
    subprocess.run(["chmod", "-R", "u+rwX", path], capture_output=True)
    shutil.rmtree(path, onerror=lambda _, p, why: failed.append(f"{p}: {why[1]}"))
    return failed


@pytest.fixture(scope="session")
def base():
    """A folder of this worker's own that other users can enter."""
    path = Path(tempfile.mkdtemp(prefix="mydocker-test-", dir=scratch_parent()))
    path.chmod(0o755)
    yield path
    failed = remove(path)
    assert not failed, f"cannot be removed: {failed[:5]}"


@pytest.fixture(scope="session")
def probe(base):
    out = base / "probe-bin"
    out.mkdir()
    target = out / "the-probe"
    shutil.copyfile(harness.build_probe(out), target)
    target.chmod(0o755)
    return target


@pytest.fixture(scope="session")
def busybox():
    """A static busybox, for tests that want a shell."""
    path = shutil.which("busybox")
    if not path or b"INTERP" in subprocess.run(["readelf", "-lW", path], capture_output=True).stdout:
        pytest.skip("no static busybox on this machine (package busybox-static)")
    return Path(path)


@pytest.fixture(scope="session")
def make_rootfs(base, probe):
    """make_rootfs(name): a small root with the probe, a passwd and a group file, and no mount point at all."""
    count = [0]

    def make(where=None):
        count[0] += 1
        root = Path(where or base / f"rootfs{count[0]}")
        for d in ("bin", "etc", "home/alice", "work"):
            (root / d).mkdir(parents=True)
        os.link(probe, root / "bin/probe") if os.stat(probe).st_dev == os.stat(root).st_dev else shutil.copy(probe, root / "bin/probe")
        (root / "etc/passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\nbob:x:1001:100:Bob:/nowhere:/bin/sh\n"
        )
        (root / "etc/group").write_text("root:x:0:\nusers:x:100:\nalice:x:1000:\nwheel:x:10:alice,bob\nsound:x:29:alice\n")
        root.chmod(0o755)
        return root

    return make


@pytest.fixture
def rootfs(make_rootfs):
    root = make_rootfs()
    yield root
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def shell_rootfs(rootfs, busybox):
    shutil.copy(busybox, rootfs / "bin/busybox")
    for name in ("sh", "ls", "cat", "id", "ps", "mount", "sleep", "stty", "true", "false", "su", "ping", "kill", "head", "grep"):
        os.symlink("busybox", rootfs / "bin" / name)
    return rootfs


@pytest.fixture
def scratch(base):
    """A folder on the host for one test: volumes, canaries."""
    path = Path(tempfile.mkdtemp(prefix="scratch-", dir=base))
    path.chmod(0o755)
    yield path
    remove(path)


def check_clean(engine, before):
    """Nothing of this engine is left: no record, no name, no process; alone on the machine, no group and no mount either."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    for last in [False] * 40 + [True]:
        found = engine.left() + [f"process {p}" for p in engine.processes()] + (leaked(before)[:20] if alone else [])
        found = [f for f in found if "mydocker-test-" not in f or f.startswith(("process", "mount"))]
        if not found or last:
            break
        time.sleep(0.05)
    assert not found, f"left behind: {found}"


@pytest.fixture
def md(base, rootfs):
    """The engine as root, with folders of its own."""
    assert harness.MYDOCKER.exists(), f"{harness.MYDOCKER} is missing: run ./build, or name it in MYDOCKER"
    before = host_now()
    own = Path(tempfile.mkdtemp(prefix="engine-", dir=base))
    engine = Engine(own, rootfs)
    yield engine
    engine.close()
    try:
        check_clean(engine, before)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@pytest.fixture(scope="session")
def user_program(base):
    """The product where an ordinary user can reach it."""
    program = harness.MYDOCKER
    # By a shell in between: setpriv itself still holds root's capabilities when it executes something.
    if os.geteuid() != 0:
        return program
    user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "sh", "-c", '"$0" version']
    reach = subprocess.run([*user, str(program)], capture_output=True)
    if reach.returncode == 0:
        return program
    copy = base / "installed"
    for part in ("bin", "libexec", "lib"):
        if (program.parent.parent / part).is_dir():
            shutil.copytree(program.parent.parent / part, copy / part, symlinks=True)
    return copy / "bin" / program.name


@pytest.fixture
def user_md(base, make_rootfs, user_program):
    """The engine as an ordinary user, who owns the root directory, with XDG folders and no groups."""
    own = Path(tempfile.mkdtemp(prefix="user-", dir=base))
    root = make_rootfs(own / "rootfs")
    (own / "run").mkdir(mode=0o700)
    (own / "share").mkdir(mode=0o700)
    for d, dirs, files in os.walk(own):
        for n in [".", *dirs]:
            os.chown(os.path.join(d, n), USER, USER)
        for n in files:
            if n != "probe":
                os.chown(os.path.join(d, n), USER, USER)
    own.chmod(0o755)
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"] if os.geteuid() == 0 else []
    engine = Engine(
        own, root, prefix=become,
        env={"XDG_RUNTIME_DIR": str(own / "run"), "XDG_DATA_HOME": str(own / "share"), "HOME": str(own)},
        program=user_program, own_dirs=False,
    )
    engine.state, engine.root = own / "run/mydocker", own / "share/mydocker"
    before = host_now()
    yield engine
    engine.close()
    try:
        check_clean(engine, before)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@pytest.fixture
def canary(base):
    """A folder of the host that nothing may touch: its whole content is compared afterwards."""
    path = Path(tempfile.mkdtemp(prefix="canary-", dir=base))
    for d in ("dir", "dir/pts", "dir/shm", "dir/net", "dir/kernel"):
        (path / d).mkdir()
    for f in ("file", "dir/null", "dir/hosts", "dir/resolv.conf", "dir/kcore"):
        (path / f).write_text("host secret\n")
    before = harness.tree(path)
    yield path
    after = harness.tree(path)
    assert after == before, f"the host was changed: {set(after.items()) ^ set(before.items())}"
    shutil.rmtree(path, ignore_errors=True)
