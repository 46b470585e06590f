"""--userns and its kin: which ids a container has, by whom they are mapped, and what its files show."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import USER
from harness import KERNEL, SANITIZED, chown, errno_of, strace, wait_until
from id_files import host, lines, owner, root, user  # noqa: F401: three are fixtures

pytestmark = pytest.mark.userns


def uid_map(values):
    return lines(values["ids.uid_map"])


def gid_map(values):
    return lines(values["ids.gid_map"])


def ids_of(pid):
    status = dict(x.split(":\t", 1) for x in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in x)
    return int(status["Uid"].split()[0]), int(status["Gid"].split()[0])


def inside(result, *paths):
    """The owners of files as the container sees them."""
    return [result.values[f"stat.{p}"].split()[1] for p in paths]


NOBODY = "65534:65534"


def start(engine, opts="--userns auto", rootfs=None):
    """A container that shows its ids and waits for SIGTERM."""
    r = engine.start(opts, "probe seq show ids , trap 15", rootfs=rootfs)
    seen = r.read_until("ready")
    r.values = dict(x.split("=", 1) for x in seen if "=" in x)
    return r


# ---- root: private ----


def test_private_has_root_s_range(root, rootfs):
    (rootfs / "work/five").write_text("x")
    chown(rootfs / "work/five", 5, 6)
    r = root.run("--userns private", "probe seq show ids ns , write /work/new x , chown /work/new 7 8 , open /work/five rw").ok()
    v = r.values
    assert uid_map(v) == [[0, 100000, 65536]] and gid_map(v) == [[0, 200000, 65536]]
    assert v["ids.uid"] == "0,0,0" and v["ns.user"] != os.readlink("/proc/self/ns/user")
    assert v["write"] == "0" and v["chown"] == "0" and v["open"] == "0"
    assert owner(rootfs / "work/new") == (7, 8), "on disk as inside"
    assert owner(rootfs) == (0, 0) and owner(rootfs / "proc") == (0, 0)


def test_private_is_nobody_outside(root):
    r = start(root, "--userns private -u 5:6")
    assert ids_of(r.init_pid()) == (100005, 200006)
    r.signal(15)
    assert r.wait().code == 55


def test_private_cannot_touch_root_s_files(root, scratch):
    (scratch / "secret").write_text("x")
    (scratch / "secret").chmod(0o600)
    r = root.run(["--userns", "private", "-v", f"{scratch}:/s"], "probe seq open /s/secret , write /s/new x").ok()
    assert [errno_of(x) for x in r.out.splitlines()] == ["EACCES", "EACCES"]


def test_ids_beyond_the_range_are_nobody_s(root, rootfs):
    (rootfs / "work/far").write_text("x")
    chown(rootfs / "work/far", 70000, 70000)
    r = root.run("--userns private", "probe seq stat /work/far , chown /work/far 1 1").ok()
    assert inside(r, "/work/far") == [NOBODY] and errno_of(r.values["chown"]) == "EPERM", r


@pytest.mark.parametrize("opts", ["--userns private", "--userns auto"])
def test_what_a_user_namespace_changes_holds(root, opts):
    """Devices, mounts, masks, ping, groups and capabilities as in any other container."""
    r = root.run([*opts.split(), "--group-add", "10"], "probe seq open /dev/null rw , open /dev/urandom , write /dev/shm/x y , socket 2 2 1 , open /sys/kernel/mm , mknod /work/d 1 3 , show groups caps security , cat /proc/keys").ok()
    out = r.out.splitlines()
    assert [x for x in out if x.startswith("open")] == ["open=0"] * 3 and "write=0" in out and "socket=0" in out, r
    assert errno_of(next(x for x in out if x.startswith("mknod"))) == "EPERM"
    assert r.values["groups"] == "0,10" and r.values["security.seccomp"] == "2"
    assert bin(int(r.values["caps.bnd"], 16)).count("1") == 11


def test_private_with_the_host_s_network_and_processes(root):
    r = root.run("--userns private --network host --pid host", "probe seq stat /sys/class/net/lo /proc/1 , write /sys/x y").ok()
    assert "errno=2" not in r.out and "write=-1" in r.out, r


def test_private_with_a_terminal(root):
    t = root.terminal("--userns private -ti", "probe show session ids")
    assert t.wait() == 0 and "session.ctty=1" in t.text and "100000" in t.text


def test_read_only_and_working_directory(root):
    r = root.run("--userns private --read-only -w /work", "probe seq show host , write /work/x y").ok()
    assert r.values["host.cwd"] == "/work" and errno_of(r.values["write"]) == "EROFS"


@pytest.mark.parametrize(
    "file, mode, who",
    [("/etc/subuid", "private", "root"), ("/etc/subgid", "private", "root"), ("/etc/subuid", "auto", "containers"), ("/etc/subgid", "auto", "containers")],
)
def test_no_range(root, file, mode, who):
    root.host.file(file, "somebody:1:2\n")
    r = root.run(f"--userns {mode}", "probe exit 0")
    r.failed(125, f"{file} has no line for '{who}'", f"'{who}:100000:65536'")


def test_a_range_that_is_too_small(root):
    r = root.run("--userns private --subuidname other -u 50", "probe exit 0")
    r.failed(125, "user id 50 is not mapped")
    r = root.run("--userns private --subuidname other -u 49:59", "probe show ids").ok().values
    assert uid_map(r) == [[0, 700000, 50]] and gid_map(r) == [[0, 800000, 60]] and r["ids.uid"] == "49,49,49"


@pytest.mark.parametrize("text, words", [
    ("root:1:2:3\n", "'root:1:2:3' is not of the form"),
    ("root:x:5\n", "'root:x:5' is not of the form"),
    ("root:100:50\nroot:120:10\n", "the ranges 100:50 and 120:10 of 'root' overlap"),
    ("root:4294967290:50\n", "is not of the form"),
])
def test_a_range_that_makes_no_sense(root, text, words):
    root.host.file("/etc/subuid", text)
    root.run("--userns private", "probe exit 0").failed(125, "/etc/subuid", words)


def test_ranges_by_name(root):
    v = root.run("--subuidname other", "probe show ids").ok().values
    assert uid_map(v) == [[0, 700000, 50]] and gid_map(v) == [[0, 800000, 60]]
    v = root.run("--subgidname other --subuidname root", "probe show ids").ok().values
    assert uid_map(v) == [[0, 100000, 65536]] and gid_map(v) == [[0, 800000, 60]]
    root.run("--subuidname nobody-here", "probe exit 0").failed(125, "/etc/subuid has no line for 'nobody-here'")


# ---- root: keep-id, host, nomap ----


def test_keep_id_of_root_is_the_same_in_a_new_namespace(root, rootfs):
    v = root.run("--userns keep-id", "probe seq show ids ns , write /work/new x").ok().values
    assert uid_map(v) == lines(Path("/proc/self/uid_map").read_text()) and v["ids.uid"] == "0,0,0"
    assert v["ns.user"] != os.readlink("/proc/self/ns/user")
    assert owner(rootfs / "work/new") == (0, 0)
    v = root.run("--userns keep-id:uid=5,gid=6", "probe show ids").ok().values
    assert v["ids.uid"] == "5,5,5" and v["ids.gid"] == "6,6,6"
    v = root.run("--userns keep-id:size=100", "probe show ids").ok().values
    assert uid_map(v) == [[0, 0, 100]] and gid_map(v) == [[0, 0, 100]]


@pytest.mark.parametrize("opts", ["", "--userns host", "--userns="])
def test_host_is_the_default(root, opts):
    v = root.run(opts, "probe show ns").ok().values
    assert v["ns.user"] == os.readlink("/proc/self/ns/user")


def test_nomap_is_not_for_root(root):
    root.run("--userns nomap", "probe exit 0").failed(125, "nomap", "ordinary users")


@pytest.mark.parametrize(
    "opts, words",
    [
        ("--userns what", "must be host, private, keep-id, auto or nomap"),
        ("--userns ns:/proc/1/ns/user", "not there yet"),
        ("--userns container:x", "not there yet"),
        ("--userns auto:size=0", "size=0"),
        ("--userns keep-id:uid=x", "uid=x"),
        ("--userns private:size=5", "unknown option 'size=5'"),
        ("--userns private --uidmap 0:0:1", "exclude each other"),
        ("--userns host --gidmap 0:0:1", "exclude each other"),
        ("--subuidname root --uidmap 0:0:1", "exclude each other"),
        ("--userns keep-id --subgidname root", "--subgidname go with"),
    ],
)
def test_options_that_make_no_sense(root, opts, words):
    root.run(opts, "probe exit 0").failed(125, words)


# ---- root: auto ----


def hosts(maps):
    return {h for _, first, count in maps for h in range(first, first + count)}


def test_auto_gives_each_its_own(root):
    a, b = start(root), start(root)
    assert uid_map(a.values) == [[0, 1000000, 1024]] and gid_map(a.values) == [[0, 2000000, 1024]]
    assert uid_map(b.values) == [[0, 1001024, 1024]] and gid_map(b.values) == [[0, 2001024, 1024]]
    a.signal(15)
    a.wait()
    c = start(root, "--userns auto:size=2000")
    assert uid_map(c.values) == [[0, 1000000, 1024], [1024, 1002048, 976]], "what is free, in pieces"
    d = root.run("--userns auto", "probe exit 0")
    d.failed(125, "--userns auto: 1024 user ids are needed", "'containers' in /etc/subuid 976 are free")
    for r in (b, c):
        r.signal(15)
        r.wait()
    assert uid_map(root.run("--userns auto", "probe show ids").ok().values) == [[0, 1000000, 1024]]


def test_auto_after_a_crash(root):
    """The ids of one whose engine was killed are free again."""
    r = start(root, "--userns auto:size=4000")
    root.run("--userns auto", "probe exit 0").failed(125, "0 are free")
    r.signal(9)
    r.wait()
    assert uid_map(root.run("--userns auto", "probe show ids").ok().values) == [[0, 1000000, 1024]]


def test_auto_keeps_away_from_ids_of_other_modes(root, rootfs):
    root.host.file("/etc/subuid", "root:100000:3000\n")
    root.host.file("/etc/subgid", "root:100000:3000\n")
    root.prefix = root.host.prefix()
    r = start(root, "--uidmap 0:100500:1000", rootfs=f"{rootfs}:idmap")
    v = root.run("--userns auto:size=600", "probe show ids").ok().values
    assert uid_map(v) == [[0, 101500, 600]]
    r.signal(15)
    r.wait()


def test_auto_all_at_once(root):
    root.host.file("/etc/subuid", "containers:1000000:20\n")
    root.host.file("/etc/subgid", "containers:1000000:20\n")
    root.prefix = root.host.prefix()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        all_of = list(pool.map(lambda _: start(root, "--userns auto:size=2"), range(10)))
    got = [frozenset(hosts(uid_map(r.values))) for r in all_of]
    assert len(set().union(*got)) == 20, got
    root.run("--userns auto:size=1", "probe exit 0").failed(125, "0 are free")
    for r in all_of:
        r.signal(15)
    for r in all_of:
        r.wait()


def test_auto_is_as_large_as_the_root_needs(root, rootfs):
    with open(rootfs / "etc/passwd", "a") as f:
        f.write("far:x:3000:5::/:\nnobody:x:65534:65534::/:\n")
    v = root.run("--userns auto", "probe show ids").ok().values
    assert uid_map(v) == [[0, 1000000, 3001]]
    v = root.run("--userns auto -u 3500:20", "probe show ids").ok().values
    assert uid_map(v) == [[0, 1000000, 3501]] and v["ids.uid"] == "3500,3500,3500"
    with open(rootfs / "etc/group", "a") as f:
        f.write("huge:x:70000:\n")
    root.run("--userns auto", "probe exit 0").failed(125, "up to 70000", "--userns auto:size=70001")
    root.run("--userns auto:size=100", "probe exit 0").ok()


def test_auto_with_maps_of_its_own(root):
    v = root.run("--userns auto:size=10,uidmapping=3:5:2,gidmapping=20:6:1", "probe show ids").ok().values
    assert sorted(uid_map(v)) == [[0, 1000000, 3], [3, 5, 2], [5, 1000003, 5]]
    assert sorted(gid_map(v)) == [[0, 2000000, 10], [20, 6, 1]]


def test_auto_takes_root_s_range_where_there_is_no_other(root):
    root.host.file("/etc/subuid", "root:100000:2000\n")
    root.host.file("/etc/subgid", "containers:5:6\nroot:200000:2000\n")
    root.prefix = root.host.prefix()
    v = root.run("--userns auto:size=6", "probe show ids").ok().values
    assert uid_map(v) == [[0, 100000, 6]] and gid_map(v) == [[0, 5, 6]]


# ---- id-mapped roots ----


def test_private_over_a_throw_away_layer(root, rootfs):
    (rootfs / "work/five").write_text("x")
    chown(rootfs / "work/five", 5, 6)
    r = root.start("--userns private", "probe seq chown /work/five 7 8 , write /work/new x , stat /work/five /work/new / , trap 15", rootfs=f"{rootfs}:O")
    seen = r.read_until("ready")
    assert "chown=0" in seen and "write=0" in seen, seen
    assert [x.split()[1] for x in seen if x.startswith("stat.")] == ["7:8", "0:0", "0:0"], seen
    upper = wait_until(lambda: list(root.root.glob("containers/*/upper")))[0]
    assert owner(upper) == (100000, 200000) and owner(upper / "work/new") == (100000, 200000)
    assert owner(upper / "work/five") == (100007, 200008)
    r.signal(15)
    r.wait()
    assert owner(rootfs / "work/five") == (5, 6) and not (rootfs / "work/new").exists()
    assert not list(root.root.glob("containers/*"))


def test_private_over_a_layer_in_memory(root, rootfs):
    """The upper layer may not lie in the lower one: it is in memory then."""
    inside = rootfs / "work/engine"
    argv = root.prefix + [str(root.program), "--state", str(root.state), "--root", str(inside), "run", "--userns", "private", "--rootfs", f"{rootfs}:O", "/bin/probe", "seq", "write", "/work/new", "x", ",", "stat", "/work/new", "/"]
    p = subprocess.run(argv, capture_output=True, text=True, timeout=40, env=root.env)
    assert p.returncode == 0 and "write=0" in p.stdout and p.stdout.count(" 0:0 ") == 2, p
    assert not (rootfs / "work/new").exists()


def test_the_host_s_tree_with_other_ids(root, canary):
    """Root's own files are the container's root's, and nothing reaches the host."""
    r = root.run("--userns private", ["sh", "-c", f"id -u; stat -c %u:%g /etc/group /root; cat /etc/shadow > /dev/null && echo read; echo x >> /etc/group && echo written; touch {canary}/new && echo made"], rootfs="/")
    assert r.out.split() == ["0", "0:0", "0:0", "read", "written", "made"], r


