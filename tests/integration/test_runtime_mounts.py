"""mydocker-runtime mounts add, mounts remove: mounts for a container that is there."""
import json
import os
import re

import pytest

from bundles import bad, bundle, good, life  # noqa: F401: two are fixtures


@pytest.fixture
def lives(life):  # noqa: F811
    (life.bundle / "source").mkdir()
    (life.bundle / "source/file").write_text("from the host")

    def change(c):
        c["root"]["readonly"] = False
        c["linux"]["namespaces"].append({"type": "ipc"})
        c["linux"]["maskedPaths"] = ["/proc/version"]
        c["mounts"].append({"destination": "/own", "type": "tmpfs", "source": "own"})

    life.start("sleep", "60000", change=change)
    return life


def call(one, verb, *mounts):
    (one.bundle / "mounts.json").write_text(json.dumps(mounts))
    return one.call("mounts", verb, "c1", one.bundle / "mounts.json")


def table(one):
    """The container's mounts: place: (options, propagation, type, source, options of the file system); the last one counts."""
    rows = {}
    for line in open(f"/proc/{one.state()['pid']}/mountinfo"):
        f = line.split()
        end = f.index("-")
        rows[f[4]] = (f[5], " ".join(f[6:end]), f[end + 1], f[end + 2], f[end + 3])
    return rows


def inside(one, path):
    return f"/proc/{one.state()['pid']}/root/{path}"


def bind(one, **more):
    return {"destination": "/m/bound", "type": "bind", "source": str(one.bundle / "source"), "options": ["rbind", "ro"], **more}


def test_added_and_removed(lives):
    before = table(lives)
    added = [bind(lives), {"destination": "/m/t", "type": "tmpfs", "source": "t", "options": ["nosuid", "noexec", "size=64k", "mode=700"]},
             {"destination": "m/t/below", "type": "tmpfs", "options": ["ro"]}, bind(lives, destination="/m/file", source="source/file", options=["bind", "nodev"])]
    good(call(lives, "add", *added))
    t = table(lives)
    assert set(t) - set(before) == {"/m/bound", "/m/t", "/m/t/below", "/m/file"}
    assert t["/m/bound"][0].startswith("ro") and t["/m/bound"][1] == "" and open(inside(lives, "m/bound/file")).read() == "from the host"
    assert t["/m/t"][0] == "rw,nosuid,noexec,relatime" and t["/m/t"][2:4] == ("tmpfs", "t") and "size=64k" in t["/m/t"][4]
    assert t["/m/t/below"][0].startswith("ro") and "nodev" in t["/m/file"][0] and open(inside(lives, "m/file")).read() == "from the host"
    good(call(lives, "remove", *added))
    assert table(lives) == before
    bad(call(lives, "remove", bind(lives)), "mount on /m/bound", "nothing is mounted there that config.json or 'mounts add' has put there")


def test_the_namespaces_are_the_containers(lives):
    """What a file system shows by who makes it: processes, devices of the network, message queues."""
    good(call(lives, "add", {"destination": "/p", "type": "proc", "source": "proc"}, {"destination": "/q", "type": "mqueue", "source": "mqueue"}))
    numbers = [n for n in os.listdir(inside(lives, "p")) if n.isdigit()]
    assert numbers == ["1"], numbers
    assert table(lives)["/q"][2] == "mqueue"
    good(call(lives, "remove", {"destination": "/p"}, {"destination": "/q"}))


def test_of_its_own_and_of_nobody(lives):
    good(call(lives, "remove", {"destination": "/own"}))
    assert "/own" not in table(lives)
    for place in "/", "/etc", "/none", "/own":
        r = call(lives, "remove", {"destination": place})
        assert r.returncode == 1 and f"mount on {place}: " in r.stderr, r


def test_all_or_none(lives):
    before = table(lives)
    bad(call(lives, "add", {"destination": "/a", "type": "tmpfs"}, bind(lives, destination="/f", source="source/file"), bind(lives, destination="/etc/passwd/x")), "mounts add: mount", "on /etc/passwd/x")
    assert table(lives) == before
    bad(call(lives, "add", {"destination": "/a", "type": "tmpfs"}, bind(lives, source="source/none")), "mount on /m/bound: source", "none")
    bad(call(lives, "add", {"destination": "/a", "type": "tmpfs"}, {"destination": "/b", "type": "tmpfs", "options": ["size=x"]}), "mount tmpfs on /b")
    assert table(lives) == before
    good(call(lives, "add", {"destination": "/a", "type": "tmpfs"}))
    bad(call(lives, "remove", {"destination": "/a"}, {"destination": "/b"}), "mount on /b")
    assert "/a" in table(lives)


