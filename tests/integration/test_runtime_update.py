"""mydocker-runtime update: limits of a container that lives, as podman, docker and containerd change them."""
import json
import os
import subprocess

import pytest

from bundles import GROUPS, bad, good, life, bundle, runtime  # noqa: F401: two are fixtures
from harness import cgroup_mount, cgroup_v2_only, wait_until

pytestmark = pytest.mark.root("the test's groups are root's")
V1 = pytest.mark.skipif(cgroup_v2_only(), reason="the files of cgroup v1")
M = 1 << 20


def place(controller):
    mount = cgroup_mount(controller)
    if not mount:
        pytest.skip(f"no cgroup controller '{controller}' here")
    return mount / GROUPS / "c1"


def value(file):
    path = place(file.split(".")[0]) / file
    return path.read_text().strip() if path.exists() else ""  # a v2 group has its controllers when it needs them


def limits(**resources):
    return lambda c: c["linux"].update(resources=resources)


@pytest.fixture
def lives(life):  # noqa: F811
    good(life.create("sleep", "60000", change=limits(
        memory={"limit": 32 * M, "reservation": 24 * M}, cpu={"shares": 100, "quota": 500000, "period": 1000000}, pids={"limit": 20})))
    good(life.call("start", "c1"))
    return life


def update(one, *options, **kw):
    return good(one.call("update", *options, "c1", **kw))


def send(one, resources, *options):
    return one.call("update", *(options or ("--resources", "-")), "c1", input=resources if isinstance(resources, str) else json.dumps(resources))


MEMORY, SWAP, RESERVATION = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes"
QUOTA, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"


def memory():
    return int(value(MEMORY)), int(value(SWAP))


UNLIMITED = 0x7FFFFFFFFFFFF000


