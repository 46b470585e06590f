"""The runtime's command line, section 1: what podman with conmon, buildah, containerd and Docker send, call by call.

The callers themselves run in tests/integration/test_podman.py and test_docker.py; here is what they send, with what they rely on.
"""
import array
import json
import os
import re
import socket
import subprocess
import time

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, runtime, write_config  # noqa: F401: some are fixtures
from harness import cgroup_mount, wait_until

LOOP = ("seq", "say", "up", ",", "sleep", "60000")


class Caller:
    """One of them: global options in front of each call, and a container that writes into a file."""

    def __init__(self, life, *front):
        self.life, self.bundle, self.front, self.log = life, life.bundle, [*map(str, front)], life.bundle / "log.json"

    def __call__(self, *args, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        with open(self.bundle / "said", "w+b") as said:
            r = subprocess.run([*map(str, [RUNTIME, "--root", self.life.state_dir, *self.front, *args])], stdout=kw.pop("stdout", subprocess.PIPE), stderr=said, text=True, timeout=30, **kw)
            said.seek(0)
            r.stderr = said.read().decode()
        return r

    def container(self, *args, **kw):
        with open(self.life.out, "ab") as out:
            return self(*args, stdout=out, **kw)

    def last_error(self):
        lines = [json.loads(x) for x in self.log.read_text().splitlines()]
        return [x["msg"] for x in lines if x["level"] == "error"][-1]


@pytest.fixture
def conmon(life):
    return Caller(life, "--log-format=json", "--log", life.bundle / "log.json")


@pytest.fixture
def shim(life):
    return Caller(life, "--log", life.bundle / "log.json", "--log-format", "json")


def command(caller, *words, change=lambda c: None):
    write_config(caller.bundle, lambda c: (c["process"].update(args=["/bin/probe", *words]), change(c)))


def process(caller, *words, **more):
    path = caller.bundle / "process.json"
    path.write_text(json.dumps({"user": {"uid": 0, "gid": 0}, "args": ["/bin/probe", *words], "cwd": "/", "env": ["A=b"]} | more))
    return path


def pid_of(path):
    text = path.read_text()
    assert re.fullmatch(r"[1-9]\d*", text), text  # no newline: readers take it as a number
    return int(text)


def up(caller):
    wait_until(lambda: "up" in caller.life.text())


class Console:
    """Somebody who waits for a terminal."""

    def __init__(self, path):
        self.path, self.master = path, -1
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.socket.settimeout(0.2)  # it is there when the runtime has ended

    def take(self):
        conn, _ = self.socket.accept()
        with conn:
            self.name, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
        self.master = array.array("i", data[0][2])[0]
        return self

    def read_until(self, text):
        got = b""
        while text not in got:
            got += os.read(self.master, 4096)
        return got

    def close(self):
        self.socket.close()
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def console(life):
    c = Console(life.bundle / "console")
    yield c
    c.close()


def terminal(c):
    c["process"]["terminal"] = True
    c["mounts"] += [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}, {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]


def test_order_of_options_both_forms_and_ids_last(life):
    """Global ones first, `--flag value` and `--flag=value`, short ones too; what comes after the command's name is the command's."""
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", *LOOP]))
    log = life.bundle / "log.json"
    base = [RUNTIME, f"--root={life.state_dir}", "--log", log, "--log-format=json"]
    r = subprocess.run([*map(str, [*base, "create", f"--bundle={life.bundle}", "--pid-file", life.bundle / "pid", "c1"])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    assert r.returncode == 0
    good(runtime(*map(str, base[1:]), "kill", "c1", "KILL"))
    bad(runtime("state", "--root", str(life.state_dir), "c1"), "root")


@pytest.mark.parametrize("number", ["15", "TERM", "SIGTERM", "sigterm"])
def test_order_signals_by_number_and_name(life, number):
    life.start("trap", "15")
    wait_until(lambda: "ready" in life.text())
    good(life.call("kill", "c1", number))
    wait_until(lambda: "signal=15" in life.text())


# ---- podman and conmon ----


def test_podman_version():
    first, *rest = good(runtime("--version")).stdout.splitlines()
    assert re.fullmatch(r"\S+ version \S+", first) and "spec: 1.3.0" in rest


def test_podman_run(conmon):
    command(conmon, *LOOP)
    good(conmon.container("create", "--bundle", conmon.bundle, "--pid-file", conmon.bundle / "pid", "--no-new-keyring", "c1"))
    assert pid_of(conmon.bundle / "pid") == conmon.life.state()["pid"] and not conmon.log.exists()
    good(conmon("start", "c1"))
    up(conmon)
    good(conmon("kill", "c1", "9"))
    good(conmon("delete", "--force", "c1"))


def test_podman_run_on_a_terminal_with_descriptors(conmon, console):
    """--console-socket, and --preserve-fds N together with it."""
    command(conmon, "seq", "show", "fds", ",", "say", "up", change=terminal)
    r, w = os.pipe()
    try:
        result = conmon.container("create", "--bundle", conmon.bundle, "--pid-file", conmon.bundle / "pid", "--preserve-fds", "1", "--console-socket", console.path, "c1",
                                  preexec_fn=lambda: os.dup2(r, 3), close_fds=False)
    finally:
        os.close(r)
        os.close(w)
    good(result)
    console.take()
    good(conmon("start", "c1"))
    text = console.read_until(b"up")
    assert b"fds.3=pipe" in text and b"fds.4" not in text, text


@pytest.mark.root("it is asked for where a root cannot be pivoted to")
def test_podman_no_pivot(conmon):
    command(conmon, *LOOP)
    good(conmon.container("create", "--bundle", conmon.bundle, "--no-pivot", "c1"))
    good(conmon("start", "c1"))
    up(conmon)


def test_podman_debug_without_a_log_tells_errors_on_standard_error(life):
    r = life.call("--debug", "state", "c1")
    assert r.returncode == 1 and "container c1 does not exist" in r.stderr.splitlines()[-1] and not r.stdout, r


def test_podman_exec(conmon):
    """Detached, by a file, in the folder of the exec session."""
    command(conmon, *LOOP)
    good(conmon.container("create", "--bundle", conmon.bundle, "c1"))
    good(conmon("start", "c1"))
    folder = conmon.bundle / "session"
    folder.mkdir()
    good(conmon.container("exec", "--pid-file", folder / "pid", "--process", process(conmon, "seq", "say", "inside", ",", "sleep", "60000"), "--detach", "c1", cwd=folder))
    wait_until(lambda: "inside" in conmon.life.text())
    assert os.path.exists(f"/proc/{pid_of(folder / 'pid')}")


def test_podman_exec_on_a_terminal(conmon, console):
    command(conmon, *LOOP, change=lambda c: (terminal(c), c["process"].update(terminal=False)))
    good(conmon.container("create", "--bundle", conmon.bundle, "c1"))
    good(conmon("start", "c1"))
    good(conmon.container("exec", "--pid-file", conmon.bundle / "pid", "--process", process(conmon, "seq", "show", "session", ",", "say", "end", terminal=True), "--detach", "--tty", "--console-socket", console.path, "c1"))
    assert b"session.ctty=1" in console.take().read_until(b"end")


@pytest.mark.root("without a pid namespace nobody but the groups knows who belongs to it")
def test_podman_kill_all_without_a_pid_namespace(conmon):
    command(conmon, "seq", "spawn", "3", ",", "say", "up", ",", "sleep", "60000", change=lambda c: c["linux"].update(namespaces=[n for n in c["linux"]["namespaces"] if n["type"] != "pid"]))
    good(conmon.container("create", "--bundle", conmon.bundle, "c1"))
    good(conmon("start", "c1"))
    up(conmon)
    assert len(json.loads(good(conmon("ps", "--format", "json", "c1")).stdout)) == 4
    good(conmon("kill", "--all", "c1", "9"))
    wait_until(lambda: json.loads(conmon("ps", "--format", "json", "c1").stdout) == [])


@pytest.mark.root("groups of the host")
def test_podman_pause_and_update(conmon):
    command(conmon, *LOOP)
    good(conmon.container("create", "--bundle", conmon.bundle, "c1"))
    good(conmon("start", "c1"))
    good(conmon("pause", "c1"))
    assert conmon.life.status() == "paused"
    good(conmon("resume", "c1"))
    resources = conmon.bundle / "resources.json"
    resources.write_text('{"pids": {"limit": 44}}')
    good(conmon("update", f"--resources={resources}", "c1"))
    assert (cgroup_mount("pids") / GROUPS / "c1/pids.max").read_text() == "44\n"


def test_podman_checkpoint_help():
    """podman asks by it whether there is such a thing."""
    r = runtime("checkpoint", "--help")
    assert r.returncode == 0 and "image-path" in r.stdout, r


@pytest.mark.parametrize("name", ["checkpoint", "restore"])
def test_podman_checkpoint_and_restore_have_their_options(name):
    text = runtime(name, "--help").stdout
    options = {"checkpoint": "image-path work-path leave-running tcp-established ext-unix-sk file-locks pre-dump parent-path page-server manage-cgroups-mode empty-ns lazy-pages status-fd",
               "restore": "bundle pid-file detach image-path work-path tcp-established ext-unix-sk file-locks manage-cgroups-mode empty-ns lazy-pages no-subreaper"}[name]
    assert [o for o in options.split() if f"--{o}" not in text] == [], text


def checkpointed(caller, *options):
    """Its work is done by criu(8): where that cannot work on this host its reason is the test's."""
    r = subprocess.run(["criu", "check"], capture_output=True, text=True)
    if r.returncode:
        pytest.skip(f"criu check: {(r.stdout + r.stderr).strip().splitlines()[-1][:120]}")
    images = caller.bundle / "images"
    good(caller("checkpoint", "--image-path", images, "--work-path", images, *options, "c1"))
    return images


@pytest.mark.full
@pytest.mark.root("criu wants root")
@pytest.mark.skipif(not os.path.exists("/usr/sbin/criu"), reason="criu is not installed")
def test_podman_checkpoint_and_restore(conmon):
    command(conmon, *LOOP)
    good(conmon.container("create", "--bundle", conmon.bundle, "c1"))
    good(conmon("start", "c1"))
    up(conmon)
    images = checkpointed(conmon)
    good(conmon("delete", "--force", "c1"))
    good(conmon.container("restore", "--bundle", conmon.bundle, "--pid-file", conmon.bundle / "pid2", "--detach", "--image-path", images, "--work-path", images, "c1"))
    assert conmon.life.status() == "running" and pid_of(conmon.bundle / "pid2") == conmon.life.state()["pid"]


def test_podman_systemd_cgroup_is_in_front(life):
    """Where systemd does not run that is the error; it is not one of the command line."""
    write_config(life.bundle, lambda c: (c["process"].update(args=["/bin/probe", "exit", "0"]), c["linux"].update(cgroupsPath="user.slice:test:c1")))
    r = life.call("--systemd-cgroup", "run", "-b", str(life.bundle), "c1")
    assert r.returncode == 0 or "systemd" in r.stderr, r
    assert "unknown option" not in r.stderr and "not supported yet" not in r.stderr, r


def test_podman_variables_and_descriptors_of_conmon_do_not_reach_the_container(conmon):
    command(conmon, "seq", "env", ",", "show", "fds", ",", "say", "up")
    env = {**os.environ, "_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4", "_OCI_ATTACHPIPE": "5", "_CONTAINERS_ROOTLESS_UID": ""}
    r, w = os.pipe()
    for fd in (r, w):
        os.set_inheritable(fd, True)
    try:
        good(conmon.container("create", "--bundle", conmon.bundle, "c1", env=env, close_fds=False))
    finally:
        os.close(r)
        os.close(w)
    good(conmon("start", "c1"))
    up(conmon)
    text = conmon.life.text()
    assert "_OCI" not in text and "_CONTAINERS" not in text and "fds.3=" not in text, text


def test_podman_cgroups_disabled(life):
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "cat", "/proc/self/cgroup"]))
    r = life.call("--cgroup-manager", "disabled", "run", "-b", str(life.bundle), "c1")
    assert r.returncode == 0 and r.stdout == open("/proc/self/cgroup", encoding="utf-8").read(), r


