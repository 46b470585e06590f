"""mydocker-runtime exec, ps, pause, resume, kill --all: what is done to a container that runs."""
import array
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, runtime  # noqa: F401: some are fixtures
from harness import Terminal, cgroup_mount, cgroup_mounts, groups_of, values, wait_until

SPACES = ("cgroup", "ipc", "mnt", "net", "pid", "uts", "user")


def failed(r, *words):
    assert r.returncode == 255 and r.stderr.startswith("mydocker-runtime: exec failed: ") and r.stderr.count("\n") == 1, r
    assert all(w in r.stderr for w in words), r


@pytest.fixture
def running(life):
    def more(c):
        c["linux"]["namespaces"].extend({"type": t} for t in ("ipc", "network", "cgroup"))
        c["mounts"].extend([{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                            {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}])

    life.start("seq", "say", "up", ",", "sleep", "60000", change=more)
    wait_until(lambda: "up" in life.text())
    return life


def test_it_is_in_the_container(running):
    """Every namespace, its root and its groups; none of our descriptors; the container's user, folder and privileges."""
    r = good(running.exec(("seq", "show", "ns", "ids", "host", "fds", "caps", "security", ",", "exit", "0")))
    v, pid = values(r.stdout), running.state()["pid"]
    for name in SPACES:
        assert v[f"ns.{name}"] == os.readlink(f"/proc/{pid}/ns/{name}"), name
    assert v["host.name"] == "bundled" and v["host.cwd"] == "/work" and "fds.3" not in r.stdout, r
    assert v["security.nnp"] == "1"


def test_its_exit_code(running):
    assert running.exec(("exit", "7")).returncode == 7
    assert running.exec(("die", "9")).returncode == 137


@pytest.mark.root("control groups of the host")
def test_its_groups_are_the_containers(running):
    with subprocess.Popen(running.argv("exec", "c1", "/bin/probe", "seq", "say", "in", ",", "sleep", "60000"), stdout=subprocess.PIPE, text=True) as p:
        p.stdout.readline()
        pids = json.loads(good(running.call("ps", "--format", "json", "c1")).stdout)
        assert len(pids) == 2 and running.state()["pid"] in pids
        first, other = (sorted(open(f"/proc/{x}/cgroup", encoding="utf-8").read().splitlines()) for x in pids)
        assert [x for x in first if GROUPS in x] == [x for x in other if GROUPS in x] and any(GROUPS in x for x in first)
        good(running.call("kill", "--all", "c1", "KILL"))
        assert p.wait(20) == 137
    running.wait_for("stopped")


def test_what_options_say(running):
    r = good(running.exec("--cwd", "/t", "-e", "X=1", "--env", "A=other", ("seq", "show", "host", ",", "env")))
    assert values(r.stdout)["host.cwd"] == "/t" and "3:X=1" in r.stdout and "7:A=other" in r.stdout and "A=b" not in r.stdout and "HOME=/" in r.stdout, r


@pytest.mark.root("ids are mapped for root alone")
def test_who_it_is(running):
    r = good(running.exec("--user", "77:78", "-g", "90", "--additional-gids", "91", "--cap", "CAP_CHOWN", ("show", "ids", "groups", "caps")))
    v = values(r.stdout)
    assert v["ids.uid"] == "77,77,77" and v["ids.gid"] == "78,78,78" and v["groups"] == "90,91", r
    assert int(v["caps.bnd"], 16) == 1 << 5 | 1, r
    for option, value, words in (("--user", "nobody", "UID[:GID]"), ("-g", "x", "not the number of a group")):
        failed(running.exec(option, value, ("exit", "0")), words)
    r = running.exec("--cap", "CAP_FLY", ("show", "caps"))
    assert r.returncode == 0 and "--cap 'CAP_FLY': unknown capability ignored" in r.stderr and int(values(r.stdout)["caps.bnd"], 16) == 1 << 5, r


def test_home_is_of_the_containers_passwd(life):
    life.start("sleep", "60000", image={"etc/passwd": "root:x:0:0::/root/of:/bin/sh\nfive:x:5:6::/home/five:/bin/sh\n"})
    assert ("HOME=/home/five" if os.geteuid() == 0 else "HOME=/root/of") in good(life.exec(("env",))).stdout
    assert "HOME=/other" in good(life.exec("-e", "HOME=/other", ("env",))).stdout


def test_a_process_file(running):
    process = running.bundle / "process.json"
    what = {"args": ["/bin/probe", "seq", "show", "host", ",", "env"], "env": ["ONLY=this"], "cwd": "/data", "user": {"uid": 0, "gid": 0}}
    process.write_text(json.dumps(what))
    r = good(running.call("exec", "--process", process, "c1"))
    assert values(r.stdout)["host.cwd"] == "/data" and "9:ONLY=this" in r.stdout and "A=b" not in r.stdout, r
    process.write_text(json.dumps(what | {"cwd": "data"}))
    failed(running.call("exec", "-p", process, "c1"), "cwd must be an absolute path")
    process.write_text(json.dumps({k: v for k, v in what.items() if k != "args"}))
    failed(running.call("exec", "-p", process, "c1"), "args is missing")
    failed(running.call("exec", "-p", running.bundle / "none", "c1"), "No such file or directory")
    failed(running.call("exec", "-p", process, "c1", "x"), "exclude each other")


def test_detached(running):
    """Nobody waits; the number is the host's, and the process is nobody's here."""
    out = running.bundle / "out2"
    with open(out, "wb") as f:
        r = subprocess.run([*map(str, running.argv("exec", "-d", "--pid-file", running.bundle / "pid", "c1", "/bin/probe", "seq", "say", "there", ",", "sleep", "60000"))],
                           stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=20)  # no pipe: the process has its other end
    assert r.returncode == 0, r
    wait_until(lambda: out.read_text() == "there\n")
    text = (running.bundle / "pid").read_text()
    assert text.isdigit() and os.readlink(f"/proc/{text}/ns/pid") == os.readlink(f"/proc/{running.state()['pid']}/ns/pid")
    status = open(f"/proc/{text}/status", encoding="utf-8").read()
    assert f"PPid:\t{os.getpid()}\n" not in status


def test_a_terminal_of_its_own(running):
    t = Terminal([*map(str, running.argv("exec", "-t", "c1", "/bin/probe", "seq", "show", "session", ",", "say", "it", "is"))], os.environ)
    try:
        t.expect("it is")
        assert t.wait() == 0 and "session.ctty=1" in t.text, t.text
    finally:
        t.close()


def test_a_terminal_for_somebody_else(running):
    path = running.bundle / "console"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        s.settimeout(20)
        failed(running.call("exec", "-d", "-t", "c1", "/bin/probe", "exit", "0"), "without setting console socket")
        failed(running.call("exec", "--console-socket", path, "c1", "/bin/probe", "exit", "0"), "cannot use console socket")
        good(running.call("exec", "-d", "-t", "--console-socket", path, "c1", "/bin/probe", "seq", "say", "hello", ",", "sleep", "60000"))
        conn, _ = s.accept()
        with conn:
            name, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
        master = array.array("i", data[0][2])[0]
        try:
            assert name == b"/dev/ptmx" and os.read(master, 100).startswith(b"hello")
        finally:
            os.close(master)


def test_preserved_descriptors(running):
    """And no others. One that is not open is refused before anything is done."""
    r, w = os.pipe()
    result = running.call("exec", "--preserve-fds", "1", "c1", "/bin/probe", "show", "fds", preexec_fn=lambda: os.dup2(r, 3), close_fds=False)
    os.close(r)
    os.close(w)
    assert "fds.3=pipe" in good(result).stdout and "fds.4" not in result.stdout
    failed(running.exec("--preserve-fds", "5", ("exit", "0")), "--preserve-fds 5: descriptor 3 is not open")


@pytest.mark.parametrize("words, told", [
    (["/no/such"], 'exec: "/no/such": stat /no/such: no such file or directory'),
    (["nowhere"], 'exec: "nowhere": executable file not found in $PATH'),
    (["/etc"], 'exec: "/etc": permission denied'),
    ([], "process args cannot be empty"),
])
def test_a_command_that_cannot_begin(running, words, told):
    failed(running.call("exec", "c1", *words), told)


def test_a_folder_that_is_not_there(running):
    failed(running.exec("--cwd", "/no/such", ("exit", "0")), "/no/such", "No such file or directory")
    failed(running.exec("--cwd", "relative", ("exit", "0")), "Cwd must be an absolute path")


def test_only_in_one_that_runs(life):
    failed(life.exec(("exit", "0")), "container c1 does not exist")
    life.start("exit", "0")
    life.wait_for("stopped")
    failed(life.exec(("exit", "0")), "cannot exec in a stopped container")


def test_in_one_that_is_created(life):
    good(life.create("sleep", "60000"))
    assert life.exec(("exit", "3")).returncode == 3


def test_its_filter_is_the_containers(life):
    """So that nothing gets in that the container itself may not do."""
    def no_mkdir(c):
        c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]}

    life.start("sleep", "60000", change=no_mkdir)
    assert "errno=99" in life.exec(("mkdir", "/t/x")).stdout


