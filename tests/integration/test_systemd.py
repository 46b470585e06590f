"""mydocker-runtime --systemd-cgroup: systemd makes the groups. As root with the system's, as an ordinary user with that of his session.

Elsewhere than in a machine that systemd runs, there is but the error (tests/vm)."""
import errno
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bundles import RUNTIME, Lifecycle, bad, bundle, good, runtime, write_config  # noqa: F401: one is a fixture
from harness import PATIENCE, cgroup_mount, cgroup_v2_only, wait_until

BOOTED = Path("/run/systemd/system").is_dir()
ROOT = os.geteuid() == 0
needs_systemd = pytest.mark.skipif(not BOOTED, reason="this host is not run by systemd; tests/vm has a machine that is")
pytestmark = pytest.mark.timeout(60)
M = 1 << 20
NAME = f"test-{os.getpid()}"
SLICE = "test-mydocker.slice"  # /test.slice/test-mydocker.slice
UNIT = f"pre-{NAME}.scope"


def systemctl(*args):
    return subprocess.run(["systemctl", *([] if ROOT else ["--user"]), *args], capture_output=True, text=True, timeout=30)


def show(*properties, unit=UNIT):
    out = systemctl("show", unit, *(f"-p{p}" for p in properties)).stdout
    values = {}
    for key, _, value in (line.partition("=") for line in out.splitlines()):
        values[key] = f"{values[key]}\n{value}" if key in values else value  # a list has a line for each element
    return values


def is_there(unit=UNIT):
    return show("LoadState", unit=unit)["LoadState"] != "not-found"


def group(unit=UNIT, controller="pids"):
    """Where the unit's group is; of cgroup v1, in the hierarchy of this controller."""
    place = "/sys/fs/cgroup" if cgroup_v2_only() else cgroup_mount(controller)
    return Path(f"{place}{show('ControlGroup', unit=unit)['ControlGroup']}")


class UnderSystemd(Lifecycle):
    how = ["--systemd-cgroup"]

    def argv(self, *args):
        return [RUNTIME, "--root", self.state_dir, *self.how, *args]

    def call(self, *args, **kw):
        return runtime("--root", str(self.state_dir), *self.how, *args, **kw)


def by_systemd(change=lambda c: None, name=NAME):
    def all_changes(c):
        c["linux"]["cgroupsPath"] = f"{SLICE}:pre:{name}"
        change(c)

    return all_changes


@pytest.fixture
def unit(bundle):  # noqa: F811
    if not BOOTED:
        pytest.skip("this host is not run by systemd; tests/vm has a machine that is")
    if not cgroup_v2_only() and not ROOT:
        pytest.skip("an ordinary user's systemd gives no groups of cgroup v1")
    one = UnderSystemd(bundle)
    yield one
    assert one.call("delete", "--force", "c1").returncode == 0
    wait_until(lambda: not is_there(), 10)
    assert not list(Path("/sys/fs/cgroup").rglob(UNIT))


def start(one, *words, change=lambda c: None, name=NAME, **kw):
    one.start(*words, change=by_systemd(change, name), **kw)


def limits(**resources):
    return lambda c: c["linux"].update(resources=resources)


# ---- everywhere ----

@pytest.mark.skipif(BOOTED, reason="this host is run by systemd")
def test_a_host_without_systemd(bundle):  # noqa: F811
    write_config(bundle, by_systemd())
    for how in (["--systemd-cgroup"], ["--cgroup-manager", "systemd"]):
        bad(runtime("--root", bundle / "state", *how, "run", "-b", bundle, "c1"), "systemd not running on this host, cannot use systemd cgroups manager")


def test_features():
    f = json.loads(good(runtime("features")).stdout)
    assert f["linux"]["cgroup"]["systemd"] is True and f["linux"]["cgroup"]["systemdUser"] is True


# ---- life ----

def test_from_start_to_end(unit):
    start(unit, "sleep", "60000")
    s = show("ControlGroup", "Slice", "ActiveState", "SubState", "Delegate", "DefaultDependencies", "Transient", "CollectMode", "Description")
    assert s["Slice"] == SLICE and s["SubState"] == "running" and s["Transient"] == "yes" and s["Delegate"] == "yes" and s["DefaultDependencies"] == "no", s
    assert s["CollectMode"] == "inactive-or-failed" and s["Description"] == "mydocker container c1"
    assert s["ControlGroup"].endswith(f"/test.slice/{SLICE}/{UNIT}")
    pid = unit.state()["pid"]
    assert {line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()} == {s["ControlGroup"]}  # in each hierarchy
    assert group().joinpath("cgroup.procs").read_text().split() == [str(pid)]  # nobody of ours is left in it
    assert unit.exec(("say", "inside")).stdout == "inside\n"
    good(unit.call("pause", "c1"))
    assert unit.status() == "paused"
    good(unit.call("resume", "c1"))
    assert json.loads(good(unit.call("ps", "--format", "json", "c1")).stdout) == [pid]
    assert json.loads(good(unit.call("events", "--stats", "c1")).stdout)["data"]["pids"]["current"] == 1
    good(unit.call("kill", "c1", "KILL"))
    unit.wait_for("stopped")
    good(unit.call("delete", "c1"))
    assert not is_there()


