"""bundle.md, runtime.md and runtime-linux.md: the bundle, the state, the lifecycle, its operations and their errors."""
import json
import os
import re
import subprocess
import time

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, run, runtime, write_config  # noqa: F401: some are fixtures
from harness import cgroup_mounts, mounts, tree, values, wait_until
from statements import SPEC

UNKNOWN = "container c1 does not exist"
SLEEP = ("sleep", "60000")


def world(life):
    """What an operation that fails has to leave as it was. Empty mount points that a root lacks stay in it, as they do with runc."""
    groups = sorted(str(d) for p, _, _ in cgroup_mounts() for d in [p / GROUPS, *(p / GROUPS).rglob("*")] if d.is_dir())
    kept = life.state_dir / "containers"
    return groups, [m[0] for m in mounts() if str(life.bundle) in m[0]], sorted(kept.iterdir()) if kept.exists() else [], {k: v for k, v in tree(life.bundle / "root").items() if v[-1] is not None}


def in_status(life, status):
    """Brings the container there, if such a one can be."""
    if status == "unknown":
        return
    if status == "paused" and os.geteuid() != 0:
        pytest.skip("an ordinary user has no freezer here")
    if status == "stopped":
        life.start("exit", "0")
    elif status == "created":
        good(life.create(*SLEEP))
    else:
        life.start(*SLEEP)
    if status == "paused":
        good(life.call("pause", "c1"))
    life.wait_for(status)


# ---- bundle.md ----


def test_container_format_config_json_is_in_the_root_of_the_bundle(life):
    """Under this name, and there."""
    def create():
        r = life.call("create", "-b", str(life.bundle), "c1", stdin=subprocess.DEVNULL)
        bad(r, f"{life.bundle}/config.json", "No such file or directory")

    create()
    write_config(life.bundle)
    os.rename(life.bundle / "config.json", life.bundle / "Config.json")
    create()
    (life.bundle / "data").mkdir(exist_ok=True)
    os.rename(life.bundle / "Config.json", life.bundle / "data/config.json")
    create()


def test_container_format_all_of_it_is_in_one_directory(life):
    """It may be moved as a whole: root.path and sources of bind mounts are found from wherever it is, and wherever the caller is."""
    other = life.bundle / "other"
    other.mkdir()
    for name in ("root", "data"):
        os.rename(life.bundle / name, other / name)
    (other / "data/f").write_text("moved along")
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "cat", "/data/f"]))
    os.rename(life.bundle / "config.json", other / "config.json")
    r = life.call("run", "-b", "other", "c1", cwd=life.bundle)
    assert r.returncode == 0 and r.stdout == "moved along", r


# ---- runtime.md: scope, state ----


def test_scope_who_creates_it_can_use_all_operations(life):
    """Each by a process of its own."""
    good(life.create(*SLEEP))
    assert life.state()["id"] == "c1"
    good(life.call("start", "c1"))
    good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")
    good(life.call("delete", "c1"))
    assert UNKNOWN in life.state()


@pytest.mark.parametrize("status", ["created", "running", "paused", "stopped"])
def test_state_has_its_properties(life, status):
    in_status(life, status)
    s = life.state()
    assert s["ociVersion"] == "1.3.0" and s["id"] == "c1" and s["status"] == status and s["bundle"] == str(life.bundle)
    assert os.path.isabs(s["bundle"]) and isinstance(s["pid"], int) and s["annotations"] == {}
    if status == "stopped":
        assert s["pid"] == 0
    else:
        assert os.readlink(f"/proc/{s['pid']}/ns/mnt") != os.readlink("/proc/self/ns/mnt")


def test_state_id_is_unique(life):
    good(life.create(*SLEEP))
    before = life.state()
    bad(life.create(*SLEEP), "container with given ID already exists: 'c1'")
    assert life.state() == before


def test_state_has_its_annotations(life):
    good(life.create(*SLEEP, change=lambda c: c.update(annotations={"com.example.a": "b", "com.example.empty": ""})))
    assert life.state()["annotations"] == {"com.example.a": "b", "com.example.empty": ""}