# ---- buildah ----


def test_buildah(life):
    """No log file: errors on standard error; state is polled; the working directory is the bundle."""
    caller = Caller(life)
    command(caller, "seq", "say", "up", ",", "sleep", "300")
    good(caller.container("create", "--bundle", life.bundle, "--pid-file", life.bundle / "pid", "c1", cwd=life.bundle))
    good(caller("start", "c1"))
    wait_until(lambda: json.loads(good(caller("state", "c1")).stdout)["status"] == "stopped")
    good(caller("delete", "c1"))
    bad(caller("state", "c1"), "does not exist")


# ---- containerd and Docker ----


def test_containerd_run(shim, console):
    command(shim, "seq", "show", "session", ",", "say", "up", ",", "sleep", "60000", change=terminal)
    good(shim.container("create", "--bundle", shim.bundle, "--pid-file", shim.bundle / "init.pid", "--console-socket", console.path, "c1"))
    console.take()
    good(shim("start", "c1"))
    assert b"session.ctty=1" in console.read_until(b"up")


def test_containerd_exit_and_the_delete_after_the_delete(shim):
    command(shim, "exit", "0")
    good(shim.container("create", "--bundle", shim.bundle, "--pid-file", shim.bundle / "init.pid", "c1"))
    good(shim("start", "c1"))
    shim.life.wait_for("stopped")
    good(shim("delete", "c1"))
    r = good(shim("delete", "--force", "c1"))
    assert not r.stdout and not shim.log.exists()


