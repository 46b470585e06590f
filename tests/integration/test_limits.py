"""Limits: what is asked for stands in the host's groups, and holds."""
import contextlib
import os
import re
import resource
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import SANITIZED, Result, all_groups, cgroup_mount, cgroup_mounts, groups_of, private_mounts, wait_until

MB = 1 << 20


@contextlib.contextmanager
def running(md, opts, cmd="probe seq say up , sleep 30000"):
    r = md.start(opts, cmd)
    assert r.line() == "up"
    yield r
    r.signal(signal.SIGKILL)
    r.wait()
    md.sweep()
    wait_until(lambda: not md.ids(), 5)


def read(running_, controller, v1, v2=None, parent="mydocker"):
    """The value in the container's group, of whichever file this host has; skips where the kernel has none."""
    mount = cgroup_mount(controller)
    if mount is None:
        pytest.skip(f"this host has no {controller} controller")
    group = running_.group(controller, parent)
    is_v2 = (group / "cgroup.controllers").exists()
    f = group / (v2 if is_v2 else v1)
    if not f.exists():
        pytest.skip(f"this kernel has no {f.name}")
    return f.read_text().strip(), is_v2


def test_a_group_in_every_hierarchy(md):
    with running(md, "") as r:
        groups = groups_of(r.id)
        assert len(groups) == len(cgroup_mounts())
        for g in groups:
            assert r.init_pid() in map(int, (g / "cgroup.procs").read_text().split()), g
    assert not groups_of(r.id)


def test_memory(md):
    with running(md, "-m 64m") as r:
        assert read(r, "memory", "memory.limit_in_bytes", "memory.max")[0] == str(64 * MB)


def test_memory_swap_default_is_twice(md):
    with running(md, "-m 64m") as r:
        value, v2 = read(r, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
        assert value == str((64 if v2 else 128) * MB)


@pytest.mark.parametrize("swap, v1, v2", [("64m", 64, "0"), ("100m", 100, str(36 * MB)), ("-1", None, "max")])
def test_memory_swap(md, swap, v1, v2):
    with running(md, f"-m 64m --memory-swap {swap}") as r:
        value, is_v2 = read(r, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
        if is_v2:
            assert value == v2
        else:
            assert int(value) == v1 * MB if v1 else int(value) > 1 << 60


@pytest.mark.parametrize("opts, word", [("--memory-swap 64m", "memory"), ("-m 64m --memory-swap 32m", "swap"), ("-m 1k", "-m"), ("-m 32m --memory-reservation 64m", "reservation")])
def test_memory_nonsense_is_refused(md, opts, word):
    r = md.run(opts, "probe exit 0")
    assert r.code == 125 and r.err.startswith("mydocker: ") and word.lstrip("-") in r.err, r


def test_memory_reservation(md):
    with running(md, "-m 64m --memory-reservation 32m") as r:
        assert read(r, "memory", "memory.soft_limit_in_bytes", "memory.low")[0] == str(32 * MB)


def test_cpus(md):
    with running(md, "--cpus 0.5") as r:
        value, v2 = read(r, "cpu", "cpu.cfs_quota_us", "cpu.max")
        assert value == ("50000 100000" if v2 else "50000")


def test_cpu_quota_and_period(md):
    with running(md, "--cpu-period 50000 --cpu-quota 20000") as r:
        value, v2 = read(r, "cpu", "cpu.cfs_quota_us", "cpu.max")
        assert value == ("20000 50000" if v2 else "20000")
        if not v2:
            assert read(r, "cpu", "cpu.cfs_period_us")[0] == "50000"


def test_cpus_and_quota_exclude_each_other(md):
    assert md.run("--cpus 1 --cpu-quota 20000", "probe exit 0").code == 125


def test_cpus_hold(md):
    if SANITIZED:
        pytest.skip("timing")
    v = md.run("--cpus 0.2", "probe spin 1000").ok().values
    assert int(v["spin.cpu_ms"]) < 600, v


@pytest.mark.parametrize("option", ["-c", "--cpu-shares"])
def test_cpu_shares(md, option):
    with running(md, f"{option} 512") as r:
        value, v2 = read(r, "cpu", "cpu.shares", "cpu.weight")
        assert int(value) in range(15, 100) if v2 else value == "512"


def test_cpuset(md):
    with running(md, "--cpuset-cpus 0 --cpuset-mems 0") as r:
        assert read(r, "cpuset", "cpuset.cpus", "cpuset.cpus")[0] == "0"
        assert read(r, "cpuset", "cpuset.mems", "cpuset.mems")[0] == "0"
        assert os.sched_getaffinity(r.init_pid()) == {0}


def test_cpuset_alone(md):
    """v1 wants both files filled before anyone can join; the other one comes from above."""
    with running(md, "--cpuset-cpus 0") as r:
        assert os.sched_getaffinity(r.init_pid()) == {0}


def test_pids_default(md):
    with running(md, "") as r:
        assert read(r, "pids", "pids.max", "pids.max")[0] == "2048"


@pytest.mark.parametrize("given, value", [("7", "7"), ("-1", "max"), ("0", "max")])
def test_pids_limit(md, given, value):
    with running(md, f"--pids-limit {given}") as r:
        assert read(r, "pids", "pids.max", "pids.max")[0] == value


def test_pids_limit_holds(md):
    assert md.run("--pids-limit 10", "probe spawn 50").ok().out == "spawn=9 errno=11\n"


def test_ulimits(md):
    v = md.run("--ulimit nofile=100:200 --ulimit nproc=50 --ulimit core=0:0 --ulimit fsize=1000", "probe show rlimits").ok().values
    assert v["rlimit.nofile"] == "100:200" and v["rlimit.nproc"] == "50:50"
    assert v["rlimit.core"] == "0:0" and v["rlimit.fsize"] == "1000:1000"


def test_ulimit_beyond_what_we_may(md):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    r = md.run(f"--ulimit nofile={hard + 1000}", "probe show rlimits")
    if r.code == 0:
        assert r.values["rlimit.nofile"] == f"{hard + 1000}:{hard + 1000}"
    else:
        r.failed(125, "nofile")


def test_nofile_default_is_what_the_caller_has(md):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 500))

    v = md.run("", "probe show rlimits", preexec_fn=lower).ok()
    assert int(v.values["rlimit.nofile"].split(":")[1]) <= 500 and "warn" not in v.err.lower()


