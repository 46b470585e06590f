"""Labels of SELinux, on a kernel that has it with a policy that knows containers: the machine of tests/vm, --lsm selinux."""
import contextlib
import json
import os
import re
from pathlib import Path

import pytest

from bundles import RUNTIME, bad, bundle, good, life, run, runtime  # noqa: F401: some are fixtures
from harness import mounts, values, wait_until

ENFORCE = Path("/sys/fs/selinux/enforce")
PROCESS, FILE = "system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2"
OTHER = "system_u:system_r:container_t:s0:c3,c4"
pytestmark = [
    pytest.mark.skipif(not ENFORCE.exists(), reason="this host has no SELinux"),
    pytest.mark.root("labels of files are set, and a policy enforced"),
]


def label_of(pid):
    return Path(f"/proc/{pid}/attr/current").read_text().rstrip("\n\0")


def label_of_file(path):
    return os.getxattr(path, "security.selinux").decode().rstrip("\0")


def give(top, label):
    for path in (top, *top.rglob("*")):
        os.setxattr(path, "security.selinux", label.encode() + b"\0", follow_symlinks=False)


def labelled(process=PROCESS, mount=FILE, more=lambda c: None):
    def change(c):
        if process:
            c["process"]["selinuxLabel"] = process
        if mount:
            c["linux"]["mountLabel"] = mount
        more(c)

    return change


def sec(*labels):
    return [x for label in labels for x in ("--security-opt", f"label={label}")]


@contextlib.contextmanager
def enforced():
    """The policy holds, but for the tests themselves: their domain is permissive in the machine."""
    was = ENFORCE.read_text()
    ENFORCE.write_text("1")
    try:
        yield
    finally:
        ENFORCE.write_text(was)


# ---- the runtime ----


def test_it_says_that_it_knows_labels():
    assert json.loads(good(runtime("features")).stdout)["linux"]["selinux"] == {"enabled": True}


def test_the_command_has_its_label(life):  # noqa: F811
    """Not what waits for `start` in its place: that is our program, and in no container's domain."""
    own = label_of("self")
    good(life.create("sleep", "60000", change=labelled()))
    pid = life.state()["pid"]
    assert label_of(pid) == own != PROCESS
    good(life.call("start", "c1"))
    assert label_of(pid) == PROCESS and label_of("self") == own


def test_without_one_it_has_ours(life):  # noqa: F811
    life.start("sleep", "60000")
    assert label_of(life.state()["pid"]) == label_of("self")


@pytest.mark.parametrize("more", [
    lambda c: c["process"].update(noNewPrivileges=False), lambda c: c["process"].update(user={"uid": 0, "gid": 0}),
    lambda c: c["linux"].pop("maskedPaths"), lambda c: c["mounts"].pop(0),
], ids=["new privileges", "root", "no masks", "no proc"])
def test_whoever_it_is(life, more):  # noqa: F811
    life.start("sleep", "60000", change=labelled(more=more))
    assert label_of(life.state()["pid"]) == PROCESS


def test_exec_has_the_container_s_or_its_own(life):  # noqa: F811
    life.start("sleep", "60000", change=labelled())
    shown = lambda *options: good(life.exec(*options, ("cat", "/proc/self/attr/current"))).stdout.rstrip("\n\0")  # noqa: E731
    assert shown() == PROCESS
    assert shown("--process-label", OTHER) == OTHER
    process = life.bundle / "process.json"
    process.write_text(json.dumps({"user": {"uid": 5, "gid": 6}, "args": ["/bin/probe", "cat", "/proc/self/attr/current"], "cwd": "/", "selinuxLabel": OTHER}))
    assert good(life.call("exec", "--process", str(process), "c1")).stdout.rstrip("\n\0") == OTHER
    r = life.exec("--process-label", "system_u:system_r:no_such_t:s0", ("exit", "0"))
    assert r.returncode == 255 and "SELinux label 'system_u:system_r:no_such_t:s0': the kernel refuses it" in r.stderr, r