def test_containerd_create_that_failed(shim):
    command(shim, "exit", "0", change=lambda c: c["root"].update(path="absent"))
    r = shim.container("create", "--bundle", shim.bundle, "--pid-file", shim.bundle / "init.pid", "c1")
    assert r.returncode == 1 and "absent" in shim.last_error() and not (shim.bundle / "init.pid").exists()
    good(shim("delete", "--force", "c1"))


def test_containerd_exec_takes_the_terminal_from_the_file(shim, console):
    command(shim, *LOOP, change=lambda c: (terminal(c), c["process"].update(terminal=False)))
    good(shim.container("create", "--bundle", shim.bundle, "c1"))
    good(shim("start", "c1"))
    good(shim.container("exec", "--process", process(shim, "seq", "show", "session", ",", "say", "end", terminal=True), "--console-socket", console.path, "--detach", "--pid-file", shim.bundle / "e1.pid", "c1"))
    assert b"session.ctty=1" in console.take().read_until(b"end") and pid_of(shim.bundle / "e1.pid")


def test_containerd_stop(shim):
    command(shim, "trap", "15")
    good(shim.container("create", "--bundle", shim.bundle, "c1"))
    good(shim("start", "c1"))
    wait_until(lambda: "ready" in shim.life.text())
    good(shim("kill", "c1", "15"))
    shim.life.wait_for("stopped")
    good(shim("kill", "--all", "c1", "9"))


