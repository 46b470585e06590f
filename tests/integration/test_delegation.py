"""An ordinary user whose session of systemd was given control groups: his containers get groups and limits, too."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import USER
from harness import Result, cgroup_mount, cgroup_mounts, cgroup_v2_only, chown, groups_of

given = pytest.mark.skipif(os.geteuid() == 0 or not cgroup_mounts(), reason="only for an ordinary user whose session was given groups: tests/vm")
SESSION = f"user@{os.geteuid()}.service"


def own_group():
    return Path("/proc/self/cgroup").read_text().strip().split("::")[1]


@given
def test_the_group_is_made_right_below_the_session(md):
    """Not below our own, which holds us and so can hand nothing on."""
    r = md.start("-m 64m", "probe seq say up , sleep 60000")
    r.line()
    group = groups_of(r.id)[0]
    assert group.parent.name == "mydocker" and group.parent.parent.name == SESSION, group
    assert (group / "memory.max").read_text() == f"{64 << 20}\n"
    assert r.init_pid() in map(int, (group / "cgroup.procs").read_text().split())
    assert own_group() not in str(group)
    r.signal(9)
    r.wait()
    md.sweep()


@given
def test_inside_it_is_the_root_of_all(md):
    assert md.run("", "probe cat /proc/self/cgroup").ok().out == "0::/\n"


@given
def test_nobody_else_is_touched(md):
    own = Path("/sys/fs/cgroup" + own_group())
    before = {f: (own / f).read_text() for f in ("cgroup.subtree_control", "cgroup.type")}
    assert md.run("-m 64m --cpus 1 --pids-limit 50", "probe exit 3").code == 3
    assert {f: (own / f).read_text() for f in before} == before
    assert own_group() == "/" + str(own.relative_to("/sys/fs/cgroup"))


@given
def test_a_controller_that_was_not_given_is_named(md):
    if cgroup_mount("hugetlb"):
        pytest.skip("this session was given every controller")
    r = md.run("--cgroup-conf hugetlb.2MB.max=0", "probe exit 0")
    r.failed(125, "hugetlb", SESSION, "Delegate=hugetlb")


def scope(md, options, opts, cmd):
    """mydocker in a scope of its own, as a user starts it from a login shell."""
    if not shutil.which("systemd-run"):
        pytest.skip("systemd-run is not installed")
    argv = ["systemd-run", "--user", "--scope", "--quiet", *options, *md.run_argv(opts, cmd)]
    p = subprocess.run(argv, capture_output=True, env={**md.env, "XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}"}, timeout=60, stdin=subprocess.DEVNULL)
    return Result(p.returncode, p.stdout, p.stderr, argv)


@given
@pytest.mark.parametrize("options", [[], ["-p", "Delegate=yes"]])
def test_in_a_scope(md, options):
    r = scope(md, options, "-m 20m --memory-swap 20m", "probe alloc 60")
    assert r.code == 137 and "killed for memory" in r.err, r


@pytest.mark.root("starts a user from outside of his session")
@pytest.mark.userns
@pytest.mark.parametrize("opts, controller", [("-m 64m", "memory"), ("--cpus 0.5", "cpu"), ("-c 100", "cpu"), ("--cpuset-cpus 0", "cpuset"), ("--pids-limit 5", "pids")])
def test_outside_of_a_session_a_limit_is_an_error(user_md, opts, controller):
    """It names the controller, and on cgroup v2 what helps."""
    r = user_md.run(opts, "probe exit 0").failed(125, controller)
    assert ("systemd-run --user --scope mydocker run" in r.err) == cgroup_v2_only(), r


@pytest.mark.root("starts a user from outside of his session")
@pytest.mark.userns
def test_outside_of_a_session_the_default_limit_is_one_warning(user_md):
    r = user_md.run("", "probe exit 0").ok()
    assert r.err.count("\n") == 1 and "pids" in r.err, r


@pytest.mark.root("gives groups away")
@pytest.mark.userns
def test_a_group_that_was_given_by_hand(user_md):
    """Without systemd: the group above ours was given to us, ours is one of several in it."""
    if not cgroup_v2_only():
        pytest.skip("cgroup v1 has no delegation")
    top = Path("/sys/fs/cgroup") / f"mydocker-test-{os.getpid()}"
    own = top / "own"
    top.mkdir()
    try:
        own.mkdir()
        for group in (top, own):
            for f in (group, group / "cgroup.procs", group / "cgroup.subtree_control"):
                chown(f, USER, USER)
        argv = ["sh", "-c", f'echo $$ >{own}/cgroup.procs && exec "$@"', "sh", *user_md.run_argv("-m 20m --memory-swap 20m", "probe alloc 60")]
        p = subprocess.run(argv, capture_output=True, env=user_md.env, timeout=60, stdin=subprocess.DEVNULL)
        r = Result(p.returncode, p.stdout, p.stderr, argv)
        assert r.code == 137 and "killed for memory" in r.err, r
        assert (top / "mydocker").is_dir() and not (own / "mydocker").exists()
    finally:
        for group in (top / "mydocker", own, top):
            if group.is_dir():
                group.rmdir()
