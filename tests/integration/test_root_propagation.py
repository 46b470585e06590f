"""linux.rootfsPropagation, and containers that share a mount namespace or have none of their own: config-linux.md "Rootfs Mount Propagation", "Namespaces"."""
import json
import os
import shutil
import subprocess

import pytest

from bundles import RUNTIME, bundle, command, life, run, write_config  # noqa: F401: some are fixtures
from harness import values, wait_until

pytestmark = pytest.mark.root("mounts of the host")


def fields(text, point="/"):
    """The optional fields of the last mount on a point: "shared:1", "master:2"; by their names alone."""
    found = [line.split(" - ")[0].split()[6:] for line in text.splitlines() if line.split()[4] == point]
    return {f.split(":")[0] for f in found[-1]}


def set_to(value):
    def change(c):
        c["root"]["readonly"] = False
        if value is not None:
            c["linux"]["rootfsPropagation"] = value

    return change


def in_namespace(bundle, change, *options, host="shared", then=""):  # noqa: F811
    """`run` in a mount namespace of its own, whose mounts are shared: the host's side. `then` is a shell's command for when the container sleeps."""
    def all_changes(c):
        c["process"]["args"] = ["/bin/probe", *("sleep 100000" if then else "cat /proc/self/mountinfo").split()]
        change(c)

    write_config(bundle, all_changes)
    argv = " ".join(map(str, command(bundle, *options)))
    script = f"mount --make-r{host} / && "
    if not then:
        script += argv
    else:
        argv = argv.replace(" run ", " run --detach ")
        delete = f"{RUNTIME} --root {bundle}/state delete --force c1"
        script += f"{argv} </dev/null >/dev/null && pid=$({RUNTIME} --root {bundle}/state state c1 | sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p') && ({then}); code=$?; {delete}; exit $code"
    r = subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0 and not r.stderr, r
    return r.stdout


@pytest.mark.parametrize("options", [(), ("--no-pivot",)], ids=["pivot", "no-pivot"])
@pytest.mark.parametrize("value, want", [
    (None, set()), ("shared", {"shared"}), ("rshared", {"shared"}), ("slave", {"master"}), ("rslave", {"master"}), ("unbindable", {"unbindable"}), ("runbindable", {"unbindable"}),
])
def test_of_the_root(bundle, value, want, options):  # noqa: F811
    assert fields(in_namespace(bundle, set_to(value), *options)) == want


@pytest.mark.parametrize("value, want", [("shared", set()), ("rshared", {"shared"}), ("unbindable", set()), ("runbindable", {"unbindable"}), ("slave", set())])
def test_of_what_is_mounted_in_it(bundle, value, want):  # noqa: F811
    assert fields(in_namespace(bundle, set_to(value)), "/t") == want


@pytest.mark.parametrize("value", ["private", "rprivate"])
def test_private(bundle, value):  # noqa: F811
    assert fields(in_namespace(bundle, set_to(value))) == set()
    r = run(bundle, "exit 0", "--no-pivot", change=set_to(value))
    assert r.returncode == 1 and "rootfsPropagation of [r]private is not safe without pivot_root" in r.stderr, r


def test_a_slave_of_a_private_mount_has_no_master(bundle):  # noqa: F811
    assert fields(in_namespace(bundle, set_to("rslave"), host="private")) == set()


@pytest.mark.parametrize("value, comes", [("rslave", True), ("slave", True), (None, False), ("rshared", False)])
def test_a_mount_of_the_host_comes_in_or_not(bundle, value, comes):  # noqa: F811
    (bundle / "root/in").mkdir()
    inside = f"mount -t tmpfs t {bundle}/root/in && cat /proc/$pid/mountinfo"
    text = in_namespace(bundle, set_to(value), then=inside)
    assert any(line.split()[4] == "/in" for line in text.splitlines()) == comes, text


@pytest.mark.parametrize("value", ["rshared", "rslave", None])
def test_a_mount_of_the_container_does_not_go_out(bundle, busybox, value):  # noqa: F811
    (bundle / "root/in").mkdir()
    shutil.copy(busybox, bundle / "root/bin/busybox")
    text = in_namespace(bundle, set_to(value), then="nsenter -m -t $pid /bin/busybox mount -t tmpfs inner /in && cat /proc/$pid/mountinfo && echo and && cat /proc/self/mountinfo")
    inside, outside = text.split("\nand\n")
    assert " inner " in inside and " inner " not in outside


def test_unknown_word(bundle):  # noqa: F811
    r = run(bundle, "exit 0", change=set_to("sharedd"))
    assert r.returncode == 1 and "linux.rootfsPropagation must be shared, slave, private or unbindable" in r.stderr, r


def test_told_by_explain(bundle):  # noqa: F811
    write_config(bundle, set_to("rslave"))
    r = subprocess.run([RUNTIME, "--root", bundle / "state", "explain", "-b", bundle], capture_output=True, text=True, timeout=30)
    assert "mount_setattr(SLAVE, RECURSIVE)" in r.stdout and 'mount_setattr("/", SLAVE|RECURSIVE)' in r.stdout, r


# ---- a mount namespace of others ----


@pytest.fixture
def other(bundle):  # noqa: F811
    """A process in a mount namespace of its own, in which the root has a file that the host does not see."""
    (bundle / "root/in").mkdir()
    script = f"mount -t tmpfs mark {bundle}/root/in && echo there > {bundle}/root/in/mark; echo; exec sleep 1000"
    p = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", script], stdout=subprocess.PIPE)
    p.stdout.readline()
    yield p.pid
    p.kill()
    p.wait()