@pytest.mark.parametrize("how", [["--systemd-cgroup"], ["--cgroup-manager", "systemd"]])
def test_run(unit, how):
    unit.how = how
    write_config(unit.bundle, by_systemd(lambda c: c["process"].update(args=["/bin/probe", "exit", "7"])))
    for _ in range(3):  # the name is free again at once
        r = unit.call("run", "-b", unit.bundle, "c1")
        assert r.returncode == 7 and not r.stderr, r
        assert not is_there()


def test_without_a_path(unit):
    """The container's id names the unit, and the slice is the usual one."""
    name = f"c-{os.getpid()}"

    def no_path(c):
        del c["linux"]["cgroupsPath"]
        c["process"]["args"] = ["/bin/probe", "sleep", "60000"]

    write_config(unit.bundle, no_path)
    try:
        subprocess.run(unit.argv("run", "-d", "-b", unit.bundle, name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=30)
        s = show("Slice", "SubState", unit=f"mydocker-{name}.scope")
        assert s == {"Slice": "system.slice" if ROOT else "user.slice", "SubState": "running"}, s
    finally:
        good(unit.call("delete", "-f", name))
    assert not is_there(f"mydocker-{name}.scope")


def test_a_slice(unit):
    """A name that ends so is a slice's; it holds the processes itself."""
    name = f"test-x{os.getpid()}.slice"
    start(unit, "sleep", "60000", name=name)
    assert show("ActiveState", "ControlGroup", unit=name)["ActiveState"] == "active"
    assert group(name).joinpath("cgroup.procs").read_text().split() == [str(unit.state()["pid"])]
    good(unit.call("delete", "-f", "c1"))
    assert show("ActiveState", unit=name)["ActiveState"] == "inactive" and not list(Path("/sys/fs/cgroup").rglob(name))


def test_a_name_that_is_taken(unit):
    start(unit, "sleep", "60000")
    write_config(unit.bundle, by_systemd())
    bad(unit.call("create", "-b", unit.bundle, "c2"), UNIT, "already")
    assert show("SubState")["SubState"] == "running" and unit.status() == "running"
    assert "c2" not in unit.call("list").stdout


@pytest.mark.parametrize("path, words", [
    ("/a/b", ["expected cgroupsPath to be of format", "slice:prefix:name"]), ("a.slice:b", ["slice:prefix:name"]), ("a:b:c", ["invalid slice name: a"]),
    ("a--b.slice:b:c", ["invalid slice name"]), ("-a.slice:b:c", ["invalid slice name"]), ("a/b.slice:b:c", ["invalid slice name"]), ("system.slice:a b:c", ["no name of a unit"])])
def test_paths_that_are_none(unit, path, words):
    write_config(unit.bundle, lambda c: c["linux"].update(cgroupsPath=path))
    bad(unit.call("run", "-b", unit.bundle, "c1"), *words)


# ---- limits and properties ----

@pytest.mark.skipif(BOOTED and not cgroup_v2_only(), reason="the files of cgroup v2")
def test_limits(unit):
    start(unit, "sleep", "60000", change=limits(memory={"limit": 64 * M, "swap": 96 * M, "reservation": 32 * M}, cpu={"shares": 512, "quota": 25000, "period": 50000, "cpus": "0"},
                                                pids={"limit": 20}, unified={"memory.high": str(48 * M), "memory.oom.group": "1"}))
    s = show("MemoryMax", "MemoryLow", "MemorySwapMax", "MemoryHigh", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "CPUWeight", "AllowedCPUs")
    weight = group().joinpath("cpu.weight").read_text().strip()
    assert s == {"MemoryMax": str(64 * M), "MemoryLow": str(32 * M), "MemorySwapMax": str(32 * M), "MemoryHigh": str(48 * M), "TasksMax": "20", "CPUQuotaPerSecUSec": "500ms",
                 "CPUQuotaPeriodUSec": "50ms", "CPUWeight": weight, "AllowedCPUs": "0"}, s
    files = {f: group().joinpath(f).read_text().strip() for f in ("memory.max", "memory.low", "memory.high", "pids.max", "cpu.max", "cpuset.cpus", "memory.oom.group")}
    want = {"memory.max": str(64 * M), "memory.low": str(32 * M), "memory.high": str(48 * M), "pids.max": "20", "cpu.max": "25000 50000", "cpuset.cpus": "0", "memory.oom.group": "1"}
    assert files == want
    good(unit.call("update", "--memory", "128m", "--memory-swap", "-1", "--pids-limit", "-1", "--cpu-quota", "10000", "c1"))
    s = show("MemoryMax", "MemorySwapMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUWeight")
    assert s == {"MemoryMax": str(128 * M), "MemorySwapMax": "infinity", "TasksMax": "infinity", "CPUQuotaPerSecUSec": "200ms", "CPUWeight": weight}, s
    assert group().joinpath("cpu.max").read_text() == "10000 50000\n" and group().joinpath("memory.max").read_text() == f"{128 * M}\n"
    good(unit_reload())  # systemd writes what it has: the same
    assert group().joinpath("cpu.max").read_text() == "10000 50000\n" and group().joinpath("pids.max").read_text() == "max\n"
    assert unit.status() == "running"


@pytest.mark.skipif(not BOOTED or cgroup_v2_only(), reason="the files of cgroup v1" if BOOTED else "this host is not run by systemd; tests/vm has a machine that is")
def test_limits_of_v1(unit):
    """Systemd has what it knows of, and writes it again; the rest is ours."""
    def read(*files):
        return [group(controller=f.partition(".")[0]).joinpath(f).read_text().strip() for f in files]

    start(unit, "sleep", "60000", change=limits(memory={"limit": 64 * M, "reservation": 32 * M}, cpu={"shares": 512, "quota": 25000, "period": 50000, "cpus": "0", "mems": "0"}, pids={"limit": 20}))
    properties = ("MemoryLimit", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "CPUShares", "AllowedCPUs", "AllowedMemoryNodes")
    assert show(*properties) == {"MemoryLimit": str(64 * M), "TasksMax": "20", "CPUQuotaPerSecUSec": "500ms", "CPUQuotaPeriodUSec": "50ms", "CPUShares": "512", "AllowedCPUs": "0",
                                 "AllowedMemoryNodes": "0"}
    files = ("memory.limit_in_bytes", "memory.soft_limit_in_bytes", "cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "pids.max", "cpuset.cpus", "cpuset.mems")
    assert read(*files) == [str(64 * M), str(32 * M), "512", "25000", "50000", "20", "0", "0"]
    good(unit.call("update", "--memory", "128m", "--pids-limit", "-1", "--cpu-quota", "10000", "--cpu-share", "256", "c1"))
    assert show(*properties[:5]) == {"MemoryLimit": str(128 * M), "TasksMax": "infinity", "CPUQuotaPerSecUSec": "200ms", "CPUQuotaPeriodUSec": "50ms", "CPUShares": "256"}
    good(unit_reload())
    assert read(*files) == [str(128 * M), str(32 * M), "256", "10000", "50000", "max", "0", "0"]
    assert unit.status() == "running" and unit.exec(("say", "inside")).stdout == "inside\n"
    good(unit.call("delete", "--force", "c1"))
    assert not list(cgroup_mount("cpuset").rglob("test.slice")) and not list(cgroup_mount("freezer").rglob("test.slice"))  # of which systemd knows nothing


def unit_reload():
    return systemctl("daemon-reload")


def test_limits_are_there_before_the_command(unit):
    """One process is all that is allowed, and there is one."""
    start(unit, "spawn", "3", change=limits(pids={"limit": 1}))
    unit.wait_for("stopped")
    assert unit.text() == f"spawn=0 errno={errno.EAGAIN}\n"


def test_no_limit_of_processes(unit):
    """Without a word, systemd's own default holds."""
    start(unit, "sleep", "60000", change=limits(pids={"limit": -1}))
    assert show("TasksMax")["TasksMax"] == "infinity" and group().joinpath("pids.max").read_text() == "max\n"


def test_properties_of_annotations(unit):
    def annotated(c):
        c["annotations"] = {"org.systemd.property.TimeoutStopSec": "uint16 7", "org.systemd.property.CollectMode": "'inactive'", "org.systemd.property.RuntimeMaxSec": "1234.5",
                            "org.systemd.property.Documentation": "['man:one(1)', 'man:two(2)']", "org.systemd.property.TasksMax": "uint64 77", "other": "x"}

    start(unit, "sleep", "60000", change=annotated)
    s = show("TimeoutStopUSec", "CollectMode", "RuntimeMaxUSec", "Documentation", "TasksMax")
    assert s == {"TimeoutStopUSec": "7s", "CollectMode": "inactive", "RuntimeMaxUSec": "20min 34.500000s", "Documentation": '"man:one(1)" "man:two(2)"', "TasksMax": "77"}, s


@pytest.mark.parametrize("key, value, words", [
    ("TimeoutStopSec", "'5'", ["org.systemd.property.TimeoutStopSec='5'", "not a number"]), ("Description", "'no end", ["does not end"]), ("X", "1", ["no name of a property"]),
    ("NoSuchProperty", "1", ["NoSuchProperty", "Cannot set property"]), ("TasksMax", "'many'", ["have systemd start the unit", "Unexpected message contents"])])
def test_annotations_that_are_wrong(unit, key, value, words):
    write_config(unit.bundle, by_systemd(lambda c: c.update(annotations={f"org.systemd.property.{key}": value})))
    bad(unit.call("run", "-b", unit.bundle, "c1"), *words)
    assert not is_there()


@pytest.mark.root("devices are limited by root's programs")
@pytest.mark.parametrize("more", [[], [{"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}, {"allow": True, "type": "c", "major": 136, "access": "rwm"}]])
def test_devices(unit, more):
    start(unit, "sleep", "60000", change=limits(devices=[{"allow": False, "access": "rwm"}, *more]))
    s = show("DevicePolicy", "DeviceAllow")
    assert s["DevicePolicy"] == "strict" and ("/dev/char/10:229 rw" in s["DeviceAllow"]) == bool(more) and "/dev/char/1:3 rwm" in s["DeviceAllow"], s
    assert good(unit.exec(("open", "/dev/null", "rw"))).returncode == 0
    r = unit.exec("--user", "0:0", "--cap", "CAP_MKNOD", ("seq", "mknod", "/t/fuse", "10", "229", ",", "open", "/t/fuse", "rw"))
    assert r.stdout.startswith("mknod=0\nopen=") and ("errno=1\n" in r.stdout) == (not more), r  # EPERM


def test_out_of_memory(unit):
    """The whole group goes, as memory.oom.group says, and callers are told."""
    if not cgroup_v2_only():
        pytest.skip("a file of cgroup v2")
    good(unit.create("alloc", "200", change=by_systemd(limits(memory={"limit": 32 * M, "swap": 32 * M}, unified={"memory.oom.group": "1"}))))
    with subprocess.Popen(unit.argv("events", "--interval", "1h", "c1"), stdout=subprocess.PIPE, text=True) as p:
        time.sleep(0.5 * PATIENCE)
        good(unit.call("start", "c1"))
        assert p.stdout.readline() == '{"type":"oom","id":"c1"}\n'
        assert p.wait(20 * PATIENCE) == 0


# ---- trouble ----

def test_a_start_that_fails(unit):
    write_config(unit.bundle, by_systemd(lambda c: c["process"].update(args=["/no/such"])))
    bad(unit.call("run", "-b", unit.bundle, "c1"), "/no/such")
    assert not is_there() and unit.call("list", "-q").stdout == ""


@pytest.mark.full
def test_killed_at_any_moment(unit):
    """Whenever the runtime dies, delete leaves neither unit nor group; mostly there is none even before."""
    write_config(unit.bundle, by_systemd(lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"])))
    begin = time.monotonic()
    subprocess.run(unit.argv("run", "-d", "-b", unit.bundle, "c1"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=60)
    whole = time.monotonic() - begin
    good(unit.call("delete", "-f", "c1"))
    for i in range(24):
        p = subprocess.Popen(unit.argv("run", "-d", "-b", unit.bundle, "c1"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * i / 20)
        p.send_signal(signal.SIGKILL)
        p.wait(20)
        r = unit.call("delete", "-f", "c1")
        assert r.returncode == 0, (i, r)
        wait_until(lambda: not is_there(), 10)
        assert not list(Path("/sys/fs/cgroup").rglob(UNIT)) and unit.call("list", "-q").stdout == "", i


@pytest.mark.parametrize("name", ["record.json", "oci.json"])
def test_damaged_files(unit, name):
    """The unit is found by what config.json says."""
    start(unit, "sleep", "60000")
    (unit.state_dir / "containers/c1" / name).write_text("{")
    assert unit.call("delete", "-f", "c1").returncode == 0
    assert not is_there()


def test_the_unit_is_stopped_by_others(unit):
    start(unit, "sleep", "60000")
    assert systemctl("kill", "--signal=KILL", UNIT).returncode == 0
    unit.wait_for("stopped")
    wait_until(lambda: not is_there(), 10)
    good(unit.call("delete", "c1"))
