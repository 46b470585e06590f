"""linux.intelRdt: config-linux.md "IntelRdt". On a fake: a tree of files, and the runtime linked with what gives new groups theirs (tests/fake);
what a kernel makes of the values is not tried."""
import json
import os
import subprocess

import pytest

from bundles import RUNTIME, Lifecycle, bad, bundle, good, write_config  # noqa: F401: some are fixtures
from harness import wait_until

FAKE = RUNTIME.parents[1] / "tests/fake/bin/mydocker-runtime"
pytestmark = [pytest.mark.root("the files are root's"), pytest.mark.skipif(not FAKE.exists(), reason="the fake runtime is not built (tests/fake)")]


class Rdt(Lifecycle):
    """A container of the fake runtime. Each file of the tree has what was written, one after the other."""

    def __init__(self, where):
        super().__init__(where)
        self.top = where / "resctrl"
        self.env = dict(os.environ, FAKE_RESCTRL=str(self.top), FAKE_MOUNTINFO=str(where / "mountinfo"))
        for name, text in {
            "tasks": "", "schemata": "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n", "info/last_cmd_status": "mask does not fit\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n",
            "info/L3/num_closids": "16\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n", "info/MB/min_bandwidth": "10\n", "info/MB/num_closids": "8\n",
            "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\n",
        }.items():
            self.write(name, text)
        (self.top / "mon_groups").mkdir()
        own = open("/proc/self/mountinfo", encoding="utf-8").read()
        (where / "mountinfo").write_text(own + f"999 20 0:99 / {self.top} rw,relatime - resctrl resctrl rw\n")

    def write(self, name, text):
        (self.top / name).parent.mkdir(parents=True, exist_ok=True)
        (self.top / name).write_text(text)

    def argv(self, *args):
        return ["env", f"FAKE_RESCTRL={self.env['FAKE_RESCTRL']}", f"FAKE_MOUNTINFO={self.env['FAKE_MOUNTINFO']}", *self.more, FAKE, "--root", self.state_dir, *args]

    more = ()

    def call(self, *args, **kw):
        return subprocess.run([*map(str, self.argv(*args))], capture_output=True, text=True, timeout=30, **kw)

    def make(self, **rdt):
        return self.create("sleep", "100000", change=lambda c: c["linux"].update(intelRdt=rdt))

    def read(self, name):
        return (self.top / name).read_text()

    def pid(self):
        return str(self.state()["pid"])

    def groups(self):
        return {p.name for p in self.top.iterdir() if (p / "tasks").exists()}


@pytest.fixture
def rdt(bundle):  # noqa: F811
    one = Rdt(bundle)
    yield one
    assert one.call("delete", "--force", "c1").returncode == 0


def test_a_group_of_its_own(rdt):
    good(rdt.make(l3CacheSchema="L3:0=7f0;1=1f", memBwSchema="MB:0=20;1=70", schemata=["L2:0=ff"]))
    assert rdt.read("c1/schemata") == "L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=ff\n" and rdt.read("c1/tasks") == rdt.pid()
    good(rdt.call("start", "c1"))
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == set()


def test_an_empty_one_still_has_a_group(rdt):
    good(rdt.make())
    assert rdt.read("c1/schemata") == "" and rdt.read("c1/tasks") == rdt.pid()


def test_one_of_that_name_is_used_and_stays(rdt):
    for name in ("tasks", "schemata"):
        rdt.write(f"c1/{name}", "")
    good(rdt.make(memBwSchema="MB:0=20"))
    assert rdt.read("c1/schemata") == "MB:0=20\n"
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == {"c1"}


def test_a_named_one_that_is_prepared(rdt):
    bad(rdt.make(closID="gold"), "linux.intelRdt: closID: clos dir not accessible")
    assert rdt.groups() == set()
    for name in ("tasks", "schemata"):
        rdt.write(f"gold/{name}", "")
    good(rdt.make(closID="gold"))
    assert rdt.read("gold/tasks") == rdt.pid() and rdt.read("gold/schemata") == ""
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == {"gold"}


