"""Limits beyond memory, CPU and processes; where the groups are, who may write to them, and what is said when a limit cannot be had.

What a host has decides which half of a test runs: cgroup v1 files and effects, or the refusal that names cgroup v2."""
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import cgroup_mount, cgroup_mounts, cgroup_v2_only, chown, groups_of, mknod, wait_until
from test_limits import read, running

MB = 1 << 20


def v2_tree():
    return next((p for p, t, _ in cgroup_mounts() if t == "cgroup2"), None)


@contextlib.contextmanager
def own_group(*controllers, **files):
    """A parent group of this test's in these hierarchies, with values for its files; its name."""
    name = f"mydocker-test-{os.getpid()}"
    dirs = []
    try:
        for c in controllers:
            where = v2_tree() if c == "v2" else cgroup_mount(c)
            if where is None:
                pytest.skip(f"this host has no {c}")
            (where / name).mkdir()
            dirs.append(where / name)
        for file, value in files.items():
            (dirs[0] / file.replace("__", ".")).write_text(value)
        yield name
    finally:
        for d in dirs:
            for sub in sorted(d.rglob("*"), reverse=True):
                if sub.is_dir():
                    sub.rmdir()
            d.rmdir()


def below(name):
    """The groups in a parent of a test's own, on every hierarchy: others may run containers meanwhile, but not there."""
    return [d for p, _, _ in cgroup_mounts() if (p / name).is_dir() for d in (p / name).iterdir() if d.is_dir()]


def only_v1(controller, file):
    where = cgroup_mount(controller)
    if where is None or (where / "cgroup.controllers").exists():
        pytest.skip(f"only where cgroup v1 has the {controller} controller")
    with own_group(controller) as name:
        if not (where / name / file).exists():
            pytest.skip(f"this kernel has no {file}")


@pytest.fixture
def disk(base):
    """A loop device of this test's own, in memory, of 8 MiB."""
    file = Path("/dev/shm") / f"mydocker-test-disk-{os.getpid()}"
    with open(file, "wb") as f:
        f.truncate(8 * MB)
    got = subprocess.run(["losetup", "--find", "--show", str(file)], capture_output=True, text=True)
    if got.returncode:
        file.unlink()
        pytest.skip(f"no loop device to be had: {got.stderr.strip()}")
    device = got.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        file.unlink()


def number(device):
    st = os.stat(device)
    return f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"


# ---- memory ----


def test_swappiness(md):
    if cgroup_v2_only():
        md.run("--memory-swappiness 10", "probe exit 0").failed(125, "swappiness", "cgroup v2", "vm.swappiness")
        return
    for n in (0, 10, 100):
        with running(md, f"--memory-swappiness {n}") as r:
            assert read(r, "memory", "memory.swappiness")[0] == str(n)
    # -1 is the host's, also where there is no such file
    with running(md, "--memory-swappiness -1") as r:
        assert read(r, "memory", "memory.swappiness")[0] == (cgroup_mount("memory") / "memory.swappiness").read_text().strip()


def test_oom_kill_disable_lets_processes_wait(md):
    if cgroup_v2_only():
        md.run("-m 20m --oom-kill-disable", "probe exit 0").failed(125, "OOM killer", "cgroup v2")
        return
    only_v1("memory", "memory.oom_control")
    r = md.start("-m 20m --memory-swap 20m --oom-kill-disable", "probe seq say up , alloc 60")
    assert r.line() == "up"
    control = r.group("memory") / "memory.oom_control"
    wait_until(lambda: "under_oom 1" in control.read_text())
    assert "oom_kill_disable 1" in control.read_text() and r.proc.poll() is None
    r.signal(signal.SIGKILL)
    r.wait()
    md.sweep()
    wait_until(lambda: not md.ids(), 5)


