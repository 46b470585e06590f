"""mydocker-runtime create, start, state, kill, delete, list: runtime.md's operations, with runc's command line."""
import array
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from bundles import bad, bundle, good, life, runtime, write_config  # noqa: F401: some are fixtures
from harness import wait_until

NEVER = "container c1 does not exist"


def test_from_create_to_delete(life):
    good(life.create("seq", "say", "up", ",", "trap", "15", options=["--pid-file", life.bundle / "pid"]))
    s = life.state()
    assert s["status"] == "created" and s["pid"] == int((life.bundle / "pid").read_text()) and life.text() == ""
    assert s["bundle"] == str(life.bundle) and s["rootfs"] == str(life.bundle / "root") and s["id"] == "c1" and s["ociVersion"] == "1.3.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", s["created"]) and s["annotations"] == {}
    good(life.call("start", "c1"))
    wait_until(lambda: "up" in life.text())
    assert life.state()["status"] == "running" and life.state()["pid"] == s["pid"]
    time.sleep(0.05)  # for its handler
    good(life.call("kill", "c1", "TERM"))
    life.wait_for("stopped")
    assert life.state()["pid"] == 0
    good(life.call("delete", "c1"))
    assert NEVER in life.state()


def test_everything_is_made_before_the_start(life):
    """config.md and runtime.md: after create the container is there, but its command has not begun."""
    good(life.create("say", "begun"))
    pid = life.state()["pid"]
    assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    mounts = open(f"/proc/{pid}/mountinfo", encoding="utf-8").read()
    assert " /data " in mounts and str(life.bundle / "state") not in mounts
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "say", "other"]))  # too late
    good(life.call("start", "c1"))
    wait_until(lambda: life.text() == "begun\n")


def test_it_outlives_who_made_it(life):
    """Its parent is gone: it belongs to whoever reaps orphans."""
    good(life.create("seq", "say", "up", ",", "sleep", "60000"))
    pid = life.state()["pid"]
    status = dict(x.split(":\t", 1) for x in open(f"/proc/{pid}/status", encoding="utf-8").read().splitlines() if ":\t" in x)
    good(life.call("start", "c1"))
    assert int(status["PPid"]) != os.getpid() and life.status() == "running"
    bad(life.call("delete", "c1"), "cannot delete container c1 that is not stopped: running")
    good(life.call("delete", "-f", "c1"))
    assert not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat", encoding="utf-8").read().split()[2]


def test_no_descriptor_of_ours_is_left_in_it(life):
    good(life.create("show", "fds"))
    good(life.call("start", "c1"))
    wait_until(lambda: "fds.2" in life.text())
    assert "fds.3" not in life.text()


def test_started_twice_and_after_the_end(life):
    good(life.create("exit", "3"))
    good(life.call("start", "c1"))
    life.wait_for("stopped")
    bad(life.call("start", "c1"), "cannot start a container that has stopped")
    bad(life.call("kill", "c1", "KILL"), "container not running")


def test_started_while_it_runs(life):
    good(life.create("sleep", "60000"))
    good(life.call("start", "c1"))
    bad(life.call("start", "c1"), "cannot start an already running container")


def test_what_was_only_created_is_deleted(life):
    good(life.create("say", "never"))
    good(life.call("delete", "c1"))
    assert NEVER in life.state() and life.text() == ""


def test_a_created_one_can_be_killed(life):
    good(life.create("say", "never"))
    good(life.call("kill", "c1", "9"))
    life.wait_for("stopped")
    bad(life.call("start", "c1"), "has stopped")
    assert life.text() == ""


def test_a_command_that_cannot_begin(life):
    """The reason comes by the one who starts it."""
    good(life.create(change=lambda c: c["process"].update(args=["/etc/broken"]), image={"etc/broken": "#!/no/such/interpreter\n"}))
    bad(life.call("start", "c1"), "/etc/broken", "/no/such/interpreter")
    life.wait_for("stopped")


@pytest.mark.parametrize("args, words", [
    (["/no/such/program"], 'exec: "/no/such/program": stat /no/such/program: no such file or directory'),
    (["nowhere"], 'exec: "nowhere": executable file not found in $PATH'),
    (["/etc"], 'exec: "/etc": permission denied: it is a directory'),
    (["/etc/text"], 'exec: "/etc/text": permission denied: it is not marked as executable'),
])
def test_a_command_that_is_not_there(life, args, words):
    """It is known before anything waits for `start`, and callers make exit codes of the words."""
    bad(life.create(change=lambda c: c["process"].update(args=args), image={"etc/text": "x"}), words)
    assert NEVER in life.state()


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_one_that_does_not_exist(life, verb):
    bad(life.call(verb, "c1"), NEVER)
    assert not life.state_dir.exists()
    good(life.call("delete", "--force", "c1"))


def test_an_id_that_is_taken(life):
    good(life.create("say", "x"))
    bad(life.create("say", "y"), "container with given ID already exists: 'c1'")
    assert life.status() == "created"


def test_a_create_that_fails_leaves_nothing(life):
    bad(life.create("x", change=lambda c: c["mounts"].append({"destination": "/m", "type": "bind", "source": "/no/such", "options": ["bind"]})), "/no/such")
    assert NEVER in life.state()


@pytest.mark.parametrize("name", ["9", "KILL", "SIGKILL", "kill"])
def test_names_of_signals(life, name):
    good(life.create("sleep", "60000"))
    good(life.call("start", "c1"))
    good(life.call("kill", "c1", name))
    life.wait_for("stopped")