@pytest.mark.root("control groups of the host")
def test_state_paused_is_a_state_that_the_specification_lacks(life):
    """And it is none of those that it has: the command does not go on, and goes on afterwards."""
    life.start("spin", "60000")
    pid = life.state()["pid"]

    def used():
        return sum(int(x) for x in open(f"/proc/{pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()[11:13])

    wait_until(lambda: used() > 0)
    good(life.call("pause", "c1"))
    assert life.status() == "paused"
    before = used()
    time.sleep(0.1)
    assert used() <= before + 1
    good(life.call("resume", "c1"))
    assert life.status() == "running"
    wait_until(lambda: used() > before + 1)


def adheres(value, schema, root, where="state"):
    """As much of JSON Schema as that of the state uses."""
    known = {"description", "$schema", "type", "properties", "required", "enum", "minimum", "$ref", "patternProperties", "pattern"}
    if "$ref" in schema:
        at = root
        for name in schema["$ref"].split("#/")[1].split("/"):
            at = at[name]
        return adheres(value, at, root, where)
    assert set(schema) <= known, f"{where}: the schema has {set(schema) - known}"
    kinds = {"object": dict, "string": str, "integer": int}
    assert "type" not in schema or isinstance(value, kinds[schema["type"]]), where
    assert value in schema.get("enum", [value]) and (not isinstance(value, int) or value >= schema.get("minimum", value)), where
    assert not isinstance(value, str) or re.search(schema.get("pattern", ""), value), where
    for name in schema.get("required", ()):
        assert name in value, f"{where}.{name}"
    for name, of in schema.get("properties", {}).items():
        if name in value:
            adheres(value[name], of, root, f"{where}.{name}")
    for pattern, of in schema.get("patternProperties", {}).items():
        for name in (n for n in value if re.search(pattern, n)):
            adheres(value[name], of, root, f"{where}.{name}")


@pytest.mark.parametrize("status", ["created", "running", "stopped"])
def test_state_adheres_to_its_schema(life, status):
    folder = SPEC / "runtime-spec/schema"
    if not (folder / "state-schema.json").exists():
        pytest.skip(f"the specification is not at {SPEC}")
    in_status(life, status)
    adheres(life.state(), json.loads((folder / "state-schema.json").read_text()), json.loads((folder / "defs.json").read_text()))


# ---- runtime.md: lifecycle ----


def test_lifecycle_the_environment_is_made_by_create(life):
    """All but the command: namespaces, mounts, names, devices."""
    good(life.create("say", "begun"))
    pid = life.state()["pid"]
    for name in ("mnt", "pid", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"), name
    made = {m[0]: m[1] for m in mounts(open(f"/proc/{pid}/mountinfo", encoding="utf-8").read())}
    assert made["/proc"] == "proc" and made["/t"] == "tmpfs" and "/data" in made and "/work" not in made
    assert life.text() == ""


def test_lifecycle_an_environment_that_cannot_be_made_is_an_error(life):
    before = world(life)
    bad(life.create("say", "never", change=lambda c: c["mounts"].append({"destination": "/m", "type": "nosuchfs", "source": "x"})), "nosuchfs")
    assert world(life) == before and UNKNOWN in life.state()


def test_lifecycle_the_program_is_not_run_before_start(life):
    good(life.create("write", "/t/begun", "x"))
    pid = life.state()["pid"]
    time.sleep(0.1)
    assert life.status() == "created" and life.text() == "" and os.readlink(f"/proc/{pid}/exe") != "/bin/probe"


def test_lifecycle_later_changes_of_config_json_have_no_effect(life):
    """Neither on the command nor on hooks of later steps, nor when it is gone."""
    hook = life.bundle / "hook"
    hook.write_text(f"#!/bin/sh\necho $1 >> {life.bundle}/ran\n")
    hook.chmod(0o755)
    hooks = {k: [{"path": str(hook), "args": ["hook", k]}] for k in ("poststart", "poststop")}
    good(life.create("say", "first", change=lambda c: c.update(hooks=hooks)))
    write_config(life.bundle, lambda c: (c["process"].update(args=["/bin/probe", "say", "second"]), c.update(hooks={}, annotations={"x": "y"})))
    good(life.call("start", "c1"))
    life.wait_for("stopped")
    (life.bundle / "config.json").unlink()
    assert life.text() == "first\n" and life.state()["annotations"] == {}
    good(life.call("delete", "c1"))
    assert (life.bundle / "ran").read_text() == "poststart\npoststop\n"


def test_lifecycle_start_runs_the_program(life):
    """With its arguments, its environment, in its folder, as its user."""
    life.start("seq", "args", "a", "b c", ",", "env", "A=", ",", "show", "ids", "host")
    life.wait_for("stopped")
    text = life.text()
    assert text.startswith("1:a,3:b c,3:A=b,"), text
    v = values(text[text.index("ids"):])
    assert v["ids.uid"] == ("5,5,5" if os.geteuid() == 0 else "0,0,0") and v["host.cwd"] == "/work"


@pytest.mark.parametrize("how, words", [("error", ["exit", "3"]), ("exit", ["exit", "0"]), ("crash", ["segv"]), ("kill", SLEEP)])
def test_lifecycle_the_process_ends(life, how, words):
    life.start(*words)
    if how == "kill":
        good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")


def test_lifecycle_delete_undoes_what_create_made(life):
    before = world(life)
    good(life.create(*SLEEP))
    assert world(life) != before
    good(life.call("delete", "c1"))
    assert world(life) == before


# ---- runtime.md: errors and warnings ----


@pytest.mark.parametrize("how", ["no root", "no command", "mount", "hook", "console"])
def test_errors_leave_everything_as_it_was(life, how):
    before = world(life)
    change = {
        "no root": lambda c: c["root"].update(path="absent"),
        "no command": lambda c: c["process"].update(args=["/no/such"]),
        "mount": lambda c: c["mounts"].append({"destination": "/m", "type": "bind", "source": "/no/such", "options": ["bind"]}),
        "hook": lambda c: c.update(hooks={"createContainer": [{"path": "/bin/false"}]}),
        "console": lambda c: c["process"].update(terminal=True),
    }[how]
    bad(life.create("x", change=change, options=["--pid-file", life.bundle / "pid"]))
    assert world(life) == before
    assert UNKNOWN in life.state() and not (life.bundle / "pid").exists()


def test_warnings_do_not_change_the_operation(life):
    r = life.create(*SLEEP, change=lambda c: c["process"]["capabilities"]["bounding"].append("CAP_FLY"))
    assert r.returncode == 0 and "warn" in r.stderr and "CAP_FLY" in r.stderr, r
    assert life.status() == "created"


# ---- runtime.md: operations ----


@pytest.mark.parametrize("operation", ["state", "create", "start", "kill", "delete"])
def test_operations_are_there(operation):
    r = runtime(operation, "--help")
    assert r.returncode == 0 and operation in r.stdout and not r.stderr, r


@pytest.mark.parametrize("operation", ["state", "create", "start", "kill", "delete"])
def test_operations_need_an_id(life, operation):
    write_config(life.bundle)
    before = world(life)
    r = life.call(operation, cwd=life.bundle)
    bad(r, operation)
    assert world(life) == before and not r.stdout


@pytest.mark.parametrize("operation", ["state", "start", "kill", "delete"])
def test_operations_on_a_container_that_does_not_exist(life, operation):
    bad(life.call(operation, "c1"), UNKNOWN)


@pytest.mark.parametrize("container", ["", ".", "..", "../c1", "a/b", "/abs", "c 1", "c1\n", "c\x01", "ü", "x" * 1025])
@pytest.mark.parametrize("operation", ["create", "state", "start", "kill", "delete"])
def test_create_an_id_that_is_none(life, operation, container):
    """No operation takes it for a path."""
    write_config(life.bundle)
    before = world(life)
    r = life.call(operation, *(["-b", str(life.bundle)] if operation == "create" else []), "--", container, stdin=subprocess.DEVNULL)
    assert r.returncode == 1 and r.stderr.startswith("mydocker-runtime: "), r
    assert "invalid container ID format" in r.stderr or (operation != "create" and "does not exist" in r.stderr), r
    assert world(life) == before


@pytest.mark.parametrize("container", ["a", "A-b_c.d+e", "0", "c1.", "x" * 64])
def test_create_ids_that_may_be(life, container):
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "exit", "7"]))
    assert life.call("run", "-b", str(life.bundle), container).returncode == 7