@pytest.mark.root("groups of the host")
def test_containerd_top(shim):
    command(shim, *LOOP)
    good(shim.container("create", "--bundle", shim.bundle, "c1"))
    good(shim("start", "c1"))
    assert json.loads(good(shim("ps", "--format", "json", "c1")).stdout) == [shim.life.state()["pid"]]


@pytest.mark.root("groups of the host")
def test_containerd_pause_and_update(shim):
    command(shim, *LOOP)
    good(shim.container("create", "--bundle", shim.bundle, "c1"))
    good(shim("start", "c1"))
    good(shim("pause", "c1"))
    good(shim("resume", "c1"))
    for words in (["--resources", "-"], ["--resources=-"]):
        limit = 30 + len(words)
        r = subprocess.run([*map(str, [RUNTIME, "--root", shim.life.state_dir, *shim.front, "update", *words, "c1"])], input=json.dumps({"pids": {"limit": limit}}), capture_output=True, text=True, timeout=30)
        assert r.returncode == 0 and (cgroup_mount("pids") / GROUPS / "c1/pids.max").read_text() == f"{limit}\n", r


@pytest.mark.full
@pytest.mark.root("criu wants root")
@pytest.mark.skipif(not os.path.exists("/usr/sbin/criu"), reason="criu is not installed")
def test_containerd_checkpoint_leaves_it_running(shim):
    command(shim, *LOOP)
    good(shim.container("create", "--bundle", shim.bundle, "c1"))
    good(shim("start", "c1"))
    up(shim)
    good(shim("pause", "c1"))
    checkpointed(shim, "--leave-running")
    good(shim("resume", "c1"))
    assert shim.life.status() == "running"


