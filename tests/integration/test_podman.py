"""podman with mydocker-runtime in runc's place."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from bundles import RUNTIME
from harness import PATIENCE, Terminal, cgroup_mount, cgroup_mounts, wait_until
from test_checkpoint_criu import unable

pytestmark = [pytest.mark.root("podman for an ordinary user needs a user with a name and a home"), pytest.mark.timeout(120)]
PARENT = f"test-podman-{os.getpid()}"
# without CAP_SYS_RESOURCE podman's own limits cannot be set
OPTIONS = ["--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--cgroup-parent", f"/{PARENT}"]
LOOP = "echo started; trap 'echo bye; exit 4' TERM; while :; do sleep 0.05; done"


def small_root(where):
    """A root with busybox, for podman's --rootfs; the test is skipped where that cannot be."""
    if not shutil.which("podman") or not shutil.which("busybox"):
        pytest.skip("needs podman and busybox-static")
    root = where / "root"
    for d in ("bin", "etc", "proc", "sys", "dev", "tmp"):
        (root / d).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "sleep", "echo", "cat", "id", "ls", "ps"):
        (root / "bin" / name).symlink_to("busybox")
    return root


@pytest.fixture(scope="module")
def podman():
    with tempfile.TemporaryDirectory(prefix="podman-") as where:  # podman takes no longer --runroot than 50 characters
        yield Podman(Path(where), small_root(Path(where)))
        wait_until(groups_are_gone)  # the last conmon may still be about to end


def groups_are_gone():
    for p, _, _ in cgroup_mounts():
        for d in [*sorted((x for x in (p / PARENT).rglob("*") if x.is_dir()), reverse=True), p / PARENT] if (p / PARENT).exists() else []:
            with contextlib.suppress(OSError):
                d.rmdir()
    return not [p for p, _, _ in cgroup_mounts() if (p / PARENT).exists()]


class Podman:
    def __init__(self, where, root, manager="cgroupfs"):
        self.base = ["podman", "--root", str(where / "store"), "--runroot", str(where / "run"), "--tmpdir", str(where / "tmp"), "--storage-driver", "vfs",
                     "--cgroup-manager", manager, "--events-backend", "file", "--runtime", str(RUNTIME)]
        self.root = root

    def __call__(self, *args, **kw):
        return subprocess.run([*self.base, *args], capture_output=True, text=True, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL, **kw)

    def run_argv(self, *args):
        *options, command = args
        return ["run", *OPTIONS, *options, "--rootfs", str(self.root), "/bin/sh", "-c", command]

    def run(self, *args):
        return self(*self.run_argv("--rm", *args))


@pytest.fixture
def service(podman):
    """A container that runs until it is stopped."""
    r = podman(*podman.run_argv("-d", LOOP))
    assert r.returncode == 0, r
    name = r.stdout.strip()
    wait_until(lambda: "started" in podman("logs", name).stdout)
    yield name
    assert podman("rm", "-f", "-t", "0", name).returncode == 0


def test_run(podman):
    r = podman.run("-e", "A=b", "-v", "/etc:/host:ro", "echo $A; test -e /host/passwd && id -u; exit 7")
    assert r.returncode == 7 and r.stdout == "b\n0\n", r


def test_the_callers_groups(podman):
    r = podman.run("--group-add", "keep-groups", "grep ^Groups: /proc/self/status")
    assert r.returncode == 0 and r.stdout.split() == ["Groups:", *map(str, os.getgroups())], r
    r = subprocess.run(["setpriv", "--groups", "4321,4322", *podman.base, *podman.run_argv("--rm", "--group-add", "keep-groups", "grep ^Groups: /proc/self/status")],
                       capture_output=True, text=True, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL)
    assert r.returncode == 0 and r.stdout.split() == ["Groups:", "4321", "4322"], r


@pytest.mark.parametrize("command, code", [("/no/such", 127), ("nowhere", 127), ("/etc", 126)])
def test_a_command_that_cannot_run(podman, command, code):
    """Made of the words of our errors."""
    r = podman("run", "--rm", *OPTIONS, "--rootfs", str(podman.root), command)
    assert r.returncode == code, r


def test_from_start_to_end(podman, service):
    """What podman asks of a runtime in a container's life."""
    r = podman("exec", service, "/bin/sh", "-c", "echo inside; exit 5")
    assert r.returncode == 5 and r.stdout == "inside\n", r
    r = podman("exec", "-u", "7", "-w", "/tmp", "-e", "A=b", service, "/bin/sh", "-c", "echo $A $(id -u); pwd; echo again > /dev/stdout")
    assert r.returncode == 0 and r.stdout == "b 7\n/tmp\nagain\n", r
    assert podman("exec", service, "/no/such").returncode == 127
    assert podman("pause", service).returncode == 0
    assert podman("inspect", "-f", "{{.State.Status}}", service).stdout == "paused\n"
    assert podman("unpause", service).returncode == 0
    assert "/bin/sh -c echo started" in podman("top", service).stdout
    assert podman("stop", "-t", "10", service).returncode == 0
    assert "bye" in podman("logs", service).stdout and podman("inspect", "-f", "{{.State.ExitCode}}", service).stdout == "4\n"
    assert podman("start", service).returncode == 0 and podman("kill", service).returncode == 0
    wait_until(lambda: podman("inspect", "-f", "{{.State.ExitCode}}", service).stdout == "137\n")