@pytest.mark.parametrize("label", ["system_u:system_r:no_such_t:s0", "nonsense", "system_u:system_r:container_t:s0:c9999"])
def test_a_label_that_the_policy_does_not_know(bundle, label):  # noqa: F811
    bad(run(bundle, "exit 0", change=labelled(process=label)), f"SELinux label '{label}'", "Invalid argument")
    bad(run(bundle, "exit 0", change=labelled(mount=label)), f"option 'context={label}'", "Invalid argument")


def test_keys_have_the_label(life):  # noqa: F811
    """The command may use its session keyring under a policy that lets a domain use its own keys alone."""
    def key(*options):
        return values(good(life.exec(*options, ("show", "keyring"))).stdout)["keyring.label"]

    r = run(life.bundle, "show keyring", change=labelled())
    assert values(r.stdout)["keyring.label"] == PROCESS, r
    life.start("sleep", "60000", change=labelled())
    assert key() == PROCESS and key("--process-label", OTHER) == OTHER
    r = run(life.bundle, "show keyring", "--no-new-keyring", change=labelled())
    assert values(r.stdout).get("keyring.label") != PROCESS, r


def test_hooks_do_not_have_it(life):  # noqa: F811
    """They are the host's, but for startContainer, which is the container's own program."""
    said = life.bundle / "said"
    words = {"path": "/bin/sh", "args": ["sh", "-c", f"tr -d '\\0' </proc/self/attr/current >>{said}; echo >>{said}"]}

    def more(c):
        c["hooks"] = {kind: [words] for kind in ("prestart", "createRuntime", "createContainer", "poststart")}

    life.start("sleep", "60000", change=labelled(more=more))
    labels = said.read_text().split()
    assert len(labels) == 4 and not [x for x in labels if "container_t" in x], labels


# ---- mounts ----


def mounted(pid):
    return {point: (kind, options) for point, kind, options in mounts(Path(f"/proc/{pid}/mountinfo").read_text())}


DEV = [
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}, {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"}, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
]


def with_dev(c):
    c["mounts"].extend(DEV)
    c["linux"]["namespaces"].extend({"type": t} for t in ("ipc", "network"))


def has_option(options, key, label):
    """mounts() has parted them at the comma within the quotes, too."""
    return set(f'{key}="{label}"'.split(",")) <= options


def test_what_is_mounted_has_the_label(life):  # noqa: F811
    outside = label_of_file(life.bundle)
    life.start("sleep", "60000", change=labelled(more=with_dev))
    pid = life.state()["pid"]
    inside = Path(f"/proc/{pid}/root")
    found = mounted(pid)
    for point in ("/t", "/dev", "/dev/pts"):
        assert label_of_file(inside / point[1:]) == FILE, point
        assert has_option(found[point][1], "context", FILE), found[point]
    assert label_of_file(inside / "dev/null") == label_of_file(inside / "dev/ptmx") == FILE
    assert label_of_file(inside / "dev/mqueue") == FILE
    for point in ("proc", "sys"):  # these have labels of their own
        assert "container_file_t" not in label_of_file(inside / point), point
    assert label_of_file(inside / "data") == label_of_file(life.bundle / "data") and outside == label_of_file(life.bundle)


@pytest.mark.parametrize("kind", ["context", "rootcontext"])
def test_the_kind_of_context(life, kind):  # noqa: F811
    """With context nothing in the mount can have another label; with rootcontext only its root is given one."""
    life.start("sleep", "60000", change=labelled(more=lambda c: c.update(annotations={"run.oci.mount_context_type": kind})))
    pid = life.state()["pid"]
    point = Path(f"/proc/{pid}/root/t")
    assert label_of_file(point) == FILE and has_option(mounted(pid)["/t"][1], kind, FILE)
    (point / "new").write_text("")
    if kind == "context":
        with pytest.raises(OSError):
            os.setxattr(point / "new", "security.selinux", FILE.replace("c1,c2", "c5").encode())
        assert label_of_file(point / "new") == FILE
    else:
        os.setxattr(point / "new", "security.selinux", FILE.replace("c1,c2", "c5").encode())
        assert label_of_file(point / "new") == FILE.replace("c1,c2", "c5")