def test_containerd_all_options_come_after_root_log_and_systemd(life):
    """--root R/namespace --log BUNDLE/log.json --log-format json [--systemd-cgroup], with runtimeArgs in front of them."""
    r = life.call("--debug", "--log", str(life.bundle / "log.json"), "--log-format", "json", "list")
    assert r.returncode in (0, 1) and "unknown option" not in r.stderr, r


@pytest.mark.parametrize("words", [["--rootless=true"], ["--rootless=false"], ["--rootless", "auto"], ["--debug"]])
def test_newer_callers_global_options(words):
    assert runtime(*words, "features").returncode == 0


@pytest.mark.root("groups of the host")
def test_newer_callers_ask_more(life):
    life.start(*LOOP)
    pid = life.state()["pid"]
    rows = json.loads(good(life.call("list", "--format=json")).stdout)
    assert [r["id"] for r in rows] == ["c1"] and rows[0]["pid"] == pid
    assert str(pid) in good(life.call("ps", "--format", "table", "c1", "-e", "-o", "pid,comm")).stdout
    assert json.loads(good(life.call("events", "--stats", "c1")).stdout)["type"] == "stats"
    assert json.loads(good(runtime("features")).stdout)["ociVersionMax"] == "1.3.0"


def test_newer_callers_pidfd_sockets(life):
    path = life.bundle / "pidfd"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        s.settimeout(20)
        good(life.create(*LOOP, options=["--pidfd-socket", path]))
        conn, _ = s.accept()
        with conn:
            _, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
    pidfd = array.array("i", data[0][2])[0]
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="utf-8") as f:
        assert f"Pid:\t{life.state()['pid']}\n" in f.read()
    os.close(pidfd)


def test_newer_callers_run_detached(life):
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", *LOOP]))
    r = subprocess.run([*map(str, life.argv("run", "--bundle", life.bundle, "--detach", "c1"))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    assert r.returncode == 0 and life.status() == "running"


@pytest.mark.root("groups of the host")
def test_newer_callers_events_with_an_interval(life):
    life.start(*LOOP)
    with subprocess.Popen([*map(str, life.argv("events", "--interval=1s", "c1"))], stdout=subprocess.PIPE, text=True) as p:
        assert json.loads(p.stdout.readline())["type"] == "stats"
        p.kill()


# ---- what they rely on of what comes back ----


def test_relied_on_create_returns_when_it_waits_and_keeps_no_pipe(life):
    """The pipe that the container has as its output ends with the container: nobody else has it."""
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "say", "x"]))
    r, w = os.pipe()
    assert subprocess.run([*map(str, life.argv("create", "-b", life.bundle, "--pid-file", "pid", "c1"))], stdin=subprocess.DEVNULL, stdout=w, stderr=w, cwd=life.bundle, timeout=30).returncode == 0
    os.close(w)
    assert pid_of(life.bundle / "pid") == life.state()["pid"] and not [p for p in life.bundle.iterdir() if p.name.startswith((".pid", "pid."))]
    good(life.call("start", "c1"))
    assert os.read(r, 100) == b"x\n" and os.read(r, 100) == b""
    os.close(r)


