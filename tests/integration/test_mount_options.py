"""config.md, "Linux mount options": what each of them does, as the kernel tells it in mountinfo."""
import json
import os
import subprocess

import pytest

from bundles import bad, bundle, good, life  # noqa: F401: two are fixtures
from harness import give_tree

pytestmark = pytest.mark.root("sources are mounted on the host's side, and may be shared")
CLEAR = ["rw", "suid", "dev", "exec", "relatime", "diratime", "symfollow"]


def rows(pid):
    """(place, options of the mount, propagation, type, options of the file system) in their order."""
    for line in open(f"/proc/{pid}/mountinfo"):
        f = line.split()
        end = f.index("-")
        yield f[4], set(f[5].split(",")), " ".join(f[6:end]), f[end + 1], set(f[end + 3].split(","))


@pytest.fixture
def made(life):  # noqa: F811
    """Starts a container with these mounts; each gets a place of its own, a bind a source with a mount below it."""
    source = life.bundle / "source"
    (source / "below").mkdir(parents=True)
    (source / "file").write_text("text")
    subprocess.run(["mount", "-t", "tmpfs", "below", source / "below"], check=True)

    def start(mounts):
        for i, m in enumerate(mounts):
            m["destination"] = f"/o/{i}"
            if m["type"] == "bind":
                m.setdefault("source", str(source))

        def change(c):
            c["root"]["readonly"] = False
            c["linux"]["namespaces"] += [{"type": t} for t in ("ipc", "network", "cgroup")]
            c["mounts"] += mounts

        life.start("sleep", "60000", change=change)
        return list(rows(life.state()["pid"]))

    yield start
    subprocess.run(["umount", source / "below"], check=True)


def bind(*options, **more):
    return {"type": "bind", "options": ["rbind", *options], **more}


def tmpfs(*options):
    return {"type": "tmpfs", "source": "tmpfs", "options": list(options)}


# the word, what it sets (None: takes away), the word that undoes it
ATTRIBUTES = [("ro", "ro", "rw"), ("nosuid", "nosuid", "suid"), ("nodev", "nodev", "dev"), ("noexec", "noexec", "exec"),
              ("noatime", "noatime", "atime"), ("nodiratime", "nodiratime", "diratime"), ("nosymfollow", "nosymfollow", "symfollow")]


def test_attributes(made):
    """Each on a bind, on a new file system, and with "r" on all that comes with a bind; the opposite undoes it."""
    mounts, expected = [], []
    for word, shown, back in ATTRIBUTES:
        for m, top, below in ((bind(word), True, False), (bind("r" + word), True, True), (bind("r" + word, back), False, True),
                              (bind(word, back), False, False), (bind("r" + word, "r" + back), False, False), (bind(back), False, False)):
            mounts.append(m)
            expected.append((shown, top, below))
        mounts += [tmpfs(word), tmpfs(word, back)]
        expected += [(shown, True, None), (shown, False, None)]
    table = {place: options for place, options, _, _, _ in made(mounts)}
    for i, (shown, top, below) in enumerate(expected):
        assert (shown in table[f"/o/{i}"]) == top, (mounts[i], table[f"/o/{i}"])
        if below is not None:
            assert (shown in table[f"/o/{i}/below"]) == below, (mounts[i], table[f"/o/{i}/below"])


def test_access_times(made):
    """relatime is the kernel's own choice; strictatime is shown as neither."""
    words = {"relatime": "relatime", "rrelatime": "relatime", "strictatime": None, "rstrictatime": None, "noatime": "noatime", "rnoatime": "noatime",
             "norelatime": "relatime", "nostrictatime": "relatime", "atime": "relatime", "ratime": "relatime"}
    mounts = [f(w) for w in words for f in (bind, tmpfs)]
    table = {place: options for place, options, _, _, _ in made(mounts)}
    for i, m in enumerate(mounts):
        word = m["options"][-1]
        assert table[f"/o/{i}"] & {"relatime", "noatime"} == ({words[word]} if words[word] else set()), (m, table[f"/o/{i}"])
        if m["type"] == "bind" and word.startswith("r") and word != "relatime":
            assert table[f"/o/{i}/below"] & {"relatime", "noatime"} == ({words[word]} if words[word] else set()), m


