"""mydocker-runtime events: what a container uses, and when it is out of memory."""
import json
import subprocess

import pytest

from bundles import GROUPS, bad, bundle, good, life  # noqa: F401: some are fixtures
from harness import cgroup_mount, cgroup_mounts, wait_until

pytestmark = pytest.mark.root("control groups of the host")


@pytest.fixture
def busy(life):  # noqa: F811
    life.start("seq", "spin", "300", ",", "say", "spun", ",", "alloc", "20", "60000", change=lambda c: c["linux"].update(resources={"memory": {"limit": 64 << 20}, "pids": {"limit": 9}}))
    wait_until(lambda: "spun" in life.text())
    return life


def stats(line):
    e = json.loads(line)
    assert e["type"] == "stats" and e["id"] == "c1"
    return e["data"]


def test_once(busy):
    wait_until(lambda: stats(good(busy.call("events", "--stats", "c1")).stdout)["memory"]["usage"]["usage"] > 20 << 20)
    s = stats(good(busy.call("events", "--stats", "c1")).stdout)
    assert 0.2e9 < s["cpu"]["usage"]["total"] < 5e9 and s["cpu"]["usage"]["user"] > 0
    assert s["memory"]["usage"]["limit"] == 64 << 20 and s["memory"]["usage"]["max"] >= s["memory"]["usage"]["usage"] and s["memory"]["raw"]
    assert s["pids"] == {"current": 1, "limit": 9}
    assert set(s) == {"cpu", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"}


def test_what_it_waited_for(busy):
    """cgroup v2 alone measures it: cgroup-v2.rst, "Pressure". The same numbers as the group's file has, which only grow."""
    def total(file, kind):
        return next(int(line.split("total=")[1]) for line in file.read_text().splitlines() if line.startswith(kind))

    v2 = [p / GROUPS / "c1" for p, kind, _ in cgroup_mounts() if kind == "cgroup2"]
    if not v2 or not (v2[0] / "cpu.pressure").exists():
        pytest.skip("no pressure is measured in groups here")
    files = {"cpu": v2[0] / "cpu.pressure", "memory": v2[0] / "memory.pressure", "blkio": v2[0] / "io.pressure"}
    before = {(key, kind): total(file, kind) for key, file in files.items() for kind in ("some", "full")}
    s = stats(good(busy.call("events", "--stats", "c1")).stdout)
    for (key, kind), least in before.items():
        psi = s[key]["psi"][kind]
        assert set(psi) == {"avg10", "avg60", "avg300", "total"} and least <= psi["total"] <= total(files[key], kind), (key, kind, psi)
        assert all(isinstance(psi[x], float) and 0 <= psi[x] <= 100 for x in ("avg10", "avg60", "avg300")), psi
    assert s["cpu"]["psi"]["some"]["total"] > 0


def test_again_and_again(busy):
    with subprocess.Popen(busy.argv("events", "--interval", "100ms", "c1"), stdout=subprocess.PIPE, text=True) as p:
        for _ in range(3):
            stats(p.stdout.readline())
        good(busy.call("kill", "c1", "KILL"))
        assert p.wait(20) == 0  # with the container


def test_out_of_memory(life):  # noqa: F811
    """Callers look for that very line."""
    if cgroup_mount("memory") is None:
        pytest.skip("this host has no memory controller")
    good(life.create("alloc", "200", change=lambda c: c["linux"].update(resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}})))
    with subprocess.Popen(life.argv("events", "--interval", "1h", "c1"), stdout=subprocess.PIPE, text=True) as p:
        wait_until(lambda: open(f"/proc/{p.pid}/wchan", encoding="utf-8").read() != "" or p.poll() is not None)
        good(life.call("start", "c1"))
        assert p.stdout.readline() == '{"type":"oom","id":"c1"}\n'
        assert p.wait(20) == 0


def test_what_is_wrong(life):  # noqa: F811
    life.start("exit", "0")
    life.wait_for("stopped")
    bad(life.call("events", "--stats", "c1"), "container with id c1 is not running")
    bad(life.call("events", "--interval", "0s", "c1"), "greater than 0")
    for text in ("x", "5", "-1s", "1.s.", ""):
        bad(life.call("events", f"--interval={text}", "c1"), "--interval")
    bad(life.call("events", "c2"), "container c2 does not exist")