def test_a_map_alone_shows_files_as_they_are(root, rootfs):
    """--uidmap without idmap: files of the host's 0 are nobody's."""
    for d, dirs, files in os.walk(rootfs):
        for n in [".", *dirs]:
            chown(os.path.join(d, n), 100000, 100000)
    r = root.run("--uidmap 0:100000:65536", "probe stat /bin/probe /work").ok()
    assert inside(r, "/bin/probe", "/work") == [NOBODY, "0:0"]


def test_idmap_by_name(root, rootfs):
    r = root.run("--uidmap 0:100000:65536", "probe seq stat /bin , write /work/new x", rootfs=f"{rootfs}:idmap").ok()
    assert inside(r, "/bin") == ["0:0"] and owner(rootfs / "work/new") == (0, 0)
    r = root.run("--uidmap 0:100000:65536", "probe seq stat /bin , write /work/other x", rootfs=f"{rootfs}:O,idmap").ok()
    assert inside(r, "/bin") == ["0:0"] and not (rootfs / "work/other").exists()


def test_idmap_with_ids_of_its_own(root, rootfs):
    """Also without a user namespace: files of 0 show as those of 1000, and no new ones of 0 can be made."""
    mount_points(rootfs)
    for suffix in ("idmap=uids=0-1000-10;gids=0-2000-10", "O,idmap=uids=0-1000-10;gids=0-2000-10"):
        r = root.run("", "probe seq stat /bin , show ns", rootfs=f"{rootfs}:{suffix}").ok()
        assert r.values["ns.user"] == os.readlink("/proc/self/ns/user")
        assert inside(r, "/bin") == ["1000:2000"]