def test_oom_kill_disable_without_a_limit_is_a_warning(md):
    only_v1("memory", "memory.oom_control")
    r = md.run("--oom-kill-disable", "probe exit 3")
    assert r.code == 3 and r.err.count("\n") == 1 and "warning" in r.err and "memory limit" in r.err, r
    assert md.run("--oom-kill-disable -m 20m", "probe exit 3").err == ""
    assert md.run("--oom-kill-disable=false", "probe exit 3").err == ""


def test_a_parent_whose_memory_is_used_up(md):
    """v1 charges a new group to the one above; v2 makes it, and hands no controller on."""
    only_v1("memory", "memory.limit_in_bytes")
    with own_group("memory", memory__limit_in_bytes="4096") as name:
        md.run(f"--cgroup-parent {name}", "probe exit 0").failed(125, "make the group", "memory limit of a group above it is used up")


def test_memory_that_is_too_little_to_start_with(md):
    with own_group("memory") as name:
        parent = cgroup_mount("memory") / name
        (parent / ("memory.max" if cgroup_v2_only() else "memory.limit_in_bytes")).write_text("65536")
        md.run(f"--cgroup-parent {name}", "probe exit 0").failed(125, "start the container", "too little memory")


# ---- CPU ----


def test_real_time(md):
    if cgroup_v2_only():
        md.run("--cpu-rt-runtime 1000", "probe exit 0").failed(125, "real-time", "cgroup v2")
        return
    only_v1("cpu", "cpu.rt_runtime_us")
    with own_group("cpu", cpu__rt_period_us="1000000", cpu__rt_runtime_us="5000") as name:
        with running(md, f"--cgroup-parent {name} --cpu-rt-runtime 2000 --cpu-rt-period 500000") as r:
            assert read(r, "cpu", "cpu.rt_runtime_us", parent=name)[0] == "2000"
            assert read(r, "cpu", "cpu.rt_period_us", parent=name)[0] == "500000"


def test_real_time_needs_a_parent_that_has_some(md):
    only_v1("cpu", "cpu.rt_runtime_us")
    with own_group("cpu") as name:
        r = md.run(f"--cgroup-parent {name} --cpu-rt-runtime 2000", "probe exit 0")
        r.failed(125, "real-time CPU runtime to 2000", f"/{name}, has 0 us in each 1000000", "--cgroup-parent")
        assert not below(name)


def test_a_real_time_caller(md):
    """Its policy goes with it: without time in its group it cannot even join."""
    only_v1("cpu", "cpu.rt_runtime_us")
    chrt = ["chrt", "--fifo", "1"]
    if subprocess.run([*chrt, "true"], capture_output=True).returncode:
        pytest.skip("no real-time policy may be set here")
    before = md.prefix
    md.prefix = chrt
    try:
        md.run("", "probe exit 0").failed(125, "join cgroup", "--cpu-rt-runtime")
        with own_group("cpu", cpu__rt_runtime_us="50000") as name:
            assert md.run(f"--cgroup-parent {name} --cpu-rt-runtime 50000", "probe exit 3").code == 3
    finally:
        md.prefix = before


def test_a_quota_above_that_of_the_parent(md):
    only_v1("cpu", "cpu.cfs_quota_us")
    with own_group("cpu", cpu__cfs_quota_us="20000") as name:
        r = md.run(f"--cgroup-parent {name} --cpus 1", "probe exit 0")
        r.failed(125, "CPU quota to 100000", f"/{name}, has 20000 us in each 100000")


def test_cpus_and_memory_nodes_that_are_not_there(md):
    md.run("--cpuset-cpus 4095", "probe exit 0").failed(125, "set of CPUs '4095'", "this host has the CPUs 0-")
    r = md.run("--cpuset-mems 900", "probe exit 0")
    r.failed(125, "set of memory nodes to 900", "the group above", "has 0")