def test_terminals(podman, service):
    """Without a carriage return that the caller's terminal does not add."""
    for argv in ([*podman.base, *podman.run_argv("--rm", "-t", "test -t 0 && echo on one")], [*podman.base, "exec", "-t", service, "/bin/sh", "-c", "test -t 1 && echo on one"]):
        t = Terminal(argv, os.environ)
        try:
            assert t.wait() == 0 and "on one" in t.text, t.text
        finally:
            t.close()


@pytest.mark.full
def test_limits_and_privileges(podman):
    r = podman.run("-m", "50m", "--pids-limit", "30", "--cpus", "0.5", "--cap-drop", "all", "--security-opt", "no-new-privileges", "grep -E '^(CapBnd|NoNewPrivs)' /proc/self/status")
    assert r.returncode == 0 and r.stdout.split() == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1"], r
    r = podman.run("--privileged", "--read-only", "echo x > /x || echo refused; ls /dev | wc -l")
    assert r.returncode == 0 and r.stdout.startswith("refused\n"), r
    r = podman.run("--hostname", "named", "--sysctl", "net.ipv4.ip_unprivileged_port_start=5", "cat /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_unprivileged_port_start")
    assert r.stdout == "named\n5\n", r


@pytest.mark.full
def test_id_maps(podman):
    r = podman.run("--uidmap", "0:100000:1000", "cat /proc/self/uid_map")
    assert r.stdout.split() == ["0", "100000", "1000"], r


@pytest.mark.full
def test_namespaces_of_others(podman, service):
    for kind in ("network", "ipc", "pid", "uts"):
        options = [o for o in OPTIONS if o not in ("--network", "none")] if kind == "network" else OPTIONS
        r = podman("run", "--rm", *options, f"--{kind}", f"container:{service}" if kind != "uts" else "host", "--rootfs", str(podman.root), "/bin/sh", "-c", "echo there")
        assert r.returncode == 0 and r.stdout == "there\n", (kind, r)


@pytest.mark.full
def test_health_checks(podman):
    r = podman(*podman.run_argv("-d", "--health-cmd", "test -e /tmp/well", "--health-interval", "disable", LOOP))
    name = r.stdout.strip()
    try:
        assert r.returncode == 0, r
        assert podman("healthcheck", "run", name).returncode == 1
        assert podman("exec", name, "/bin/sh", "-c", "echo > /tmp/well").returncode == 0
        assert podman("healthcheck", "run", name).returncode == 0
    finally:
        podman("rm", "-f", "-t", "0", name)
        (podman.root / "tmp/well").unlink(missing_ok=True)


