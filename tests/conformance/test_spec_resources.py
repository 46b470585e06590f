"""config-linux.md: memory, cpu, block IO, huge pages, network, pids, rdma and unified, as the kernel shows them in the container's groups."""
import os

import pytest

from bundles import GROUPS, bundle, good, life, run  # noqa: F401: some are fixtures
from harness import cgroup_mount, cgroup_v2_only, wait_until
from test_spec_config import put, refused

pytestmark = pytest.mark.root("control groups of the host")


def files(life, controller):
    return cgroup_mount(controller) / GROUPS / "c1"


def shown(life, controller, *names):
    """The first of these files that is there."""
    for name in names:
        path = files(life, controller) / name
        if path.exists():
            return path.read_text().strip()
    pytest.skip(f"this host has none of {', '.join(names)}")


def need(controller):
    if not cgroup_mount(controller):
        pytest.skip(f"no controller {controller} is mounted here")


def created(life, key, value):
    good(life.create("exit", "0", change=put(f"linux.resources.{key}", value)))


MB = 1 << 20


@pytest.mark.parametrize("key, value, controller, names, v1, v2", [
    ("memory", {"limit": 64 * MB}, "memory", ("memory.limit_in_bytes", "memory.max"), str(64 * MB), str(64 * MB)),
    ("memory", {"limit": -1}, "memory", ("memory.limit_in_bytes", "memory.max"), "9223372036854771712", "max"),
    ("memory", {"limit": 64 * MB, "reservation": 32 * MB}, "memory", ("memory.soft_limit_in_bytes", "memory.low"), str(32 * MB), str(32 * MB)),
    ("memory", {"swappiness": 7}, "memory", ("memory.swappiness",), "7", None),
    ("cpu", {"shares": 512}, "cpu", ("cpu.shares", "cpu.weight"), "512", None),
    ("cpu", {"quota": 20000, "period": 100000}, "cpu", ("cpu.cfs_quota_us", "cpu.max"), "20000", "20000 100000"),
    ("cpu", {"quota": -1}, "cpu", ("cpu.cfs_quota_us", "cpu.max"), "-1", "max 100000"),
    ("cpu", {"quota": 20000, "burst": 10000}, "cpu", ("cpu.cfs_burst_us", "cpu.max.burst"), "10000", "10000"),
    ("cpu", {"period": 50000}, "cpu", ("cpu.cfs_period_us", "cpu.max"), "50000", "max 50000"),
    ("cpu", {"cpus": "0"}, "cpuset", ("cpuset.cpus",), "0", "0"),
    ("cpu", {"mems": "0"}, "cpuset", ("cpuset.mems",), "0", "0"),
    ("cpu", {"idle": 1}, "cpu", ("cpu.idle",), "1", "1"),
    ("pids", {"limit": 33}, "pids", ("pids.max",), "33", "33"),
    ("pids", {"limit": -1}, "pids", ("pids.max",), "max", "max"),
])
def test_resources_are_what_the_kernel_has(life, key, value, controller, names, v1, v2):
    need(controller)
    if v2 is None and cgroup_v2_only():
        pytest.skip(f"cgroup v2 has no {names[0]}")
    created(life, key, value)
    assert shown(life, controller, *names) == (v2 if cgroup_v2_only() else v1)