# ---- the engine ----


def started(md, *options):
    """The pid of a command that runs with PROCESS: all is mounted by then."""
    r = md.start([*options, *sec("level:s0:c1,c2")], "probe sleep 60000")
    return wait_until(lambda: next((pid for pid in r.pids() if label_of(pid) == PROCESS), None))


def shown(md, *options):
    return md.run(list(options), "probe cat /proc/self/attr/current").ok().out.rstrip("\n\0")


def test_none_is_given_unless_asked_for(md):
    assert shown(md) == shown(md, *sec("disable")) == shown(md, *sec("disable", "type:container_t")) == label_of("self")


def test_labels_as_the_policy_has_them(md):
    """container_t with two categories that no other container has; single fields are replaced."""
    first, second = (shown(md, *sec("type:container_t")) for _ in range(2))
    assert re.fullmatch(r"system_u:system_r:container_t:s0:c\d+,c\d+", first) and re.fullmatch(r"system_u:system_r:container_t:s0:c\d+,c\d+", second)
    assert first != second
    assert shown(md, *sec("level:s0:c1,c2")) == PROCESS
    for more in ("--privileged", "--init", "--read-only", "--user=1000", "--pid=host"):
        assert shown(md, more, *sec("level:s0:c1,c2")) == PROCESS, more
    md.run(sec("type:no_such_t"), "probe exit 0").failed(125, "SELinux label 'system_u:system_r:no_such_t:s0:c", "Invalid argument")


def test_files_of_the_container_have_the_label_for_files(md):
    inside = Path(f"/proc/{started(md, '--tmpfs', '/t')}/root")
    for path in ("t", "dev", "dev/shm", "dev/mqueue", "etc/hosts", "etc/hostname", "etc/resolv.conf"):
        assert label_of_file(inside / path) == FILE, path


def test_nested(md):
    """It may use SELinux itself: its file system is there, and what it makes gets labels by the policy."""
    r = md.run(sec("nested", "level:s0:c1,c2"), "probe cat /sys/fs/selinux/enforce").ok()
    assert r.out == ENFORCE.read_text()
    hidden = md.run(sec("level:s0:c1,c2"), "probe cat /sys/fs/selinux/enforce")
    assert hidden.code == 1 and "errno=2" in hidden.out, hidden
    assert has_option(mounted(started(md, "--tmpfs", "/t", *sec("nested")))["/t"][1], "rootcontext", FILE)


def test_info_tells(md):
    assert json.loads(md.call("info", "--format", "json").ok().out)["SELinux"] == "permissive"
    with enforced():
        assert json.loads(md.call("info", "--format", "json").ok().out)["SELinux"] == "enforcing"


# ---- the policy ----


def test_the_policy_holds_the_command(life):  # noqa: F811
    """Enforced: it reads what is labelled for it, not what is another container's, nor what is the host's."""
    data, root = life.bundle / "data", life.bundle / "root"
    for name in ("own", "other", "host"):
        (data / name).write_text("there\n")
    give(root, FILE)
    give(data, FILE)
    give(data / "other", FILE.replace("c1,c2", "c3,c4"))
    give(data / "host", "system_u:object_r:shadow_t:s0")

    def reads():
        """Whether it can; it tells by its exit code, as it may not write to a pipe of ours either."""
        done = {name: run(life.bundle, f"cat /data/{name}", change=labelled()) for name in ("own", "other", "host")}
        assert not [r for r in done.values() if r.returncode not in (0, 1) or r.stderr], done
        return {name for name, r in done.items() if r.returncode == 0}

    assert reads() == {"own", "other", "host"}
    with enforced():
        assert reads() == {"own"}