@pytest.mark.full
def test_many_at_once(podman):
    names = [f"many-{i}" for i in range(8)]
    runs = [subprocess.Popen([*podman.base, *podman.run_argv("-d", "--name", n, LOOP)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in names]
    try:
        for p in runs:
            assert p.wait(60) == 0, p.stderr.read()
        assert len(json.loads(podman("ps", "--format", "json").stdout)) >= len(names)
    finally:
        assert podman("rm", "-f", "-t", "0", *names).returncode == 0


@pytest.mark.full
def test_update(podman, service):
    group = podman("inspect", "-f", "{{.State.CgroupPath}}", service).stdout.strip()
    r = podman("update", "--memory", "50m", "--cpus", "0.5", "--cpuset-cpus", "0", service)
    assert r.returncode == 0, r
    for controller, names, want in (("memory", ("memory.limit_in_bytes", "memory.max"), str(50 << 20)), ("cpu", ("cpu.cfs_quota_us", "cpu.max"), "50000"),
                                    ("cpuset", ("cpuset.cpus",), "0")):
        files = [f for n in names if (f := cgroup_mount(controller) / group.lstrip("/") / n).exists()]
        assert files and files[0].read_text().split()[0] == want, (controller, group)


@pytest.mark.full
def test_ids_that_podman_chooses(podman, tmp_path):
    """--userns=auto, with files of the ids that it gives the user "containers"."""
    ids = tmp_path / "subid"
    ids.write_text("containers:200000:200000\n")
    subprocess.run(["tar", "-C", podman.root, "-cf", tmp_path / "image.tar", "."], check=True)
    assert podman("import", str(tmp_path / "image.tar"), "bb").returncode == 0
    with_ids = ["unshare", "-m", "--", "sh", "-c", f"mount --bind {ids} /etc/subuid && mount --bind {ids} /etc/subgid && exec \"$@\"", "sh"]
    words = [*podman.base, "run", "--rm", *OPTIONS, "--userns=auto:size=1000", "-v", "/etc:/host:ro", "bb", "/bin/sh", "-c",
             "cat /proc/self/uid_map; id -u; echo > /tmp/x; ls -ln /tmp/x; test -e /host/passwd && echo bound"]
    r = subprocess.run([*with_ids, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    first, _, size, uid, *listed = r.stdout.split()
    assert r.returncode == 0 and (first, size, uid) == ("0", "1000", "0") and listed[2:4] == ["0", "0"] and listed[-1] == "bound", r
    assert podman("rmi", "-f", "bb").returncode == 0


@pytest.mark.full
def test_mounts(podman):
    r = podman.run("--tmpfs", "/t:size=1m,mode=755", "--mount", "type=bind,src=/etc,dst=/h,ro=true", "--mount", "type=tmpfs,dst=/t2,tmpfs-size=64k",
                   "--mount", "type=devpts,dst=/p", "-v", "/etc/passwd:/f:ro", "cat /proc/self/mountinfo; test -s /f && echo file")
    rows = {line.split()[4]: line for line in r.stdout.splitlines() if " - " in line}
    assert r.returncode == 0 and r.stdout.endswith("file\n") and "size=1024k" in rows["/t"] and "size=64k" in rows["/t2"] and "devpts" in rows["/p"], r
    assert " ro" in rows["/h"] and " ro" in rows["/f"], rows


def test_checkpoint_and_restore(podman):
    """It goes on counting where it was, and its output goes to the conmon of the restore."""
    why = unable()
    if why:
        pytest.skip(why)
    r = podman(*podman.run_argv("-d", "--log-driver", "k8s-file", "i=0; while :; do i=$((i + 1)); echo $i; sleep 0.2; done"))
    assert r.returncode == 0, r
    name = r.stdout.strip()

    def lines():
        return podman("logs", name).stdout.split()

    try:
        wait_until(lambda: len(lines()) > 2)
        r = podman("container", "checkpoint", name)
        assert r.returncode == 0 and podman("inspect", "-f", "{{.State.Checkpointed}} {{.State.Running}}", name).stdout == "true false\n", r
        before = lines()
        r = podman("container", "restore", name)
        assert r.returncode == 0 and podman("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n", r
        after = wait_until(lambda: len(lines()) > len(before) + 2 and lines())
        assert [int(x) for x in after] == list(range(1, len(after) + 1)), after
        r = podman("exec", name, "/bin/sh", "-c", "exit 5")
        assert r.returncode == 5, r
    finally:
        assert podman("rm", "-f", "-t", "0", name).returncode == 0


# ---- an ordinary user ----


@pytest.fixture
def user_podman(podman):
    """As nobody, with a home and a runtime directory, and without ids of the host besides his own: root of a user namespace is who runs the runtime."""
    me = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
    if subprocess.run([*me, RUNTIME, "--version"], capture_output=True).returncode != 0:
        pytest.skip("an ordinary user does not reach the runtime here")
    where = Path(tempfile.mkdtemp(prefix="mydocker-podman-", dir="/tmp"))
    shutil.copytree(podman.root, where / "root", symlinks=True)
    (where / "run").mkdir(mode=0o700)
    subprocess.run(["chown", "-R", "65534:65534", where], check=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(where), "XDG_RUNTIME_DIR": str(where / "run")}
    base = [*me, "podman", "--root", str(where / "store"), "--runroot", str(where / "run/podman"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
            "--events-backend", "file", "--runtime", str(RUNTIME)]

    def call(*args):
        return subprocess.run([*base, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, env=env, cwd=where)

    call.where = where
    yield call
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        assert str(where) not in line.split()[4], line
    pause = where / "run/libpod/tmp/pause.pid"
    if pause.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pause.read_text()), 9)
    shutil.rmtree(where)


def test_an_ordinary_user(user_podman):
    rootfs = ["--network", "none", "--rootfs", str(user_podman.where / "root"), "/bin/sh", "-c"]
    r = user_podman("run", "--rm", *rootfs, "id -u; cat /proc/self/uid_map; exit 7")
    assert r.returncode == 7 and r.stdout.split() == ["0", "0", "65534", "1"], r
    r = user_podman("run", "-d", *rootfs, LOOP)
    assert r.returncode == 0, r
    name = r.stdout.strip()
    try:
        wait_until(lambda: "started" in user_podman("logs", name).stdout)
        assert os.listdir(user_podman.where / "run/mydocker-runtime/containers") == [name]
        r = user_podman("exec", name, "/bin/sh", "-c", "echo inside; exit 5")
        assert r.returncode == 5 and r.stdout == "inside\n", r
        assert user_podman("stop", "-t", "10", name).returncode == 0
        assert user_podman("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "4\n"
    finally:
        assert user_podman("rm", "-f", "-t", "0", name).returncode == 0