@V1
def test_memory_and_swap_in_any_direction(lives):
    assert memory() == (32 * M, UNLIMITED) and value(RESERVATION) == str(24 * M)
    for limit, swap in ((30, 50), (60, 80), (60, 60), (20, 60), (20, 20), (90, 91)):
        update(lives, "--memory", f"{limit}m", f"--memory-swap={swap}M")
        assert memory() == (limit * M, swap * M)
    update(lives, "--memory-swap", "-1")
    assert memory() == (90 * M, UNLIMITED)
    update(lives, "--memory", "40m")
    update(lives, "--memory-swap", str(96468992))
    assert memory() == (40 * M, 96468992)
    update(lives, "--memory", "-1")
    assert memory() == (UNLIMITED, UNLIMITED)
    update(lives, "--memory", "1.5m", "--memory-swap", "0")
    assert memory() == (M * 3 // 2, UNLIMITED)


@V1
def test_the_reservation(lives):
    for given, want in (("33554432", 32 * M), ("1g", 1 << 30), ("0", 1 << 30), ("-1", UNLIMITED)):
        update(lives, "--memory", "-1", "--memory-reservation", given)
        assert value(RESERVATION) == str(want)


@V1
def test_quota_and_period(lives):
    for options, want in (
            (["--cpu-period", "900000"], ("500000", "900000")), (["--cpu-quota", "600000"], ("600000", "900000")), (["--cpu-quota", "-1"], ("-1", "900000")),
            (["--cpu-quota=50000", "--cpu-period=100000"], ("50000", "100000")), (["--cpu-quota=0", "--cpu-period=0"], ("50000", "100000")),
            (["--cpu-quota", "-1", "--cpu-period", "100000"], ("-1", "100000"))):
        update(lives, *options)
        assert (value(QUOTA), value(PERIOD)) == want


@V1
def test_no_share_of_a_cpu_above_that_of_the_group_above(lives):
    """Half of a CPU is all that the group above has; each pair stays below, and what comes between them has to, too."""
    above = place("cpu").parent
    (above / QUOTA).write_text("50000")
    for quota, period in ((500000, 1000000), (5000, 10000), (400000, 800000), (1000, 2000), (50000, 100000)):
        update(lives, "--cpu-quota", str(quota), "--cpu-period", str(period))
        assert (value(QUOTA), value(PERIOD)) == (str(quota), str(period))
    bad(lives.call("update", "--cpu-quota", "50001", "c1"), "set the CPU quota to 50001", "has 50000 us in each 100000")


@V1
def test_burst(lives):
    if not (place("cpu") / "cpu.cfs_burst_us").exists():
        pytest.skip("no cpu.cfs_burst_us: Linux 5.14 is needed")
    for quota, burst in ((500000, 400000), (100000, 50000), (10000, 0), (90000, 90000)):
        update(lives, "--cpu-quota", str(quota), "--cpu-burst", str(burst))
        assert (value(QUOTA), value("cpu.cfs_burst_us")) == (str(quota), str(burst))
    bad(lives.call("update", "--cpu-quota", "80000", "c1"), "CPU burst 90000 us is above the CPU quota, 80000 us")


@V1
def test_shares_and_idle(lives):
    update(lives, "--cpu-share", "200")
    assert value("cpu.shares") == "200"
    if not (place("cpu") / "cpu.idle").exists():
        pytest.skip("no cpu.idle: Linux 5.15 is needed")
    for options, idle, shares in ((["--cpu-idle", "1"], "1", None), (["--cpu-idle=0", "--cpu-share=300"], "0", "300"), (["--cpu-idle=1", "--cpu-share=400"], "1", None)):
        update(lives, *options)
        assert value("cpu.idle") == idle and shares in (None, value("cpu.shares"))
    bad(lives.call("update", "--cpu-share", "200", "c1"), "the container is idle")
    for wrong in ("-1", "2", "x"):
        bad(lives.call("update", "--cpu-idle", wrong, "c1"))
    update(lives, "--cpu-idle", "0")
    bad(lives.call("update", "--cpu-share", "1", "c1"), "the minimum allowed cpu-shares is 2")
    bad(lives.call("update", "--cpu-share", "262145", "c1"), "the maximum allowed cpu-shares is 262144")


@V1
def test_real_time(lives):
    own, above = place("cpu"), place("cpu").parent
    if not (own / "cpu.rt_runtime_us").exists():
        pytest.skip("this kernel does not divide real-time CPU time")
    try:
        (above / "cpu.rt_runtime_us").write_text("200000")
    except OSError:
        pytest.skip("the host has no real-time CPU time left")
    for runtime_us, period in ((100000, 1000000), (10000, 100000), (100000, 1000000)):
        update(lives, "--cpu-rt-runtime", str(runtime_us), "--cpu-rt-period", str(period))
        assert (value("cpu.rt_runtime_us"), value("cpu.rt_period_us")) == (str(runtime_us), str(period))
    bad(lives.call("update", "--cpu-rt-runtime", "300000", "c1"), "set the real-time CPU runtime to 300000", "the group above")
    assert value("cpu.rt_runtime_us") == "100000"


def test_cpus_and_memory_nodes(lives):
    every = value("cpuset.cpus") or (cgroup_mount("cpuset") / "cpuset.cpus.effective").read_text().strip()
    update(lives, "--cpuset-cpus", "0", "--cpuset-mems", "0")
    assert (value("cpuset.cpus"), value("cpuset.mems")) == ("0", "0")
    assert "Cpus_allowed_list:\t0\n" in open(f"/proc/{lives.state()['pid']}/status", encoding="utf-8").read()
    update(lives, "--cpuset-cpus", every)
    assert value("cpuset.cpus") == every
    bad(lives.call("update", "--cpuset-cpus", "4000", "c1"), "set of CPUs '4000': this host has the CPUs")
    bad(lives.call("update", "--cpuset-cpus", "one", "c1"), "not a list such as 0-3,7")
    bad(lives.call("update", "--cpuset-mems", "900", "c1"), "set of memory nodes")
    assert value("cpuset.cpus") == every and value("cpuset.mems") == "0"


def test_processes(lives):
    for given, want in (("10", "10"), ("0", "1"), ("-1", "max"), ("20", "20")):
        update(lives, "--pids-limit", given)
        assert value("pids.max") == want
    bad(lives.call("update", "--pids-limit", "-2", "c1"), "limit of processes -2 is negative")


def test_block_weight(lives):
    """A kernel without bfq has no weights, and says so."""
    r = lives.call("update", "--blkio-weight", "500", "c1")
    own = place("blkio" if cgroup_mount("blkio") else "io")
    files = [own / n for n in ("blkio.weight", "blkio.bfq.weight", "io.bfq.weight", "io.weight") if (own / n).exists()]
    if not files:
        bad(r, "set the block I/O weight to 500: this kernel has no weights of block I/O")
    else:
        good(r)
        assert files[0].read_text().split()[-1] in ("500", "4950")
    bad(lives.call("update", "--blkio-weight", "9", "c1"), "not between 10 and 1000")


def loop_device(path):
    path.write_bytes(b"\0" * M)
    r = subprocess.run(["losetup", "-f", "--show", path], capture_output=True, text=True, check=False)
    if r.returncode != 0:
        pytest.skip(f"no loop device: {r.stderr.strip()}")
    return r.stdout.strip()


@V1
def test_block_rates(lives, scratch):
    device = loop_device(scratch / "disk")
    try:
        number = os.stat(device).st_rdev
        major, minor = os.major(number), os.minor(number)
        for rate, want in ((M, f"{major}:{minor} {M}"), (2 * M, f"{major}:{minor} {2 * M}"), (0, "")):
            good(send(lives, {"blockIO": {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": rate}]}}))
            assert value("blkio.throttle.read_bps_device") == want
    finally:
        subprocess.run(["losetup", "-d", device], check=True)


def test_huge_pages(lives):
    own = place("hugetlb")
    sizes = [f.name.split(".")[1] for f in own.glob("hugetlb.*.rsvd.max")]
    if not sizes:
        pytest.skip("no hugetlb.*.rsvd.max here")
    good(send(lives, {"hugepageLimits": [{"pageSize": sizes[0], "limit": 0}]}))
    assert value(f"hugetlb.{sizes[0]}.rsvd.max") == "0"


def test_a_file_of_v2_by_its_name(lives):
    """On a hybrid host only the controllers that v1 does not have."""
    if cgroup_v2_only():
        good(send(lives, {"unified": {"pids.max": "11"}}))
        assert value("pids.max") == "11"
    else:
        bad(send(lives, {"unified": {"pids.max": "11"}}), "cgroup setting 'pids.max'", "v1")


# ---- JSON ----

@V1
def test_json_from_a_file_and_from_standard_input(lives, scratch):
    first = {"memory": {"limit": 48 * M, "reservation": 40 * M}, "cpu": {"shares": 100, "quota": 500000, "period": 1000000, "cpus": "0"}, "pids": {"limit": 19}}
    other = {"memory": {"limit": 32 * M}, "pids": {"limit": 18}}
    file = scratch / "resources.json"
    for n, options in enumerate((["--resources", "-"], ["--resources=-"], ["-r", "-"], ["-r", file], ["--resources", file], [f"--resources={file}"])):
        resources = other if n % 2 else first
        file.write_text(json.dumps(resources))
        good(send(lives, resources, *options))
        assert value("pids.max") == str(resources["pids"]["limit"]) and value(MEMORY) == str(resources["memory"]["limit"])
    assert value("cpuset.cpus") == "0" and value("cpu.shares") == "100" and value(RESERVATION) == str(40 * M)


def test_with_json_other_options_are_ignored(lives):
    good(send(lives, {"pids": {"limit": 7}}, "-r", "-", "--pids-limit", "9", "--cpuset-cpus", "4000"))
    assert value("pids.max") == "7"


@V1
def test_what_docker_sends(lives):
    """Every resource, every time, with zeros for those that nobody has set: docker 20.10."""
    def everything(limit, swap, shares=0, quota=0, period=0, pids=-1):
        return {"devices": [], "memory": {"limit": limit, "reservation": 0, "swap": swap, "kernel": 0}, "pids": {"limit": pids},
                "cpu": {"shares": shares, "quota": quota, "period": period, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "", "mems": ""}, "blockIO": {"weight": 0}}

    good(send(lives, everything(40 * M, 80 * M, 512, 20000, 50000, 30)))
    want = (40 * M, 80 * M), "512", "20000", "50000", "30"
    assert (memory(), value("cpu.shares"), value(QUOTA), value(PERIOD), value("pids.max")) == want
    for _ in range(2):
        good(send(lives, everything(40 * M, 80 * M, 512, 20000, 50000, 30)))
        assert (memory(), value("cpu.shares"), value(QUOTA), value(PERIOD), value("pids.max")) == want
    good(send(lives, everything(100 * M, 200 * M)))
    assert (memory(), value("cpu.shares"), value(QUOTA), value(PERIOD), value("pids.max")) == ((100 * M, 200 * M), "512", "20000", "50000", "max")
    good(send(lives, everything(100 * M, -1)))
    assert memory() == (100 * M, UNLIMITED)
    good(send(lives, everything(0, 0)))
    assert memory() == (100 * M, UNLIMITED)


def test_what_containerd_sends(lives):
    """The container's whole description of resources, device rules included, with what is new."""
    rules = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]
    resources = {"devices": rules, "memory": {"limit": 64 * M}, "cpu": {"shares": 2048, "quota": -1, "period": 100000}, "pids": {"limit": 100}, "unified": {}}
    devices = cgroup_mount("devices")
    before = devices and value("devices.list")
    good(send(lives, resources))
    assert value("pids.max") == "100"
    if devices:
        assert value("devices.list") == before


@pytest.mark.parametrize("rules", [[], [{"allow": False, "access": "rwm"}], [{"allow": True, "access": "rwm"}], [{"allow": True, "type": "b", "major": 7, "minor": 0, "access": "r"}]])
def test_a_list_of_devices_changes_nothing(life, rules):  # noqa: F811
    """runc has SkipDevices here, in every version: what the container may use stays as it was created, by whichever mechanism it is held to that."""
    allowed = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 240, "minor": 1, "access": "r"}]
    nodes = [{"path": f"/dev/x{minor}", "type": "c", "major": 240, "minor": minor, "fileMode": 0o666} for minor in (1, 2)]  # nobody has them: ENXIO, or EPERM
    life.start("sleep", "60000", change=lambda c: (limits(devices=allowed, pids={"limit": 20})(c), c["linux"].update(devices=nodes), c["process"].update(user={"uid": 0, "gid": 0})))

    def may():
        return [life.exec(("open", f"/dev/{name}", "r")).stdout for name in ("x1", "x2", "null")]

    before = may()
    good(send(life, {"devices": rules, "pids": {"limit": 7}}))
    assert may() == before and len(set(before)) == 3, before
    if cgroup_mount("pids"):
        assert value("pids.max") == "7"


def test_keys_that_nobody_knows_are_ignored(lives):
    """config.md, "Extensibility"; and what is null counts as not given."""
    good(send(lives, {"pids": {"limit": 6, "colour": 1}, "taste": {}, "memory": None, "cpu": {"shares": None}}))
    assert value("pids.max") == "6"


def test_texts_that_are_no_resources(lives, scratch):
    for text, part in (("{", "line 1"), ("", "standard input"), ("[]", "must be an object"), ('{"memory":{"limit":"1g"}}', "memory.limit must be")):
        bad(send(lives, text), part)
    bad(lives.call("update", "-r", scratch / "none", "c1"), "none", "No such file")
    assert value("pids.max") == "20"


# ---- errors ----

@V1
def test_a_limit_below_what_is_in_use(life):  # noqa: F811
    good(life.create("alloc", "16", "60000"))
    good(life.call("start", "c1"))
    wait_until(lambda: "alloc" in life.text())
    bad(life.call("update", "--memory", "8m", "c1"), "set the memory limit to 8388608: the group uses more already")
    assert int(value(MEMORY)) == UNLIMITED


@V1
def test_limits_that_contradict_each_other(lives):
    update(lives, "--memory", "40m", "--memory-swap", "80m")
    bad(lives.call("update", "--memory", "60m", "--memory-swap", "50m", "c1"), "the limit of memory plus swap, 52428800, is below the memory limit, 62914560")
    bad(lives.call("update", "--memory", "100m", "c1"), "is above the limit of memory plus swap that is set, 83886080: give that one, too")
    bad(lives.call("update", "--memory-swap", "30m", "c1"), "is below the memory limit")
    update(lives, "--memory", "-1")
    bad(lives.call("update", "--memory-swap", "30m", "c1"), "needs a memory limit, too")


@V1
def test_an_update_that_fails_part_way_is_taken_back(lives):
    """The limit of the group above is found by the kernel alone, after the first writes."""
    (place("cpu").parent / QUOTA).write_text("50000")
    before = [value(f) for f in ("cpuset.cpus", "cpu.shares", QUOTA, PERIOD, MEMORY, "pids.max")]
    bad(send(lives, {"cpu": {"cpus": "0", "shares": 777, "quota": 900000, "period": 900000}, "memory": {"limit": 50 * M}, "pids": {"limit": 5}}),
        "set the CPU quota to 900000")
    assert [value(f) for f in ("cpuset.cpus", "cpu.shares", QUOTA, PERIOD, MEMORY, "pids.max")] == before


@pytest.mark.parametrize("option", ["--memory", "--memory-swap", "--memory-reservation", "--cpu-quota", "--cpu-period", "--cpu-share", "--cpu-burst", "--cpu-rt-period", "--pids-limit", "--blkio-weight"])
def test_values_that_are_none(life, option):  # noqa: F811
    good(life.create("sleep", "60000"))
    bad(life.call("update", option, "much", "c1"), option, "much")


def test_intel_rdt_is_refused(lives):
    bad(lives.call("update", "--l3-cache-schema", "L3:0=f", "c1"), "Intel RDT/CAT: l3 cache schema is not enabled")
    bad(lives.call("update", "--mem-bw-schema", "MB:0=50", "c1"), "Intel RDT/MBA: memory bandwidth schema is not enabled")


def test_in_each_status(life):  # noqa: F811
    bad(life.call("update", "--pids-limit", "9", "c1"), "container c1 does not exist")
    good(life.create("sleep", "60000"))
    update(life, "--pids-limit", "9")
    assert value("pids.max") == "9"
    good(life.call("start", "c1"))
    update(life, "--pids-limit", "8")
    good(life.call("pause", "c1"))
    update(life, "--pids-limit", "7")
    good(life.call("resume", "c1"))
    assert value("pids.max") == "7"
    good(life.call("kill", "c1", "KILL"))
    life.wait_for("stopped")
    bad(life.call("update", "--pids-limit", "6", "c1"), "container not running")


def test_nothing_asked_for(lives):
    before = value("pids.max")
    update(lives)
    assert value("pids.max") == before
    assert "--cpu-share" in good(lives.call("update", "--help")).stdout
    bad(lives.call("update"), "needs at least 1 argument")
