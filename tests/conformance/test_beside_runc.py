"""The same calls on the same bundle, by runc and by us: exit codes, the class of what is said, and what comes out must agree."""
import array
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from bundles import GROUPS, RUNTIME, bundle, write_config  # noqa: F401: one is a fixture
from harness import cgroup_mounts, wait_until
from test_cli_callers import terminal
from test_spec_config import put

pytestmark = [pytest.mark.full, pytest.mark.root("runc wants root"), pytest.mark.skipif(not shutil.which("runc"), reason="runc is not installed"), pytest.mark.timeout(180)]
CLASSES = ["does not exist", "already exists", "is not stopped|not stopped", "container not running", "no such file or directory", "executable file not found in \\$PATH", "permission denied", "invalid container ID format|container id cannot be empty",
           "unknown signal", "cannot start", "bsolute path", "must not be empty|cannot be empty", "without setting console socket|allocated (tty )?without|console socket", "No help topic", "invalid format option", "needs|requires|exactly|accepts",
           "hook", "namespace", "not paused|cannot resume", "cannot exec in a"]
SLEEP = ["/bin/probe", "sleep", "60000"]


class Program:
    """One of the two, with a state folder of its own; what it starts writes into a file."""

    def __init__(self, path, where):
        self.path, self.state, self.out = str(path), where / f"state-{Path(path).name}", where / f"out-{Path(path).name}"

    def __call__(self, *args, cwd=None):
        with open(self.out, "ab") as out, tempfile.TemporaryFile("w+") as err:
            r = subprocess.run([self.path, "--root", str(self.state), *map(str, args)], stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True, timeout=60, cwd=cwd)
            err.seek(0)
            r.stderr = err.read()
        return r

    def json(self, *args):
        return json.loads(subprocess.run([self.path, "--root", str(self.state), *args], capture_output=True, text=True, timeout=60, check=True).stdout)


def said(r):
    """Exit code and class; warnings are nobody's business here."""
    text = "\n".join(x for x in r.stderr.splitlines() if "level=warning" not in x and ": warning:" not in x)
    return r.returncode, next((c for c in CLASSES if re.search(c, text, re.I)), "" if not text.strip() else "other" if r.returncode else "")


@pytest.fixture
def both(bundle):
    programs = [Program(shutil.which("runc"), bundle), Program(RUNTIME, bundle)]
    yield programs
    for p in programs:
        p("delete", "--force", "c1")
    for top, _, _ in cgroup_mounts():  # runc leaves what is above its groups
        if (top / GROUPS).exists():
            (top / GROUPS).rmdir()


def compare(both, bundle, steps, change=lambda c: None):
    """steps: lists of arguments, or a function of the program that waits for something."""
    results = []
    for p in both:
        write_config(bundle, lambda c: (c["process"].update(args=SLEEP), change(c)))
        results.append([said(p(*s)) if isinstance(s, list) else s(p) for s in steps])
        p("delete", "--force", "c1")
    theirs, ours = results
    assert ours == theirs, [(s, t, o) for s, t, o in zip(steps, theirs, ours) if t != o]


def stopped(p):
    wait_until(lambda: p.json("state", "c1")["status"] == "stopped")


def create(*more):
    return ["create", "-b", None, *more, "c1"]


def with_bundle(steps, bundle):
    return [[str(bundle) if x is None else x for x in s] if isinstance(s, list) else s for s in steps]


