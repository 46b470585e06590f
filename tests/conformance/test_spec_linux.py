"""config-linux.md: file systems, namespaces, id maps, devices, control groups, sysctl, masks, personality, mount propagation, memory policy."""
import array
import contextlib
import os
import re
import socket
import stat
import subprocess

import pytest

from bundles import GROUPS, bundle, command, good, life, run, write_config  # noqa: F401: some are fixtures
from harness import cgroup_mount, cgroup_mounts, cgroup_v2_only, mounts, values, wait_until
from test_spec_config import DEVICE, MAPS, put, refused
from test_spec_mounts import mountinfo

root_only = pytest.mark.root("namespaces, devices or groups of the host")
KINDS = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "user": "user", "cgroup": "cgroup", "time": "time"}


def with_dev(c):
    c["mounts"] += [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
                    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]


def as_root(c):
    c["process"]["user"] = {"uid": 0, "gid": 0}
    c["root"]["readonly"] = False


def in_user_namespace(c):
    as_root(c)
    c["mounts"] = [m for m in c["mounts"] if m["destination"] != "/data"]
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"] |= {"uidMappings": MAPS, "gidMappings": MAPS}


def all_of(*changes):
    return lambda c: [change(c) for change in changes]


# ---- default file systems ----


def test_default_filesystems_can_be_had(bundle):
    """They are mounted as config.json has them; without an entry there is none: the runtime mounts what it is told to."""
    def change(c):
        with_dev(c)
        as_root(c)
        c["linux"]["namespaces"].append({"type": "network"})
        c["mounts"] += [{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
                        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]}]

    found = mountinfo(run(bundle, "cat /proc/self/mountinfo", change=change).stdout)
    assert {p: found[p][2] for p in ("/proc", "/sys", "/dev/pts", "/dev/shm")} == {"/proc": "proc", "/sys": "sysfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs"}


# ---- namespaces ----


@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_of_each_type_are_made(bundle, kind):
    """A new one when it is listed, the runtime's own when it is not."""
    if kind == "user" and os.geteuid() != 0:
        pytest.skip("an ordinary user has always one")
    os.chown(bundle / "root", *((100000, 100000) if kind == "user" and os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    for listed in (True, False):
        if not listed and (kind == "mount" or (kind == "pid" and os.geteuid() != 0)):
            continue  # see below; an ordinary user may mount proc for a pid namespace of his own alone

        def change(c, listed=listed):
            c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind or listed]
            if kind == "uts" and not listed:
                del c["hostname"]
            if kind == "pid" and not listed:
                c["linux"]["maskedPaths"] = []
            if listed and kind not in ("pid", "mount", "uts", "user"):
                c["linux"]["namespaces"].append({"type": kind})
            if listed and kind == "user":
                in_user_namespace(c)

        r = run(bundle, "show ns", change=change)
        theirs, ours = values(r.stdout)[f"ns.{KINDS[kind]}"], os.readlink(f"/proc/self/ns/{KINDS[kind]}")
        assert (theirs != ours) == listed, (listed, r)


def test_namespaces_without_a_mount_namespace(bundle):
    """The container inherits the runtime's, in which nothing can be masked, as with runc."""
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "mount"]
        c["linux"]["maskedPaths"] = ["/proc/kcore"] if change.masked else []
        c["root"]["readonly"] = False
        c["mounts"] = []

    change.masked = True
    refused(bundle, change, "linux.maskedPaths")
    change.masked = False
    if os.geteuid() == 0:
        before = len(mounts())
        r = run(bundle, "exit 7", change=change)
        assert r.returncode == 7 and len(mounts()) == before, r


@pytest.fixture
def others():
    """Namespaces of somebody else, of all types but user: {type: path}."""
    p = subprocess.Popen(["unshare", "-n", "-i", "-u", "-p", "-C", "-m", "-T", "--fork", "--kill-child", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE, text=True)
    p.stdout.readline()
    child = open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="utf-8").read().split()[0]
    yield {t: f"/proc/{child}/ns/{n}" for t, n in KINDS.items() if t != "user"}
    p.kill()
    p.wait()


def joining(kind, path):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind] + [{"type": kind, "path": path}]
        if kind == "uts":
            c.pop("hostname", None)

    return change