def test_cpus_that_the_parent_does_not_have(md):
    only_v1("cpuset", "cpuset.cpus")
    if os.cpu_count() < 2:
        pytest.skip("needs two CPUs")
    with own_group("cpuset", cpuset__mems="0", cpuset__cpus="0") as name:
        md.run(f"--cgroup-parent {name} --cpuset-cpus 1", "probe exit 0").failed(125, "set of CPUs to 1", f"/{name}, has 0")


# ---- block devices ----


def test_block_io_weight(md):
    with running(md, "--blkio-weight 300") as r:
        group = r.group("io" if cgroup_v2_only() else "blkio")
        if (group / "io.bfq.weight").exists():
            assert (group / "io.bfq.weight").read_text().split()[:2] == ["default", "300"]
        elif (group / "io.weight").exists():
            assert (group / "io.weight").read_text().split()[:2] == ["default", "2930"]
        else:
            assert next(group.glob("blkio*.weight")).read_text().split()[-1] == "300"


def test_block_io_weight_of_a_device(md, disk):
    scheduler = Path(f"/sys/block/{Path(disk).name}/queue/scheduler")
    controller, file, why = ("io", "io.bfq.weight", "has no weights") if cgroup_v2_only() else ("blkio", "blkio.bfq.weight_device", "is not bfq")
    if cgroup_mount(controller) is None:
        pytest.skip("no controller of block I/O")
    if "bfq" not in scheduler.read_text():
        pytest.skip("this kernel has no bfq")
    was = re.search(r"\[(.*?)\]", scheduler.read_text())[1]
    scheduler.write_text("none")  # loop devices keep what the last user of theirs has set
    md.run(f"--blkio-weight-device {disk}:300", "probe exit 0").failed(125, f"{number(disk)} 300", f"scheduler of that device {why}")
    scheduler.write_text("bfq")
    try:
        with running(md, f"--blkio-weight-device {disk}:300") as r:
            assert f"{number(disk)} 300" in (r.group(controller) / file).read_text().splitlines()
    finally:
        scheduler.write_text(was)


@pytest.mark.parametrize(
    "option, value, rate, v1, v2",
    [
        ("read-bps", "1mb", MB, "read_bps", "rbps"),
        ("write-bps", "512", 512, "write_bps", "wbps"),
        ("read-iops", "7", 7, "read_iops", "riops"),
        ("write-iops", "4294967294", 4294967294, "write_iops", "wiops"),
    ],
)
def test_rates(md, disk, option, value, rate, v1, v2):
    with running(md, f"--device-{option} {disk}:{value}") as r:
        text, is_v2 = read(r, "io" if cgroup_v2_only() else "blkio", f"blkio.throttle.{v1}_device", "io.max")
        assert f"{v2}={rate}" in text.split() if is_v2 else text == f"{number(disk)} {rate}"


def test_the_rate_of_reading_holds(md, disk):
    took = [int(md.run(f"--privileged {o}", f"probe readdirect {disk} 1536").ok().values["readdirect"]) for o in ("", f"--device-read-bps {disk}:1mb")]
    assert took[1] > 1000 and took[1] > took[0], took


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("device-read-bps", "/dev/vanished:1mb", ["/dev/vanished", "No such file"]),
        ("device-read-bps", "/dev/null:1mb", ["/dev/null is not a block device"]),
        ("device-write-bps", "/:1mb", ["/ is not a block device"]),
        ("device-read-bps", "/dev/null", ["not of the form DEVICE:VALUE"]),
        ("device-read-bps", "/dev/null:", ["not of the form DEVICE:VALUE"]),
        ("device-read-bps", ":1mb", ["not of the form DEVICE:VALUE"]),
        ("device-read-bps", "/dev/null:0", ["the rate '0'", "at least one byte"]),
        ("device-read-bps", "/dev/null:1x", ["the rate '1x'"]),
        ("device-write-iops", "/dev/null:1k", ["the rate '1k'", "whole number"]),
        ("device-read-iops", "/dev/null:-1", ["the rate '-1'"]),
        ("blkio-weight-device", "/dev/null:x", ["the weight 'x'"]),
        ("blkio-weight-device", "/dev/null:300", ["/dev/null is not a block device"]),
        ("blkio-weight", "9", ["--blkio-weight", "between 10 and 1000"]),
        ("blkio-weight", "1001", ["--blkio-weight", "between 10 and 1000"]),
        ("memory-swappiness", "101", ["--memory-swappiness", "between 0 and 100"]),
        ("cpu-rt-runtime", "-1", ["--cpu-rt-runtime is negative"]),
    ],
)
def test_values_that_are_none(md, option, value, words):
    md.run([f"--{option}", value], "probe exit 0").failed(125, *words)


