"""mydocker-runtime in runc's place: its help and version, its log, what callers know of runc beyond the specification."""
import json
import os
import re
import socket
import subprocess

import pytest

from bundles import RUNTIME, bad, bundle, good, life, run, runtime, write_config  # noqa: F401: some are fixtures
from harness import cgroup_mounts

COMMANDS = "create delete events exec features kill list pause ps resume run spec start state update".split()


# ---- help and version ----


def as_runc(path, *args):
    """Called by another name, as callers do who look for "runc"."""
    link = path / "runc"
    link.symlink_to(RUNTIME)
    return subprocess.run([link, *args], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], ["h"], []])
def test_help_is_runcs_in_form(tmp_path, words):
    lines = good(as_runc(tmp_path, *words)).stdout.splitlines()
    assert lines[:2] == ["NAME:", "   runc - Open Container Initiative runtime"] and "USAGE:" in lines and "GLOBAL OPTIONS:" in lines
    for c in COMMANDS:
        assert any(re.match(rf"   {c} +\w", x) for x in lines), c


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    for words in ([command, "--help"], [command, "-h"], ["help", command]):
        lines = good(runtime(*words)).stdout.splitlines()
        assert lines[0] == "NAME:" and lines[1].startswith(f"   mydocker-runtime {command} - ") and f"   mydocker-runtime {command}" in lines[4], lines


@pytest.mark.parametrize("words", [["foo"], ["foo", "-h"], ["help", "foo"]])
def test_no_such_command(words):
    r = runtime(*words)
    assert r.returncode == 3 and "No help topic for 'foo'" in r.stderr, r


def test_version(tmp_path):
    lines = good(as_runc(tmp_path, "--version")).stdout.splitlines()
    assert re.fullmatch(r"runc version \d+\.\d+\.\d+", lines[0]) and re.fullmatch(r"commit: \w+", lines[1]) and lines[2] == "spec: 1.3.0"
    assert good(runtime("-v")).stdout.splitlines()[0].startswith("mydocker-runtime version ")


# ---- --debug ----

RUN_WORDS = ["nsexec container setup", "child process in init()", "init: closing the pipe to signal completion"]


def entries(text, form):
    if form == "json":
        return [(x["level"], x["msg"]) for x in map(json.loads, text.splitlines())]
    found = [re.fullmatch(r'time="[^"]+" level=(\w+) msg=("(?:[^"\\]|\\.)*")', x) for x in text.splitlines()]
    assert all(found), text
    return [(m[1], json.loads(m[2])) for m in found]


@pytest.mark.parametrize("form", ["text", "json"])
def test_debug_tells_of_both_halves(life, form):
    """In the file of --log and nowhere else; init's half, too, in its own words."""
    log = life.bundle / "log"
    options = ["--debug", "--log", str(log), "--log-format", form]
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    good(detached(life, *options))
    said = entries(log.read_text(), form)
    assert all(level == "debug" for level, _ in said) and all(any(w in msg for _, msg in said) for w in RUN_WORDS), said
    assert any(msg.startswith("init mounts the root") for _, msg in said) and any(msg.startswith("runtime makes the control groups") for _, msg in said)
    log.unlink()
    good(life.call(*options, "exec", "c1", "/bin/probe", "exit", "0"))
    assert any("setns_init: about to exec" in msg for _, msg in entries(log.read_text(), form))


def detached(life, *options):
    with open(life.out, "wb") as out, open(life.bundle / "err", "w+", encoding="utf-8") as err:
        r = subprocess.run([RUNTIME, "--root", life.state_dir, *options, "run", "-d", "-b", life.bundle, "c1"], stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=30)
        err.seek(0)
        r.stderr = err.read()
    return r