def test_cgroup_parent(md):
    name = f"mydocker-test-{os.getpid()}"
    try:
        for given in (name, f"/{name}/deep"):
            with running(md, f"-m 64m --cgroup-parent {given}") as r:
                path = given.strip("/")
                assert read(r, "memory", "memory.limit_in_bytes", "memory.max", path)[0] == str(64 * MB)
                assert not groups_of(r.id)
            assert not groups_of(r.id, path)
            left = [p / name for p, _, _ in cgroup_mounts() if (p / name).exists()]
            assert not left, f"parents that were made for the container stay: {left}"
    finally:
        for p, _, _ in cgroup_mounts():
            for d in (p / name / "deep", p / name):
                with contextlib.suppress(OSError):
                    d.rmdir()


def test_a_cgroup_parent_goes_with_the_last_container(md):
    """Who made it may end first, or be killed; who comes last takes it away."""
    name = f"mydocker-test-{os.getpid()}"
    made = lambda: [p / name for p, _, _ in cgroup_mounts() if (p / name).exists()]
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        first, second = (md.start(f"--cgroup-parent /{name}/inner", "probe trap 15") for _ in range(2))
        first.line(), second.line()
        first.signal(signal_)
        first.wait()
        # a killed one may take its time on a busy machine: then it is the next command that takes it away
        wait_until(lambda: md.run("", "probe exit 3").code == 3 and all(len([x for x in (p / "inner").iterdir() if x.is_dir()]) == 1 for p in made()))
        assert len(made()) == len(cgroup_mounts())
        second.signal(signal.SIGTERM)
        assert second.wait().code == 55
        assert not made()


