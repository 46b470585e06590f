"""What `spec --rootless` makes, started by an ordinary user: with his own id alone, and with more of them by newuidmap(1)."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from conftest import USER
from harness import PATIENCE, values
from id_files import host, lines, need_helpers, outer_id, owner  # noqa: F401: one is a fixture

pytestmark = [pytest.mark.userns, pytest.mark.timeout(60)]
ROOT = os.geteuid() == 0


class Bundle:
    """One of an ordinary user's, below a folder of his; `before` is what his commands begin with."""

    def __init__(self, where, program, before=()):
        self.where, self.program, self.before = where, program.parent / "mydocker-runtime", list(before)
        (where / "run").mkdir(mode=0o700)
        (where / "shared").mkdir()

    def call(self, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        env = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.where / "run"), "HOME": str(self.where)}
        return subprocess.run([*self.before, str(self.program), *args], cwd=self.where, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True,
                              timeout=30 * PATIENCE)

    def spec(self, words, ranges=(), user=0):
        """config.json; ranges: those of user and group ids, after the own id."""
        file = self.where / "config.json"
        if not file.exists():
            r = self.call("spec", "--rootless")
            assert r.returncode == 0, r
        config = json.loads(file.read_text())
        config["process"].update(terminal=False, args=["/bin/probe", *words.split()], user={"uid": user, "gid": user})
        config["mounts"].append({"destination": "/work", "type": "bind", "source": "shared", "options": ["bind"]})
        for key, (first, count) in zip(("uidMappings", "gidMappings"), ranges):
            config["linux"][key].append({"containerID": 1, "hostID": first, "size": count})
        file.write_text(json.dumps(config))

    def run(self, *args, **kw):
        self.spec(*args, **kw)
        return self.call("run", "c1")


@pytest.fixture
def unranged(make_rootfs, scratch, user_program):
    root = make_rootfs(scratch / "rootfs")
    for d in ("proc", "dev", "sys"):
        (root / d).mkdir()
    one = Bundle(scratch, user_program, ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"] if ROOT else [])
    for d in ([scratch, *(p for p in scratch.rglob("*") if p.name != "probe")] if ROOT else []):
        os.chown(d, USER, USER)
    yield one
    r = one.call("delete", "--force", "c1")
    assert r.returncode == 0, r


def own_range(path):
    name = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    found = [(int(first), int(count)) for who, first, count in (x.split(":") for x in Path(path).read_text().split()) if who in (name, str(USER))]
    return found[0] if found else pytest.skip(f"{path} has no range for {name}")


@pytest.fixture
def ranged(unranged, request):
    """For root it is a user who gets his ranges from files of the test's own."""
    need_helpers()
    plain = unranged.before
    if ROOT:
        unranged.host = request.getfixturevalue("host")
        unranged.before = [*unranged.host.prefix(), *plain]
        unranged.ranges = ((300000, 65536), (400000, 65536))
    else:
        unranged.ranges = (own_range("/etc/subuid"), own_range("/etc/subgid"))
    yield unranged
    unranged.before = plain  # the files are gone


def test_with_the_own_id(unranged):
    """No program of somebody else is needed, and no group but the own is to be had."""
    unranged.before += ["setpriv", "--no-new-privs", "--"]
    r = unranged.run("seq show ids , write /work/new x , sys 116 0 0 , exit 4")
    v = values(r.stdout)
    assert r.returncode == 4 and lines(v["ids.uid_map"]) == lines(v["ids.gid_map"]) == [[0, USER, 1]] and v["ids.uid"] == "0,0,0" and v["ids.setgroups"] == "deny", r
    assert owner(unranged.where / "shared/new") == (USER, os.getegid() or USER)


def test_with_more_ids(ranged):
    (ranged.where / "shared").chmod(0o777)
    r = ranged.run("seq show ids , write /work/new x , exit 4", ranged.ranges, user=7)
    v = values(r.stdout)
    assert r.returncode == 4 and not r.stderr, r
    for key, (first, count) in zip(("uid_map", "gid_map"), ranged.ranges):
        assert lines(v[f"ids.{key}"]) == [[0, USER, 1], [1, first, count]], v
    assert v["ids.uid"] == "7,7,7" and v["ids.setgroups"] == "allow"
    assert owner(ranged.where / "shared/new") == tuple(outer_id(v[f"ids.{k}"], 7) for k in ("uid_map", "gid_map"))


def test_who_comes_later_is_in_the_same_namespace(ranged):
    ranged.spec("sleep 60000", ranged.ranges)
    with open(ranged.where / "out", "wb") as f:  # no pipe: the container keeps it
        assert ranged.call("run", "-d", "c1", stdout=f, stderr=f).returncode == 0, (ranged.where / "out").read_text()
    r = ranged.call("exec", "--user", "9:10", "--additional-gids", "11", "c1", "/bin/probe", "show", "ids", "groups")
    assert r.returncode == 0, r
    v = values(r.stdout)
    assert v["ids.uid"] == "9,9,9" and v["ids.gid"] == "10,10,10" and "groups=11\n" in r.stdout and lines(v["ids.uid_map"])[1][1] == ranged.ranges[0][0], r
    assert ranged.call("kill", "c1", "KILL").returncode == 0


@pytest.mark.parametrize("without", ["program", "privilege"])
def test_without_newuidmap(ranged, without):
    """Ids that are not the caller's own are an error that names what is missing."""
    if without == "privilege":
        ranged.before += ["setpriv", "--no-new-privs", "--"]
    elif not ROOT:
        pytest.skip("hiding a program of the host needs root")
    else:
        become = ranged.before[len(ranged.host.prefix()):]
        ranged.before = [*ranged.host.prefix("mount --bind /dev/null $(readlink -f /usr/bin/newuidmap)"), *become]
    r = ranged.run("exit 0", ranged.ranges)
    why = "no_new_privs" if without == "privilege" else "the program newuidmap is not installed (package uidmap"
    assert r.returncode == 1 and r.stderr.count("\n") == 1 and f"uid map: without privilege only one id, your own {USER}, can be mapped: " in r.stderr and why in r.stderr, r
    assert ranged.call("list", "-q").stdout == ""


def test_ids_of_others(ranged):
    """newuidmap(1) decides; what it says is the error."""
    (first, count), group = ranged.ranges
    r = ranged.run("exit 0", ((first, count + 1), group))
    assert r.returncode == 1 and r.stderr.count("\n") == 1 and "newuidmap" in r.stderr and "not allowed" in r.stderr, r
    assert ranged.call("list", "-q").stdout == ""