def test_what_is_damaged_is_said(running):
    (running.state_dir / "containers/c1/config.json").write_text("{")
    failed(running.exec(("exit", "0")), "config.json", "line 1")


@pytest.mark.root("control groups of the host")
def test_sub_groups(running):
    group = cgroup_mount("pids") / GROUPS / "c1/sub"
    group.mkdir()
    try:
        r = good(running.exec("--cgroup", "pids:/sub", ("cat", "/proc/self/cgroup")))
        assert any("pids" in x and x.endswith("/sub") for x in r.stdout.splitlines()) or cgroup_mount("pids") == cgroup_mount("cpu"), r
        failed(running.exec("--cgroup", "../other", ("exit", "0")), "../other is not a sub cgroup path")
        failed(running.exec("--cgroup", "pids:absent", ("exit", "0")), "c1/absent", "no such file")
    finally:
        group.rmdir()


# ---- ps ----


@pytest.mark.root("control groups of the host")
def test_ps(running):
    pid = str(running.state()["pid"])
    lines = good(running.call("ps", "c1")).stdout.splitlines()
    assert lines[0].split()[:3] == ["UID", "PID", "PPID"] and [x.split()[1] for x in lines[1:]] == [pid]
    lines = good(running.call("ps", "c1", "-e", "-o", "pid,comm")).stdout.splitlines()
    assert lines[0].split()[0] == "PID" and lines[1].split() == [pid, "probe"] and len(lines) == 2
    bad(running.call("ps", "c1", "-e", "-o", "comm"), "couldn't find PID field in ps output")
    bad(running.call("ps", "c1", "--no-such-option"), "exit status")
    bad(running.call("ps", "-f", "xml", "c1"), "invalid format option")