@root_only
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "user"])
def test_namespaces_with_a_path_are_joined(bundle, others, kind):
    r = run(bundle, "show ns", change=joining(kind, others[kind]))
    assert r.returncode == 0 and values(r.stdout)[f"ns.{KINDS[kind]}"] == os.readlink(others[kind]), r


@root_only
def test_namespaces_user_with_a_path_is_joined(bundle):
    p = subprocess.Popen(["unshare", "-U", "sleep", "1000"])
    try:
        wait_until(lambda: os.readlink(f"/proc/{p.pid}/ns/user") != os.readlink("/proc/self/ns/user"))
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{p.pid}/{name}", "w", encoding="utf-8") as f:
                f.write("0 0 70000\n")
        r = run(bundle, "show ns", change=joining("user", f"/proc/{p.pid}/ns/user"))
        assert r.returncode == 0 and values(r.stdout)["ns.user"] == os.readlink(f"/proc/{p.pid}/ns/user"), r
    finally:
        p.kill()
        p.wait()


@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_path_is_absolute(bundle, kind):
    refused(bundle, joining(kind, "relative/ns"), "absolute path")


@root_only
@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_path_of_another_type(bundle, kind):
    other = "uts" if kind != "uts" else "ipc"
    refused(bundle, joining(kind, f"/proc/self/ns/{other}"), "namespace")
    refused(bundle, joining(kind, "/dev/null"), "namespace")
    refused(bundle, joining(kind, "/no/such/file"), "/no/such/file")


@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_listed_twice(bundle, kind):
    refused(bundle, lambda c: c["linux"].update(namespaces=[*(n for n in c["linux"]["namespaces"] if n["type"] != kind), {"type": kind}, {"type": kind}]), "linux.namespaces", "second namespace of its type")


# ---- id maps, time ----


@root_only
def test_user_namespace_mappings_do_not_change_owners(bundle):
    os.chmod(bundle, 0o755)
    os.chown(bundle / "root", 100000, 100000)
    before = {p: os.lstat(p)[4:6] for p in bundle.rglob("*")}
    r = run(bundle, "show ids", change=in_user_namespace)
    assert values(r.stdout)["ids.uid_map"].split() == ["0", "100000", "1000"], r
    assert {p: os.lstat(p)[4:6] for p in before} == before


@root_only
def test_user_namespace_mappings_are_as_many_as_the_kernel_takes(bundle):
    os.chmod(bundle, 0o755)
    os.chown(bundle / "root", 100000, 100000)
    many = [{"containerID": i, "hostID": 1000 + 2 * i, "size": 1} for i in range(300)]
    os.chown(bundle / "root", 1000, 1000)
    r = run(bundle, "cat /proc/self/uid_map", change=all_of(in_user_namespace, lambda c: c["linux"].update(uidMappings=many, gidMappings=many)))
    assert r.returncode == 0 and len(r.stdout.splitlines()) == 300, r
    refused(bundle, all_of(in_user_namespace, lambda c: c["linux"].update(uidMappings=[*many, *({"containerID": i, "hostID": 1000 + 2 * i, "size": 1} for i in range(300, 400))])), "uid")


def test_time_offsets(bundle):
    def change(c):
        c["linux"]["namespaces"].append({"type": "time"})
        c["linux"]["timeOffsets"] = {"monotonic": {"secs": 1000, "nanosecs": 5}, "boottime": {"secs": 2000}}

    lines = run(bundle, "cat /proc/self/timens_offsets", change=change).stdout.splitlines()
    assert [x.split() for x in lines] == [["monotonic", "1000", "5"], ["boottime", "2000", "0"]]


# ---- devices ----

DEFAULTS = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def stats(text):
    """{path: (mode, owner, numbers, link)}"""
    return {m[1]: (int(m[2], 8), m[3], m[4], m[5]) for m in re.finditer(r"stat\.(\S+)=(\d+) (\S+) size=\S+ rdev=(\S+) .* link=(\S*)", text)}