def test_operations_beyond_what_the_kernel_counts(md, disk):
    md.run(f"--device-read-iops {disk}:4294967296", "probe exit 0").failed(125, "4294967296 is above 4294967295")
    md.run(f"--blkio-weight-device {disk}:5", "probe exit 0").failed(125, "5 is not between 10 and 1000")


def test_a_partition_is_no_disk(md, scratch):
    found = next(Path("/sys/class/block").glob("*/partition"), None)
    if not found:
        pytest.skip("this host has no partition")
    major, minor = (found.parent / "dev").read_text().split(":")
    mknod(scratch / "part", 0o60600, int(major), int(minor))
    whole = found.parent.resolve().parent.name
    md.run(f"--device-read-bps {scratch}/part:1mb", "probe exit 0").failed(125, "is a partition", f"/dev/{whole}")


# ---- processes ----


def test_a_limit_of_one_process(md):
    assert md.run("--pids-limit 1", "probe exit 3").code == 3
    r = md.run("--pids-limit 1", "probe spawn 5").ok()
    assert r.out == "spawn=0 errno=11\n"
    if not (cgroup_mount("pids") / "mydocker/pids.events").exists():
        return
    assert re.fullmatch(r"mydocker: container [0-9a-f]{12}: 1 attempt to start a process or thread was refused: the limit is 1\n", r.err), r


def test_a_limit_of_processes_that_is_not_reached_says_nothing(md):
    assert md.run("--pids-limit 10", "probe spawn 5").ok().err == ""
    assert md.run("", "probe spawn 5").ok().err == ""


# ---- files of cgroup v2 ----


def test_a_file_of_v2_is_written(md):
    tree = v2_tree()
    if tree is None or "hugetlb" not in (tree / "cgroup.controllers").read_text().split():
        pytest.skip("no cgroup v2 tree with the hugetlb controller")
    size = next(iter(sorted(Path("/sys/kernel/mm/hugepages").glob("hugepages-2048kB"))), None)
    if size is None:
        pytest.skip("no huge pages of 2 MB")
    with running(md, "--cgroup-conf hugetlb.2MB.max=4194304 --cgroup-conf cgroup.max.descendants=3") as r:
        group = tree / "mydocker" / r.id
        assert (group / "hugetlb.2MB.max").read_text() == "4194304\n"
        assert (group / "cgroup.max.descendants").read_text() == "3\n"
    with own_group("v2") as name:
        md.run(f"--cgroup-parent {name} --cgroup-conf hugetlb.2MB.max=lots", "probe exit 0").failed(125, "hugetlb.2MB.max", "lots", "kernel refuses it")
        md.run(f"--cgroup-parent {name} --cgroup-conf hugetlb.2MB.none=1", "probe exit 0").failed(125, "has no hugetlb.2MB.none")
        assert not below(name)


@pytest.mark.parametrize(
    "text, words",
    [
        ("memory.high", ["KEY=VALUE"]),
        ("=1", ["KEY=VALUE"]),
        ("memory.high=", ["KEY=VALUE"]),
        ("memory=1", ["not the name of a file"]),
        ("../memory.high=1", ["not the name of a file"]),
    ],
)
def test_files_of_v2_that_are_none(md, text, words):
    md.run(["--cgroup-conf", text], "probe exit 0").failed(125, *words)


