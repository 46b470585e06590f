"""process.scheduler, ioPriority and execCPUAffinity, linux.memoryPolicy: how the kernel schedules a container, and what `exec` makes of it."""
import ctypes
import json
import os
import re
import resource
import struct
import subprocess

import pytest

from bundles import bad, bundle, good, life, run  # noqa: F401: some are fixtures
from harness import cgroup_mount, values, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
IOPRIO_GET = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}[os.uname().machine]
SCHED_DEADLINE = 6
CPUS = os.sched_getaffinity(0)
SMP = pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")


def io_priority(pid):
    value = LIBC.syscall(IOPRIO_GET, 1, pid)
    return value >> 13, value & 7


def says(key, value, part="process"):
    return lambda c: c[part].update({key: value})


def process_file(life, **more):
    path = life.bundle / "process.json"
    path.write_text(json.dumps({"args": ["/bin/probe", "seq", "say", "up", ",", "sleep", "60000"], "cwd": "/", **more}))
    return str(path)


def detached(life, *args):
    """Without a pipe, whose other end stays in the process."""
    complaints = life.bundle / "complaints"
    with open(complaints, "wb") as err:
        r = subprocess.run(life.argv(*args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, timeout=30)
    r.stderr = complaints.read_text()
    return r


def started(life, **more):
    """A detached `exec` with a process file; its number on this host."""
    pid_file = life.bundle / "exec.pid"
    r = detached(life, "exec", "-d", "--pid-file", pid_file, "--process", process_file(life, **more), "c1")
    assert r.returncode == 0 and not r.stderr, r
    return int(pid_file.read_text())


def running(life, *changes):
    life.start("seq", "say", "up", ",", "sleep", "60000", change=lambda c: [change(c) for change in changes])
    wait_until(lambda: "up" in life.text())
    return life.state()["pid"]


# ---- scheduler ----


def test_a_scheduler(life):
    pid = running(life, says("scheduler", {"policy": "SCHED_BATCH", "nice": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}))
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH | os.SCHED_RESET_ON_FORK and os.getpriority(os.PRIO_PROCESS, pid) == 7
    other = started(life)
    assert os.sched_getscheduler(other) & ~os.SCHED_RESET_ON_FORK == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, other) == 7
    mine = started(life, scheduler={"policy": "SCHED_IDLE"})
    assert os.sched_getscheduler(mine) == os.SCHED_IDLE and os.getpriority(os.PRIO_PROCESS, mine) == os.getpriority(os.PRIO_PROCESS, 0)


def deadline(pid):
    """(runtime, deadline, period) of sched_getattr(2)."""
    attr = ctypes.create_string_buffer(48)
    assert LIBC.syscall(SCHED_GETATTR, pid, attr, 48, 0) == 0, os.strerror(ctypes.get_errno())
    return struct.unpack("=IIQiIQQQ", attr.raw)[5:]


def seen_inside(text):
    """(policy, real-time priority) in a /proc/self/stat, proc(5)."""
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[38]), int(fields[37])


@pytest.fixture
def real_time(life):
    groups = cgroup_mount("cpu")
    if groups and (groups / "cpu.rt_runtime_us").exists():
        pytest.skip("groups of cgroup v1 have no real-time budget unless they are given one")
    return life


@pytest.mark.root("real-time policies need CAP_SYS_NICE")
@pytest.mark.parametrize("policy", ["SCHED_FIFO", "SCHED_RR"])
def test_real_time(real_time, policy):
    """The container's process, which has no CAP_SYS_NICE, finds itself under it; an exec has the container's, or its own."""
    life, number = real_time, getattr(os, policy)
    pid = running(life, says("scheduler", {"policy": policy, "priority": 3}))
    assert os.sched_getscheduler(pid) == number and os.sched_getparam(pid).sched_priority == 3
    show = {"args": ["/bin/probe", "cat", "/proc/self/stat"]}
    assert seen_inside(good(life.exec(("cat", "/proc/self/stat"))).stdout) == (number, 3)
    path = process_file(life, scheduler={"policy": policy, "priority": 99}, **show)
    assert seen_inside(good(life.call("exec", "--process", path, "c1")).stdout) == (number, 99)
    path = process_file(life, scheduler={"policy": policy, "priority": 2, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}, **show)
    assert seen_inside(good(life.call("exec", "--process", path, "c1")).stdout) == (number, 2)