def test_a_named_one_that_is_made_stays(rdt):
    good(rdt.make(closID="gold", schemata=["MB:0=20"]))
    assert rdt.read("gold/schemata") == "MB:0=20\n"
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == {"gold"}


@pytest.mark.parametrize("want, same", [("L3:0=00ff;1=0F", True), ("L3:1=f", True), ("L3:0=ff;2=f", False), ("L3:0=fe", False), ("L3CODE:0=ff", False)])
def test_a_named_one_that_is_there_is_compared(rdt, want, same):
    rdt.write("gold/tasks", "")
    rdt.write("gold/schemata", "    MB:0= 20;1=100\n    L3:0=0ff;1=00f\n")
    r = rdt.make(closID="gold", l3CacheSchema=want, memBwSchema="MB:0=20")
    if same:
        good(r)
    else:
        bad(r, "linux.intelRdt: the group", "exists, and has other values than", want)
    assert rdt.read("gold/schemata").count("L3") == 1


def test_the_root(rdt):
    good(rdt.make(closID="/"))
    assert rdt.read("tasks") == rdt.pid() and rdt.groups() == set()
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.read("schemata")


def test_monitoring(rdt):
    good(rdt.make(closID="gold", schemata=["MB:0=20"], enableMonitoring=True))
    assert rdt.read("gold/mon_groups/c1/tasks") == rdt.pid() == rdt.read("gold/tasks")
    rdt.write("gold/mon_groups/c1/mon_data/mon_L3_01/llc_occupancy", "7\n")
    rdt.write("gold/mon_groups/c1/mon_data/mon_L3_00/llc_occupancy", "5\n")
    rdt.write("gold/mon_groups/c1/mon_data/mon_L3_00/mbm_total_bytes", "900\n")
    data = json.loads(rdt.call("events", "--stats", "c1").stdout)["data"]["intel_rdt"]
    assert data["cmt_stats"] == [{"llc_occupancy": 5}, {"llc_occupancy": 7}] and data["mbm_stats"][0] == {"mbm_total_bytes": 900}
    assert data["l3_cache_info"] == {"cbm_mask": "7ff", "min_cbm_bits": 1, "num_closids": 16}
    assert data["mem_bw_info"] == {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 8}
    assert data["mem_bw_schema"] == "MB:0=20" and data["mem_bw_schema_root"] == "MB:0=100;1=100" and data["l3_cache_schema_root"] == "L3:0=7ff;1=7ff"
    subprocess.run(["rm", "-r", rdt.top / "gold/mon_groups/c1/mon_data"], check=True)
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == {"gold"} and not list((rdt.top / "gold/mon_groups").iterdir())