LIVES = {
    "a life": [create(), ["state", "c1"], ["start", "c1"], ["kill", "c1", "KILL"], stopped, ["delete", "c1"], ["state", "c1"]],
    "nobody": [["state", "c1"], ["start", "c1"], ["kill", "c1", "9"], ["delete", "c1"], ["delete", "-f", "c1"], ["pause", "c1"], ["resume", "c1"], ["ps", "c1"], ["exec", "c1", "/bin/probe"], ["events", "--stats", "c1"]],
    "twice": [create(), create(), ["start", "c1"], ["start", "c1"]],
    "stopped": [create(), ["start", "c1"], ["kill", "c1", "9"], stopped, ["start", "c1"], ["kill", "c1", "9"], ["kill", "c1"], ["exec", "c1", "/bin/probe"], ["pause", "c1"], ["resume", "c1"]],
    "delete one that runs": [create(), ["start", "c1"], ["delete", "c1"], ["delete", "--force", "c1"]],
    "delete one that is created": [create(), ["delete", "c1"], ["state", "c1"]],
    "pause": [create(), ["start", "c1"], ["resume", "c1"], ["pause", "c1"], ["exec", "c1", "/bin/probe", "exit", "0"], ["resume", "c1"], ["exec", "c1", "/bin/probe", "exit", "3"]],
    "exec": [create(), ["start", "c1"], ["exec", "c1", "/bin/probe", "exit", "7"], ["exec", "c1", "/no/such"], ["exec", "c1", "nowhere"], ["exec", "c1", "/etc"], ["exec", "c1"], ["exec", "--cwd", "relative", "c1", "/bin/probe"],
             ["exec", "--cwd", "/no/such", "c1", "/bin/probe", "exit", "0"], ["exec", "-d", "-t", "c1", "/bin/probe", "exit", "0"], ["exec", "c1", "/bin/probe", "die", "9"]],
    "ids": [["create", "-b", None, "a/b"], ["create", "-b", None, ".."], ["create", "-b", None, ""], ["create", "-b", None, "-c"], ["create", "-b", None]],
    "words": [["list", "--format", "xml"], ["kill"], ["state"], ["start"], ["delete"]],
    "signals": [create(), ["start", "c1"], ["kill", "c1", "NOPE"], ["kill", "c1", "SIGKILL"], stopped],
    "run": [["run", "-b", None, "--detach", "c1"], ["kill", "c1", "9"], stopped, ["delete", "c1"]],
}


@pytest.mark.parametrize("name", LIVES)
def test_lives(both, bundle, name):
    compare(both, bundle, with_bundle(LIVES[name], bundle))