@pytest.mark.root("real-time policies need CAP_SYS_NICE")
def test_a_deadline(real_time):
    life, times = real_time, (20000000, 50000000, 100000000)
    given = {"policy": "SCHED_DEADLINE", **dict(zip(("runtime", "deadline", "period"), times))}
    pid = running(life, says("scheduler", given))
    assert os.sched_getscheduler(pid) == SCHED_DEADLINE and deadline(pid) == times
    good(life.call("delete", "--force", "c1"))
    running(life)
    mine = started(life, scheduler=given)
    assert os.sched_getscheduler(mine) == SCHED_DEADLINE and deadline(mine) == times
    path = process_file(life, scheduler=given, args=["/bin/probe", "cat", "/proc/self/stat"])
    assert seen_inside(good(life.call("exec", "--process", path, "c1")).stdout) == (SCHED_DEADLINE, 0)


@pytest.mark.root("real-time policies need CAP_SYS_NICE")
def test_a_deadline_that_cannot_be_kept(real_time):
    write = says("scheduler", {"policy": "SCHED_DEADLINE", "runtime": 90, "deadline": 50, "period": 100})
    bad(run(real_time.bundle, "exit 0", change=write), "process.scheduler: error setting scheduler: Invalid argument")


@pytest.mark.root("groups")
@SMP
def test_a_deadline_needs_all_cpus(bundle):
    def change(c):
        c["process"]["scheduler"] = {"policy": "SCHED_DEADLINE", "runtime": 42000, "deadline": 1000000, "period": 1000000}
        c["linux"]["resources"] = {"cpu": {"cpus": str(min(CPUS))}}

    bad(run(bundle, "exit 0", change=change), "process.scheduler: process scheduler can't be used together with AllowedCPUs")


@pytest.mark.parametrize("scheduler, words", [
    ({}, "process.scheduler.policy is missing"),
    ({"policy": ""}, "scheduler policy is required"),
    ({"policy": "SCHED_FAST"}, "invalid scheduler policy: 'SCHED_FAST'"),
    ({"policy": "SCHED_OTHER", "nice": 20}, "invalid scheduler.nice: 20"),
    ({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]}, "process.scheduler.flags[0] is an invalid scheduler flag: 'SCHED_FLAG_X'"),
    ({"policy": "SCHED_BATCH", "priority": 1}, "scheduler.priority can only be specified for SchedFIFO or SchedRR policy"),
    ({"policy": "SCHED_FIFO", "priority": 1, "runtime": 1}, "scheduler runtime/deadline/period can only be specified for SchedDeadline policy"),
    ({"policy": "SCHED_ISO"}, "process.scheduler: error setting scheduler: Invalid argument"),
])
def test_schedulers_that_are_none(bundle, scheduler, words):
    bad(run(bundle, "exit 0", change=says("scheduler", scheduler)), words)


# ---- priority of input and output ----