def test_cgroup_parent_of_somebody_else_stays(md):
    name = f"mydocker-test-{os.getpid()}"
    mine = cgroup_mount("pids") / name
    mine.mkdir()
    try:
        assert md.run(f"--cgroup-parent /{name}", "probe exit 3").code == 3
        assert mine.is_dir()
    finally:
        mine.rmdir()


# ---- out of memory ----

LINE = re.compile(r"^mydocker: .*killed for memory.*$", re.M)


def oom_line(r):
    found = LINE.findall(r.err)
    assert len(found) == 1, r
    return found[0]


def test_a_killed_command(md):
    r = md.run("-m 20m --memory-swap 20m", "probe alloc 60")
    assert r.code == 137, r
    line = oom_line(r)
    assert re.search(r"\b1\b", line) and "20" in line and "limit" in line and "peak" in line, line


def test_a_killed_child_whatever_the_exit_code(md):
    for code in (0, 5):
        r = md.run("-m 20m --memory-swap 20m", f"probe seq child alloc 60 , exit {code}")
        assert r.code == code and r.values["child"] == "signal 9", r
        assert "20" in oom_line(r)


def test_several_kills_are_counted(md):
    r = md.run("-m 20m --memory-swap 20m", "probe seq child alloc 60 , child alloc 60 , child alloc 60")
    assert r.code == 0 and re.search(r"\b3\b", oom_line(r)), r


def test_without_a_kill_no_line(md):
    r = md.run("-m 60m", "probe alloc 20")
    assert r.code == 0 and r.err == "", r


def test_limit_of_memory_holds_and_more_would_be_there(md):
    assert md.run("", "probe alloc 60").code == 0
    assert md.run("-m 100m --memory-swap 100m", "probe alloc 60").code == 0


def test_the_original_job(md, shell_rootfs):
    """--rootfs / with a limit, on a terminal: the first thing that this program was for."""
    t = md.terminal("-ti -m 20m --memory-swap 20m", [str(md.rootfs / "bin/probe"), "alloc", "60"], rootfs="/")
    assert t.wait() == 137
    assert "killed for memory" in t.text


# ---- limits that cannot be had ----


def without(md, controller, opts, cmd="probe exit 0"):
    """On v1, in a mount namespace where this controller is not mounted."""
    where = cgroup_mount(controller)
    if where is None or (where / "cgroup.controllers").exists():
        pytest.skip("only where the controller has a hierarchy of its own (v1)")
    argv = md.run_argv(opts, cmd)
    p = subprocess.run(private_mounts(["sh", "-c", f"umount {where} && exec {shlex.join(argv)}"]), capture_output=True, env=md.env, timeout=40)
    return Result(p.returncode, p.stdout, p.stderr, argv)


@pytest.mark.parametrize(
    "controller, opts",
    [("memory", "-m 64m"), ("cpu", "--cpus 1"), ("cpu", "-c 100"), ("cpuset", "--cpuset-cpus 0"), ("pids", "--pids-limit 5")],
)
def test_a_limit_asked_for_names_the_missing_controller(md, controller, opts):
    without(md, controller, opts).failed(125, controller)


def test_a_default_that_cannot_be_had_is_one_warning(md):
    r = without(md, "pids", "", "probe exit 4")
    assert r.code == 4 and len(r.err.strip().splitlines()) == 1 and "pids" in r.err and "warn" in r.err.lower(), r


def test_a_value_that_the_kernel_refuses_leaves_nothing(md):
    before = all_groups()
    r = md.run("--cpu-period 1", "probe exit 0")
    assert r.code == 125 and "period" in r.err, r
    r = md.run("--cpuset-mems 900", "probe exit 0")
    assert r.code == 125 and "mems" in r.err, r
    assert all_groups() == before


def test_processes_that_outlive_the_command_are_ended(md):
    r = md.run("--pid host", "probe seq spawn 5")
    assert r.code == 0 and r.out == "spawn=5 errno=0\n"
    time.sleep(0.05)
    name = b"/bin/probe\0seq\0spawn\0" + b"5\0"
    left = []
    for p in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if p.read_bytes() == name:
                left.append(p)
    assert not left