@pytest.mark.parametrize("operation", ["create", "exec"])
def test_relied_on_the_terminal_is_sent_before_it_returns(life, console, operation):
    """Its name is the data, the master the descriptor."""
    good(life.create(*LOOP, change=lambda c: (terminal(c), c["process"].update(terminal=operation == "create")), options=["--console-socket", console.path] if operation == "create" else []))
    if operation == "exec":
        good(life.call("start", "c1"))
        good(life.call("exec", "-d", "-t", "--console-socket", console.path, "c1", "/bin/probe", "sleep", "60000", stdin=subprocess.DEVNULL))
    console.take()
    assert console.name and os.isatty(console.master)


def test_relied_on_errors_are_one_json_line_in_the_log(life):
    log = life.bundle / "log.json"
    log.write_text('{"level":"info","msg":"of somebody else"}\n')
    bad(life.call("--log", str(log), "--log-format", "json", "state", "c1"), "container c1 does not exist")
    first, last = log.read_text().splitlines()
    line = json.loads(last)
    assert "somebody" in first and set(line) == {"level", "msg", "time"} and line["level"] == "error" and line["msg"] == "container c1 does not exist"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", line["time"])


@pytest.mark.parametrize("args, image, pattern", [
    (["/no/such"], {}, r'(?i)no such file or directory'), (["nowhere"], {}, r'(?i)executable file not found in \$PATH'), (["/etc"], {}, r'(?i)permission denied'),
    (["/etc/text"], {"etc/text": "x"}, r'(?i)permission denied'),
])
@pytest.mark.parametrize("operation", ["create", "exec"])
def test_relied_on_words_that_exit_codes_are_made_of(life, operation, args, image, pattern):
    log = life.bundle / "log.json"
    for path, text in image.items():
        (life.bundle / "root" / path).write_text(text)
    if operation == "create":
        write_config(life.bundle, lambda c: c["process"].update(args=args))
        r = life.call("--log", str(log), "--log-format", "json", "create", "-b", str(life.bundle), "c1", stdin=subprocess.DEVNULL)
        assert r.returncode == 1, r
    else:
        life.start(*LOOP)
        r = life.call("--log", str(log), "--log-format", "json", "exec", "c1", *args, stdin=subprocess.DEVNULL)
        assert r.returncode == 255, r
    assert re.search(pattern, json.loads(log.read_text().splitlines()[-1])["msg"])


def test_relied_on_state_has_all_its_fields(life):
    before = time.time()
    good(life.create(*LOOP, change=lambda c: c.update(annotations={"a": "b"})))
    s = life.state()
    assert set(s) >= {"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z", s["created"]) and s["annotations"] == {"a": "b"} and s["rootfs"] == str(life.bundle / "root")
    assert abs(time.mktime(time.strptime(s["created"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - before) < 20
    good(life.call("kill", "c1", "9"))
    life.wait_for("stopped")
    assert life.state()["pid"] == 0


@pytest.mark.parametrize("operation", ["state", "start", "kill", "delete", "pause", "resume", "ps", "events", "update"])
def test_relied_on_unknown_ids(life, operation):
    r = life.call(operation, "c1", *(["--memory", "64m"] if operation == "update" else []), stdin=subprocess.DEVNULL)
    assert r.returncode == 1 and "container c1 does not exist" in r.stderr, r
    good(life.call("delete", "--force", "c1"))


def test_relied_on_kill_of_a_stopped_one(life):
    life.start("exit", "0")
    life.wait_for("stopped")
    for words in (["c1", "9"], ["c1"]):
        bad(life.call("kill", *words), "container not running")
    good(life.call("kill", "--all", "c1", "9"))  # nobody is left in its groups, and that is no error


def test_relied_on_delete_of_a_running_and_of_a_created_one(life):
    good(life.create(*LOOP))
    pid = life.state()["pid"]
    good(life.call("delete", "c1"))
    assert not os.path.exists(f"/proc/{pid}/exe") or "Z" in open(f"/proc/{pid}/stat", encoding="utf-8").read()
    life.start(*LOOP)
    bad(life.call("delete", "c1"), "not stopped: running")