def test_debug_without_a_log_goes_to_standard_error(bundle):  # noqa: F811
    r = run(bundle, "say hello")
    assert "level=debug" not in r.stderr
    r = subprocess.run([RUNTIME, "--debug", "--root", bundle / "state", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and r.stdout == "hello\n" and all(w in r.stderr for w in RUN_WORDS), r
    assert all(level == "debug" for level, _ in entries(r.stderr, "text"))


def test_debug_tells_how_far_a_failed_start_came(bundle):  # noqa: F811
    r = run(bundle, "exit 0", change=lambda c: c["process"].update(args=["/no/such"]))
    assert r.returncode == 1
    r = subprocess.run([RUNTIME, "--debug", "--root", bundle / "state", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and "init mounts the root" in r.stderr and "closing the pipe" not in r.stderr, r


# ---- what is runc's way ----


def test_signal_0_and_all_of_a_stopped_one(life):
    good(life.create("sleep", "60000"))
    good(life.call("kill", "c1", "0"))
    good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")
    good(life.call("kill", "-a", "c1", "0"))
    bad(life.call("kill", "c1", "0"), "container not running")


@pytest.mark.root("another user's folder")
def test_who_may_not_go_to_the_working_directory_is_put_there(life):
    (life.bundle / "root/closed").mkdir(mode=0o700)
    os.chown(life.bundle / "root/closed", 42, 42)
    life.start("sleep", "60000", change=lambda c: c["process"].update(cwd="/closed", user={"uid": 42, "gid": 42}))
    good(life.exec("--user", "0", ("exit", "0")))


def test_a_process_from_a_pipe(life):
    life.start("sleep", "60000")
    read, write = os.pipe()
    with open(write, "w", encoding="utf-8") as w:
        json.dump({"cwd": "/", "args": ["/bin/probe", "exit", "6"], "user": {"uid": 0, "gid": 0}}, w)
    r = life.call("exec", "--process", f"/dev/fd/{read}", "c1", pass_fds=[read])
    os.close(read)
    assert r.returncode == 6, r


def test_create_container_hooks_begin_in_the_root(bundle):  # noqa: F811
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "test -x bin/probe && test -e work && echo there > data/there"]}
    r = run(bundle, "cat /data/there", change=lambda c: (c.update(hooks={"createContainer": [hook]}), c["mounts"][1].update(options=["rbind"])))
    assert r.returncode == 0 and r.stdout == "there\n", r


@pytest.mark.root("groups")
def test_kept_with_its_groups(life):
    r = run(life.bundle, "exit 0", "--keep")
    assert r.returncode == 0, r
    assert any(p.exists() for p in groups()) and life.status() == "stopped"
    good(life.call("delete", "c1"))
    assert not any(p.exists() for p in groups())


def groups():
    return [p / f"test-bundle-{os.getpid()}" / "c1" for p, _, _ in cgroup_mounts()]


@pytest.mark.root("groups")
def test_a_group_that_is_there(bundle):  # noqa: F811
    """An empty one is used, one with processes or that is frozen refused; both stay."""
    one = groups()[0]
    one.mkdir(parents=True)
    r = run(bundle, "exit 3")
    assert r.returncode == 3 and not one.exists(), r
    freezer = next((p for p in groups() if (p.parent.parent / "freezer.state").exists() or p.parts[4:5] == ("freezer",)), None)
    one.mkdir(parents=True)
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (one / "cgroup.procs").write_text(str(sleeper.pid))
        r = run(bundle, "exit 3")
        assert r.returncode == 1 and "container's cgroup is not empty" in r.stderr and sleeper.poll() is None and one.exists(), r
    finally:
        sleeper.kill()
        sleeper.wait()
    one.rmdir()
    one.parent.rmdir()
    frozen = freezer or one
    frozen.mkdir(parents=True)
    switch = next(f for f in (frozen / "freezer.state", frozen / "cgroup.freeze") if f.exists())
    switch.write_text("FROZEN" if switch.name == "freezer.state" else "1")
    r = run(bundle, "exit 3")
    assert r.returncode == 1 and "container's cgroup unexpectedly frozen" in r.stderr and frozen.exists(), r
    frozen.rmdir()
    frozen.parent.rmdir()


@pytest.mark.root("joins groups")
def test_sub_groups_of_exec(life):
    life.start("sleep", "60000")
    for cgroup, words in (("..", " .. is not a sub cgroup path"), ("whaaat:/", "unknown controller whaaat"), ("none", "/none/cgroup.procs: no such file")):
        r = life.exec("--cgroup", cgroup, ("exit", "0"))
        assert r.returncode == 255 and words in r.stderr, r


# ---- seccomp and the start ----


def strict(*names):
    """Nothing is allowed but these."""
    return lambda c: (c["process"].update(noNewPrivileges=False), c["linux"].update(seccomp={
        "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": list(names), "action": "SCMP_ACT_ALLOW"}]}))


BARE = "execve arch_prctl set_tid_address exit exit_group write writev ioctl brk mmap munmap mprotect".split()


@pytest.mark.root("a filter without noNewPrivileges")
def test_a_run_takes_nothing_of_the_filter_but_execve(bundle):  # noqa: F811
    r = run(bundle, "exit 5", change=strict(*BARE))
    assert r.returncode == 5, r


@pytest.mark.root("a filter without noNewPrivileges")
def test_the_start_is_awaited_by_read_alone(life):
    """Nor is a socket needed, or anything else that a filter may refuse."""
    good(life.create("say", "begun", change=strict(*BARE, "capset", "close", "read")))
    good(life.call("start", "c1"))
    life.wait_for("stopped")
    assert life.text() == "begun\n"


@pytest.mark.root("a filter without noNewPrivileges")
def test_who_waits_is_filtered_and_no_admin(life):
    good(life.create("exit", "0", change=strict(*BARE, "capset", "close", "read")))
    status = open(f"/proc/{life.state()['pid']}/status", encoding="utf-8").read()
    assert "Seccomp:\t2\n" in status and int(re.search(r"CapPrm:\t(\w+)", status)[1], 16) >> 21 & 1 == 0, status


