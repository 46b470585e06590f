"""config.md, "POSIX-platform Hooks" with its six kinds, and what runtime.md says of them in "Lifecycle"."""
import json
import os
import shutil

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, write_config  # noqa: F401: some are fixtures
from harness import wait_until

KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
BY_CREATE, AT_START, BY_RUNTIME = KINDS[:3], KINDS[3:5], ("prestart", "createRuntime", "poststart", "poststop")
# which namespaces a hook is executed in, and where its path leads: the container's tree, or the runtime's
IN_CONTAINER, PATH_IN_CONTAINER = ("createContainer", "startContainer"), ("startContainer",)
NOTE = """#!/bin/busybox sh
read -r state
link() { /bin/busybox readlink /proc/self/ns/$1; }
{ echo "$1 $2 $(link mnt) $(link uts) ${X-}"; echo "$state"; } >> %s/log
"""
pytestmark = pytest.mark.root("hooks of the container write into the host's folder as another user")


@pytest.fixture
def noting(life, busybox):
    """`noting(kinds, more)` is a change of config.json with hooks of these kinds that write down who, where and with which state."""
    (life.bundle / "data").chmod(0o777)
    (life.bundle / "data/log").touch()
    (life.bundle / "data/log").chmod(0o666)
    for place in (life.bundle / "data", life.bundle / "root/bin"):
        shutil.copy(busybox, place / "busybox")
    (life.bundle / "root/hooks").mkdir()
    for where, log in ((life.bundle / "hook", life.bundle / "data"), (life.bundle / "root/hooks/hook", "/data")):
        where.write_text(NOTE % log)
        where.chmod(0o755)

    def hooks(*kinds, count=1):
        def change(c):
            c["mounts"][1]["options"] = ["rbind", "rw"]
            c["hooks"] = {k: [{"path": "/hooks/hook" if k in PATH_IN_CONTAINER else str(life.bundle / "hook"), "args": ["hook", k, str(i)], "env": ["X=y"]} for i in range(count)] for k in kinds}
            c["mounts"].append({"destination": "/bin/busybox", "type": "bind", "source": str(busybox), "options": ["bind", "ro"]})

        return change

    life.hooks = hooks
    return life


def noted(life):
    """[(words, state)] of all that have run."""
    lines = (life.bundle / "data/log").read_text().splitlines()
    return [(a.split(), json.loads(b)) for a, b in zip(lines[::2], lines[1::2])]


def names(life):
    return [words[0] for words, _ in noted(life)]


# ---- which, when, where ----


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_each_kind_alone_is_invoked_at_its_time(noting, kind):
    """During create, start or delete, and before that operation returns."""
    good(noting.create("exit", "0", change=noting.hooks(kind)))
    assert names(noting) == ([kind] if kind in BY_CREATE else [])
    good(noting.call("start", "c1"))
    noting.wait_for("stopped")
    assert names(noting) == ([kind] if kind in BY_CREATE + AT_START else [])
    good(noting.call("delete", "c1"))
    assert names(noting) == [kind]


def test_hooks_all_kinds_in_the_order_of_the_lifecycle(noting):
    """And those of one kind as they are listed."""
    noting.start("exit", "0", change=noting.hooks(*reversed(KINDS), count=3))
    noting.wait_for("stopped")
    good(noting.call("delete", "c1"))
    assert [w[:2] for w, _ in noted(noting)] == [[k, str(i)] for k in KINDS for i in range(3)]


