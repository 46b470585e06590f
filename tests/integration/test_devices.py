"""--device and --device-cgroup-rule: nodes with the host's owner and mode, and what the cgroup allows about them."""
import os
import stat

import pytest

from conftest import USER
from harness import cgroup_mount, cgroup_v2_only, chown, mknod

FUSE = (10, 229)


@pytest.fixture
def limits_devices():
    """A host on which a container can be held back from devices."""
    if not cgroup_v2_only() and not cgroup_mount("devices"):
        pytest.skip("no cgroup hierarchy of this host limits access to devices")


def node(path, numbers=FUSE, mode=0o666, owner=(0, 0)):
    mknod(path, stat.S_IFCHR | 0o600, *numbers)
    chown(path, *owner)
    os.chmod(path, mode)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as e:
        pytest.skip(f"this kernel does not open the device {numbers[0]}:{numbers[1]}: {e.strerror}")
    return path


@pytest.fixture
def fuse(scratch):
    return node(scratch / "fuse", owner=(12, 34), mode=0o664)


def test_a_device_has_the_owner_and_mode_of_the_host_s(md, fuse):
    r = md.run(["--device", f"{fuse}:/dev/fuse"], "probe seq stat /dev/fuse , open /dev/fuse rw").ok()
    assert r.values["stat./dev/fuse"].startswith("020664 12:34 ") and "rdev=10:229" in r.values["stat./dev/fuse"]
    assert r.values["open"] == "0"


@pytest.mark.root("the kernel limits access to devices for root alone")
def test_a_device_keeps_its_name(md):
    r = md.run("--device /dev/full:rw --device /dev/null", "probe stat /dev/full /dev/null").ok()
    for name in ("full", "null"):
        st = os.stat(f"/dev/{name}")
        assert r.values[f"stat./dev/{name}"].startswith(f"{st.st_mode:06o} {st.st_uid}:{st.st_gid} ")


@pytest.mark.parametrize("permissions,read,write", [("r", "0", "-1 errno=1"), ("w", "-1 errno=1", "0"), ("rw", "0", "0"), ("rwm", "0", "0"), ("m", "-1 errno=1", "-1 errno=1")])
def test_permissions(md, fuse, limits_devices, permissions, read, write):
    r = md.run(["--device", f"{fuse}:/dev/x:{permissions}"], "probe seq open /dev/x r , open /dev/x w").ok()
    assert r.out.splitlines() == [f"open={read}", f"open={write}"]


def test_other_devices_stay_shut(md, scratch, fuse, limits_devices):
    node(scratch / "other")
    r = md.run(["--device", "/dev/null:/dev/mine", "-v", f"{scratch}:/vol"], "probe open /vol/other rw").ok()
    assert r.values["open"] == "-1 errno=1"


def test_a_directory_of_devices_and_a_link(md, scratch, fuse):
    (scratch / "devs/sub").mkdir(parents=True)
    node(scratch / "devs/one")
    node(scratch / "devs/sub/two", (1, 7))
    (scratch / "devs/no-device").write_text("x")
    os.symlink("devs/one", scratch / "link")
    os.symlink("devs", scratch / "dir")
    r = md.run(["--device", f"{scratch}/devs:/dev/many", "--device", f"{scratch}/link:/dev/linked", "--device", f"{scratch}/dir:/dev/again"],
               "probe seq ls /dev/many , open /dev/many/one rw , stat /dev/many/sub/two /dev/linked /dev/again/one").ok()
    assert {k for k in r.values if k.startswith("ls.")} == {"ls.one", "ls.sub"} and r.values["open"] == "0"
    assert "rdev=1:7" in r.values["stat./dev/many/sub/two"]
    for name in ("linked", "again/one"):
        assert r.values[f"stat./dev/{name}"].startswith("020666") and "rdev=10:229" in r.values[f"stat./dev/{name}"]


def test_a_device_outside_of_dev_is_the_host_s_own(md, rootfs, fuse):
    """No node stays in the root, and nobody inside changes the host's."""
    for _ in range(2):
        r = md.run(["--device", f"{fuse}:/opt/fuse"], "probe seq open /opt/fuse rw , chown /opt/fuse 7 7").ok()
        assert r.out.splitlines() == ["open=0", "chown=-1 errno=30"]
    assert (os.stat(fuse).st_uid, os.stat(fuse).st_gid) == (12, 34)
    left = os.lstat(rootfs / "opt/fuse")
    assert stat.S_ISREG(left.st_mode) and left.st_size == 0


def test_in_a_user_namespace_uidmap(md, fuse):
    r = md.run(["--uidmap", "0:0:65536", "--device", f"{fuse}:/dev/fuse"], "probe seq stat /dev/fuse , open /dev/fuse rw").ok()
    assert r.values["stat./dev/fuse"].startswith("020664 12:34 ") and r.values["open"] == "0"


def test_permissions_hold_in_a_user_namespace_uidmap(md, fuse, limits_devices):
    r = md.run(["--uidmap", "0:0:65536", "--device", f"{fuse}:/dev/fuse:r"], "probe seq open /dev/fuse r , open /dev/fuse rw").ok()
    assert r.out.splitlines() == ["open=0", "open=-1 errno=1"]