@pytest.mark.parametrize("opts, suffix, words", [
    ("", "idmap", "needs a user namespace"),
    ("--userns private", "idmap=uids=0-0", "'0-0' is not of the form"),
    ("--userns private", "idmap=x", "root directory"),
    ("--userns private", "O,idmap=uids=@0-70000-1", "uid 70000 is not mapped"),
])
def test_idmaps_that_make_no_sense(root, rootfs, opts, suffix, words):
    root.run(opts, "probe exit 0", rootfs=f"{rootfs}:{suffix}").failed(125, words)


def test_a_file_system_that_cannot_be_mapped(root, rootfs):
    """ramfs takes no part in it. The error names the file system that it is, be it the root or below it."""
    place = rootfs / "work/ram"
    place.mkdir()
    root.prefix = root.host.prefix(f"mount -t ramfs none '{place}'; mkdir '{place}/bin'; cp '{rootfs}/bin/probe' '{place}/bin'")
    r = root.run("--userns private", "probe exit 0", rootfs=place)
    r.failed(125, "root directory", f"the file system ramfs on {place} cannot be id-mapped", "ext4, xfs, btrfs or tmpfs", "--uidmap")
    r = root.run("--userns private", "probe exit 0")
    r.failed(125, "root directory", f"the file system ramfs on {place} cannot be id-mapped")
    assert root.run("--userns keep-id", "probe exit 3").code == 3
    r = root.run("--userns private", "probe exit 0", rootfs=f"{place}:O")
    r.failed(125, "the file system ramfs")
    r = root.run("--userns private", "probe seq stat /work , say ok", rootfs=f"{rootfs}:O").ok()
    assert "ok" in r.out


