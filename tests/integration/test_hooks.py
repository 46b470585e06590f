"""config.md "POSIX-platform Hooks", runtime.md "Lifecycle": which are run when, where, with what, and what becomes of a failure."""
import json
import os

import pytest

from bundles import bad, bundle, good, life, write_config  # noqa: F401: some are fixtures
from harness import wait_until

KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
NOTE = """#!/bin/sh
read -r state
{ echo "$1 $(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/uts) ${2-} ${X-}"; echo "$state"; } >> "$LOG"
"""


@pytest.fixture
def hooked(life):
    """Hooks of every kind that note where they ran; the one of startContainer lies in the container and its mounts."""
    log = life.bundle / "data/log"
    log.touch()
    log.chmod(0o666)
    (life.bundle / "data").chmod(0o777)
    note = life.bundle / "data/note"
    note.write_text(NOTE)
    note.chmod(0o755)

    def hooks(c):
        c["mounts"][1]["options"] = ["rbind", "rw"]
        for place in ("/bin", "/lib", "/lib64", "/usr"):
            if os.path.isdir(place):
                c["mounts"].append({"destination": "/host" + place, "type": "bind", "source": place, "options": ["rbind", "ro"]})
        c["hooks"] = {k: [{"path": str(note), "args": ["note", k, "second"], "env": [f"LOG={log}", "PATH=/usr/bin:/bin", "X=y"]}] for k in KINDS if k != "startContainer"}
        c["hooks"]["startContainer"] = [{"path": "/bin/probe", "args": ["probe", "write", "/data/started", "yes"]}]
        c["annotations"] = {"some": "thing"}

    life.log, life.hooks = log, hooks
    return life


def noted(life):
    lines = life.log.read_text().splitlines()
    return [(a.split(), json.loads(b)) for a, b in zip(lines[::2], lines[1::2])]


@pytest.mark.root("as an ordinary user the files of hooks would be somebody else's")
def test_each_at_its_time_and_place(hooked):
    good(hooked.create("seq", "say", "begun", ",", "exit", "0", change=hooked.hooks))
    pid = hooked.state()["pid"]
    ours, theirs = os.readlink("/proc/self/ns/mnt"), os.readlink(f"/proc/{pid}/ns/mnt")
    made = noted(hooked)
    assert [x[0][0] for x in made] == ["prestart", "createRuntime", "createContainer"]
    assert [x[0][1] for x in made] == [ours, ours, theirs]
    assert all(x[0][3:] == ["second", "y"] for x in made)
    for where, state in made:
        assert state["status"] == "creating" and state["id"] == "c1" and state["bundle"] == str(hooked.bundle) and state["annotations"] == {"some": "thing"}
        assert state["ociVersion"] == "1.3.0" and state["pid"] == (1 if where[0] == "createContainer" else pid)
    assert not (hooked.bundle / "data/started").exists() and hooked.text() == ""
    good(hooked.call("start", "c1"))
    wait_until(lambda: hooked.text() == "write=0\nbegun\n" or hooked.text() == "begun\n")
    assert (hooked.bundle / "data/started").read_text() == "yes"
    where, state = noted(hooked)[3]
    assert where[:2] == ["poststart", ours] and state["status"] == "running" and state["pid"] == pid
    hooked.wait_for("stopped")
    assert len(noted(hooked)) == 4
    good(hooked.call("delete", "c1"))
    where, state = noted(hooked)[4]
    assert where[:2] == ["poststop", ours] and state["status"] == "stopped" and "pid" not in state


@pytest.mark.root("as an ordinary user the files of hooks would be somebody else's")
def test_run_has_them_all(hooked):
    write_config(hooked.bundle, lambda c: (c["process"].update(args=["/bin/probe", "exit", "6"]), hooked.hooks(c)))
    r = hooked.call("run", "-b", str(hooked.bundle), "c1")
    assert r.returncode == 6, r
    assert [x[0][0] for x in noted(hooked)] == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]