@pytest.mark.parametrize("options, gone", [(["bind"], set()), (["bind", "ro"], set()), (["bind", "nosymfollow"], set()), (["bind", "ro", "exec"], {"noexec"}), (["rbind", "suid", "dev", "exec", "atime"], {"nosuid", "nodev", "noexec", "noatime"})])
def test_what_the_source_forbids(life, options, gone):  # noqa: F811
    """It stays, but for what is taken away by name. In a user namespace nobody can do that, which is an error and not passed over: as runc has it since 1.2."""
    source, flags = life.bundle / "source", {"nosuid", "nodev", "noexec", "noatime"}
    source.mkdir()
    (life.bundle / "root/o").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(flags), "source", source], check=True)
    try:
        def change(c):
            c["mounts"].append({"destination": "/o", "type": "bind", "source": str(source), "options": options})

        def inside(c):
            change(c)
            c["linux"]["namespaces"].append({"type": "user"})
            c["linux"] |= {k: [{"containerID": 0, "hostID": 100000, "size": 1000}] for k in ("uidMappings", "gidMappings")}

        life.start("sleep", "60000", change=change)
        here = next(o for place, o, _, _, _ in rows(life.state()["pid"]) if place == "/o")
        assert here & flags == flags - gone and ("ro" in here) == ("ro" in options), here
        good(life.call("delete", "--force", "c1"))
        give_tree(life.bundle / "root", 100000, 100000)
        if gone:
            bad(life.create("sleep", "60000", change=inside), "/o", "Operation not permitted")
        else:
            life.start("sleep", "60000", change=inside)
            assert next(o for place, o, _, _, _ in rows(life.state()["pid"]) if place == "/o") & flags == flags
            good(life.call("delete", "--force", "c1"))
    finally:
        subprocess.run(["umount", source], check=True)


def test_of_the_file_system(made):
    words = [("sync", "sync", True), ("async", "sync", False), ("dirsync", "dirsync", True), ("lazytime", "lazytime", True), ("nolazytime", "lazytime", False),
             ("mand", "mand", None), ("nomand", "mand", False), ("iversion", None, None), ("noiversion", None, None), ("silent", None, None), ("loud", None, None), ("defaults", None, None)]
    table = {place: options for place, _, _, _, options in made([tmpfs(w) for w, _, _ in words])}
    for i, (word, shown, there) in enumerate(words):
        assert f"/o/{i}" in table, word  # mand: Linux 5.15 takes it and does nothing
        assert there is None or (shown in table[f"/o/{i}"]) == there, (word, table[f"/o/{i}"])


def test_propagation(made):
    expected = {"private": ("", ""), "rprivate": ("", ""), "unbindable": ("unbindable", ""), "runbindable": ("unbindable", "unbindable")}
    mounts = [bind(w) for w in expected] + [tmpfs(w) for w in ("private", "unbindable", "shared")] + [bind("bind", "private")]
    t = {place: how for place, _, how, _, _ in made(mounts)}
    for i, word in enumerate(expected):
        assert (t[f"/o/{i}"], t[f"/o/{i}/below"]) == expected[word], (word, t)
    assert t["/o/4"] == "" and t["/o/5"] == "unbindable" and t["/o/6"].startswith("shared:"), t
    assert "/o/7/below" not in t  # the last of "rbind" and "bind" counts


def test_slave_and_shared(life):  # noqa: F811
    """What is mounted at the source later comes up in the container, and with "shared" the other way round."""
    source = life.bundle / "source"
    source.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "source", source], check=True)
    try:
        subprocess.run(["mount", "--make-shared", source], check=True)
        words = ["slave", "rslave", "shared", "rshared", "private"]

        def change(c):
            c["root"]["readonly"] = False
            c["mounts"] += [{"destination": f"/o/{w}", "type": "bind", "source": str(source), "options": ["rbind", w]} for w in words]

        (source / "later").mkdir()
        life.start("sleep", "60000", change=change)
        t = {place: how for place, _, how, _, _ in rows(life.state()["pid"])}
        assert [t[f"/o/{w}"].split(":")[0] for w in words] == ["master", "master", "shared", "shared", ""], t
        subprocess.run(["mount", "-t", "tmpfs", "later", source / "later"], check=True)
        try:
            places = {place for place, _, _, _, _ in rows(life.state()["pid"])}
            assert [f"/o/{w}/later" in places for w in words] == [True, True, True, True, False], places
        finally:
            subprocess.run(["umount", source / "later"], check=True)
    finally:
        good(life.call("delete", "--force", "c1"))
        subprocess.run(["umount", source], check=True)