def test_files_of_v2_that_limit_nothing(md):
    if v2_tree() is None:
        md.run("--cgroup-conf memory.high=1", "probe exit 0").failed(125, "no cgroup v2 tree")
        return
    for key in ("cgroup.procs", "cgroup.freeze", "cgroup.kill", "cgroup.subtree_control"):
        md.run(f"--cgroup-conf {key}=1", "probe exit 0").failed(125, key, "limits nothing")


def test_a_controller_that_v1_has_is_not_v2_s(md):
    if v2_tree() is None or cgroup_v2_only() or cgroup_mount("memory") is None:
        pytest.skip("only on a hybrid host")
    md.run("--cgroup-conf memory.high=67108864", "probe exit 0").failed(125, "memory.high", "belongs to cgroup v1", str(cgroup_mount("memory")))


# ---- parents ----


def test_a_parent_that_holds_processes(md):
    tree = v2_tree()
    if tree is None or "hugetlb" not in (tree / "cgroup.controllers").read_text().split():
        pytest.skip("no cgroup v2 tree with the hugetlb controller")
    with own_group("v2") as name, subprocess.Popen(["sleep", "60"]) as other:
        try:
            (tree / name / "cgroup.procs").write_text(str(other.pid))
            r = md.run(f"--cgroup-parent {name} --cgroup-conf hugetlb.2MB.max=0", "probe exit 0")
            r.failed(125, f"{tree}/{name} holds processes", "--cgroup-parent")
        finally:
            other.kill()
            other.wait()
            wait_until(lambda: not (tree / name / "cgroup.procs").read_text())


def test_a_parent_in_a_threaded_tree(md):
    tree = v2_tree()
    with own_group("v2") as name:
        (tree / name / "threads").mkdir()
        (tree / name / "threads/cgroup.type").write_text("threaded")
        md.run(f"--cgroup-parent {name}", "probe exit 0").failed(125, f"{tree}/{name}/", "is threaded", "--cgroup-parent")
        assert below(name) == [tree / name / "threads"]


# ---- where the groups are, and who sees and writes them ----


def test_cgroup_namespace_of_its_own_and_of_the_host(md):
    own = md.run("--cgroupns private", "probe seq show ns , cat /proc/self/cgroup").ok()
    assert own.values["ns.cgroup"] != os.readlink("/proc/self/ns/cgroup")
    assert all(line.endswith(":/") for line in own.out.splitlines() if line[:1].isdigit()), own
    host = md.run("--cgroupns host", "probe seq show ns , cat /proc/self/cgroup , ls /sys/fs/cgroup").ok()
    assert host.values["ns.cgroup"] == os.readlink("/proc/self/ns/cgroup")
    assert re.search(r":(/.*)?/mydocker/[0-9a-f]{64}$", host.out, re.M), host
    top = "mydocker" if os.geteuid() == 0 else "user.slice"
    assert (f"ls.{top}" in host.values) == cgroup_v2_only()  # v2 shows the whole tree, v1 the container's own groups
    for bad in ("container:x", "shared"):
        md.run(f"--cgroupns {bad}", "probe exit 0").failed(125, "--cgroupns", bad)


def test_no_groups_at_all(md):
    mine = Path("/proc/self/cgroup").read_text()
    r = md.start("--cgroups disabled", "probe seq say up , ls /sys/fs/cgroup , sleep 30000")
    assert r.line() == "up" and r.line() == "ls=0"
    init = next(int(p) for p in Path(f"/proc/{r.pid}/task/{r.pid}/children").read_text().split())
    assert Path(f"/proc/{init}/cgroup").read_text() == mine
    assert not groups_of(r.id)
    r.signal(signal.SIGKILL)
    assert r.wait().err == ""
    md.sweep()