def test_a_hostile_container(lives):
    """It has put links in the way: nothing outside of its root is reached, and no mask goes."""
    root = lives.bundle / "root"
    outside = lives.bundle / "outside"
    outside.mkdir()
    (root / "out").symlink_to(outside)
    (root / "up").symlink_to("../../../../../../../.." + str(outside))
    (root / "d").mkdir()
    good(call(lives, "add", {"destination": "/out/t", "type": "tmpfs"}, {"destination": "/up/t", "type": "tmpfs"}, {"destination": "/d/version", "type": "tmpfs"}))
    assert not list(outside.iterdir()) and {f"{outside}/t", "/d/version"} <= set(table(lives))
    before = table(lives)
    assert "/proc/version" in before
    (root / "d").rename(root / "moved")
    (root / "d").symlink_to("/proc")
    bad(call(lives, "remove", {"destination": "/d/version"}), "mount on /d/version", "nothing is mounted there")
    assert len(table(lives)) == len(before)
    good(call(lives, "remove", {"destination": "/moved/version"}))


def test_refused(lives):
    where = lives.bundle / "mounts.json"
    for text, words in ("{}", "mounts"), ('[{"type": "tmpfs"}]', "mounts[0].destination"), ("[", "mounts.json"), ('[{"destination": "/x", "type": "bind"}]', "a bind needs a source"), \
            ('[{"destination": "/own", "type": "tmpfs", "options": ["remount", "ro"]}]', "option 'remount' is for config.json alone"):
        where.write_text(text)
        bad(lives.call("mounts", "add", "c1", where), words)
    bad(lives.call("mounts", "move", "c1", where), "mounts 'move': not add or remove")
    bad(lives.call("mounts", "add", "c1"), "'mounts' needs at least 3 arguments")
    bad(lives.call("mounts", "add", "c2", where), "container c2 does not exist")
    good(lives.call("kill", "c1", "KILL"))
    lives.wait_for("stopped")
    where.write_text("[]")
    bad(lives.call("mounts", "add", "c1", where), "is not running: stopped")


@pytest.mark.root("only root may map ids and share mounts")
def test_ids_and_propagation(lives):
    good(call(lives, "add", bind(lives, destination="/mapped", options=["bind", "idmap"], uidMappings=[{"containerID": 0, "hostID": 77, "size": 1}], gidMappings=[{"containerID": 0, "hostID": 78, "size": 1}]),
              bind(lives, destination="/slave", options=["rbind", "rslave"]), bind(lives, destination="/private", options=["rbind", "rprivate"])))
    st = os.stat(inside(lives, "mapped/file"))
    assert (st.st_uid, st.st_gid) == (77, 78)
    assert table(lives)["/private"][1] == ""


@pytest.mark.root("ids are mapped for root alone")
@pytest.mark.parametrize("first", [0, 100000])
def test_in_a_user_namespace(life, first):  # noqa: F811
    """What is made belongs to the container's ids, and its root cannot undo what the host has mounted read-only."""
    (life.bundle / "source").mkdir()
    (life.bundle / "source/file").write_text("from the host")

    def change(c):
        c["root"]["readonly"] = False
        c["process"]["user"] = {"uid": 0, "gid": 0}
        c["linux"]["namespaces"] += [{"type": t} for t in ("user", "network", "ipc", "cgroup")]
        c["linux"] |= {k: [{"containerID": 0, "hostID": first, "size": 1000}] for k in ("uidMappings", "gidMappings")}

    os.chown(life.bundle / "root", first, first)
    life.bundle.chmod(0o755)
    life.start("sleep", "60000", change=change)
    before = table(life)
    added = [bind(life), {"destination": "/m/t", "type": "tmpfs", "options": ["mode=755"]}, {"destination": "/m/p", "type": "proc"},
             {"destination": "/m/pts", "type": "devpts", "options": ["newinstance"]}, {"destination": "/m/sys", "type": "sysfs"}]
    good(call(life, "add", *added))
    assert os.stat(inside(life, "m/t")).st_uid == os.stat(inside(life, "m")).st_uid == first
    assert {"/m/bound", "/m/t", "/m/p", "/m/pts", "/m/sys"} == set(table(life)) - set(before)
    good(call(life, "remove", *added))
    assert table(life) == before