@pytest.mark.skipif(KERNEL < (6, 3), reason="tmpfs can be id-mapped since Linux 6.3")
def test_mounts_below_the_root_come_with_it(root, rootfs):
    place = rootfs / "work/tmp"
    place.mkdir()
    root.prefix = root.host.prefix(f"mount -t tmpfs none '{place}'; touch '{place}/file'")
    r = root.run("--userns private", "probe seq stat /work/tmp/file , write /work/tmp/new x").ok()
    assert inside(r, "/work/tmp/file") == ["0:0"] and r.values["write"] == "0"


@pytest.mark.parametrize("opts", ["--userns private", "--userns keep-id", ""])
def test_nothing_comes_up_in_a_shared_mount_of_the_host(root, rootfs, scratch, opts):
    """As systemd has it: all mounts are shared. What the container mounts on copies of them stays its own."""
    before = f"mount --bind '{rootfs}' '{rootfs}'; mount --bind '{scratch}' '{scratch}'; mount --make-shared '{rootfs}'; mount --make-shared '{scratch}'"
    prefix = root.host.prefix(before)
    prefix[5] = prefix[5].replace('exec "$@"', '"$@"; cat /proc/self/mountinfo')
    root.prefix = prefix
    (scratch / "sub").mkdir()
    volume = f"{scratch}:/work:idmap" if "private" in opts else f"{scratch}:/work"
    out = root.run([*opts.split(), "-v", volume, "--tmpfs", "/work/sub"], "probe exit 0").ok().out
    mine = [line.split()[4] for line in out.splitlines() if str(rootfs) in line.split()[4] or str(scratch) in line.split()[4]]
    assert sorted(mine) == sorted([str(rootfs), str(scratch)]), mine


# ---- id-mapped volumes ----


def test_volumes(root, scratch):
    (scratch / "zero").write_text("x")
    (scratch / "five").write_text("x")
    chown(scratch / "five", 5, 6)
    chown(scratch, 0, 0)
    plain = root.run(["--userns", "private", "-v", f"{scratch}:/v"], "probe seq stat /v/zero , write /v/plain x").ok()
    assert inside(plain, "/v/zero") == [NOBODY] and errno_of(plain.values["write"]) == "EACCES"
    r = root.run(["--userns", "private", "-v", f"{scratch}:/v:idmap"], "probe seq stat /v/zero /v/five , write /v/new x , chown /v/five 9 9").ok()
    assert inside(r, "/v/zero", "/v/five") == ["0:0", "5:6"] and r.values["chown"] == "0"
    assert owner(scratch / "new") == (0, 0) and owner(scratch / "five") == (9, 9)
    r = root.run(["--userns", "private", "-v", f"{scratch}:/v:ro,idmap"], "probe write /v/x y").ok()
    assert errno_of(r.values["write"]) == "EROFS"


def test_a_volume_with_ids_of_its_own(root, scratch):
    """As the caller wishes: what the container's 7 writes is 0's outside."""
    chown(scratch, 0, 0)
    r = root.run(["--userns", "private", "-u", "7:8", "-v", f"{scratch}:/v:idmap=uids=@0-7-1;gids=@0-8-1"], "probe seq write /v/new x , stat /v").ok()
    assert r.values["write"] == "0" and owner(scratch / "new") == (0, 0)
    r = root.run(["-u", "7:8", "-v", f"{scratch}:/v:idmap=uids=0-7-1;gids=0-8-1"], "probe write /v/more x").ok()
    assert owner(scratch / "more") == (0, 0)