def test_types(made):
    mounts = [{"type": "proc", "source": "proc"}, {"type": "sysfs", "source": "sysfs", "options": ["ro"]}, {"type": "mqueue", "source": "mqueue"},
              {"type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]}, tmpfs("size=64k", "mode=1777", "nr_inodes=50"),
              {"type": "cgroup", "source": "cgroup", "options": ["ro"]}]
    t = {place: (kind, options, more) for place, options, _, kind, more in made(mounts)}
    assert [t[f"/o/{i}"][0] for i in range(5)] == ["proc", "sysfs", "mqueue", "devpts", "tmpfs"]
    assert {"gid=5", "mode=620", "ptmxmode=666"} <= t["/o/3"][2] and {"size=64k", "nr_inodes=50"} <= t["/o/4"][2]
    groups = [k for k in t if k.startswith("/o/5")]
    assert groups and all("ro" in t[k][1] for k in groups), t


def test_binds_of_all_kinds(made, life):  # noqa: F811
    """Over files, of sockets and pipes, through links of the source's path, without what lies below; relative sources begin at the bundle."""
    source = life.bundle / "source"
    os.mkfifo(source / "fifo")
    (life.bundle / "link").symlink_to(source)
    mounts = [bind(source=str(source / "file")), bind(source=str(source / "fifo")), bind(source=str(life.bundle / "link")), bind(source="source/file"),
              {"type": "bind", "options": ["bind"]}, {"type": "none", "source": str(source / "file"), "options": ["bind", "rro"]}]
    t = {place: options for place, options, _, _, _ in made(mounts)}
    root = f"/proc/{life.state()['pid']}/root/o"
    assert open(f"{root}/0").read() == open(f"{root}/2/file").read() == open(f"{root}/3").read() == open(f"{root}/5").read() == "text"
    assert (os.stat(f"{root}/1").st_mode & 0o170000) == 0o010000
    assert "/o/4/below" not in t and "/o/2/below" in t and "ro" in t["/o/5"]


def test_tmpcopyup_and_relative_destinations(life):  # noqa: F811
    image = life.bundle / "root/full"
    image.mkdir(mode=0o751)
    (image / "a").write_text("content")

    def change(c):
        c["mounts"] += [{"destination": "/full", "type": "tmpfs", "options": ["tmpcopyup"]}, {"destination": "relative//x/./y", "type": "tmpfs"}]
        c["root"]["readonly"] = False

    life.start("sleep", "60000", change=change)
    root = f"/proc/{life.state()['pid']}/root"
    assert open(f"{root}/full/a").read() == "content" and os.stat(f"{root}/full").st_mode & 0o7777 == 0o751
    assert "/relative/x/y" in {place for place, _, _, _, _ in rows(life.state()["pid"])}


def test_idmaps(made, life):  # noqa: F811
    """"idmap" of the mount alone, "ridmap" of all that comes with it."""
    maps = {k: [{"containerID": 0, "hostID": 77, "size": 1}] for k in ("uidMappings", "gidMappings")}
    made([bind("idmap", **maps), bind("ridmap", **maps), bind(**maps)])
    root = f"/proc/{life.state()['pid']}/root/o"
    assert [os.stat(f"{root}/{i}").st_uid for i in range(3)] == [77, 77, 77]
    assert [os.stat(f"{root}/{i}/below").st_gid for i in range(3)] == [0, 77, 0]


def test_what_only_the_hosts_root_reaches(life):  # noqa: F811
    """In a user namespace root has no say over folders of ids that are not mapped; its caller has."""
    closed = life.bundle / "closed"
    (closed / "deep/below").mkdir(parents=True)
    (closed / "deep/file").write_text("text")
    os.chown(life.bundle / "root", 100000, 100000)
    os.chmod(life.bundle / "root", 0o755)
    life.bundle.chmod(0o755)

    def change(c):
        c["root"] = {"path": "theirs/root"}
        c["process"]["user"] = {"uid": 0, "gid": 0}
        c["linux"]["namespaces"] += [{"type": "user"}]
        c["linux"] |= {k: [{"containerID": 0, "hostID": 100000, "size": 1000}] for k in ("uidMappings", "gidMappings")}
        c["mounts"] += [{"destination": "/o", "type": "bind", "source": str(closed / "deep"), "options": ["rbind", "ro"]}]

    (life.bundle / "theirs").mkdir()
    os.chown(life.bundle / "theirs", 100000, 100000)
    os.chmod(life.bundle / "theirs", 0o700)
    (life.bundle / "root").rename(life.bundle / "theirs/root")
    subprocess.run(["mount", "-t", "tmpfs", "below", closed / "deep/below"], check=True)
    closed.chmod(0)
    try:
        life.start("sleep", "60000", change=change)
        pid = life.state()["pid"]
        assert open(f"/proc/{pid}/root/o/file").read() == "text"
        t = {place: (options, how) for place, options, how, _, _ in rows(pid)}
        assert "ro" in t["/o"][0] and "rw" in t["/o/below"][0] and t["/"][1] == t["/o"][1] == t["/o/below"][1] == "", t
    finally:
        good(life.call("delete", "--force", "c1"))
        subprocess.run(["umount", closed / "deep/below"], check=True)
        closed.chmod(0o700)


def test_unknown_words(life):  # noqa: F811
    def change(c):
        c["mounts"] += [{"destination": "/x", "type": "bind", "source": "/etc", "options": ["bind", "rox"]}]

    bad(life.create("exit", "0", change=change), "mount on /x: unknown bind option 'rox'")


def test_all_that_features_lists_is_taken(life):  # noqa: F811
    """No word of the specification's table is missing there (but for "remount", which has tests of its own)."""
    listed = set(json.loads(good(life.call("features")).stdout)["mountOptions"])
    r = lambda words: {x for w in words for x in (w, "r" + w)}  # noqa: E731
    pairs = "ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime symfollow nosymfollow".split()
    words = r(pairs) | r(("bind", "private", "shared", "slave", "unbindable")) | {"idmap", "ridmap", "tmpcopyup", "defaults", "async", "sync", "dirsync", "iversion",
             "noiversion", "lazytime", "nolazytime", "loud", "silent", "mand", "nomand", "remount"}
    assert not words - listed, words - listed
