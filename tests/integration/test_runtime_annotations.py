"""Annotations that callers of crun send, as docs/mydocker-runtime.md has them."""
import json
import os
import subprocess

import pytest

from bundles import RUNTIME, bad, bundle, good, life, run  # noqa: F401: some are fixtures
from test_seccomp_notify import PROFILE, agent  # noqa: F401: a fixture
from harness import give_tree, wait_until

KEEP = {"run.oci.keep_original_groups": "1"}
root = pytest.mark.root("the caller's groups are set")


def annotated(pairs, more=lambda c: None):
    return lambda c: (c.update(annotations=pairs), more(c))


def in_groups(*gids):
    return {"preexec_fn": lambda: os.setgroups(gids)}


def own_user_namespace(c):
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"] |= {k: [{"containerID": 0, "hostID": 100000, "size": 1000}] for k in ("uidMappings", "gidMappings")}


@root
@pytest.mark.parametrize("value, want", [("1", "groups=41,42"), ("0", "groups=7"), (None, "groups=7")])
def test_the_callers_groups_stay(bundle, value, want):  # noqa: F811
    given = {} if value is None else {"run.oci.keep_original_groups": value}
    r = run(bundle, "show groups", change=annotated(given, lambda c: c["process"]["user"].update(additionalGids=[7])), **in_groups(41, 42))
    assert r.returncode == 0 and r.stdout.strip() == want, r


@root
def test_the_callers_groups_stay_in_a_user_namespace(bundle):  # noqa: F811
    """They have no number there that is mapped, and are not lost."""
    give_tree(bundle / "root", 100000, 100000)
    r = run(bundle, "show groups", change=annotated(KEEP, own_user_namespace), **in_groups(41, 42))
    assert r.returncode == 0 and r.stdout.strip() == "groups=65534,65534", r
    r = run(bundle, "show groups", change=annotated({}, own_user_namespace), **in_groups(41, 42))
    assert r.returncode == 0 and r.stdout.strip() == "groups=", r


@root
def test_exec_keeps_those_of_its_own_caller(life):  # noqa: F811
    life.start("sleep", "60000", change=annotated(KEEP))
    r = good(life.exec(("show", "groups"), **in_groups(43)))
    assert r.stdout.strip() == "groups=43", r


def test_a_setgroups_that_is_denied_is_not_missed(bundle):  # noqa: F811
    """Groups that are asked for as well are passed over, as crun does; without the annotation they are refused to an ordinary user."""
    if os.geteuid() == 0:
        pytest.skip("root may set groups")
    asking = lambda c: c["process"]["user"].update(additionalGids=[0])  # noqa: E731
    assert run(bundle, "exit 7", change=annotated(KEEP, asking)).returncode == 7
    assert "supplementary group 0" in run(bundle, "exit 7", change=annotated({}, asking)).stderr


SPEAK = [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} says; echo {kind} complains >&2"]} for kind in ("first", "second")]


def speaking(life, kinds, names=("stdout", "stderr")):  # noqa: F811
    def change(c):
        c["hooks"] = {k: SPEAK for k in kinds}
        c["annotations"] = {f"run.oci.hooks.{n}": str(life.bundle / f"hooks-{n}") for n in names}

    return change


def test_what_hooks_print_goes_to_files(life):  # noqa: F811
    """Of all kinds, wherever they run: startContainer's begin in the container, and have no shell here."""
    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    (life.bundle / "hooks-stdout").write_text("there before\n")
    life.start("exit", "0", change=speaking(life, kinds))
    life.wait_for("stopped")
    good(life.call("delete", "c1"))
    assert (life.bundle / "hooks-stdout").read_text() == "there before\n" + "first says\nsecond says\n" * len(kinds)
    assert (life.bundle / "hooks-stderr").read_text() == "first complains\nsecond complains\n" * len(kinds)