def test_create_needs_a_bundle(life):
    """By default that is the working directory; one that is none is an error."""
    bad(life.call("create", "c1", cwd=life.bundle), "config.json", "No such file")
    bad(life.call("create", "-b", "/no/such", "c1"), "/no/such")
    bad(life.call("create", "-b", "/dev/null", "c1"), "/dev/null")
    bad(life.call("create", "c1", "--bundle"), "bundle")
    assert UNKNOWN in life.state()


def test_create_makes_a_new_container(life):
    bad(life.call("state", "c1"), UNKNOWN)
    good(life.create(*SLEEP))
    assert life.status() == "created" and good(life.call("list", "-q")).stdout == "c1\n"


def test_create_applies_all_but_the_process(life):
    """What can be seen of the waiting process from here."""
    def change(c):
        c["process"]["oomScoreAdj"] = 900
        c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]

    good(life.create("exit", "0", change=change))
    pid = life.state()["pid"]
    assert os.readlink(f"/proc/{pid}/ns/uts") != os.readlink("/proc/self/ns/uts")
    if os.geteuid() == 0:
        groups = open(f"/proc/{pid}/cgroup", encoding="utf-8").read()
        assert f"/{GROUPS}/c1" in groups
    assert open(f"/proc/{pid}/oom_score_adj", encoding="utf-8").read() == "900\n"


@pytest.mark.parametrize("key, change", [
    ("linux.sysctl", lambda c: c["linux"].update(sysctl={"kernel.no_such": "1"})),
    ("linux.namespaces", lambda c: c["linux"]["namespaces"].append({"type": "network", "path": "/no/such"})),
    ("root.path", lambda c: c["root"].update(path="absent")),
    ("mounts", lambda c: c["mounts"].append({"destination": "/m", "source": "/no/such", "options": ["bind"]})),
])
def test_create_a_property_that_cannot_be_applied(life, key, change):
    before = world(life)
    r = life.create("say", "never", change=change)
    bad(r)
    assert UNKNOWN in life.state() and world(life) == before, key