def test_signals_that_are_none(life):
    good(life.create("sleep", "60000"))
    for name in ("NOPE", "0x9", "65", "-1", ""):
        bad(life.call("kill", "--", "c1", name), "unknown signal")
    assert life.status() == "created"


def test_list(life):
    good(life.create("say", "x"))
    table = good(life.call("list")).stdout.splitlines()
    assert table[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] and table[1].split()[:4] == ["c1", str(life.state()["pid"]), "created", str(life.bundle)]
    assert good(life.call("list", "-q")).stdout == "c1\n"
    rows = json.loads(good(life.call("list", "--format", "json")).stdout)
    assert [(r["id"], r["status"], r["rootfs"]) for r in rows] == [("c1", "created", str(life.bundle / "root"))]
    bad(life.call("list", "--format", "xml"), "invalid format option")
    bad(runtime("--root", "/no/such/place", "list"), "/no/such/place")


def test_deleted_by_a_regular_expression(life):
    good(life.create("sleep", "60000"))
    bad(life.call("delete", "--regex", "c[0-9"), "--regex 'c[0-9': not a regular expression")
    good(life.call("delete", "--regex", "^x|1c$"))
    assert life.status() == "created"
    good(life.call("start", "c1"))
    bad(life.call("delete", "--regex", "^c[0-9]$"), "that is not stopped: running")
    good(life.call("delete", "--regex", "--force", "^c[0-9]$"))
    assert NEVER in life.state()


def test_another_file_than_config_json(life):
    good(life.create("say", "config.json"))
    good(life.call("delete", "c1"))
    (life.bundle / "sub").mkdir()
    other = json.loads((life.bundle / "config.json").read_text())
    other["process"]["args"] = ["/bin/probe", "say", "another"]
    (life.bundle / "sub/other.json").write_text(json.dumps(other))
    for name in "sub/other.json", str(life.bundle / "sub/other.json"):
        assert good(life.call("run", "-b", life.bundle, "--config", name, "c1")).stdout == "another\n"
    bad(life.call("run", "-b", life.bundle, "-f", "none.json", "c1"), f"{life.bundle}/none.json")


def test_a_half_made_one_is_shown_and_can_be_deleted(life):
    """As a runtime that was killed leaves it: a directory, perhaps without a record."""
    good(life.create("say", "x"))
    good(life.call("delete", "c1"))
    (life.state_dir / "containers/c1").mkdir(mode=0o700)
    assert life.state()["status"] == "stopped" and life.state()["pid"] == 0 and good(life.call("list", "-q")).stdout == "c1\n"
    bad(life.call("start", "c1"), "has stopped")
    good(life.call("delete", "c1"))
    assert NEVER in life.state()


def terminal(c):
    c["process"] |= {"terminal": True, "args": ["/bin/probe", "show", "session"]}
    c["mounts"].append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]})
    c["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]})


def test_the_terminal_goes_to_the_console_socket(life):
    path = str(life.bundle / "console")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen(1)
        good(life.create(options=["--console-socket", path], change=terminal))
        conn, _ = s.accept()
        name, control, _, _ = conn.recvmsg(100, socket.CMSG_SPACE(4))
        conn.close()
    master = array.array("i", control[0][2])[0]
    assert name and os.isatty(master)
    good(life.call("start", "c1"))
    got = b""
    while b"session.ctty=1" not in got:
        got += os.read(master, 1000)
    os.close(master)


def test_terminals_without_a_place_to_go(life):
    bad(life.create(change=terminal), "without setting console socket")
    bad(life.create("say", "x", options=["--console-socket", "/no/such"]), "cannot use console socket")
    pid_file = life.bundle / "pid"
    bad(life.create(options=["--console-socket", "/no/such", "--pid-file", pid_file], change=terminal), "console socket '/no/such': connect: No such file or directory")
    bad(life.create(options=["--console-socket", "x" * 200], change=terminal), "console socket 'xxx", "name too long")
    assert NEVER in life.state() and not pid_file.exists()


def test_a_damaged_record_is_named(life):
    good(life.create("say", "x"))
    file = life.state_dir / "containers/c1/oci.json"
    text = file.read_text()
    file.write_text("{")
    bad(life.call("state", "c1"), "containers/c1: oci.json", "line 1")
    file.write_text(text)


def test_the_log_file(life):
    log = life.bundle / "log"
    for words in (["--log-format", "json"], ["--log-format=text"], []):
        bad(life.call("--log", str(log), *words, "state", "c1"), NEVER)
    first, *others = log.read_text().splitlines()
    line = json.loads(first)
    assert (line["level"], line["msg"]) == ("error", NEVER) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
    assert len(others) == 2 and all(re.fullmatch(rf'time="\S+" level=error msg="{NEVER}"', x) for x in others)
    bad(life.call("--log-format", "xml", "list"), "invalid log-format: xml")


def test_killed_while_it_makes_one(life):
    """Wherever create dies, the container is on record or was never there, and delete ends it."""
    begin = time.monotonic()
    good(life.create("sleep", "60000"))
    took = time.monotonic() - begin
    good(life.call("delete", "--force", "c1"))
    seen = set()
    for part in range(15):
        with subprocess.Popen([str(x) for x in life.argv("create", "-b", life.bundle, "c1")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
            time.sleep(took * part / 10)  # from its begin to after its end
            p.send_signal(signal.SIGKILL)
        s = life.state()
        seen.add(s["status"] if isinstance(s, dict) else "none")
        good(life.call("delete", "--force", "c1"))
        assert NEVER in life.state()
    assert seen & {"stopped", "created"}, seen