CONFIGS = {
    "no process": lambda c: c.pop("process"), "no args": put("process.args", []), "no root": put("root.path", "absent"), "cwd relative": put("process.cwd", "work"), "no command": put("process.args", ["/no/such"]),
    "nowhere": put("process.args", ["nowhere"]), "folder": put("process.args", ["/etc"]), "not executable": put("process.args", ["/etc/passwd"]), "bad mount": put("mounts.-", {"destination": "/m", "type": "bind", "source": "/no/such", "options": ["bind"]}),
    "terminal": put("process.terminal", True), "namespace twice": put("linux.namespaces.-", {"type": "uts"}), "unknown namespace": put("linux.namespaces.-", {"type": "none"}), "hook": put("hooks.createRuntime", [{"path": "/bin/false"}]),
    "no namespace file": put("linux.namespaces.-", {"type": "network", "path": "/no/such"}), "sysctl of the host": put("linux.sysctl", {"kernel.pid_max": "1"}), "unknown rlimit": put("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]),
    "unknown key": put("no-such", 1), "unknown annotation": put("annotations", {"x": "y"}), "unknown capability": put("process.capabilities.bounding", ["CAP_FLY"]), "masked nothing": put("linux.maskedPaths", ["/no/such"]),
}


# Ours name the key of config.json; runc has words of its own for these.
OTHER_WORDS = {"no args": "process.args", "namespace twice": "linux.namespaces", "unknown namespace": "linux.namespaces"}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(both, bundle, name):
    if name in OTHER_WORDS:
        write_config(bundle, CONFIGS[name])
        theirs, ours = (p("create", "-b", bundle, "c1") for p in both)
        assert ours.returncode == theirs.returncode and OTHER_WORDS[name] in ours.stderr, (theirs, ours)
        return
    compare(both, bundle, with_bundle([create(), ["start", "c1"]], bundle), CONFIGS[name])


@pytest.mark.parametrize("words", [["exit", "0"], ["exit", "7"], ["die", "15"], ["segv"]])
def test_exit_codes_of_run(both, bundle, words):
    compare(both, bundle, with_bundle([["run", "-b", None, "c1"], ["state", "c1"]], bundle), put("process.args", ["/bin/probe", *words]))


# what differs, and may: dumpable is the kernel's; with `run` the container ends with whoever waits for it
SHOWN = {"ids": [], "groups": [], "caps": [], "security": ["security.dumpable", "security.pdeathsig"], "host": [], "rlimits": [], "signals": [], "session": [], "env": []}


@pytest.mark.parametrize("topic", SHOWN)
@pytest.mark.parametrize("how", ["run", "exec"])
def test_what_the_command_sees(both, bundle, topic, how):
    """Its ids, sets, limits, signals, folder and environment."""
    show = ["/bin/probe", *(["env"] if topic == "env" else ["show", topic])]
    texts = []
    for p in both:
        write_config(bundle, lambda c: (c["process"].update(args=SLEEP if how == "exec" else show, env=["A=b", "PATH=/bin"]), c["mounts"].append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs"})))
        if how == "exec":
            assert p("run", "-d", "-b", bundle, "c1").returncode == 0
        p.out.write_bytes(b"")
        r = p(*(["exec", "c1", *show] if how == "exec" else ["run", "-b", bundle, "c1"]))
        assert r.returncode == 0, r
        texts.append([x for x in p.out.read_text().splitlines() if not x.startswith(tuple(SHOWN[topic]) or "\0") and not re.match(r"ids.p?pid|session.(pid|sid|pgid)", x)])
        p("delete", "--force", "c1")
    assert texts[0] == texts[1]


def test_mounts_and_devices(both, bundle):
    """By the generated description, which has all that is usual: types and flags of mounts, and what is in /dev."""
    seen = []
    for p in both:
        (bundle / "config.json").unlink(missing_ok=True)
        subprocess.run([shutil.which("runc"), "spec"], cwd=bundle, check=True)
        config = json.loads((bundle / "config.json").read_text())
        config["root"] = {"path": "root", "readonly": False}
        config["process"] |= {"terminal": False, "args": ["/bin/probe", "seq", "cat", "/proc/self/mountinfo", ",", "ls", "/dev"]}
        config["linux"]["cgroupsPath"] = f"/{GROUPS}/c1"
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
        (bundle / "config.json").write_text(json.dumps(config))
        p.out.write_bytes(b"")
        assert p("run", "-b", bundle, "c1").returncode == 0
        text = p.out.read_text()
        rows = [x.split() for x in text.splitlines() if " - " in x]
        masks = {"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"}
        seen.append((sorted((f[4], f[5], f[f.index("-") + 1]) for f in rows if f[4] not in masks and f[4] != "/"), sorted(x for x in text.splitlines() if x.startswith("ls.") and x != "ls.core=10")))  # runc's link to /proc/kcore, which is masked
    assert seen[0] == seen[1]


def test_state_and_list(both, bundle):
    """Names and values, but for times, numbers of processes, and the owner, whom runc's state leaves out."""
    seen = []
    for p in both:
        write_config(bundle, lambda c: (c["process"].update(args=SLEEP), c.update(annotations={"a": "b"})))
        assert p("create", "-b", bundle, "c1").returncode == 0
        seen.append([{k: v for k, v in x.items() if k not in ("pid", "created", "ociVersion", "owner")} for x in (p.json("state", "c1"), p.json("list", "--format", "json")[0])])
        p("delete", "--force", "c1")
    theirs, ours = seen
    theirs[1].setdefault("annotations", ours[1].get("annotations"))
    assert ours == theirs


def test_what_comes_of_a_console_socket(both, bundle):
    """The very bytes: who takes the terminal decides about carriage returns."""
    seen = []
    for p in both:
        write_config(bundle, lambda c: (terminal(c), c["process"].update(args=["/bin/probe", "seq", "say", "one", ",", "sizes"], consoleSize={"height": 7, "width": 77})))
        path = bundle / "console"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
            s.listen()
            s.settimeout(20)
            assert p("create", "-b", bundle, "--console-socket", path, "c1").returncode == 0
            conn, _ = s.accept()
            with conn:
                name, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
        path.unlink()
        master = array.array("i", data[0][2])[0]
        assert p("start", "c1").returncode == 0
        got = b""
        while b"size=" not in got or not got.endswith(b"\n"):
            got += os.read(master, 100)
        os.close(master)
        p("delete", "--force", "c1")
        seen.append((name, got))
    assert seen[0] == seen[1]