def test_default_devices(bundle):
    paths = [f"/dev/{n}" for n in (*DEFAULTS, "ptmx", "console")]
    r = run(bundle, "seq stat " + " ".join(paths) + " , open /dev/null rw , open /dev/full r , open /dev/ptmx rw", change=with_dev)
    found = stats(r.stdout)
    for name, (major, minor) in DEFAULTS.items():
        assert stat.S_ISCHR(found[f"/dev/{name}"][0]) and found[f"/dev/{name}"][0] & 0o666 == 0o666 and found[f"/dev/{name}"][2] == f"{major}:{minor}", r
    assert stat.S_ISLNK(found["/dev/ptmx"][0]) and found["/dev/ptmx"][3] in ("pts/ptmx", "/dev/pts/ptmx"), r
    assert "/dev/console" not in found and r.stdout.count("open=0") == 3, r


def test_default_devices_console_is_the_terminal(life):
    def change(c):
        with_dev(c)
        c["process"] |= {"terminal": True, "args": ["/bin/probe", "seq", "stat", "/dev/console", "/dev/pts/0", ",", "say", "end"]}

    path = life.bundle / "console"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        s.settimeout(20)
        good(life.create(change=change, options=["--console-socket", path]))
        conn, _ = s.accept()
        with conn:
            _, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
    master = array.array("i", data[0][2])[0]
    try:
        good(life.call("start", "c1"))
        got = b""
        with contextlib.suppress(OSError):  # EIO: nobody has its other end any more
            while b"end\n" not in got:
                got += os.read(master, 4096)
    finally:
        os.close(master)
    numbers = re.findall(r"rdev=(\d+:\d+)", got.decode())
    assert len(numbers) == 2 and numbers[0] == numbers[1] and numbers[0].startswith("136:"), got


@root_only
def test_devices_are_there_with_owner_and_mode(bundle):
    """Character and block devices, unbuffered ones, and FIFOs, which have no numbers; also outside of /dev."""
    given = [
        {"type": "c", "path": "/dev/mine", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 7, "gid": 8}, {"type": "b", "path": "/dev/block", "major": 7, "minor": 3, "fileMode": 0o600, "uid": 0, "gid": 0},
        {"type": "u", "path": "/dev/unbuffered", "major": 1, "minor": 7, "fileMode": 0o666}, {"type": "p", "path": "/dev/fifo", "fileMode": 0o622}, {"type": "c", "path": "/elsewhere/deep/null", "major": 1, "minor": 3, "fileMode": 0o666},
    ]
    r = run(bundle, "stat " + " ".join(d["path"] for d in given), change=all_of(with_dev, as_root, lambda c: c["linux"].update(devices=given)))
    found = stats(r.stdout)
    assert (oct(found["/dev/mine"][0]), *found["/dev/mine"][1:3]) == ("0o20640", "7:8", "1:5") and (oct(found["/dev/block"][0]), *found["/dev/block"][1:3]) == ("0o60600", "0:0", "7:3"), r
    assert stat.S_ISCHR(found["/dev/unbuffered"][0]) and stat.S_ISFIFO(found["/dev/fifo"][0]) and found["/elsewhere/deep/null"][2] == "1:3", r