@pytest.mark.parametrize(
    "opts, words",
    [
        ("-m 64m", ["memory limit", "needs a control group", "--cgroups disabled"]),
        ("--pids-limit 5", ["limit of processes", "needs a control group"]),
        ("--cpus 0.5", ["CPU quota"]),
        ("--cgroup-conf memory.high=1", ["memory.high", "needs a control group"]),
        ("--cgroupns private", ["--cgroups disabled and --cgroupns exclude"]),
        ("--cgroup-parent x", ["--cgroups disabled and --cgroup-parent exclude"]),
        ("--cap-add MKNOD", ["MKNOD", "no writable cgroup hierarchy"]),
        ("--security-opt writable-cgroups", ["writable-cgroups and --cgroups disabled exclude"]),
    ],
)
def test_what_needs_a_group_is_refused_without_one(md, opts, words):
    if "MKNOD" in opts and cgroup_mount("devices") is None and not cgroup_v2_only():
        pytest.skip("access to devices is not limited here in any case")
    if "MKNOD" in opts and os.geteuid() != 0:
        pytest.skip("needs root: what others may make of it, the kernel makes useless")
    md.run(f"--cgroups disabled {opts}", "probe exit 0").failed(125, *words)


def test_other_words_for_cgroups(md):
    assert md.run("--cgroups enabled", "probe exit 3").code == 3
    assert md.run("--cgroups=no-conmon -m 64m", "probe exit 3").code == 3
    md.run("--cgroups split", "probe exit 0").failed(125, "--cgroups split is not there yet")
    md.run("--cgroups off", "probe exit 0").failed(125, "--cgroups off", "disabled")


def group_seen_inside(controller):
    mount = cgroup_mount(controller)
    return "/sys/fs/cgroup" if cgroup_v2_only() else f"/sys/fs/cgroup/{mount.name}"


def test_groups_are_written_only_when_asked_for(md):
    new = group_seen_inside("pids") + "/inner"
    assert md.run("", f"probe mkdir {new}").ok().values["mkdir"] == "-1 errno=30"
    for word in ("writable-cgroups", "writable-cgroups=true", "writable-cgroups:true"):
        assert md.run(f"--security-opt {word}", f"probe mkdir {new}").ok().values["mkdir"] == "0"
    assert md.run("--security-opt writable-cgroups=false", f"probe mkdir {new}").ok().values["mkdir"] == "-1 errno=30"
    md.run("--security-opt writable-cgroups=2", "probe exit 0").failed(125, "writable-cgroups takes true or false")


def test_writable_groups_leave_the_device_rules(md, scratch):
    """That takes CAP_SYS_ADMIN; on v2 the rules are a program on the group."""
    mknod(scratch / "mem", 0o20666, 1, 1)
    allow = [] if cgroup_v2_only() else [*"write /sys/fs/cgroup/devices/devices.allow a ,".split()]
    v = md.run(["--security-opt", "writable-cgroups", "-v", f"{scratch}:/s"], ["probe", "seq", *allow, "open", "/s/mem"]).ok().values
    assert v["open"] == "-1 errno=1" and v.get("write", "-1 errno=1") == "-1 errno=1", v


@pytest.mark.root("it gives groups to ids of the host")
def test_a_v2_group_belongs_to_who_runs_in_it(md):
    """config-linux.md, "Cgroup ownership": the folder and what the kernel lists, no other file, and never on v1."""
    tree = v2_tree()
    if tree is None:
        pytest.skip("no cgroup v2 tree")
    with running(md, "--security-opt writable-cgroups -u 1234:77") as r:
        group = tree / "mydocker" / r.id
        given = set(Path("/sys/kernel/cgroup/delegate").read_text().split())
        assert group.stat().st_uid == 1234 and group.stat().st_gid == 0
        for f in group.iterdir():
            assert f.stat().st_uid == (1234 if f.name in given else 0), f
        for g in groups_of(r.id):
            assert g == group or g.stat().st_uid == 0
    for opts in ("-u 1234", "--security-opt writable-cgroups", "--security-opt writable-cgroups -u 1234 --cgroupns host"):
        with running(md, opts) as r:
            assert (tree / "mydocker" / r.id).stat().st_uid == 0, opts