# ---- pause and resume ----


@pytest.mark.root("control groups of the host")
def test_pause_and_resume(running):
    pid = running.state()["pid"]
    bad(running.call("resume", "c1"), "container not paused")
    good(running.call("pause", "c1"))
    assert running.status() == "paused"
    bad(running.call("pause", "c1"), "container not running: paused")
    failed(running.exec(("exit", "0")), "cannot exec in a paused container (use --ignore-paused to override)")
    with subprocess.Popen(running.argv("exec", "--ignore-paused", "c1", "/bin/probe", "exit", "5")) as p:
        time.sleep(0.2)
        assert p.poll() is None  # it waits for the rest to go on
        good(running.call("resume", "c1"))
        assert p.wait(20) == 5
    assert running.status() == "running" and running.state()["pid"] == pid


@pytest.mark.root("control groups of the host")
@pytest.mark.parametrize("how", [("kill", "c1", "KILL"), ("delete", "--force", "c1")])
def test_a_paused_one_dies(running, how):
    good(running.call("pause", "c1"))
    good(running.call(*how))
    wait_until(lambda: "does not exist" in running.state() or running.status() == "stopped")


@pytest.mark.root("control groups of the host")
def test_a_paused_one_is_not_deleted(running):
    good(running.call("pause", "c1"))
    bad(running.call("delete", "c1"), "cannot delete container c1 that is not stopped: paused")


# ---- kill ----


@pytest.mark.root("without a pid namespace nobody but the groups knows who belongs to it")
def test_all_of_a_container_without_a_pid_namespace(life):
    def host_pids(c):
        c["linux"]["namespaces"] = [x for x in c["linux"]["namespaces"] if x["type"] != "pid"]

    life.start("seq", "spawn", "3", ",", "say", "up", ",", "exit", "0", change=host_pids)
    life.wait_for("stopped")
    pids = json.loads(good(life.call("ps", "--format", "json", "c1")).stdout)
    assert len(pids) == 3
    bad(life.call("kill", "c1", "KILL"), "container not running")
    good(life.call("kill", "--all", "c1", "KILL"))
    wait_until(lambda: json.loads(life.call("ps", "--format", "json", "c1").stdout) == [])
    good(life.call("kill", "-a", "c1", "KILL"))  # nobody is left that has not got it


def test_all_without_groups(life):
    """Nobody knows of more than the first process then."""
    from bundles import write_config
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    r = subprocess.run([*map(str, [RUNTIME, "--root", life.state_dir, "--cgroup-manager", "disabled", "run", "-d", "-b", life.bundle, "c1"])],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    assert r.returncode == 0 and life.status() == "running"
    good(life.call("kill", "--all", "c1", "KILL"))
    life.wait_for("stopped")


# ---- run --detach, --keep ----


def test_run_detached(life):
    from bundles import write_config
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    r = subprocess.run([*map(str, life.argv("run", "-d", "-b", life.bundle, "--pid-file", life.bundle / "pid", "c1"))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    assert r.returncode == 0 and life.status() == "running" and life.state()["pid"] == int((life.bundle / "pid").read_text())
    good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")
    good(life.call("delete", "c1"))


def test_run_and_keep(life):
    from bundles import write_config
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "exit", "4"]))
    assert life.call("run", "--keep", "-b", str(life.bundle), "c1").returncode == 4
    assert life.status() == "stopped"
    good(life.call("delete", "c1"))


def test_the_pidfd_goes_to_a_socket(life):
    path = life.bundle / "pidfd"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        s.settimeout(20)
        good(life.create("sleep", "60000", options=["--pidfd-socket", path]))
        conn, _ = s.accept()
        with conn:
            _, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
        pidfd = array.array("i", data[0][2])[0]
        try:
            info = dict(x.split(":\t") for x in open(f"/proc/self/fdinfo/{pidfd}", encoding="utf-8").read().splitlines())
            assert int(info["Pid"]) == life.state()["pid"]
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)
    life.wait_for("stopped")