def test_hooks_are_executed_in_their_namespaces(noting):
    good(noting.create("sleep", "60000", change=noting.hooks(*KINDS)))
    pid = noting.state()["pid"]
    inside = [os.readlink(f"/proc/{pid}/ns/{n}") for n in ("mnt", "uts")]
    outside = [os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "uts")]
    good(noting.call("start", "c1"))
    good(noting.call("delete", "--force", "c1"))
    assert {w[0]: w[2:4] for w, _ in noted(noting)} == {k: inside if k in IN_CONTAINER else outside for k in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_paths_resolve_where_they_should(life, kind):
    """A file that only one of the two trees has is found in that one, and in the other it is not."""
    path = "/bin/probe"  # the container's
    assert not os.path.exists(path)
    hook = [{"path": path, "args": ["probe", "write", "/t/x", "y"]}]
    if kind in PATH_IN_CONTAINER:
        life.start("exit", "0", change=lambda c: c.update(hooks={kind: hook}))
        return
    r = life.create("exit", "0", change=lambda c: c.update(hooks={kind: hook}))
    if kind in BY_CREATE:
        bad(r, f'error running {kind} hook #0: exit status 127, output: exec "{path}": no such file or directory')
        return
    good(r)
    r = life.call("start", "c1")
    if kind == "poststart":
        bad(r, f"error running {kind} hook #0")
        return
    life.wait_for("stopped")
    r = life.call("delete", "c1")
    assert r.returncode == 0 and f"error running {kind} hook #0" in r.stderr, r


def test_hooks_before_the_pivot_see_the_hosts_tree_and_the_mounts(life):
    """createRuntime and prestart find the mounts made below the root, by the process's number; createContainer sees them itself."""
    script = life.bundle / "hook"
    script.write_text(f'#!/bin/sh\nstate=$(cat); pid=$(echo "$state" | sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/")\n'
                      f'echo $1 $(test -e {life.bundle}/config.json && echo host) $(grep -c "{life.bundle}/root/t " /proc/$([ $1 = createContainer ] && echo self || echo $pid)/mountinfo) >> {life.bundle}/log\n')
    script.chmod(0o755)
    good(life.create("exit", "0", change=lambda c: c.update(hooks={k: [{"path": str(script), "args": ["hook", k], "env": ["PATH=/usr/bin:/bin"]}] for k in BY_CREATE})))
    lines = (life.bundle / "log").read_text().split("\n")
    assert [x.split()[:2] for x in lines[:-1]] == [[k, "host"] for k in BY_CREATE], lines
    assert lines[2].split()[2] == "1", lines


def test_hooks_startcontainer_before_the_program(noting):
    noting.start("write", "/data/log", "overwrites", change=noting.hooks("startContainer"))
    noting.wait_for("stopped")
    assert (noting.bundle / "data/log").read_text().startswith("overwrites")


def test_hooks_poststart_after_the_program_has_begun(life):
    """It finds the command running, not the program that made the container."""
    script = life.bundle / "hook"
    script.write_text(f'#!/bin/sh\npid=$(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/")\ncat /proc/$pid/comm > {life.bundle}/comm\n')
    script.chmod(0o755)
    life.start("sleep", "60000", change=lambda c: c.update(hooks={"poststart": [{"path": str(script), "env": ["PATH=/usr/bin:/bin"]}]}))
    assert (life.bundle / "comm").read_text() == "probe\n"


def test_hooks_poststop_after_the_container_is_deleted(life):
    """Its groups are gone, its state is, but delete has not returned."""
    script = life.bundle / "hook"
    script.write_text(f'#!/bin/sh\ncat > /dev/null; sleep 0.2; ls -d /sys/fs/cgroup/*/{GROUPS}/c1 /sys/fs/cgroup/{GROUPS}/c1 > {life.bundle}/log 2>/dev/null\n{RUNTIME} --root {life.state_dir} state c1 2>> {life.bundle}/log; exit 0\n')
    script.chmod(0o755)
    life.start("exit", "0", change=lambda c: c.update(hooks={"poststop": [{"path": str(script), "env": ["PATH=/usr/bin:/bin"]}]}))
    life.wait_for("stopped")
    good(life.call("delete", "c1"))
    assert (life.bundle / "log").read_text() == "mydocker-runtime: container c1 does not exist\n"


# ---- with what ----


def test_hooks_get_the_state_on_standard_input(noting):
    noting.start("sleep", "60000", change=lambda c: (noting.hooks(*KINDS)(c), c.update(annotations={"a": "b"})))
    pid = noting.state()["pid"]
    good(noting.call("delete", "--force", "c1"))
    statuses = dict(zip(KINDS, ["creating"] * 3 + ["created", "running", "stopped"]))
    for words, state in noted(noting):
        kind = words[0]
        assert (state["ociVersion"], state["id"], state["bundle"], state["annotations"]) == ("1.3.0", "c1", str(noting.bundle), {"a": "b"}), state
        assert state["status"] == statuses[kind], (kind, state)
        if kind != "poststop":
            assert state["pid"] == (1 if kind in IN_CONTAINER else pid), (kind, state)


def test_hooks_have_their_arguments_and_their_environment(life):
    """Without any they have the runtime's environment, as with runc."""
    probe = str(life.bundle / "root/bin/probe")
    for extra, want in (({"args": ["the name", "env"], "env": ["ONLY=this"]}, "9:ONLY=this,"), ({"args": ["x", "args", "a b", ""], "env": []}, "3:a b,0:,"), ({"args": ["x", "env", "HOME="]}, f"HOME={os.environ['HOME']},")):
        r = life.create("exit", "0", change=lambda c, e=extra: c.update(hooks={"createRuntime": [{"path": probe} | e | {"args": [e["args"][0], "seq", *e["args"][1:], ",", "exit", "1"]}]}))
        bad(r, "error running createRuntime hook #0: exit status 1", want)


def test_hooks_of_start_have_the_commands_environment(life):
    """Where they have none of their own, as with runc."""
    def change(own):
        return lambda c: (c["process"].update(env=["ONE=two", "FOO=b c"]), c.update(hooks={"startContainer": [{"path": "/bin/probe", "args": ["probe", "seq", "env", "ONE=", ",", "env", "HOME=", ",", "exit", "3"], **own}]}))

    for own, want in (({}, "7:ONE=two,6:HOME=/,"), ({"env": ["ONE=own"]}, "output: 7:ONE=own,")):
        good(life.create("exit", "0", change=change(own)))
        r = life.call("start", "c1")
        bad(r, "error running startContainer hook #0: exit status 3", want)
        good(life.call("delete", "--force", "c1"))


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_path_is_absolute_and_timeout_positive(life, kind):
    for hook, words in (({"path": "relative"}, "path must be an absolute path"), ({"path": "/x", "timeout": 0}, "timeout that is not greater than zero"), ({"path": "/x", "timeout": -1}, "timeout")):
        bad(life.create("exit", "0", change=lambda c, h=hook: c.update(hooks={kind: [h]})), f"hooks.{kind}[0]", words)


def test_hooks_that_run_past_their_timeout_have_failed(life):
    bad(life.create("exit", "0", change=lambda c: c.update(hooks={"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]})), "error running createRuntime hook #0", "timeout of 1 s")


def test_hooks_may_be_absent_or_empty(life):
    for value in ({}, {k: [] for k in KINDS}):
        life.start("exit", "0", change=lambda c, v=value: c.update(hooks=v))
        life.wait_for("stopped")
        good(life.call("delete", "c1"))


# ---- those that fail ----


def failing(life, kind):
    """Two hooks of the kind of which the first fails, and two of poststop, which leave a sign."""
    fail = {"path": "/bin/probe", "args": ["probe", "exit", "9"]} if kind in PATH_IN_CONTAINER else {"path": "/bin/sh", "args": ["sh", "-c", "exit 9"]}
    sign = {"path": "/bin/sh", "args": ["sh", "-c", f"echo x >> {life.bundle}/poststop"]}
    never = {"path": "/bin/sh", "args": ["sh", "-c", f"echo x >> {life.bundle}/never"]}
    return lambda c: c.update(hooks={"poststop": [sign, sign]} | {kind: [fail, never]})


@pytest.mark.parametrize("kind", BY_CREATE)
def test_hooks_that_fail_during_create_end_the_container(life, kind):
    """An error, no container, and poststop hooks: step 12 and 13 of the lifecycle."""
    bad(life.create("say", "never", change=failing(life, kind)), f"error running {kind} hook #0: exit status 9")
    assert "does not exist" in life.state() and life.text() == "" and not (life.bundle / "never").exists()
    assert (life.bundle / "poststop").read_text() == "x\nx\n"


@pytest.mark.parametrize("kind", AT_START)
def test_hooks_that_fail_during_start_end_the_container(life, kind):
    """An error, and the process is ended. The record stays for who made it, as runc's does; its delete runs poststop hooks."""
    good(life.create("sleep", "60000", change=failing(life, kind)))
    bad(life.call("start", "c1"), f"error running {kind} hook #0: exit status 9")
    life.wait_for("stopped")
    assert not (life.bundle / "never").exists()
    good(life.call("delete", "c1"))
    assert (life.bundle / "poststop").read_text() == "x\nx\n"


def test_hooks_of_poststop_that_fail_are_a_warning(life):
    """The others are run, and delete goes on."""
    hooks = [{"path": "/bin/sh", "args": ["sh", "-c", t]} for t in (f"echo 1 >> {life.bundle}/ran", "exit 5", f"echo 3 >> {life.bundle}/ran")]
    life.start("exit", "0", change=lambda c: c.update(hooks={"poststop": hooks}))
    life.wait_for("stopped")
    r = life.call("delete", "c1")
    assert r.returncode == 0 and "warning" in r.stderr and "error running poststop hook #1: exit status 5" in r.stderr, r
    assert (life.bundle / "ran").read_text() == "1\n3\n" and "does not exist" in life.state()


def test_hooks_with_the_run_command(noting):
    write_config(noting.bundle, lambda c: (c["process"].update(args=["/bin/probe", "exit", "6"]), noting.hooks(*KINDS)(c)))
    assert noting.call("run", "-b", str(noting.bundle), "c1").returncode == 6
    wait_until(lambda: names(noting) == list(KINDS))