def test_one_file_as_a_volume(root, scratch):
    (scratch / "file").write_text("x")
    r = root.run(["--userns", "private", "-v", f"{scratch}/file:/etc/file:idmap"], "probe seq stat /etc/file , open /etc/file rw").ok()
    assert inside(r, "/etc/file") == ["0:0"] and r.values["open"] == "0"


def test_volumes_that_cannot_be_mapped(root, scratch):
    r = root.run(["-v", f"{scratch}:/v:idmap"], "probe exit 0")
    r.failed(125, "mount on /v", "needs a user namespace")
    r = root.run(["--userns", "private", "-v", "/proc:/v:idmap"], "probe exit 0")
    r.failed(125, "mount on /v", "the file system proc on /proc cannot be id-mapped")
    r = root.run(["--userns", "private", "-v", f"{scratch}/missing:/v:idmap"], "probe exit 0")
    r.failed(125, "mount on /v", f"source '{scratch}/missing'")
    r = root.run(["--userns", "private", "-v", f"{scratch}:/v:idmap=uids=0"], "probe exit 0")
    r.failed(125, "mount on /v", "FILE-HOST-SIZE")


IDMAP = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    r = libc.syscall(*args)
    assert r >= 0, (args, os.strerror(ctypes.get_errno()))
    return r
path = sys.argv[1].encode()
go, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    assert libc.unshare(0x10000000) == 0
    os.write(done[1], b"x")
    os.read(go[0], 1)
    os._exit(0)
os.read(done[0], 1)
for name in ("uid_map", "gid_map"):
    open(f"/proc/{child}/{name}", "w").write("0 5000 10")
ns = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
os.write(go[1], b"x")
os.waitpid(child, 0)
tree = call(428, -100, ctypes.c_char_p(path), 1)
attr = struct.pack("=QQQQ", 0x00100000, 0, 0, ns)
call(442, tree, ctypes.c_char_p(b""), 0x1000, ctypes.c_char_p(attr), ctypes.c_size_t(len(attr)))
call(429, tree, ctypes.c_char_p(b""), -100, ctypes.c_char_p(path), 4)
"""


def test_what_is_mapped_already(root, scratch):
    """A mount takes its map once; the error says so."""
    script = root.host.where / "idmap.py"
    script.write_text(IDMAP)
    root.prefix = root.host.prefix(f"{sys.executable} '{script}' '{scratch}'")
    r = root.run(["-v", f"{scratch}:/v"], "probe stat /v").ok()
    assert inside(r, "/v") == ["5000:5000"]
    r = root.run(["--userns", "private", "-v", f"{scratch}:/v:idmap"], "probe exit 0")
    r.failed(125, "mount on /v", f"the mount on {scratch}", "cannot be id-mapped: it is already")


# ---- an ordinary user ----


def test_an_ordinary_user_has_the_ranges(user):
    v = user.run("", "probe show ids").ok().values
    assert uid_map(v) == [[0, USER, 1], [1, 300000, 65536]] and gid_map(v) == [[0, USER, 1], [1, 400000, 65536]]
    assert v["ids.uid"] == "0,0,0" and v["ids.setgroups"] == "allow"
    for same in ("--userns host", "--userns private"):
        assert uid_map(user.run(same, "probe show ids").ok().values) == uid_map(v)


def test_other_users_and_groups_inside(user):
    r = user.run("--group-add 29", "probe seq write /work/new x , chown /work/new 7 8 , show groups").ok()
    assert r.values["chown"] == "0" and r.values["groups"] == "0,29"
    assert owner(user.rootfs / "work/new") == (300006, 400007)
    v = user.run("-u alice", "probe show ids groups").ok().values
    assert v["ids.uid"] == "1000,1000,1000" and sorted(v["groups"].split(",")) == ["10", "1000", "29"]
    r = user.run("", "probe as 5 6 show ids").ok().values
    assert r["ids.uid"] == "5,5,5" and r["ids.gid"] == "6,6,6"


def test_su_works(user, busybox):
    shutil.copy(busybox, user.rootfs / "bin/busybox")
    (user.rootfs / "bin/su").symlink_to("busybox")
    (user.rootfs / "bin/sh").symlink_to("busybox")
    r = user.run("", ["/bin/su", "alice", "-c", "/bin/busybox id"]).ok()
    assert "uid=1000(alice) gid=1000(alice)" in r.out and "29(sound)" in r.out, r


def test_ping_for_all_of_them(user):
    for opts in ("", "-u alice", "--userns keep-id", "--userns keep-id -u 7:8", "--userns nomap", "--userns auto -u 5:6"):
        assert user.run(opts, "probe socket 2 2 1").ok().values["socket"] == "0", opts


def test_who_the_container_is_outside(user):
    for opts, want in (("-u 5:6", (300004, 400005)), ("", (USER, USER)), ("--userns keep-id", (USER, USER)), ("--userns nomap", (300000, 400000))):
        r = start(user, opts)
        child = wait_until(lambda: Path(f"/proc/{r.pid}/task/{r.pid}/children").read_text().split())[0]
        assert ids_of(child) == want, opts
        r.signal(15)
        assert r.wait().code == 55, opts


def test_killing_us_ends_what_runs_with_other_ids(user):
    r = user.start("-u 5:6", "probe seq say up , sleep 60000")
    r.line()
    child = Path(f"/proc/{r.pid}/task/{r.pid}/children").read_text().split()[0]
    r.signal(9)
    r.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{child}"))
    assert user.run("", "probe exit 3").code == 3
    wait_until(lambda: not user.ids(), 5)


def test_keep_id(user):
    v = user.run("--userns keep-id", "probe seq show ids , write /work/new x").ok().values
    assert uid_map(v) == [[0, 300000, USER], [USER, USER, 1], [USER + 1, 300000 + USER, 65536 - USER]]
    assert v["ids.uid"] == ",".join([str(USER)] * 3) and v["ids.gid"] == ",".join([str(USER)] * 3)
    assert owner(user.rootfs / "work/new") == (USER, USER)
    v = user.run("--userns keep-id:uid=200,gid=210", "probe show ids").ok().values
    assert v["ids.uid"] == "200,200,200" and v["ids.gid"] == "210,210,210"
    assert [200, USER, 1] in uid_map(v) and [210, USER, 1] in gid_map(v)
    v = user.run("--userns keep-id -u 0", "probe show ids").ok().values
    assert v["ids.uid"] == "0,0,0"
    v = user.run("--userns keep-id:size=11", "probe show ids").ok().values
    assert uid_map(v) == [[0, 300000, 10], [USER, USER, 1]]


def mount_points(rootfs):
    """Who is not the owner cannot make them."""
    for d in ("proc", "sys", "dev"):
        (rootfs / d).mkdir(exist_ok=True)
    for f in ("hosts", "hostname", "resolv.conf"):
        (rootfs / "etc" / f).touch()


def test_nomap(user):
    mount_points(user.rootfs)
    v = user.run("--userns nomap", "probe seq show ids , write /work/x y , stat /work").ok()
    assert uid_map(v.values) == [[0, 300000, 65536]] and errno_of(v.values["write"]) == "EACCES" and inside(v, "/work") == [NOBODY]


def test_auto(user):
    mount_points(user.rootfs)
    user.host.file("/etc/subuid", "tester:300000:2100\n")
    user.host.file("/etc/subgid", "tester:400000:2100\n")
    user.prefix = [*user.host.prefix(), *user.as_user]
    a, b = start(user), start(user)
    assert uid_map(a.values) == [[0, 300000, 1024]] and uid_map(b.values) == [[0, 301024, 1024]]
    r = user.run("--userns auto", "probe exit 0")
    assert r.code == 125 and "of those of 'tester' in /etc/subuid 52 are free" in r.err, r
    for r in (a, b):
        r.signal(15)
        r.wait()


def test_maps_of_one_s_own(user):
    maps = f"--uidmap 0:{USER}:1 --uidmap 1:300010:5 --gidmap 0:400000:10"
    v = user.run(maps, "probe show ids").ok().values
    assert uid_map(v) == [[0, USER, 1], [1, 300010, 5]] and gid_map(v) == [[0, 400000, 10]]
    v = user.run(f"--uidmap 7:{USER}:1 -u 7:7", "probe seq show ids , open /dev/null rw , write /work/new x").ok().values
    assert uid_map(v) == [[7, USER, 1]] and v["ids.uid"] == "7,7,7" and v["open"] == v["write"] == "0"


def test_maps_of_others_ids(user):
    user.run("--uidmap 0:0:1", "probe exit 0").failed(125, "--uidmap", "user id 0 is not yours", str(USER), "/etc/subuid")
    user.run(f"--uidmap 0:{USER}:1 --gidmap 0:399999:2", "probe exit 0").failed(125, "--gidmap", "group id 399999 is not yours")
    user.run("--uidmap 0:300000:65537", "probe exit 0").failed(125, "user id 365536 is not yours")


def test_newuidmap_has_the_last_word(user):
    """It is asked for ranges that are not the caller's, and its refusal is our one line."""
    r = user.run("--subuidname other", "probe exit 0")
    own = [x for x in r.err.splitlines() if "warning" not in x]
    assert r.code == 125 and len(own) == 1 and own[0].startswith("mydocker: new") and "not allowed" in own[0], r


