"""libexec/mydocker/unpack: from a compressed layer to its tree; what is hostile is refused, and reaches nothing outside."""
import gzip
import hashlib
import io
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.root("layers hold files of others")
PROGRAM = harness.MYDOCKER.parent.parent / "libexec/mydocker/unpack"
AS_USER, COPY = 1, 2
OK, SYS, SPEC = 0, 1, 3  # ErrKind


def build_id():
    return re.search(r"Build:\s+(\w+)", subprocess.run([harness.MYDOCKER, "version"], capture_output=True, text=True).stdout)[1]


class Archive:
    """A tar file, entry by entry."""

    def __init__(self, format=tarfile.PAX_FORMAT):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=format)

    def add(self, name, content=None, **about):
        info = tarfile.TarInfo(name)
        info.type = about.pop("type", tarfile.REGTYPE)
        for key, value in about.items():
            setattr(info, key, value)
        info.size = len(content or b"")
        self.tar.addfile(info, io.BytesIO(content or b""))
        return self

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Reply:
    def __init__(self, out):
        assert len(out) >= 512, out
        self.kind, self.errno = struct.unpack_from("HH", out)
        self.message = out[32:512].split(b"\0")[0].decode()
        self.digests = re.findall(rb"sha\d+:[0-9a-f]+", out[512:])


class Unpacker:
    def __init__(self, scratch):
        self.tree, self.kept = scratch / "tree", scratch / "kept"
        (scratch / "outside").mkdir()
        (scratch / "outside/file").write_text("host secret")
        self.before = harness.tree(scratch / "outside")
        self.scratch, self.id = scratch, build_id()

    def start(self, blob="-", size="-", diff="-", flags=0):
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        fds = [os.open(self.tree, os.O_RDONLY | os.O_DIRECTORY), os.open(self.kept, os.O_RDWR | os.O_CREAT | os.O_TRUNC)]
        fds = [os.dup(fd) if fd in (3, 4) else fd for fd in fds]

        def descriptors():
            os.dup2(fds[0], 3)
            os.dup2(fds[1], 4)

        try:
            return subprocess.Popen([PROGRAM, self.id, str(flags), blob, str(size), diff], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    preexec_fn=descriptors, pass_fds=(3, 4))
        finally:
            for fd in fds:
                os.close(fd)

    def __call__(self, data, *args, **kw):
        p = self.start(*args, **kw)
        out, err = p.communicate(data, timeout=60 * harness.PATIENCE)
        assert p.returncode == 0 and err == b"", (p.returncode, err)
        assert harness.tree(self.scratch / "outside") == self.before
        return Reply(out)

    def good(self, data, *args, **kw):
        r = self(data, *args, **kw)
        assert r.kind == OK, r.message
        return r

    def told(self):
        """path -> (type and mode, owner, size or device or target, time)"""
        found = {}
        for d, dirs, files in os.walk(self.tree):
            for n in [*dirs, *files]:
                p = Path(d, n)
                s = p.lstat()
                what = os.readlink(p) if stat.S_ISLNK(s.st_mode) else (os.major(s.st_rdev), os.minor(s.st_rdev)) if s.st_rdev or stat.S_ISCHR(s.st_mode) else s.st_size if stat.S_ISREG(s.st_mode) else None
                found[str(p.relative_to(self.tree))] = (s.st_mode, (s.st_uid, s.st_gid), what, s.st_mtime_ns if not stat.S_ISDIR(s.st_mode) or s.st_mtime < 2e9 else None)
        return found


@pytest.fixture
def unpack(scratch):
    return Unpacker(scratch)


# ---- what is kept ----


