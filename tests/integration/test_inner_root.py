"""Root of a user namespace that is not the first: `mydocker unshare mydocker run`, and a container's own root. It may mount, but it is not
the host's root."""
import os
import shutil
import subprocess

import pytest

from harness import errno_of
from id_files import host, lines, user  # noqa: F401: two are fixtures

pytestmark = pytest.mark.userns


@pytest.fixture
def inner(user):
    """The user, as root of the namespace that `unshare` makes; all of its commands are run there."""
    user.prefix = [*user.prefix, str(user.program), "unshare", "--"]
    return user


def test_no_namespace_is_added(inner):
    v = inner.run("", "probe show ids groups").ok().values
    assert lines(v["ids.uid_map"]) == [[0, int(lines(v["ids.uid_map"])[0][1]), 1], [1, 300000, 65536]]
    assert v["ids.uid"] == "0,0,0" and v["ids.gid"] == "0,0,0"


def test_devices_are_the_host_s(inner):
    v = inner.run("--device /dev/null:/dev/also", "probe seq open /dev/null rw , open /dev/also rw , open /dev/zero , mknod /work/null 1 3").ok()
    assert v.out.splitlines() == ["open=0", "open=0", "open=0", "mknod=-1 errno=1"]
    assert inner.run("--privileged", "probe open /dev/full rw").ok().values["open"] == "0"


def test_other_users(inner):
    v = inner.run("-u 5:6", "probe show ids").ok().values
    assert v["ids.uid"] == "5,5,5" and v["ids.gid"] == "6,6,6"
    inner.run("--pids-limit -1 -u 70000", "probe exit 0").failed(125, "user id 70000 is not mapped into the container")


@pytest.mark.parametrize("opts", ["", "--init", "--network host", "--pid host", "--ipc host", "--uts host", "--read-only --tmpfs /run", "--cap-drop ALL", "--security-opt no-new-privileges", "--sysctl net.ipv4.ip_unprivileged_port_start=99", "--userns keep-id", "--cap-add MKNOD"])
def test_options(inner, opts):
    assert inner.run(opts, "probe exit 3").code == 3


def test_limits_are_those_of_the_user(inner):
    """He has no groups from outside of his session, whoever he is inside."""
    inner.run("--pids-limit -1 -m 64m", "probe exit 0").failed(125, "'memory'")


def test_ping_for_all(inner):
    """From the lowest of our groups, as the host numbers them, to the highest."""
    assert inner.run("", "probe cat /proc/sys/net/ipv4/ping_group_range").ok().out.split() == ["0", "65536"]


def test_a_terminal(inner):
    t = inner.terminal("-ti", "probe show session")
    assert t.wait() == 0 and "session.ctty=1" in t.text


def test_a_throw_away_layer(inner, busybox):
    """Also a directory that hides one of the root: for that the overlay needs an attribute that it may set."""
    shutil.copy(busybox, inner.rootfs / "bin/busybox")
    r = inner.run("", ["/bin/busybox", "sh", "-c", "echo x >/work/new && busybox rm -r /home && busybox mkdir /home && busybox ls -A /home"], rootfs=f"{inner.rootfs}:O").ok()
    assert r.out == "", r
    assert not (inner.rootfs / "work/new").exists() and (inner.rootfs / "home/alice").is_dir() and not inner.left()


def test_the_host_s_tree(inner, base):
    r = inner.run("", ["sh", "-c", f"id -u; ls -d {base}; echo x >/var/tmp/mydocker-test-x 2>/dev/null; cat /proc/1/comm"], rootfs="/").ok()
    assert r.out.split() == ["0", str(base), "sh"]
    assert not os.path.exists("/var/tmp/mydocker-test-x")


def test_volumes(inner, scratch):
    scratch.chmod(0o777)
    assert inner.run(f"-v {scratch}:/vol", "probe write /vol/f x").ok().values["write"] == "0"
    assert inner.run(f"-v {scratch}:/vol:ro", "probe write /vol/g x").ok().values["write"] == "-1 errno=30"
    assert errno_of(inner.run(f"--uidmap 0:1:10 -v {scratch}:/vol:ro", "probe write /vol/g x").ok().values["write"]) == "EROFS"


def test_one_id(user):
    """`unshare --map-root-user`: no other group than our own has a number."""
    n, user.own_dirs = len(user.prefix), True
    user.state, user.root = user.base / "run/s", user.base / "share/r"
    argv = [*user.prefix, "unshare", "--user", "--map-root-user", "--mount", *user.run_argv("--network none", "probe seq show ids , open /dev/null rw")[n:]]
    p = subprocess.run(argv, env=user.env, capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL)
    assert p.returncode == 0 and "ids.uid=0,0,0" in p.stdout and p.stdout.endswith("open=0\n"), p


def test_without_an_id(user):
    n = len(user.prefix)
    argv = [*user.prefix, "unshare", "--user", "--mount", *user.run_argv("", "probe exit 0")[n:]]
    p = subprocess.run(argv, env=user.env, capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL)
    assert p.returncode == 125 and "/proc/self/uid_map is empty" in p.stderr, p