@pytest.mark.parametrize("refuses, names", [("newuidmap", "--subuidname other --subgidname tester"), ("newgidmap", "--subuidname tester --subgidname other")])
def test_one_of_the_two_refuses(user, refuses, names):
    """They run at the same time; it is the one that failed that speaks, whichever ended first."""
    for _ in range(5):
        r = user.run(names, "probe exit 0")
        own = [x for x in r.err.splitlines() if "warning" not in x]
        assert r.code == 125 and len(own) == 1 and own[0].startswith(f"mydocker: {refuses}") and "not allowed" in own[0], r


@pytest.mark.parametrize("program", ["newuidmap", "newgidmap"])
def test_without_the_programs(user, program):
    path = os.path.realpath(shutil.which(program, path="/usr/bin:/bin"))
    user.prefix = [*user.host.prefix(f"mount --bind /dev/null {path}"), *user.as_user]
    r = user.run("", "probe show ids").ok()
    assert uid_map(r.values) == [[0, USER, 1]]
    assert f"warning: only your own id is mapped: the program {program} is not installed (package uidmap" in r.err, r
    r = user.run("--userns keep-id", "probe show ids").ok()
    assert uid_map(r.values) == [[USER, USER, 1]] and r.values["ids.uid"] == ",".join([str(USER)] * 3) and program in r.err
    user.run("--userns private", "probe exit 0").failed(125, "--userns private", f"{program} is not installed")
    user.run("--userns nomap", "probe exit 0").failed(125, program)


