"""An ordinary user: namespaces, mounts and a root directory, without any privilege."""
import os
import subprocess

import pytest

from conftest import USER
from harness import chown, errno_of, mknod, values, wait_until
from id_files import lines


pytestmark = pytest.mark.userns


def test_it_runs_with_one_warning_at_most(user_md):
    r = user_md.run("", "probe exit 3")
    assert r.code == 3
    lines = r.err.strip().splitlines()
    assert len(lines) <= 1 and all("warning" in x.lower() for x in lines), r


def test_root_inside_is_the_user_outside(user_md):
    v = user_md.run("", "probe show ids ns groups").ok().values
    assert v["ids.uid"] == "0,0,0" and v["ids.gid"] == "0,0,0"
    uids, gids = lines(v["ids.uid_map"]), lines(v["ids.gid_map"])
    assert uids[0] == gids[0] == [0, USER, 1]
    if os.geteuid() == 0:  # else it is a user of this host, who may have ranges of ids
        assert len(uids) == len(gids) == 1
    assert v["ids.setgroups"] == ("deny" if len(gids) == 1 else "allow")
    for n in ("user", "mnt", "pid", "net", "ipc", "uts"):
        assert v[f"ns.{n}"] != os.readlink(f"/proc/self/ns/{n}"), n


@pytest.mark.skipif(os.geteuid() == 0, reason="it is about who runs the tests, with the ranges that this host gives; test_unshare.py makes a user for root")
def test_unshare_has_the_same_ids(user_md):
    inside = values(user_md.call("unshare", user_md.rootfs / "bin/probe", "show", "ids").ok().out)
    v = user_md.run("", "probe show ids").ok().values
    assert {k: inside[f"ids.{k}"].split() for k in ("uid_map", "gid_map")} == {k: v[f"ids.{k}"].split() for k in ("uid_map", "gid_map")}


def test_files_written_are_the_user_s(user_md):
    user_md.run("", "probe write /work/new x").ok()
    assert os.stat(user_md.rootfs / "work/new").st_uid == USER


def test_mounts_and_devices(user_md, scratch):
    chown(scratch, USER, USER)
    cmds = "write /vol/f x , write /t/f y , open /dev/null rw , open /dev/urandom , stat /dev/null /dev/ptmx /proc/self /sys/kernel , open /dev/ptmx rw , write /dev/shm/x y"
    r = user_md.run(["-v", f"{scratch}:/vol", "--tmpfs", "/t"], f"probe seq {cmds}").ok()
    assert "errno" not in r.out, r
    assert os.stat(scratch / "f").st_uid == USER


def test_masks_and_filter_hold(user_md):
    r = user_md.run("", "probe seq cat /proc/keys , show security caps , open /proc/sys/kernel/core_pattern w , sys 165").values
    assert r["security.seccomp"] == "2" and bin(int(r["caps.bnd"], 16)).count("1") == 11
    assert r["open"].startswith("-1") and r["sys"] == "-1 errno=1"


def test_network_none_and_loopback(user_md):
    v = user_md.run("", "probe show net").ok().values
    assert v["net.lo"] == "up"


def test_ping_range_fits_the_map(user_md):
    assert user_md.run("", "probe socket 2 2 1").ok().values["socket"] == "0"


def test_read_only_root(user_md):
    assert user_md.run("--read-only", "probe write /work/x y").ok().values["write"] == "-1 errno=30"


@pytest.mark.root("makes files of another user")
def test_other_users_files_stay_shut(user_md, scratch):
    (scratch / "secret").write_text("x")
    (scratch / "secret").chmod(0o600)
    v = user_md.run(["-v", f"{scratch}:/s"], "probe seq open /s/secret , write /s/new x").ok()
    assert [errno_of(x) for x in v.out.splitlines()] == ["EACCES", "EACCES"]


def test_terminal(user_md):
    t = user_md.terminal("-ti", "probe show session")
    assert t.wait() == 0 and "session.ctty=1" in t.text
    assert t.settings() == t.before


def test_a_user_that_is_not_mapped(user_md):
    r = user_md.run("-u 4000000", "probe exit 0")
    assert r.code == 125 and "4000000" in r.err and r.err.count("mydocker: ") <= 2, r


def test_a_map_that_may_not_be_written(user_md):
    r = user_md.run("--uidmap 0:0:1", "probe exit 0")
    assert r.code == 125 and "map" in r.err.lower(), r


def test_privileged_is_no_more_than_the_user(user_md, scratch):
    mknod(scratch / "mem", 0o20666, 1, 1)
    r = user_md.run(["--privileged", "-v", f"{scratch}:/s"], "probe open /s/mem rw")
    assert r.code != 0 or errno_of(r.values["open"]) in ("EACCES", "EPERM"), r


def test_folders_are_private(user_md):
    user_md.run("", "probe exit 0").ok()
    assert user_md.state.stat().st_mode & 0o7777 == 0o700 and user_md.state.stat().st_uid == USER


def test_killing_us_ends_the_container(user_md):
    r = user_md.start("", "probe seq say up , sleep 60000")
    r.line()
    # setpriv has become mydocker: the pid is the same
    r.signal(9)
    r.wait()
    assert user_md.run("", "probe exit 3").code == 3
    wait_until(lambda: not user_md.ids(), 5)


def test_info(user_md):
    r = user_md.call("info", "--format", "json")
    assert r.code == 0, r


def test_root_of_a_user_namespace_that_is_not_the_host_s(user_md):
    """As in a container: uid 0, but not over the host."""
    argv = [*user_md.prefix, "unshare", "--user", "--map-root-user", *user_md.argv()[len(user_md.prefix) :], "run", "--rootfs", str(user_md.rootfs), "/bin/probe", "exit", "3"]
    state = user_md.base / "inner"
    env = {**user_md.env}
    argv[argv.index("run") : argv.index("run")] = ["--state", f"{state}/s", "--root", f"{state}/r"]
    state.mkdir()
    chown(state, USER, USER)
    r = subprocess.run(argv, capture_output=True, env=env, timeout=40)
    assert r.returncode == 3 or (r.returncode == 125 and r.stderr.startswith(b"mydocker: ")), r