def test_a_command_beside_it_is_in_it(rdt):
    good(rdt.make(memBwSchema="MB:0=20", enableMonitoring=True))
    first = rdt.pid()
    good(rdt.call("start", "c1"))
    argv = rdt.argv("exec", "--detach", "--pid-file", rdt.bundle / "pid", "c1", "/bin/probe", "sleep", "100000")
    subprocess.run([*map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=True)
    second = (rdt.bundle / "pid").read_text()
    assert rdt.read("c1/tasks") == first + second == rdt.read("c1/mon_groups/c1/tasks")
    subprocess.run(["rm", "-r", rdt.top / "c1"], check=True)
    r = rdt.call("exec", "c1", "/bin/probe", "exit", "0")
    assert r.returncode == 0 and "is not in the container's group" in r.stderr, r


def test_update(rdt):
    good(rdt.make(memBwSchema="MB:0=20"))
    good(rdt.call("update", "--l3-cache-schema", "L3:0=f", "--mem-bw-schema", "MB:0=30", "c1"))
    assert rdt.read("c1/schemata") == "MB:0=20\nL3:0=f\nMB:0=30\n"
    assert "must be one line" in rdt.call("update", "--mem-bw-schema", "L3:0=1", "c1").stderr


def test_update_makes_a_group(rdt):
    good(rdt.create("sleep", "100000"))
    good(rdt.call("update", "--mem-bw-schema", "MB:0=30", "c1"))
    assert rdt.read("c1/schemata") == "MB:0=30\n" and rdt.read("c1/tasks") == rdt.pid()
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == set()


def test_what_the_kernel_refuses(rdt):
    rdt.more = ("FAKE_REFUSE=1",)
    bad(rdt.make(l3CacheSchema="L3:0=fffff"), "linux.intelRdt: set the schemata of the group", "(mask does not fit)")
    assert rdt.groups() == set()
    bad(rdt.make(closID="gold", l3CacheSchema="L3:0=fffff"), "(mask does not fit)")
    assert rdt.groups() == set()


def test_a_failed_start_leaves_nothing(rdt):
    r = rdt.create("x", change=lambda c: (c["linux"].update(intelRdt={"enableMonitoring": True}), c["mounts"].append({"destination": "/x", "type": "nosuchfs"})))
    bad(r, "nosuchfs")
    assert rdt.groups() == set()


def test_run_takes_it_away(rdt):
    write_config(rdt.bundle, lambda c: c["linux"].update(intelRdt={"enableMonitoring": True, "memBwSchema": "MB:0=20"}))
    good(rdt.call("run", "-b", rdt.bundle, "c1"))
    assert rdt.groups() == set()


def test_after_a_crash_delete_finds_it(rdt):
    write_config(rdt.bundle, lambda c: (c["linux"].update(intelRdt={}), c["process"].update(args=["/bin/probe", "sleep", "100000"])))
    p = subprocess.Popen([*map(str, rdt.argv("run", "-b", rdt.bundle, "c1"))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: rdt.groups() == {"c1"} and isinstance(rdt.state(), dict) and rdt.status() == "running")
    p.kill()
    p.wait()
    good(rdt.call("delete", "--force", "c1"))
    assert rdt.groups() == set()


@pytest.mark.parametrize("value, words", [
    ({"closID": ".."}, "closID must be the name of a group"), ({"closID": "a/b"}, "closID must be the name of a group"), ({"closID": "info"}, "closID must be the name of a group"),
    ({"memBwSchema": "L3:0=1"}, "memBwSchema must be one line that begins with MB:"), ({"memBwSchema": "MB:0=1\nL3:0=1"}, "memBwSchema must be one line"),
    ({"schemata": ["L3:0=1\n"]}, "schemata must hold single lines"), ({"enableMonitoring": 1}, "enableMonitoring must be"),
])
def test_refused(rdt, value, words):
    bad(rdt.make(**value), "linux.intelRdt." + words)
    assert rdt.groups() == set()


@pytest.mark.parametrize("missing, value, words", [
    ("info/L3", {"l3CacheSchema": "L3:0=1"}, "Intel RDT/CAT is not enabled"), ("info/MB", {"memBwSchema": "MB:0=10"}, "Intel RDT/MBA is not enabled"),
    ("info/L3_MON", {"enableMonitoring": True}, "monitoring is not enabled"),
])
def test_what_the_processor_has_not(rdt, missing, value, words):
    subprocess.run(["rm", "-r", rdt.top / missing], check=True)
    bad(rdt.make(**value), words)
    option = {"l3CacheSchema": "--l3-cache-schema", "memBwSchema": "--mem-bw-schema"}.get(next(iter(value)))
    if option:
        good(rdt.create("sleep", "100000"))
        bad(rdt.call("update", option, next(iter(value.values())), "c1"), "Intel RDT/")


def test_where_nothing_is_mounted(rdt):
    (rdt.bundle / "mountinfo").write_text(open("/proc/self/mountinfo", encoding="utf-8").read())
    bad(rdt.make(), "linux.intelRdt: Intel RDT resctrl mount point not found")


def test_told_by_explain(rdt):
    write_config(rdt.bundle, lambda c: c["linux"].update(intelRdt={"memBwSchema": "MB:0=20", "enableMonitoring": True}))
    text = rdt.call("explain", "-b", rdt.bundle, "c1").stdout
    assert f'mkdir("{rdt.top}/c1")' in text and f'mkdir("{rdt.top}/c1/mon_groups/c1")' in text and "MB:0=20" in text
    assert rdt.groups() == set()