def test_without_the_programs_privilege(user, base):
    copy = user.host.where / "newuidmap"
    shutil.copy("/usr/bin/newuidmap", copy)
    copy.chmod(0o755)
    user.prefix = [*user.host.prefix(f"mount --bind '{copy}' /usr/bin/newuidmap"), *user.as_user]
    r = user.run("", "probe show ids").ok()
    assert uid_map(r.values) == [[0, USER, 1]] and "/usr/bin/newuidmap is not set-user-ID root" in r.err, r
    user.run("--userns auto", "probe exit 0").failed(125, "not set-user-ID root")
    user.prefix = [*user.host.prefix(), *user.as_user[:-1], "--no-new-privs", "--"]
    r = user.run("", "probe show ids").ok()
    assert uid_map(r.values) == [[0, USER, 1]] and "no_new_privs" in r.err, r


def test_without_a_range(user):
    user.host.file("/etc/subgid", "other:1:2\n")
    r = user.run("", "probe show ids").ok()
    assert uid_map(r.values) == [[0, USER, 1]] and "/etc/subgid has no line for 'tester'" in r.err, r
    user.host.file("/etc/subuid", "")
    r = user.run("", "probe show ids").ok()
    assert uid_map(r.values) == [[0, USER, 1]] and "tester" not in r.err, r
    user.run("--userns private", "probe exit 0").failed(125, "/etc/subuid has no line for 'tester'", "'tester:100000:65536'")
    r = user.run("--userns keep-id", "probe seq show ids , write /work/new x , open /dev/null rw").ok()
    assert uid_map(r.values) == [[USER, USER, 1]] and r.values["write"] == r.values["open"] == "0"
    assert owner(user.rootfs / "work/new") == (USER, USER)


def test_a_range_by_number(user):
    user.host.file("/etc/subuid", f"{USER}:7000:3\n")
    user.host.file("/etc/subgid", f"{USER}:7000:3\n")
    assert uid_map(user.run("", "probe show ids").ok().values) == [[0, USER, 1], [1, 7000, 3]]


def test_a_range_that_is_wrong(user):
    user.host.file("/etc/subuid", f"tester:{USER}:5\n")
    user.run("", "probe exit 0").failed(125, "/etc/subuid", "contain the own id", str(USER))
    user.host.file("/etc/subuid", "tester:300000:10\ntester:300005:10\n")
    user.run("", "probe exit 0").failed(125, "/etc/subuid", "overlap")


def test_nobody_but_root_maps_files(user, scratch):
    r = user.run(["-v", f"{scratch}:/v:idmap"], "probe exit 0")
    assert r.code == 125 and "mount on /v: option 'idmap' needs privilege" in r.err, r
    r = user.run("", "probe exit 0", rootfs=f"{user.rootfs}:idmap")
    assert r.code == 125 and "root directory: option 'idmap' needs privilege" in r.err, r


def test_a_terminal_of_an_ordinary_user(user):
    t = user.terminal("-ti -u alice", "probe show session ids")
    assert t.wait() == 0 and "session.ctty=1" in t.text and "1000,1000,1000" in t.text


# ---- where there are no namespaces to be had ----


def nested(engine, before, *opts, cmd=("/bin/probe", "show", "ids"), unshare=("--user", "--map-root-user"), suffix=""):
    """As root of a user namespace that has one id."""
    own = engine.base / "inner"
    if not own.exists():
        own.mkdir()
        chown(own, USER, USER)
    script = f'{before}\nexec "$@"'
    run = [str(engine.program), "--state", f"{own}/s", "--root", f"{own}/r", "run", "--pids-limit", "-1", *opts, "--rootfs", f"{engine.rootfs}{suffix}", *cmd]
    argv = [*engine.prefix, "unshare", *unshare, "--", "sh", "-ec", script, "sh", *run]
    return subprocess.run(argv, capture_output=True, text=True, env=engine.env, timeout=40)


def test_switched_off_by_a_sysctl(user):
    for kind in ("user", "pid"):
        p = nested(user, f"echo 0 > /proc/sys/user/max_{kind}_namespaces")
        assert p.returncode == 125 and f"the sysctl user.max_{kind}_namespaces is 0" in p.stderr, p
        assert len([x for x in p.stderr.splitlines() if "warning" not in x]) == 1, p


def test_inside_a_namespace_with_one_id(user):
    """As in a container: the ranges of /etc/subuid are not there."""
    p = nested(user, "")
    assert p.returncode == 0 and "does not exist in the user namespace" in p.stderr, p
    p = nested(user, "", "--userns", "private")
    assert p.returncode == 125 and "the user id 100000 in /etc/subuid does not exist in the user namespace" in p.stderr, p
    p = nested(user, "", "--uidmap", "0:5:1")
    assert p.returncode == 125 and "--uidmap: the user id 5 does not exist" in p.stderr, p
    own_mounts = ("--user", "--map-root-user", "--mount")
    p = nested(user, "", "--userns", "keep-id", unshare=own_mounts)
    assert p.returncode == 0 and p.stdout.splitlines()[4].split("=")[1].split() == ["0", "0", "1"], p
    assert "ids.setgroups=deny" in p.stdout, p
    p = nested(user, "", "--uidmap", "0:0:1", unshare=own_mounts, suffix=":idmap")
    assert p.returncode == 125 and "root directory" in p.stderr and "its file system belongs to another user namespace" in p.stderr, p


def test_without_an_id_of_its_own(user):
    p = nested(user, "", unshare=("--user",))
    assert p.returncode == 125 and len([x for x in p.stderr.splitlines() if "warning" not in x]) == 1, p


# ---- what explain tells ----