@pytest.mark.root("a filter without noNewPrivileges")
@pytest.mark.parametrize("new_privileges", [True, False])
def test_start_container_hooks_run_under_the_filter(bundle, new_privileges):  # noqa: F811
    def change(c):
        c["process"]["noNewPrivileges"] = not new_privileges
        c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["nanosleep", "clock_nanosleep"], "action": "SCMP_ACT_KILL_PROCESS"}]}
        c["hooks"] = {"startContainer": [{"path": "/bin/probe", "args": ["probe", "sleep", "1"]}]}

    r = run(bundle, "exit 0", change=change)
    assert r.returncode == 1 and "error running startContainer hook #0: error running hook: signal: 31 (bad system call)" in r.stderr, r


def test_two_starts_at_once(life):
    """One of them lets the command begin; the other is told that it is late."""
    for _ in range(5):
        good(life.create("sleep", "60000"))
        two = [subprocess.Popen(life.argv("start", "c1"), stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [p.communicate(timeout=30)[1] for p in two]
        assert sorted(p.returncode for p in two) == [0, 1] and "cannot start an already running container" in "".join(said), said
        good(life.call("delete", "-f", "c1"))


def test_a_created_one_that_dies_under_the_start(life):
    """Whoever lets it begin while it ends is told so, or that it has stopped."""
    good(life.create("exit", "0"))
    os.kill(life.state()["pid"], 19)
    start = subprocess.Popen(life.argv("start", "c1"), stderr=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        start.wait(0.3)
    good(life.call("kill", "c1", "KILL"))
    assert "ended before its command began" in start.communicate(timeout=30)[1] and start.returncode == 1


# ---- NOTIFY_SOCKET ----


@pytest.fixture
def manager(tmp_path):
    """Who waits for READY=1, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "manager"))
        s.settimeout(20)
        yield s


def tells(*messages):
    """A command in the container that says this to NOTIFY_SOCKET, as sd_notify(3) does: nobody may listen any more."""
    return "import contextlib, os, socket\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.connect(os.environ['NOTIFY_SOCKET'])\n" + "".join(
        f"with contextlib.suppress(OSError):\n    s.send({m!r})\n" for m in messages)


def of_the_host(c):
    """The host's programs, in a root of the test's own."""
    c["process"]["user"] = {"uid": 0, "gid": 0}
    for where in ("usr", "lib", "lib64", "bin"):
        c["mounts"].append({"destination": "/" + where, "type": "none", "source": "/" + where, "options": ["rbind", "ro"]})


def notified(bundle, manager, *options, messages=(b"STATUS=x\nREADY=0\n", b"STATUS=y\nREADY=1\n", b"MAINPID=1\n"), end="import time\ntime.sleep(600)\n"):
    def change(c):
        of_the_host(c)
        c["process"]["args"] = ["/usr/bin/python3", "-c", tells(*messages) + end]

    write_config(bundle, change)
    env = os.environ | {"NOTIFY_SOCKET": manager.getsockname()}
    return subprocess.Popen([RUNTIME, "--root", bundle / "state", *options, "-b", bundle, "c1"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.root("the host's programs in a container")
def test_ready_is_passed_on(life, manager):
    """Of all that a container says that alone, with who is to be watched: in the foreground us, else the container's process."""
    p = notified(life.bundle, manager, "run")
    assert manager.recv(4096) == b"READY=1\n" and manager.recv(4096) == b"MAINPID=%d\n" % p.pid
    good(life.call("kill", "c1", "KILL"))
    assert p.wait(20) == 137
    p = notified(life.bundle, manager, "run", "-d")
    assert manager.recv(4096) == b"READY=1\n" and manager.recv(4096) == b"MAINPID=%d\n" % life.state()["pid"] and p.wait(20) == 0
    manager.settimeout(0.2)
    with pytest.raises(TimeoutError):
        manager.recv(4096)


@pytest.mark.root("the host's programs in a container")
def test_start_waits_until_it_is_ready(life, manager):
    assert notified(life.bundle, manager, "create").wait(20) == 0
    env = os.environ | {"NOTIFY_SOCKET": manager.getsockname()}
    good(life.call("start", "c1", env=env))
    assert manager.recv(4096) == b"READY=1\n" and manager.recv(4096) == b"MAINPID=%d\n" % life.state()["pid"]


@pytest.mark.root("the host's programs in a container")
def test_one_that_ends_unready(life, manager):
    p = notified(life.bundle, manager, "run", "-d", messages=[b"READY=0"], end="")
    assert p.wait(20) == 0
    life.wait_for("stopped")