def test_rules(md, scratch, fuse, limits_devices):
    opts = ["-v", f"{scratch}:/vol"]
    assert md.run(opts, "probe open /vol/fuse rw").ok().values["open"] == "-1 errno=1"
    for rule in ("c 10:229 rwm", "c 10:* rw", "c *:229 rw", "a 10:229 rw", "a *:* rwm"):
        assert md.run([*opts, "--device-cgroup-rule", rule], "probe open /vol/fuse rw").ok().values["open"] == "0", rule
    for rule in ("b 10:229 rwm", "c 10:230 rwm", "c 10:229 r", "c 10:229 m"):
        assert md.run([*opts, "--device-cgroup-rule", rule], "probe open /vol/fuse rw").ok().values["open"] == "-1 errno=1", rule
    r = md.run(["--cap-add", "MKNOD", "--device-cgroup-rule", "c 10:229 rw"], "probe seq mknod /dev/made 10 229 , open /dev/made rw").ok()
    assert r.out.splitlines() == ["mknod=0", "open=0"]


@pytest.mark.parametrize("device,error", [
    ("/dev/no-such", "no such file"), ("/etc/passwd", "neither a device"), ("/etc", "neither a device"), ("null", "not an absolute path"),
    ("vendor.com/gpu=0", "cdi devices are not there yet"), ("/dev/null:/dev/x:rx", "'rx'"), ("/dev/null:x", "'x'"), ("/dev/null:/a:r:w", "not of the form"),
])
def test_devices_that_are_refused(md, device, error):
    md.run(["--device", device], "probe exit 0").failed(125, f"--device '{device}'", error)


def test_devices_that_collide(md, scratch):
    md.run("--device /dev/null:/dev/x --device /dev/zero:/dev/x", "probe exit 0").failed(125, "two devices on /dev/x" if os.geteuid() == 0 else "two mounts on /dev/x")
    md.run(["--device", "/dev/null:/x", "-v", f"{scratch}:/x"], "probe exit 0").failed(125, "two mounts on /x")
    assert md.run("--device /dev/null:/dev/x --device /dev/null:/dev/x", "probe open /dev/x rw").ok().values["open"] == "0"


@pytest.mark.parametrize("rule", ["", "c", "c 1:2", "c 1:2 x", "x 1:2 r", "c 1:2 rrw", "c one:2 r"])
def test_rules_that_are_refused(md, rule):
    md.run(["--device-cgroup-rule", rule], "probe exit 0").failed(125, f"--device-cgroup-rule '{rule}'", "not of the form")


def test_gpus_are_refused_by_name(md):
    md.run("--gpus all", "probe exit 0").failed(125, "--gpus")


def test_all_of_dev_as_a_volume(md):
    """Nothing is made in the host's folder, with all devices either."""
    before = sorted(os.listdir("/dev"))
    for opts in (["-v", "/dev:/dev"], ["-v", "/dev:/dev", "--privileged"], ["-v", "/dev:/dev", "--device", "/dev/null"]):
        r = md.run(opts, "probe seq open /dev/null rw , ls /dev").ok()
        assert r.values["open"] == "0" and sorted(k[3:] for k in r.values if k.startswith("ls.")) == before, opts
    md.run(["-v", "/dev:/dev", "--device", "/dev/null:/dev/made"], "probe exit 0").failed(125, "/dev is a volume", "/dev/made")
    assert sorted(os.listdir("/dev")) == before


def test_a_terminal_with_the_host_s_dev(md):
    t = md.terminal(["-ti", "-v", "/dev:/dev"], "probe stat /dev/pts/0")
    assert t.wait() == 0 and "stat./dev/pts/0=020620" in t.text, t.text


def test_privileged_with_one_more(md, fuse):
    r = md.run(["--privileged", "--device", f"{fuse}:/dev/mine:r"], "probe seq open /dev/mine rw , open /dev/kmsg w").ok()
    assert r.values["open"] == "0"


def test_devices_of_an_ordinary_user(user_md, scratch):
    mine = node(scratch / "mine", (1, 5), owner=(USER, USER), mode=0o600)
    r = user_md.run(["--device", f"{mine}:/dev/mine", "--device", "/dev/null:/dev/deep/none"], "probe seq open /dev/mine r , open /dev/deep/none rw").ok()
    assert r.out.splitlines() == ["open=0", "open=0"]


def test_an_ordinary_user_cannot_limit_devices(user_md):
    for opts in (["--device", "/dev/null:r"], ["--device-cgroup-rule", "c 1:3 r"]):
        user_md.run(opts, "probe exit 0").failed(125, opts[0], "no cgroup hierarchy that could limit access to devices is writable here")


@pytest.mark.parametrize("opts", ["", "-v /dev/null:/dev/null"])
def test_one_that_every_container_has(md, opts):
    """It is there once, as it was asked for."""
    assert md.run(f"--device /dev/zero {opts}", "probe seq open /dev/zero , stat /dev/null").ok().out.startswith("open=0")