def told(engine, opts, rootfs=None):
    argv = engine.run_argv(opts, "probe exit 0", rootfs)
    n = len(engine.prefix) + 1 + (4 if engine.own_dirs else 0)
    p = subprocess.run([*argv[:n], "explain", "--format", "json", *argv[n:]], capture_output=True, text=True, env=engine.env, timeout=40)
    assert p.returncode == 0, p
    return {stage["name"]: [step["call"] for step in stage["steps"]] for stage in json.loads(p.stdout)["stages"]}


def test_explain_tells_of_ids_and_maps(root, scratch, rootfs):
    story = told(root, ["--userns", "auto", "-v", f"{scratch}:/v:idmap"])
    text = "\n".join(story["IDMAPS"])
    assert "clone3(NEWUSER)" in text and "0 1000000 1024" in text and text.count("mount_setattr(IDMAP") == 2
    assert 'flock("containers", EX)' in story["LOOK"] and 'flock("containers", UN)' in story["RECORD"]
    assert not root.state.exists(), "explain makes nothing"
    assert not [x for x in story["OPEN"] if str(scratch) in x or f'"{rootfs}"' in x], "init gets these as descriptors"
    assert not told(root, "")["IDMAPS"] and not told(root, "--userns keep-id")["IDMAPS"]
    assert told(root, "--userns private", f"{rootfs}:O")["IDMAPS"]


def test_a_timed_start_tells_how_long_the_copies_took(root):
    r = root.run("--explain=timed --format json --userns private", "probe exit 7")
    assert r.code == 7, r
    stages = json.loads(r.err[r.err.index("{"):])["stages"]
    took = {s["name"]: s["nanoseconds"] for s in stages if "nanoseconds" in s}
    assert took["IDMAPS"] > 0
    assert sum(s["nanoseconds"] for s in stages if s["side"] == "init") == sum(took[n] for n in ("SPAWN", "MAPPED", "FOLLOW"))


def test_explain_tells_of_newuidmap(user):
    text = "\n".join(told(user, "")["MAPPED"])
    assert f'execve("/usr/bin/newuidmap", PID, "0 {USER} 1, 1 300000 65536")' in text and "newgidmap" in text
    text = "\n".join(sum(told(user, "--userns keep-id:size=1").values(), []))
    assert f"setresuid({USER})" in text and "newuidmap" not in text


# ---- the start path ----


def clones(engine, scratch, opts, rootfs=None):
    out = scratch / "trace"
    argv = engine.run_argv(opts, "probe exit 0", rootfs)
    n = len(engine.prefix)
    p = subprocess.run([*argv[:n], *strace("-f", "-o", str(out), "-e", "trace=clone,clone3,fork,vfork,execve,execveat"), *argv[n:]], capture_output=True, env=engine.env, timeout=60)
    assert p.returncode == 0, p
    return sum(1 for x in out.read_text().splitlines() if "clone" in x.split("(")[0] and "= -1" not in x and "resumed" not in x)


def test_nothing_is_added_where_nothing_is_mapped(root, scratch, rootfs):
    if SANITIZED:
        pytest.skip("the sanitizers have processes of their own")
    assert clones(root, scratch, "") == 1
    assert clones(root, scratch, "--userns keep-id") == 1
    assert clones(root, scratch, "--uidmap 0:0:1") == 1
    assert clones(root, scratch, "--userns private") == 2  # and one to hold the maps of the root's mount
    assert clones(root, scratch, "--userns private", f"{rootfs}:O") == 3  # and one that makes the overlay


THEIRS = "mkdir /work/d , write /work/d/f x , chown /work/d/f 5 6 , chown /work/d 5 6"


def test_a_throw_away_layer_with_files_of_other_ids(user):
    """The user himself could not remove them."""
    r = user.run("", f"probe seq {THEIRS} , stat /work/d/f", rootfs=f"{user.rootfs}:O").ok()
    assert inside(r, "/work/d/f") == ["5:6"] and not user.left() and r.err.count("\n") <= 1, r


def test_the_sweep_removes_files_of_other_ids(user):
    r = user.start("", f"probe seq {THEIRS} , say up , sleep 60000", rootfs=f"{user.rootfs}:O")
    r.read_until("up")
    layer = user.root / "containers" / r.id
    assert owner(layer / "upper/work/d/f") == (300004, 400005)
    r.signal(9)
    r.wait()
    assert user.run("", "probe exit 3").code == 3
    assert not layer.exists() and not user.left()


def test_volumes_are_given_to_other_ids(user, scratch):
    """What an ordinary user may not do himself, a process with the container's ids does for him, and back."""
    for p in (scratch, scratch / "shut", scratch / "shut/f"):
        p.touch() if p.name == "f" else p.mkdir(mode=0o700, exist_ok=True)
        chown(p, USER, USER)
    for opts, inner, outer in (("-u 5:6", "5:6", (300004, 400005)), ("-u 7:8", "7:8", (300006, 400007)), ("", "0:0", (USER, USER)), ("--userns nomap", "0:0", (300000, 400000))):
        r = user.run(f"-v {scratch}:/work:U {opts}", "probe stat /work/shut/f").ok()
        assert inside(r, "/work/shut/f") == [inner] and [owner(scratch / p) for p in (".", "shut", "shut/f")] == [outer] * 3, r


def test_files_of_others_are_not_given_away(user, scratch):
    (scratch / "root-s").write_text("x")
    chown(scratch, USER, USER)
    user.run(f"--pids-limit -1 -v {scratch}:/work:U -u 5:6", "probe exit 0").failed(125, "mount on /work: give", "to 300004:400005: root-s: change its owner: Operation not permitted")
    assert owner(scratch / "root-s") == (0, 0)