def test_an_io_priority(life):
    pid = running(life, says("ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 5}))
    assert io_priority(pid) == (2, 5) and io_priority(started(life)) == (2, 5)
    assert io_priority(started(life, ioPriority={"class": "IOPRIO_CLASS_IDLE"}))[0] == 3


@pytest.mark.parametrize("priority, words", [
    ({"priority": 1}, "process.ioPriority.class is missing"),
    ({"class": "IOPRIO_CLASS_NONE", "priority": 1}, "invalid ioPriority.Class: 'IOPRIO_CLASS_NONE'"),
    ({"class": "IOPRIO_CLASS_BE", "priority": 8}, "invalid ioPriority.Priority: 8"),
])
def test_io_priorities_that_are_none(bundle, priority, words):
    bad(run(bundle, "exit 0", change=says("ioPriority", priority)), words)


# ---- CPUs ----


@SMP
def test_a_container_gets_all_cpus_again(life):
    """Whatever its maker is held to (taskset): those of its groups count, which are all here."""
    first = min(CPUS)
    os.sched_setaffinity(0, {first})
    try:
        pid = running(life)
        other = started(life)
    finally:
        os.sched_setaffinity(0, CPUS)
    assert os.sched_getaffinity(pid) == CPUS and os.sched_getaffinity(other) == CPUS


@pytest.mark.root("groups")
@SMP
def test_or_those_of_its_groups(life):
    first, second = sorted(CPUS)[:2]
    mems = {} if (cgroup_mount("cpuset") / "cgroup.controllers").exists() else {"mems": "0"}
    os.sched_setaffinity(0, {first})
    try:
        pid = running(life, says("resources", {"cpu": {"cpus": str(second), **mems}}, "linux"))
        other = started(life)
    finally:
        os.sched_setaffinity(0, CPUS)
    assert os.sched_getaffinity(pid) == {second} and os.sched_getaffinity(other) == {second}


@SMP
def test_cpus_of_an_exec(life):
    """From config.json and, with precedence, from --process; the container's first process has nothing of them."""
    first, second = sorted(CPUS)[:2]
    pid = running(life, says("execCPUAffinity", {"initial": str(first), "final": str(second)}))
    assert os.sched_getaffinity(pid) == CPUS
    assert os.sched_getaffinity(started(life)) == {second}
    assert os.sched_getaffinity(started(life, execCPUAffinity={"initial": str(second), "final": f" {first}, ,"})) == {first}
    assert os.sched_getaffinity(started(life, execCPUAffinity={"final": f"{first},{second}"})) == {first, second}
    assert os.sched_getaffinity(started(life, execCPUAffinity={"initial": "", "final": ""})) == {second}


@SMP
def test_only_an_initial_cpu(life):
    """The kernel has the last word on what comes of it; `exec` itself goes on on its own CPUs."""
    first, second = sorted(CPUS)[:2]
    running(life)
    for cpus, mask in ((f"{second}", 1 << second), (f"{first}-{second}", 1 << first | 1 << second)):
        path = process_file(life, execCPUAffinity={"initial": cpus})
        r = detached(life, "--debug", "exec", "-d", "--process", path, "c1")
        assert r.returncode == 0 and re.search(rf"nsexec.*: affinity: {mask:#x}\b", r.stderr), r


@pytest.mark.parametrize("key", ["initial", "final"])
@pytest.mark.parametrize("cpus, words", [("x", "is no list such as 0-3,7"), ("3-1", "is no list"), (",", "is no list"), ("0-99999", "the highest is 8191")])
def test_cpus_that_are_none(bundle, key, cpus, words):
    bad(run(bundle, "exit 0", change=says("execCPUAffinity", {key: cpus})), f"process.execCPUAffinity.{key} has an invalid CPU", words)


def test_cpus_that_are_not_there(life):
    running(life)
    for key in ("initial", "final"):
        r = life.call("exec", "--process", process_file(life, execCPUAffinity={key: "8000"}), "c1")
        assert r.returncode == 255 and f"process.execCPUAffinity.{key}: error setting {key} CPU affinity: Invalid argument" in r.stderr, r


# ---- memory ----


def policy(r):
    good(r)
    return r.stdout.splitlines()[0].split()[1]


NUMA = pytest.mark.skipif(not os.path.exists("/proc/self/numa_maps"), reason="a kernel without NUMA (CONFIG_NUMA) has no memory policies")


@NUMA
@pytest.mark.parametrize("given, expected", [
    ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, r"interleave:0"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, r"bind=static:0"),
    ({"mode": "MPOL_PREFERRED", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES"]}, r"prefer=relative:0"),
    ({"mode": "MPOL_LOCAL"}, r"local"),
    ({"mode": "MPOL_DEFAULT"}, r"default"),
])
def test_a_memory_policy(bundle, given, expected):
    assert re.fullmatch(expected, policy(run(bundle, "cat /proc/self/numa_maps", change=says("memoryPolicy", given, "linux"))))


@NUMA
def test_an_exec_has_it_too(life):
    running(life, says("memoryPolicy", {"mode": "MPOL_INTERLEAVE", "nodes": "0"}, "linux"))
    assert policy(life.exec(("cat", "/proc/self/numa_maps"))) == "interleave:0"


@pytest.mark.parametrize("given, words", [
    ({"mode": "INTERLEAVE", "nodes": "0"}, "linux.memoryPolicy.mode is an invalid memory policy mode: 'INTERLEAVE'"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES", "x"]}, "linux.memoryPolicy.flags[1] is an invalid memory policy flag: 'x'"),
    ({"nodes": "0-7"}, "linux.memoryPolicy has an invalid memory policy mode"), ({}, "linux.memoryPolicy has an invalid memory policy mode"),
    ({"mode": "MPOL_BIND", "nodes": "0-9876543210"}, "linux.memoryPolicy.nodes has an invalid memory policy node"),
    ({"mode": "MPOL_BIND", "nodes": "0;1"}, "linux.memoryPolicy.nodes has an invalid memory policy node"),
    ({"mode": "MPOL_DEFAULT", "nodes": "0-7"}, "linux.memoryPolicy has an invalid memory policy: mode requires 0 nodes but got 8"),
    ({"mode": "MPOL_LOCAL", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "mode requires 0 nodes but got 1"),
])
def test_memory_policies_that_are_none(bundle, given, words):
    bad(run(bundle, "exit 0", change=says("memoryPolicy", given, "linux")), words)


@NUMA
def test_a_memory_policy_that_the_kernel_refuses(bundle):
    wrong = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}
    bad(run(bundle, "exit 0", change=says("memoryPolicy", wrong, "linux")), "linux.memoryPolicy: set_mempolicy: invalid argument")


# ---- what belongs to them ----


def test_a_personality_has_no_flags(bundle):
    bad(run(bundle, "exit 0", change=says("personality", {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}, "linux")), "linux.personality.flags is not supported")
    assert good(run(bundle, "exit 0", change=says("personality", {"domain": "LINUX", "flags": []}, "linux")))


def test_a_capability_that_cannot_be_ambient(bundle):
    def change(c):
        c["process"]["capabilities"] |= {"inheritable": ["CAP_KILL"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "ambient": ["CAP_KILL", "CAP_CHOWN"],
                                         "bounding": ["CAP_KILL", "CAP_CHOWN"]}

    r = run(bundle, "cat /proc/self/status", change=change)
    assert r.returncode == 0 and "CapAmb:\t0000000000000020" in r.stdout and "can't raise ambient capability CAP_CHOWN: " in r.stderr, r


@pytest.mark.root("ordinary users are 0 in these containers")
def test_ids_that_are_left_out_are_0(bundle):
    v = values(good(run(bundle, "show ids", change=says("user", {"uid": 7}))).stdout)
    assert v["ids.uid"] == "7,7,7" and v["ids.gid"] == "0,0,0", v


def test_the_file_mode_mask(life):
    """Of the caller for an exec, unless the container or the process file says one."""
    def mask(*args, **kw):
        return re.search(r"^Umask:\t(\d+)", good(life.call("exec", *args, **kw)).stdout, re.M)[1]

    show = ("/bin/probe", "cat", "/proc/self/status")
    life.start("cat", "/proc/self/status")
    wait_until(lambda: "Umask:\t0022" in life.text())
    good(life.call("delete", "--force", "c1"))
    pid = running(life)
    assert "Umask:\t0022" in open(f"/proc/{pid}/status", encoding="utf-8").read()
    assert mask("c1", *show, umask=0o027) == "0027"
    path = process_file(life, args=show, user={"uid": 0, "gid": 0, "umask": 0o055})
    assert mask("--process", path, "c1") == "0055"
    good(life.call("delete", "--force", "c1"))
    running(life, lambda c: c["process"]["user"].update(umask=0o077))
    assert mask("c1", *show, umask=0o027) == "0077" and mask("--process", process_file(life, args=show), "c1") == "0077"


# ---- resource limits ----


HARD = {"RLIMIT_NOFILE": 300, "RLIMIT_NPROC": 3000, "RLIMIT_CORE": 4096, "RLIMIT_MEMLOCK": 65536, "RLIMIT_MSGQUEUE": 8192, "RLIMIT_RTPRIO": 5, "RLIMIT_SIGPENDING": 64}


def may_raise():
    effective = re.search(r"^CapEff:\t(\w+)", open("/proc/self/status", encoding="utf-8").read(), re.M)
    return int(effective[1], 16) >> 24 & 1  # CAP_SYS_RESOURCE


@pytest.mark.root("a hard limit is raised with CAP_SYS_RESOURCE")
@pytest.mark.parametrize("kind", HARD)
def test_a_hard_limit_that_is_raised(bundle, kind):
    """Above what the caller is held to; by one without CAP_SYS_RESOURCE it is refused."""
    number = getattr(resource, kind)
    low = min(HARD[kind], resource.getrlimit(number)[1] & 0xffffffff)

    def change(c):
        c["process"]["rlimits"] = [{"type": kind, "soft": low + 1, "hard": low + 2}]

    r = run(bundle, "show rlimits", change=change, preexec_fn=lambda: resource.setrlimit(number, (low, low)))
    if may_raise():
        assert values(good(r).stdout)[f"rlimit.{kind[7:].lower()}"] == f"{low + 1}:{low + 2}"
    else:
        bad(r, kind[7:].lower(), "may not go above its hard limit")


@pytest.mark.root("a hard limit is raised with CAP_SYS_RESOURCE")
def test_a_hard_limit_that_an_exec_raises(life):
    low = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
    if not may_raise():
        pytest.skip("no CAP_SYS_RESOURCE here")
    running(life, says("rlimits", [{"type": "RLIMIT_NOFILE", "soft": 400, "hard": 500}]))
    assert values(good(life.exec(("show", "rlimits"), preexec_fn=low)).stdout)["rlimit.nofile"] == "400:500"
    path = process_file(life, args=["/bin/probe", "show", "rlimits"], rlimits=[{"type": "RLIMIT_NOFILE", "soft": 600, "hard": 70000}])
    assert values(good(life.call("exec", "--process", path, "c1", preexec_fn=low)).stdout)["rlimit.nofile"] == "600:70000"