def test_what_hooks_of_the_container_print_goes_there_too(life):  # noqa: F811
    def change(c):
        speaking(life, ())(c)
        c["hooks"] = {"startContainer": [{"path": "/bin/probe", "args": ["probe", "say", "hello"]}]}

    life.start("sleep", "60000", change=change)
    assert (life.bundle / "hooks-stdout").read_text() == "hello\n"
    assert "hooks-" not in " ".join(os.readlink(f"/proc/{life.state()['pid']}/fd/{fd}") for fd in os.listdir(f"/proc/{life.state()['pid']}/fd"))


def test_what_goes_to_no_file_is_kept_for_the_message(life):  # noqa: F811
    def change(c):
        speaking(life, (), ["stdout"])(c)
        c["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "echo says; echo complains >&2; exit 3"]}]}

    bad(life.create("exit", "0", change=change), "error running createContainer hook #0: exit status 3, output: complains")
    assert (life.bundle / "hooks-stdout").read_text() == "says\n"


def test_a_hook_that_cannot_run_is_told_all_the_same(life):  # noqa: F811
    def change(c):
        speaking(life, ())(c)
        c["hooks"] = {"createRuntime": [{"path": "/no/such"}]}

    bad(life.create("exit", "0", change=change), 'error running createRuntime hook #0: exit status 127, output: exec "/no/such": no such file or directory')
    assert (life.bundle / "hooks-stderr").read_text() == ""


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer"])
def test_a_file_that_cannot_be_opened(life, kind):  # noqa: F811
    def change(c):
        c["annotations"] = {"run.oci.hooks.stderr": str(life.bundle / "no/such")}
        c["hooks"] = {kind: SPEAK}

    bad(life.create("exit", "0", change=change), "annotation run.oci.hooks.stderr: open", "no/such", "No such file or directory")


@pytest.mark.root("the listener answers for others")
def test_who_is_asked_by_the_filter(life, agent):  # noqa: F811
    def change(c):
        c["linux"]["seccomp"] = {k: v for k, v in PROFILE.items() if k != "listenerMetadata"}
        c["annotations"] = {"run.oci.seccomp.receiver": str(agent.path)}

    life.start("mkdir", "/t/x", change=change)
    wait_until(lambda: "errno=77" in life.text())
    assert agent.states[0]["pid"] and agent.states[0]["state"]["id"] == "c1"


def test_who_is_asked_has_an_absolute_path(life):  # noqa: F811
    def change(c):
        c["linux"]["seccomp"] = {k: v for k, v in PROFILE.items() if k != "listenerMetadata"}
        c["annotations"] = {"run.oci.seccomp.receiver": "agent"}

    bad(life.create("exit", "0", change=change), "annotation run.oci.seccomp.receiver: 'agent' is no absolute path")


OTHERS = {
    "run.oci.systemd.subgroup": "inner", "run.oci.systemd.force_cgroup_v1": "/sys/fs/cgroup/systemd", "run.oci.delegate-cgroup": "payload", "run.oci.timens_offset": "monotonic 5 0",
    "run.oci.seccomp_fail_unknown_syscall": "1", "run.oci.seccomp_bpf_data": "AAAA", "run.oci.seccomp.plugins": "none", "run.oci.pidfd_receiver": "/no/such/socket", "run.oci.handler": "krun",
}


@pytest.mark.parametrize("key", sorted(OTHERS))
def test_others_are_annotations_like_any(life, key):  # noqa: F811
    life.start("sleep", "60000", change=annotated({key: OTHERS[key]}))
    assert life.state()["annotations"] == {key: OTHERS[key]}


def test_features_name_those_that_change_something():
    unsafe = json.loads(subprocess.run([RUNTIME, "features"], capture_output=True, text=True, timeout=30, check=True).stdout)["potentiallyUnsafeConfigAnnotations"]
    assert {k for k in unsafe if k.startswith("run.oci.")} == {"run.oci.hooks.stderr", "run.oci.hooks.stdout", "run.oci.keep_original_groups", "run.oci.mount_context_type", "run.oci.seccomp.receiver"}