def joining(path):
    def change(c):
        c["linux"]["namespaces"] = [n if n["type"] != "mount" else n | {"path": path} for n in c["linux"]["namespaces"]]

    return change


def test_joined(bundle, other):  # noqa: F811
    r = run(bundle, "seq show ns , cat /in/mark /proc/self/mountinfo", change=joining(f"/proc/{other}/ns/mnt"))
    assert r.returncode == 0 and values(r.stdout)["ns.mnt"] == os.readlink(f"/proc/{other}/ns/mnt") and "there" in r.stdout, r
    host = {line.split()[4] for line in open("/proc/self/mountinfo", encoding="utf-8")}
    assert f"{bundle}/root" not in host and "/sys" not in {line.split()[4] for line in r.stdout.splitlines() if " - " in line}


def test_exec_in_a_joined_one(life, other):  # noqa: F811
    life.start("sleep", "100000", change=joining(f"/proc/{other}/ns/mnt"))
    r = life.exec(("cat", "/in/mark"))
    assert r.stdout == "there\n", r


def test_its_own_is_not_joined(bundle):  # noqa: F811
    """All that is in it would have the container's root."""
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    r = run(bundle, "exit 0", change=joining("/proc/self/ns/mnt"))
    assert r.returncode == 1 and "is the runtime's own mount namespace" in r.stderr, r
    assert open("/proc/self/mountinfo", encoding="utf-8").read() == before


def test_of_another_kind(bundle):  # noqa: F811
    r = run(bundle, "exit 0", change=joining("/proc/self/ns/net"))
    assert r.returncode == 1 and "is not a mount namespace" in r.stderr, r


# ---- none of its own ----


def without(c):
    c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "mount"]
    c["linux"]["maskedPaths"] = []
    c["process"]["user"] = {"uid": 0, "gid": 0}


def test_without_one(bundle):  # noqa: F811
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    r = run(bundle, "seq show ns , ls / , ls /proc", change=without)
    v = values(r.stdout)
    assert r.returncode == 0 and v["ns.mnt"] == os.readlink("/proc/self/ns/mnt") and "ls.bin" in v and "ls.1" in v and "ls.root" not in v, r
    assert open("/proc/self/mountinfo", encoding="utf-8").read() == before


def test_without_one_from_create_to_delete(life):  # noqa: F811
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    life.start("sleep", "100000", change=without)
    assert f" {life.bundle}/root/proc " in open("/proc/self/mountinfo", encoding="utf-8").read()
    r = life.exec(("seq", "ls", "/", ",", "ls", "/data"))
    assert r.returncode == 0 and "ls.bin=" in r.stdout and "ls.usr" not in r.stdout, r
    assert life.call("kill", "c1", "KILL").returncode == 0
    wait_until(lambda: life.status() == "stopped")
    assert life.call("delete", "c1").returncode == 0
    assert open("/proc/self/mountinfo", encoding="utf-8").read() == before


def test_nothing_is_mounted_in_it_later(life):  # noqa: F811
    life.start("sleep", "100000", change=without)
    (life.bundle / "mounts.json").write_text(json.dumps([{"destination": "/later", "type": "tmpfs", "source": "t"}]))
    r = life.call("mounts", "add", "c1", life.bundle / "mounts.json")
    assert r.returncode == 1 and "has no mount namespace of its own" in r.stderr, r


def test_the_callers_own_mount_there_stays(life):  # noqa: F811
    """As podman has it, whose root is an overlay."""
    root = life.bundle / "root"
    subprocess.run(["mount", "--bind", root, root], check=True)
    try:
        before = open("/proc/self/mountinfo", encoding="utf-8").read()
        life.start("sleep", "100000", change=without)
        assert life.call("delete", "--force", "c1").returncode == 0
        r = life.create(change=lambda c: (without(c), c["mounts"].append({"destination": "/x", "type": "nosuchfs"})))
        assert r.returncode == 1
        assert open("/proc/self/mountinfo", encoding="utf-8").read() == before
    finally:
        subprocess.run(["umount", root], check=True)


def test_no_pivot_leaves_the_host_s_root_alone(bundle):  # noqa: F811
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    r = run(bundle, "ls /", "--no-pivot", change=without)
    assert r.returncode == 0 and "ls.bin=" in r.stdout and open("/proc/self/mountinfo", encoding="utf-8").read() == before, r


def test_without_one_nothing_can_be_masked(bundle):  # noqa: F811
    for key in ("maskedPaths", "readonlyPaths"):
        r = run(bundle, "exit 0", change=lambda c, key=key: (without(c), c["linux"].update({key: ["/proc/kcore"]})))
        assert r.returncode == 1 and "unable to restrict sys entries without a private MNT namespace" in r.stderr, r


def test_without_one_in_a_user_namespace(bundle):  # noqa: F811
    def change(c):
        without(c)
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {k: [{"containerID": 0, "hostID": 0, "size": 1000}] for k in ("uidMappings", "gidMappings")}

    r = run(bundle, "exit 0", change=change)
    assert r.returncode == 1 and "without a mount namespace of its own" in r.stderr, r
    assert json.loads((bundle / "config.json").read_text())