def script(life, text):
    path = life.bundle / "hook"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_one_that_fails_ends_the_creation(life, kind):
    """The container is undone, and poststop hooks still run."""
    stopped = life.bundle / "stopped"
    good_one, bad_one = script(life, "exit 0\n"), life.bundle / "bad"
    bad_one.write_text("#!/bin/sh\necho what a pity; exit 3\n")
    bad_one.chmod(0o755)
    hooks = {kind: [{"path": good_one}, {"path": str(bad_one)}], "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo x > {stopped}"]}]}
    bad(life.create("say", "never", change=lambda c: c.update(hooks=hooks)), f"error running {kind} hook #1: exit status 3, output: what a pity")
    assert "does not exist" in life.state() and stopped.exists() and life.text() == ""


def test_one_that_fails_before_the_command(life):
    good(life.create("say", "never", change=lambda c: c.update(hooks={"startContainer": [{"path": "/bin/probe", "args": ["probe", "exit", "9"]}]})))
    bad(life.call("start", "c1"), "error running startContainer hook #0: exit status 9")
    life.wait_for("stopped")
    assert life.text() == ""


def test_one_that_fails_after_the_start(life):
    good(life.create("sleep", "60000", change=lambda c: c.update(hooks={"poststart": [{"path": script(life, "exit 5\n")}]})))
    bad(life.call("start", "c1"), "error running poststart hook #0: exit status 5")
    life.wait_for("stopped")


def test_one_that_fails_at_the_end_is_a_warning(life):
    """And the next still runs."""
    after = life.bundle / "after"
    life.start("exit", "0", change=lambda c: c.update(hooks={"poststop": [{"path": script(life, "exit 5\n")}, {"path": "/bin/sh", "args": ["sh", "-c", f"echo x > {after}"]}]}))
    life.wait_for("stopped")
    r = life.call("delete", "c1")
    assert r.returncode == 0 and "warning: error running poststop hook #0: exit status 5" in r.stderr and after.exists(), r


def test_a_timeout(life):
    hooks = {"createRuntime": [{"path": script(life, "sleep 60\n"), "timeout": 1}]}
    bad(life.create("say", "never", change=lambda c: c.update(hooks=hooks)), "error running createRuntime hook #0", "ran past its timeout of 1 s")


def test_one_that_leaves_somebody_behind(life):
    """What it started goes on with the other end of its output; nobody waits for that."""
    life.start("exit", "0", change=lambda c: c.update(hooks={"createRuntime": [{"path": script(life, "sleep 3 &\nexit 0\n")}]}))


@pytest.mark.parametrize("hook, words", [
    ({"path": "relative"}, "hooks.createRuntime[0].path must be an absolute path"),
    ({}, "hooks.createRuntime[0].path is missing"),
    ({"path": "/x", "timeout": 0}, "timeout that is not greater than zero"),
    ({"path": "/no/such/hook"}, 'error running createRuntime hook #0: exit status 127, output: exec "/no/such/hook": no such file or directory'),
])
def test_what_is_wrong_with_one(life, hook, words):
    bad(life.create("say", "never", change=lambda c: c.update(hooks={"createRuntime": [hook]})), words)


def test_it_need_not_read_its_state(life):
    life.start("exit", "0", change=lambda c: c.update(annotations={"large": "x" * 200000}, hooks={"createRuntime": [{"path": script(life, "exec <&-; exit 0\n")}]}))


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer", "startContainer"])
def test_it_gets_no_descriptors_of_ours(life, kind):
    """One that stays would else keep a conversation open, or what the command was given."""
    probe = "/bin/probe" if kind == "startContainer" else str(life.bundle / "root/bin/probe")
    hook = {"path": probe, "args": ["probe", "seq", "show", "fds", ",", "exit", "1"]}
    r, w = os.pipe()
    os.set_inheritable(r, True)
    try:
        result = life.create("say", "never", change=lambda c: c.update(hooks={kind: [hook]}))
        result = life.call("start", "c1") if kind == "startContainer" else result
    finally:
        os.close(r)
        os.close(w)
    bad(result, f"error running {kind} hook #0: exit status 1", "fds.2=")
    assert "fds.3=" not in result.stderr, result