def everything():
    a = Archive()
    a.add("d", type=tarfile.DIRTYPE, mode=0o2751, mtime=1000.25, uid=3, gid=4)
    a.add("d/file", b"text" * 1000, mode=0o4755, uid=1000, gid=100, mtime=77.5)
    a.add("d/hard", type=tarfile.LNKTYPE, linkname="d/file")
    a.add("d/soft", type=tarfile.SYMTYPE, linkname="../../etc/passwd", uid=7, mtime=5)
    a.add("d/pipe", type=tarfile.FIFOTYPE, mode=0o640, mtime=6)
    a.add("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666, mtime=7)
    a.add("disk", type=tarfile.BLKTYPE, devmajor=259, devminor=70000, mode=0o600, mtime=8)
    a.add("d/" + "n" * 255, b"", mtime=9)
    a.add("/".join(["deep" * 20] * 30) + "/file", b"x", mtime=10)
    a.add("capable", b"", mtime=11, pax_headers={"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "SCHILY.xattr.user.key": "value", "SCHILY.xattr.trusted.overlay.opaque": "y"})
    return a.done()


def test_all_that_a_file_is(unpack, scratch):
    """As GNU tar makes it of the same archive, but for what overlayfs would take for its own."""
    raw = everything()
    unpack.good(raw)
    ours = unpack.told()
    theirs = scratch / "theirs"
    theirs.mkdir()
    subprocess.run(["tar", "-xp", "--xattrs", "--xattrs-include=*", "-C", theirs], input=raw, check=True)
    unpack.tree, tree = theirs, unpack.tree
    other = unpack.told()
    parents = {k for k, v in ours.items() if k.endswith("deep")}  # the archive says nothing of them
    assert {k: v for k, v in ours.items() if k not in parents} == {k: v for k, v in other.items() if k not in parents}
    assert parents and all(ours[p][:2] == (stat.S_IFDIR | 0o755, (0, 0)) for p in parents)
    assert (tree / "d/file").stat().st_ino == (tree / "d/hard").stat().st_ino
    assert os.getxattr(tree / "capable", "security.capability")[:4] == b"\x01\0\0\x02" and os.getxattr(tree / "capable", "user.key") == b"value"
    assert "trusted.overlay.opaque" not in os.listxattr(tree / "capable")


@pytest.mark.parametrize("kind", ["SYMTYPE", "FIFOTYPE", "CHRTYPE"])
def test_attributes_of_what_is_not_opened(unpack, kind):
    a = Archive()
    a.add("d", type=tarfile.DIRTYPE)
    a.add("d/node", type=getattr(tarfile, kind), linkname="nowhere" if kind == "SYMTYPE" else "", devmajor=1, devminor=3, pax_headers={"SCHILY.xattr.trusted.key": "value", "SCHILY.xattr.user.key": "no such file may have it"})
    unpack.good(a.done())
    assert os.getxattr(unpack.tree / "d/node", "trusted.key", follow_symlinks=False) == b"value"
    assert os.listxattr(unpack.tree / "d/node", follow_symlinks=False) == ["trusted.key"]


def test_holes_stay(unpack, scratch):
    with open(scratch / "sparse", "wb") as f:
        f.write(b"begin")
        f.seek(5 << 20)
        f.write(b"middle")
        f.truncate(9 << 20)
    raw = subprocess.run(["tar", "-cS", "--format=posix", "-C", scratch, "sparse"], capture_output=True, check=True).stdout
    assert len(raw) < 1 << 20
    unpack.good(raw)
    made = unpack.tree / "sparse"
    assert made.read_bytes() == (scratch / "sparse").read_bytes() and made.stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize("compress", [lambda b: b, gzip.compress, lambda b: gzip.compress(b[:1000]) + gzip.compress(b[1000:]), lambda b: gzip.compress(b) + b"\0" * 700,
                                      lambda b: subprocess.run(["zstd", "-q"], input=b, capture_output=True, check=True).stdout], ids=["plain", "gzip", "members", "padded", "zstd"])
def test_compression_is_found_out(unpack, compress):
    if compress.__code__.co_names[0:1] == ("subprocess",) and not shutil.which("zstd"):
        pytest.skip("no zstd(1) on this machine")
    raw = Archive().add("big", random.Random(1).randbytes(3 << 20) + bytes(9 << 20)).done()
    blob = compress(raw)
    r = unpack.good(blob, digest(blob), len(blob), digest(raw), flags=COPY)
    assert r.digests == [digest(blob).encode(), digest(raw).encode()]
    assert unpack.kept.read_bytes() == blob
    assert (unpack.tree / "big").stat().st_size == 12 << 20


# ---- whiteouts ----


def is_whiteout(p):
    s = p.lstat()
    return stat.S_ISCHR(s.st_mode) and s.st_rdev == 0


def is_opaque(p):
    return "trusted.overlay.opaque" in os.listxattr(p)


def test_whiteouts(unpack):
    a = Archive()
    for n in ("gone", "d/.wh.gone2", ".wh.gone", "o/.wh..wh..opq", "o/new", ".wh..wh.plnk", ".wh..wh.aufs"):
        a.add(n) if n != "gone" else None
    unpack.good(a.done())
    t = unpack.tree
    assert is_whiteout(t / "gone") and is_whiteout(t / "d/gone2") and is_opaque(t / "o") and (t / "o/new").is_file() and not is_opaque(t / "d")
    assert sorted(os.listdir(t)) == ["d", "gone", "o"]


@pytest.mark.parametrize("first", [True, False])
def test_what_the_layer_itself_has_stays(unpack, first):
    """image-spec: a whiteout is about the layers below."""
    a = Archive()
    whiteouts = [".wh.file", ".wh.dir", ".wh.way"]
    for n in whiteouts if first else []:
        a.add(n)
    a.add("file", b"mine").add("dir", type=tarfile.DIRTYPE, mode=0o700).add("dir/in", b"mine").add("way/in", b"mine")
    for n in whiteouts if not first else []:
        a.add(n)
    unpack.good(a.done())
    t = unpack.tree
    assert (t / "file").read_bytes() == (t / "dir/in").read_bytes() == (t / "way/in").read_bytes() == b"mine"
    assert is_opaque(t / "dir") and is_opaque(t / "way") and (t / "dir").stat().st_mode & 0o777 == 0o700


def test_later_entries_win(unpack):
    a = Archive().add("x", b"1").add("x", b"22").add("y", type=tarfile.DIRTYPE).add("y/in", b"").add("y", type=tarfile.SYMTYPE, linkname="x")
    a.add("z", type=tarfile.SYMTYPE, linkname="/").add("z", type=tarfile.DIRTYPE, mode=0o711).add("z/in", b"3").add("x", type=tarfile.DIRTYPE)
    unpack.good(a.done())
    t = unpack.tree
    assert (t / "x").is_dir() and os.readlink(t / "y") == "x" and (t / "z").stat().st_mode & 0o777 == 0o711 and (t / "z/in").read_bytes() == b"3"


# ---- what is refused ----

LINK = dict(type=tarfile.SYMTYPE, linkname="OUTSIDE")


@pytest.mark.parametrize("entries, words", [
    ([("../evil", b"x", {})], ["../evil", "'..'"]),
    ([("a/../../evil", b"x", {})], ["'..'"]),
    ([("/etc/evil", b"x", {})], ["absolute"]),
    ([("link", None, LINK), ("link/evil", b"x", {})], ["link", "symbolic link"]),
    ([("a", None, {"type": tarfile.DIRTYPE}), ("a/link", None, LINK), ("a/link/b/c", b"x", {})], ["symbolic link"]),
    ([("link", None, LINK), ("h", None, {"type": tarfile.LNKTYPE, "linkname": "link/file"})], ["hard link", "symbolic link"]),
    ([("h", None, {"type": tarfile.LNKTYPE, "linkname": "../outside/file"})], ["hard link", "'..'"]),
    ([("h", None, {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"})], ["hard link", "absolute"]),
    ([("h", None, {"type": tarfile.LNKTYPE, "linkname": "not/there"})], ["hard link", "not/there"]),
    ([("d", None, {"type": tarfile.DIRTYPE}), ("h", None, {"type": tarfile.LNKTYPE, "linkname": "d"})], ["hard link", "no file"]),
    ([("a/.wh...", b"", {})], ["whiteout"]),
    ([("a/.wh..", b"", {})], ["whiteout"]),
    ([("a/.wh.", b"", {})], ["whiteout"]),
    ([("link", None, LINK), ("link/.wh.file", b"", {})], ["symbolic link"]),
    ([("link", None, LINK), ("link/.wh..wh..opq", b"", {})], ["symbolic link"]),
    ([("file", b"", {}), ("file/in", b"", {})], ["file", "no folder"]),
    ([("x" * 256, b"", {})], ["too long"]),
    ([("/".join(["y" * 200] * 25), b"", {})], ["bytes are allowed"]),
    ([(".", b"x", {})], ["root is no folder"]),
])
def test_refused(unpack, entries, words):
    a = Archive()
    for name, content, about in entries:
        a.add(name, content, **{k: str(unpack.scratch / "outside") if v == "OUTSIDE" else v for k, v in about.items()})
    r = unpack(a.done())
    assert r.kind == SPEC and all(w in r.message for w in words), r.message


def test_devices_of_an_ordinary_user(unpack):
    r = unpack(Archive().add("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3).done(), flags=AS_USER)
    assert r.kind == SPEC and "device node" in r.message


@pytest.mark.parametrize("spoil, words", [
    (lambda z: z[:-3], ["gzip", "too early"]),
    (lambda z: z[:200], ["gzip", "too early"]),
    (lambda z: z[:-8] + bytes(8), ["gzip", "checksum"]),
    (lambda z: z[:300] + bytes([z[300] ^ 255]) + z[301:], ["gzip"]),
    (lambda z: z + b"more", ["something else follows"]),
    (lambda z: b"\x1f\x8b" + bytes(100), ["gzip"]),
    (lambda z: b"\xfd7zXZ\0" + z, ["xz"]),
    (lambda z: b"BZh91" + z, ["bzip2"]),
    (lambda z: gzip.compress(b"no archive " * 100), ["sum"]),
    (lambda z: gzip.compress(gzip.decompress(z)[:700]), ["ends"]),
    (lambda z: b"\x28\xb5\x2f\xfd" + bytes(50), ["zstd"]),
], ids=range(11))
def test_damaged(unpack, spoil, words):
    r = unpack(spoil(gzip.compress(Archive().add("file", random.Random(2).randbytes(5000)).done())))
    assert r.kind == SPEC and all(w in r.message for w in words), r.message


def test_digests_and_sizes_are_verified(unpack):
    raw = Archive().add("file", b"text").done()
    blob = gzip.compress(raw)
    for args, words in [((digest(raw),), ["blob", digest(raw)]), ((digest(blob), len(blob), digest(blob)), ["layer", digest(blob)]), ((digest(blob), len(blob) - 1), ["larger"]),
                        ((digest(blob), len(blob) + 1), ["bytes"])]:
        r = unpack(blob, *args)
        assert r.kind == SPEC and all(w in r.message for w in words), (args, r.message)


def test_a_disk_that_is_full(unpack, scratch):
    small = scratch / "tree"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "t", scratch / "tree"], check=True)
    try:
        fds = os.open(small, os.O_RDONLY | os.O_DIRECTORY)
        p = subprocess.Popen([PROGRAM, unpack.id, "0", "-", "-", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lambda: os.dup2(fds, 3), pass_fds=(3,))
        os.close(fds)
        r = Reply(p.communicate(Archive().add("big", bytes(4 << 20)).done())[0])
        assert r.kind == SYS and r.errno == 28 and "big" in r.message, r.message
    finally:
        subprocess.run(["umount", small], check=True)


def test_it_is_shut_in(unpack):
    """While it waits for bytes: its root is the tree, without network, filtered, with few capabilities."""
    p = unpack.start()
    p.stdin.write(Archive().add("file", b"text").add("big", bytes(4 << 20)).done()[:-9999])
    p.stdin.flush()
    harness.wait_until(lambda: (unpack.tree / "big").exists() or p.poll() is not None)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{p.pid}/status").read_text().splitlines() if ":\t" in line)
    assert sorted(os.listdir(f"/proc/{p.pid}/root")) == ["big", "file"]
    for ns in ("mnt", "net", "ipc"):
        assert os.readlink(f"/proc/{p.pid}/ns/{ns}") != os.readlink(f"/proc/self/ns/{ns}")
    assert harness.SANITIZED or (status["NoNewPrivs"] == "1" and status["Seccomp"] == "2")  # sanitizers have calls of their own
    allowed = {0, 1, 3, 4, 21, 27, 31}  # chown, dac_override, fowner, fsetid, sys_admin, mknod, setfcap
    assert {n for n in range(64) if int(status["CapEff"], 16) >> n & 1} <= allowed and status["CapEff"] == status["CapPrm"]
    p.stdin.close()
    p.kill()
    p.wait()


def test_another_build_is_refused(unpack):
    unpack.id = "0123456789abcdef"
    assert "another build" in unpack(b"").message


def test_memory_is_bounded(unpack):
    """A layer of many megabytes takes few."""
    blob = gzip.compress(Archive().add("big", bytes(200 << 20)).done(), 1)
    p = unpack.start()
    p.stdin.write(blob[:-9])
    p.stdin.flush()
    big = unpack.tree / "big"
    harness.wait_until(lambda: big.exists() and big.stat().st_size > 190 << 20, 60)
    most = int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{p.pid}/status").read_text())[1])
    out, _ = p.communicate(blob[-9:])
    assert Reply(out).kind == OK and big.stat().st_size == 200 << 20
    assert harness.SANITIZED or most < 16 << 10, most