def test_create_may_validate_before(life):
    """It does: nothing is made for a config.json that is wrong somewhere at its end."""
    before = world(life)
    bad(life.create("x", change=lambda c: c["linux"].update(maskedPaths=["relative"])), "linux.maskedPaths")
    assert world(life) == before


@pytest.mark.parametrize("status, words", [
    ("running", "cannot start an already running container"), ("paused", "cannot start an already running container"),
    ("stopped", "cannot start a container that has stopped"),
])
def test_start_one_that_is_not_created(life, status, words):
    in_status(life, status)
    before = life.state()
    bad(life.call("start", "c1"), words)
    assert life.state() == before


def test_start_without_a_process(life):
    """Such a one is not even created, as with runc: nothing could ever start it."""
    before = world(life)
    bad(life.create(change=lambda c: c.pop("process")), "process property must not be empty")
    assert world(life) == before
    bad(life.call("start", "c1"), UNKNOWN)


@pytest.mark.parametrize("status", ["stopped", "unknown"])
def test_kill_one_that_does_not_run(life, status):
    in_status(life, status)
    before = life.state()
    bad(life.call("kill", "c1", "KILL"), "container not running" if status == "stopped" else UNKNOWN)
    assert life.state() == before


@pytest.mark.parametrize("status", ["created", "running", "paused"])
def test_kill_sends_the_signal(life, status):
    in_status(life, status)
    good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")


@pytest.mark.parametrize("name, number", [("TERM", 15), ("SIGUSR1", 10), ("12", 12), ("RTMIN+3", 37)])
def test_kill_sends_this_signal_and_to_the_process(life, name, number):
    life.start("trap", str(number))
    wait_until(lambda: "ready" in life.text())
    good(life.call("kill", "c1", name))
    wait_until(lambda: f"signal={number}" in life.text())
    life.wait_for("stopped")


@pytest.mark.parametrize("status", ["running", "paused"])
def test_delete_one_that_is_not_stopped(life, status):
    in_status(life, status)
    before = life.state()
    bad(life.call("delete", "c1"), f"cannot delete container c1 that is not stopped: {status}")
    assert life.state() == before


def test_delete_leaves_what_the_container_has_not_made(life):
    """A group that was there, the sources of its mounts, the bundle."""
    tops = [p / GROUPS for p, _, _ in cgroup_mounts()] if os.geteuid() == 0 else []
    for top in tops:
        top.mkdir()
    try:
        (life.bundle / "data/f").write_text("x")
        life.start("exit", "0")
        life.wait_for("stopped")
        good(life.call("delete", "c1"))
        assert all(t.is_dir() and not list(x for x in t.iterdir() if x.is_dir()) for t in tops)
        assert (life.bundle / "data/f").read_text() == "x" and (life.bundle / "config.json").exists() and (life.bundle / "root/bin/probe").exists()
    finally:
        for top in tops:
            top.rmdir()


def test_delete_the_id_is_free_again(life):
    for _ in range(2):
        life.start("exit", "0")
        life.wait_for("stopped")
        good(life.call("delete", "c1"))


# ---- runtime-linux.md ----


def test_file_descriptors_are_those_three(bundle):
    r, w = os.pipe()
    os.set_inheritable(w, True)
    p = run(bundle, "show fds", close_fds=False)
    os.close(r)
    os.close(w)
    assert sorted(k for k in values(p.stdout) if k.startswith("fds.")) == ["fds.0", "fds.1", "fds.2"], p


def test_file_descriptors_of_socket_activation_go_on(bundle):
    script = 'exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
    write_config(bundle, lambda c: c["process"].update(args=["/bin/probe", "seq", "show", "fds", ",", "env", "LISTEN_FDS"]))
    r = subprocess.run(["sh", "-c", script, "sh", RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and "fds.3=/dev/null" in r.stdout and "fds.4" not in r.stdout and "12:LISTEN_FDS=1," in r.stdout, r


def test_file_descriptors_that_are_closed_are_the_null_device(bundle):
    write_config(bundle, lambda c: c["process"].update(args=["/bin/probe", "show", "fds"]))
    r = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"], stdout=subprocess.PIPE, text=True, timeout=30)
    assert r.returncode == 0 and values(r.stdout)["fds.0"] == "/dev/null", r


LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}


def test_dev_symbolic_links(bundle):
    r = run(bundle, "stat " + " ".join(f"/dev/{n}" for n in LINKS), change=lambda c: c["mounts"].append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}))
    found = dict(re.findall(r"stat\./dev/(\w+)=12\d{4} .* link=(\S+)", r.stdout))
    assert found == LINKS, r