@root_only
@pytest.mark.parametrize("content", ["file", "other device", "folder"])
def test_devices_a_file_that_is_another(bundle, content):
    """Of another kind, or with other numbers, at that place in the root."""
    at = bundle / "root/node"
    if content == "file":
        at.write_text("x")
    elif content == "folder":
        at.mkdir()
    else:
        os.mknod(at, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    refused(bundle, all_of(as_root, put("linux.devices", [{"type": "c", "path": "/node", "major": 1, "minor": 3}])), "/node")


@root_only
def test_devices_a_file_that_is_the_same(bundle):
    os.mknod(bundle / "root/node", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    r = run(bundle, "stat /node", change=all_of(as_root, put("linux.devices", [{"type": "c", "path": "/node", "major": 1, "minor": 3, "fileMode": 0o666}])))
    assert r.returncode == 0 and "rdev=1:3" in r.stdout, r


@root_only
def test_devices_the_same_numbers_twice_are_two_nodes(bundle):
    r = run(bundle, "stat /dev/a /dev/b", change=all_of(with_dev, as_root, put("linux.devices", [DEVICE | {"path": "/dev/a"}, DEVICE | {"path": "/dev/b"}])))
    assert r.stdout.count("rdev=1:3") == 2, r


@root_only
def test_devices_that_are_neither_listed_nor_default_cannot_be_used(bundle):
    """A node can be made with CAP_MKNOD, but not opened."""
    r = run(bundle, "seq mknod /t/mem 1 1 , open /t/mem r , mknod /t/kmsg 1 11 , open /t/kmsg r , mknod /t/zero 1 5 , open /t/zero rw",
            change=all_of(as_root, lambda c: c["process"].update(capabilities={k: ["CAP_MKNOD", "CAP_DAC_OVERRIDE"] for k in ("bounding", "effective", "permitted")})))
    assert r.stdout.split() == ["mknod=0", "open=-1", "errno=1", "mknod=0", "open=-1", "errno=1", "mknod=0", "open=0"], r


@root_only
@pytest.mark.parametrize("rules, loop, ok", [
    ([], "rw", False), ([{"allow": True, "access": "rwm"}], "rw", True),
    ([{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "r"}], "r", True),
    ([{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "r"}], "rw", False),
    ([{"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}, {"allow": False, "access": "rwm"}], "r", False),
    ([{"allow": False}, {"allow": True, "type": "c", "major": 10, "access": "rw"}], "rw", True), ([{"allow": False}, {"allow": True, "type": "b", "major": 10, "access": "r"}], "r", False),
    ([{"allow": True, "type": "a", "access": "rwm"}, {"allow": False, "type": "c", "major": 10, "minor": 229, "access": "w"}], "rw", False),
])
def test_allowed_device_list_in_the_listed_order(bundle, rules, loop, ok):
    """Of /dev/fuse's numbers, by number of a node in a tmpfs; what is not there says so, and not that it is forbidden."""
    r = run(bundle, f"seq mknod /t/x 10 229 , open /t/x {loop}", change=all_of(as_root, lambda c: c["process"].update(capabilities={k: ["CAP_MKNOD", "CAP_DAC_OVERRIDE"] for k in ("bounding", "effective", "permitted")}),
            lambda c: c["linux"].setdefault("resources", {}).update(devices=rules)))
    assert r.stdout.startswith("mknod=0\nopen="), r
    assert ("errno=1\n" not in r.stdout) == ok, r


# ---- control groups ----


def groups_of(text):
    return [x.split(":", 2)[2] for x in text.splitlines()]


@root_only
def test_cgroups_path_absolute_is_below_the_mount_point(bundle):
    for _ in range(2):  # and always the same place
        r = run(bundle, "cat /proc/self/cgroup", change=put("linux.cgroupsPath", f"/{GROUPS}/here/c1"))
        assert f"/{GROUPS}/here/c1" in groups_of(r.stdout), r


@root_only
def test_cgroups_path_relative_is_always_the_same_place(bundle):
    seen = {run(bundle, "cat /proc/self/cgroup", change=put("linux.cgroupsPath", f"{GROUPS}-relative/c1")).stdout for _ in range(2)}
    places = {g for text in seen for g in groups_of(text) if "relative" in g}
    assert len(seen) == 1 and len(places) == 1 and places.pop().endswith(f"{GROUPS}-relative/c1"), seen


@root_only
def test_cgroups_path_default(bundle):
    r = run(bundle, "cat /proc/self/cgroup", change=lambda c: c["linux"].pop("cgroupsPath"))
    assert "/mydocker/c1" in groups_of(r.stdout), r


@pytest.mark.parametrize("path", ["/../x", "/a/../../b", "a/../../x", "/a/./b/../../..", ])
@root_only
def test_cgroups_path_that_is_invalid(bundle, path):
    refused(bundle, put("linux.cgroupsPath", path), "cgroupsPath")


@root_only
def test_control_groups_that_are_frozen_are_refused(bundle):
    if cgroup_v2_only() or not cgroup_mount("freezer"):
        group, file, word = (cgroup_mounts()[0][0] / GROUPS / "c1", "cgroup.freeze", "1")
    else:
        group, file, word = cgroup_mount("freezer") / GROUPS / "c1", "freezer.state", "FROZEN"
    group.mkdir(parents=True)
    try:
        (group / file).write_text(word)
        refused(bundle, lambda c: None, "group", GROUPS, "container's cgroup unexpectedly frozen")
        assert (group / file).read_text().strip() == word
    finally:
        if group.exists():
            (group / file).write_text("0" if word == "1" else "THAWED")
            group.rmdir()
        group.parent.rmdir()


@root_only
def test_control_groups_that_hold_processes_are_refused(bundle):
    group = cgroup_mount("pids") / GROUPS / "c1"
    group.mkdir(parents=True)
    p = subprocess.Popen(["sleep", "1000"])
    try:
        (group / "cgroup.procs").write_text(str(p.pid))
        refused(bundle, lambda c: None, "group", GROUPS, "container's cgroup is not empty: 1 process(es) found")
        assert p.poll() is None
    finally:
        p.kill()
        p.wait()
        wait_until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
        group.parent.rmdir()


@root_only
def test_control_groups_more_controllers_than_asked_for(life):
    """All that the host has mounted: who looks after the container finds its numbers there."""
    life.start("sleep", "60000")
    pid = life.state()["pid"]
    assert all(str(pid) in (p / GROUPS / "c1/cgroup.procs").read_text().split() for p, _, _ in cgroup_mounts())


CGROUP_RW = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev"]}


def group_owners(kind):
    return {f"{g.name if f == g else f.name}": f.stat().st_uid for p, t, _ in cgroup_mounts() for g in [p / GROUPS / "c1"] if t == kind for f in (g, *g.iterdir())}


@root_only
def test_cgroup_ownership_of_v1_is_not_changed(life):
    """Whatever is mounted."""
    if cgroup_v2_only():
        pytest.skip("no cgroup v1 here")
    os.chmod(life.bundle, 0o755)
    os.chown(life.bundle / "root", 100000, 100000)
    life.start("sleep", "60000", change=all_of(in_user_namespace, lambda c: (c["linux"]["namespaces"].append({"type": "cgroup"}), c["mounts"].append({"destination": "/sys", "type": "tmpfs", "source": "x"}), c["mounts"].append(CGROUP_RW))))
    assert set(group_owners("cgroup").values()) == {0}


@root_only
@pytest.mark.parametrize("given", ["rw", "ro", "no cgroup namespace", "no mount"])
def test_cgroup_ownership_of_v2(life, given):
    """Given to the user whose process it is when he gets it writable, in a cgroup namespace of his own; only what may be delegated."""
    if not cgroup_v2_only():
        pytest.skip("cgroup v2 is not alone here")
    os.chmod(life.bundle, 0o755)
    os.chown(life.bundle / "root", 100000, 100000)

    def change(c):
        in_user_namespace(c)
        if given != "no cgroup namespace":
            c["linux"]["namespaces"].append({"type": "cgroup"})
        if given != "no mount":
            c["mounts"].append({"destination": "/sys", "type": "tmpfs", "source": "x"})
            c["mounts"].append(CGROUP_RW | {"options": [*CGROUP_RW["options"], *(["ro"] if given == "ro" else [])]})

    life.start("sleep", "60000", change=change)
    owners = group_owners("cgroup2")
    listed = set(open("/sys/kernel/cgroup/delegate", encoding="utf-8").read().split()) if os.path.exists("/sys/kernel/cgroup/delegate") else {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}
    theirs = {n for n, uid in owners.items() if uid == 100000}
    assert theirs == ({"c1"} | (listed & set(owners)) if given == "rw" else set()), owners


# ---- sysctl, masks, personality, labels, propagation, memory policy ----


@root_only
def test_sysctl_is_of_the_container(bundle):
    before = open("/proc/sys/kernel/shmmni", encoding="utf-8").read()
    r = run(bundle, "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward", change=all_of(put("linux.sysctl", {"kernel.shmmni": "77", "net.ipv4.ip_forward": "1"}), lambda c: c["linux"]["namespaces"].extend([{"type": "ipc"}, {"type": "network"}])))
    assert r.stdout == "77\n1\n" and open("/proc/sys/kernel/shmmni", encoding="utf-8").read() == before, r


@root_only
@pytest.mark.parametrize("key", ["kernel.pid_max", "vm.swappiness", "net.ipv4.ip_forward", "kernel.shmmni"])
def test_sysctl_of_the_host_is_refused(bundle, key):
    refused(bundle, put("linux.sysctl", {key: "1"}), key)


@pytest.mark.parametrize("key", ["maskedPaths", "readonlyPaths"])
def test_masked_and_readonly_paths_are_absolute(bundle, key):
    for path in ("proc/kcore", "./x", ""):
        refused(bundle, put(f"linux.{key}", [path]), f"linux.{key}")


def test_masked_paths_cannot_be_read(bundle):
    """Files and folders; one that is not there is no error."""
    (bundle / "root/etc/sub").mkdir()
    (bundle / "root/etc/sub/secret").write_text("secret")
    r = run(bundle, "seq cat /etc/passwd , say - , ls /etc/sub , say - , open /etc/sub/secret", change=put("linux.maskedPaths", ["/etc/passwd", "/etc/sub", "/no/such"]))
    assert r.stdout == "-\nls=0\n-\nopen=-1 errno=2\n", r


def test_readonly_paths_cannot_be_written(bundle):
    (bundle / "root/etc/group").chmod(0o666)
    r = run(bundle, "seq write /t/x y , write /etc/group y , cat /etc/group", change=all_of(put("linux.readonlyPaths", ["/t", "/etc", "/no/such"]), put("root.readonly", False)))
    assert r.stdout.startswith("write=-1 errno=30\nwrite=-1 errno=30\nroot:"), r


@pytest.mark.parametrize("domain, value", [("LINUX", "00000000"), ("LINUX32", "00000008")])
def test_personality_domain(bundle, domain, value):
    r = run(bundle, "cat /proc/self/personality", change=put("linux.personality", {"domain": domain}))
    assert r.stdout == value + "\n", r


def test_personality_flags_are_not_supported(bundle):
    refused(bundle, put("linux.personality", {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}), "flags")


@pytest.mark.parametrize("value, optional", [("private", []), ("slave", ["master"]), ("shared", ["shared"]), ("unbindable", ["unbindable"])])
@root_only
def test_rootfs_mount_propagation(bundle, value, optional):
    """Of the root that the command has, made of a mount that is shared on the host. What is mounted in it reaches no host."""
    write_config(bundle, all_of(as_root, put("linux.rootfsPropagation", value), put("process.args", ["/bin/probe", "cat", "/proc/self/mountinfo"])))
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", 'cd "$0"; mount --bind root root; mount --make-shared root; exec "$@"', str(bundle), *map(str, command(bundle))]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, r
    fields = [f.split(":")[0] for f in mountinfo(r.stdout)["/"][1] if not f.startswith("propagate_from")]
    assert set(optional) <= set(fields) and (optional or not fields), fields


def policy(mode, nodes=None, flags=None):
    return put("linux.memoryPolicy", {"mode": mode} | ({"nodes": nodes} if nodes is not None else {}) | ({"flags": flags} if flags else {}))


@pytest.mark.parametrize("mode, nodes, flags, want", [
    ("MPOL_DEFAULT", None, None, "default"), ("MPOL_BIND", "0", None, "bind:0"), ("MPOL_BIND", "0", ["MPOL_F_STATIC_NODES"], "bind=static:0"), ("MPOL_INTERLEAVE", "0", None, "interleave:0"),
    ("MPOL_PREFERRED", "0", None, "prefer:0"), ("MPOL_PREFERRED_MANY", "0", None, "prefer (many):0"), ("MPOL_LOCAL", None, None, "local"), ("MPOL_BIND", "0", ["MPOL_F_RELATIVE_NODES"], "bind=relative:0"),
])
def test_memory_policy(bundle, mode, nodes, flags, want):
    if not os.path.exists("/proc/self/numa_maps"):
        pytest.skip("this kernel has no NUMA policies (CONFIG_NUMA)")
    r = run(bundle, "cat /proc/self/numa_maps", change=policy(mode, nodes, flags))
    assert r.returncode == 0 and f" {want} " in r.stdout.splitlines()[-1] + " ", r


@pytest.mark.parametrize("mode, nodes", [("MPOL_BIND", None), ("MPOL_INTERLEAVE", ""), ("MPOL_DEFAULT", "0"), ("MPOL_LOCAL", "0"), ("MPOL_BIND", "1000")])
def test_memory_policy_nodes_that_do_not_go_with_it(bundle, mode, nodes):
    refused(bundle, policy(mode, nodes), "memoryPolicy")


def test_hostname_and_domainname(bundle):
    v = values(run(bundle, "show host", change=lambda c: c.update(hostname="a.b", domainname="c.d")).stdout)
    assert (v["host.name"], v["host.domain"]) == ("a.b", "c.d")