@pytest.mark.userns
def test_v1_gives_no_group_to_a_user_namespace(md):
    opts = "--uidmap 0:100000:2000 --gidmap 0:100000:2000 --security-opt writable-cgroups"
    if not cgroup_v2_only():
        md.run(opts, "probe exit 0").failed(125, "writable-cgroups", "cgroup v2 alone")
        return
    for d in (md.rootfs, md.rootfs / "etc"):  # mount points are made by the container's root
        chown(d, 100000, 100000)
    assert md.run(opts, "probe mkdir /sys/fs/cgroup/inner").ok().values["mkdir"] == "0"


# ---- mydocker in a container ----


def inner(md, opts, cmd):
    """`mydocker run` of a command in the same root directory, as the command of a container that sees the host's tree."""
    return [str(harness.MYDOCKER), "--state", "/tmp/state", "--root", "/tmp/root", "run", *opts.split(), "--rootfs", str(md.rootfs), "/bin/probe", *cmd.split()]


def nested(md, outer, opts, cmd):
    prefix = harness.MYDOCKER.parent.parent  # it may lie in /tmp, of which the container has its own
    if os.geteuid() != 0:  # else its mount points, and the directories above it, which are the host's root's, would have to be copied
        outer += f" -v {md.rootfs}:{md.rootfs}"
    return md.run(f"{outer} -v {prefix}:{prefix}:ro", inner(md, opts, cmd), rootfs="/")


UNCONFINED = "--cap-add ALL --security-opt seccomp=unconfined"


def test_inside_a_container_with_writable_groups(md):
    file = "memory/memory.limit_in_bytes"
    for outer in ("--privileged", "--privileged --cgroupns host", f"{UNCONFINED} --security-opt writable-cgroups"):
        if cgroup_v2_only() and "host" in outer:  # the whole tree is there, and its root may hold processes and divide
            assert nested(md, outer, "-m 64m", "exit 3").code == 3
            continue
        if cgroup_v2_only():
            nested(md, outer, "-m 64m", "exit 0").failed(125, "holds processes", "move them to a group below it")
            continue
        r = nested(md, outer, "-m 64m", f"cat /sys/fs/cgroup/{file}")
        assert r.code == 0 and r.out == f"{64 * MB}\n" and r.err == "", r


def test_inside_a_container_with_read_only_groups(md):
    r = nested(md, UNCONFINED, "", "exit 3")
    assert r.code == 3 and r.err.count("\n") == 1 and "warning" in r.err and "read-only" in r.err, r
    nested(md, UNCONFINED, "-m 64m", "exit 0").failed(125, "'memory'", "mounted read-only", "--security-opt writable-cgroups")


def test_inside_a_container_without_groups(md):
    r = nested(md, "--privileged --cgroups disabled", "", "exit 3")
    assert r.code == 3 and r.err.count("\n") == 1 and "no cgroup hierarchy is mounted" in r.err, r
    nested(md, "--privileged --cgroups disabled", "-m 64m", "exit 0").failed(125, "no cgroup controller 'memory'", "no mounted hierarchy")


# ---- explain ----


def test_explain_tells_of_both_files_and_of_the_owner(md):
    tree = v2_tree()
    r = md.call("explain", *md.run_argv("--blkio-weight 300 --security-opt writable-cgroups -u 1234", "probe exit 0")[len(md.argv()):]).ok()
    files = ("io.bfq.weight", "io.weight") if cgroup_v2_only() else ("blkio.weight", "blkio.bfq.weight")
    told = next(line for line in r.out.splitlines() if "300" in line and "write(" in line)
    assert told.index(files[0]) < told.index("or without that file") < told.rindex(files[1]), told
    assert ("1234)" in r.out) == (tree is not None), r