def test_memory_swap_is_memory_plus_swap(life):
    need("memory")
    created(life, "memory", {"limit": 64 * MB, "swap": 96 * MB})
    assert shown(life, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max") == str((32 if cgroup_v2_only() else 96) * MB)


def test_memory_disable_oom_killer(life):
    """Without its counterpart on cgroup v2 it is an error there."""
    need("memory")
    if cgroup_v2_only():
        refused(life.bundle, put("linux.resources.memory", {"disableOOMKiller": True}), "disableOOMKiller")
        return
    created(life, "memory", {"limit": 64 * MB, "disableOOMKiller": True})
    assert "oom_kill_disable 1" in shown(life, "memory", "memory.oom_control")


@pytest.mark.parametrize("key", ["kernel", "kernelTCP"])
def test_memory_not_recommended_limits_are_set_or_refused(life, key):
    need("memory")
    r = life.create("exit", "0", change=put("linux.resources.memory", {key: 64 * MB}))
    assert (r.returncode == 1 and key in r.stderr) or (r.returncode == 0 and shown(life, "memory", f"memory.kmem{'.tcp' if key == 'kernelTCP' else ''}.limit_in_bytes") == str(64 * MB)), r


def test_memory_check_before_update(life):
    """A limit below what is in use is refused; on v1 the kernel does that by itself."""
    need("memory")
    life.start("alloc", "40", "60000", change=put("linux.resources.memory", {"limit": 128 * MB, "checkBeforeUpdate": True}))
    wait_until(lambda: "alloc=0" in life.text())
    r = life.call("update", "-r", "-", "c1", input='{"memory": {"limit": %d, "checkBeforeUpdate": true}}' % MB)
    assert r.returncode == 1 and r.stderr.startswith("mydocker-runtime: "), r
    assert life.status() == "running" and shown(life, "memory", "memory.limit_in_bytes", "memory.max") == str(128 * MB)


@pytest.mark.parametrize("given", [{"quota": 10000, "burst": 20000}, {"quota": 10000, "period": 5000, "burst": 10001}])
def test_cpu_burst_larger_than_the_quota_is_an_error(bundle, given):
    refused(bundle, put("linux.resources.cpu", given), "burst")


@pytest.mark.parametrize("given", [{"realtimeRuntime": 950000, "realtimePeriod": 1000000}])
def test_cpu_realtime_is_set_or_said_to_be_missing(life, given):
    need("cpu")
    r = life.create("exit", "0", change=put("linux.resources.cpu", given))
    assert r.returncode == 0 or ("realtime" in r.stderr or "cpu.rt_" in r.stderr or "real-time" in r.stderr), r


LOOP = {"major": 7, "minor": 0}


@pytest.mark.parametrize("key, value, names, want", [
    ("throttleReadBpsDevice", [LOOP | {"rate": 1048576}], ("blkio.throttle.read_bps_device", "io.max"), "1048576"),
    ("throttleWriteBpsDevice", [LOOP | {"rate": 2097152}], ("blkio.throttle.write_bps_device", "io.max"), "2097152"),
    ("throttleReadIOPSDevice", [LOOP | {"rate": 300}], ("blkio.throttle.read_iops_device", "io.max"), "300"),
    ("throttleWriteIOPSDevice", [LOOP | {"rate": 400}], ("blkio.throttle.write_iops_device", "io.max"), "400"),
])
def test_block_io_rates(life, key, value, names, want):
    need("io" if cgroup_v2_only() else "blkio")
    if not os.path.exists("/sys/dev/block/7:0"):
        pytest.skip("no loop device 7:0 on this host")
    created(life, "blockIO", {key: value})
    text = shown(life, "io" if cgroup_v2_only() else "blkio", *names)
    assert text.startswith("7:0 ") and want in text, text


def test_block_io_weight_is_set_or_said_to_be_missing(life):
    controller = "io" if cgroup_v2_only() else "blkio"
    need(controller)
    r = life.create("exit", "0", change=put("linux.resources.blockIO", {"weight": 500}))
    if r.returncode:
        assert "weight" in r.stderr, r
    else:
        assert "500" in shown(life, controller, "blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight") or cgroup_v2_only()


def test_block_io_weight_device_has_a_weight(bundle):
    refused(bundle, put("linux.resources.blockIO", {"weightDevice": [LOOP]}), "weightDevice")


def test_huge_page_limits(life):
    sizes = sorted(os.listdir("/sys/kernel/mm/hugepages")) if os.path.isdir("/sys/kernel/mm/hugepages") else []
    if not sizes or not cgroup_mount("hugetlb"):
        r = life.create("exit", "0", change=put("linux.resources.hugepageLimits", [{"pageSize": "2MB", "limit": 4 * MB}]))
        assert r.returncode == 1 and "hugetlb" in r.stderr, r
        return
    created(life, "hugepageLimits", [{"pageSize": "2MB", "limit": 4 * MB}])
    assert shown(life, "hugetlb", "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max") == str(4 * MB)


@pytest.mark.parametrize("value, controller, names, want", [
    ({"classID": 0x100001}, "net_cls", ("net_cls.classid",), str(0x100001)), ({"priorities": [{"name": "lo", "priority": 5}]}, "net_prio", ("net_prio.ifpriomap",), "lo 5"),
])
def test_network_class_and_priorities(life, value, controller, names, want):
    if not cgroup_mount(controller):
        r = life.create("exit", "0", change=put("linux.resources.network", value))
        assert r.returncode == 1 and controller in r.stderr, r
        return
    created(life, "network", value)
    assert want in shown(life, controller, *names)


def test_pids_limit_of_zero_is_a_limit(life):
    """The kernel's own 0 forbids all forks: it is written as it is, or as 1 where 0 would stop the container's own process."""
    need("pids")
    created(life, "pids", {"limit": 0})
    assert shown(life, "pids", "pids.max") in ("0", "1")


def test_pids_limit_holds(bundle):
    need("pids")
    r = run(bundle, "spawn 20", change=put("linux.resources.pids", {"limit": 5}))
    assert "errno=11" in r.stdout, r


@pytest.mark.parametrize("value", [{}, {"hcaHandles": None}])
def test_rdma_has_at_least_one_limit(bundle, value):
    refused(bundle, put("linux.resources.rdma", {"mlx5_1": value}), "rdma")


def test_rdma_is_set_or_said_to_be_missing(life):
    r = life.create("exit", "0", change=put("linux.resources.rdma", {"nosuch0": {"hcaHandles": 3, "hcaObjects": 10}}))
    assert r.returncode == 1 and ("rdma" in r.stderr or "nosuch0" in r.stderr), r


# ---- unified ----


def test_unified_is_written(life):
    """Also what the runtime does not know; the controllers that it needs are handed down."""
    if not cgroup_v2_only():
        refused(life.bundle, put("linux.resources.unified", {"memory.high": "64M"}), "memory.high")
        return
    created(life, "unified", {"memory.high": str(64 * MB), "pids.max": "44", "cpu.weight.nice": "3"})
    assert shown(life, "memory", "memory.high") == str(64 * MB) and shown(life, "pids", "pids.max") == "44" and shown(life, "cpu", "cpu.weight.nice") == "3"


@pytest.mark.parametrize("name", ["nosuch.max", "memory/high", "../memory.high", "cgroup.procs/x", ""])
def test_unified_of_a_controller_that_is_not_there(bundle, name):
    refused(bundle, put("linux.resources.unified", {name: "1"}), f"cgroup setting '{name}'" if "/" in name or not name else name.split(".")[0])


def test_unified_a_file_that_is_not_there(bundle):
    if not cgroup_v2_only():
        pytest.skip("cgroup v2 is not alone here")
    refused(bundle, put("linux.resources.unified", {"memory.nosuch": "1"}), "memory.nosuch")


@pytest.mark.parametrize("key, value", [("memory", {"kernel": MB}), ("memory", {"disableOOMKiller": True}), ("memory", {"swappiness": 5}), ("network", {"classID": 1}), ("cpu", {"realtimeRuntime": 1000, "realtimePeriod": 10000})])
def test_unified_conversion_that_is_not_possible_is_an_error(bundle, key, value):
    """What cgroup v2 has no counterpart of."""
    if not cgroup_v2_only():
        pytest.skip("cgroup v2 is not alone here")
    refused(bundle, put(f"linux.resources.{key}", value))


def test_resources_that_are_not_given_change_nothing(life):
    good(life.create("exit", "0"))
    for controller, names, want in (("memory", ("memory.limit_in_bytes", "memory.max"), ("9223372036854771712", "max")), ("pids", ("pids.max",), ("max",))):
        if cgroup_mount(controller):
            assert shown(life, controller, *names) in want
