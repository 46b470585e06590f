"""config-linux.md, "Network Devices": all of it in a network namespace of the test's own, which stands for the host's."""
import json
import os
import re
import shutil
import subprocess

import pytest

from bundles import RUNTIME, bad, bundle, good, life, write_config  # noqa: F401: some are fixtures
from test_spec_config import put, refused

pytestmark = [pytest.mark.root("network devices of the host"), pytest.mark.skipif(not shutil.which("ip"), reason="ip(8) is not installed")]


class Host:
    """A network namespace with a pair of devices, mine and other; runtimes that are started in it take it for the host's."""

    def __init__(self, life):
        self.life = life
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE, text=True)
        self.holder.stdout.readline()
        self("ip", "link", "add", "mine", "address", "02:00:00:00:00:07", "mtu", "1400", "type", "veth", "peer", "name", "other")
        self("ip", "link", "set", "other", "up")

    def __call__(self, *argv, check=True):
        r = subprocess.run([*map(str, ["nsenter", "-t", self.holder.pid, "-n", *argv])], capture_output=True, text=True, timeout=30)
        assert not check or r.returncode == 0, r
        return r

    def create(self, devices, *more, words=("sleep", "60000")):
        def change(c):
            c["linux"]["namespaces"].append({"type": "network"})
            c["linux"]["netDevices"] = devices
            c["process"]["args"] = ["/bin/probe", *words]
            for m in more:
                m(c)

        write_config(self.life.bundle, change)
        with open(self.life.bundle / "said", "w+", encoding="utf-8") as said:
            r = subprocess.run([*map(str, ["nsenter", "-t", self.holder.pid, "-n", RUNTIME, "--root", self.life.state_dir, "create", "-b", self.life.bundle, "c1"])],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, text=True, timeout=30)
            said.seek(0)
            r.stderr = said.read()
        return r

    def inside(self, *argv):
        return subprocess.run([*map(str, ["nsenter", "-t", self.life.state()["pid"], "-n", *argv])], capture_output=True, text=True, timeout=30).stdout

    def links(self, inside=False):
        text = self.inside("ip", "-j", "link") if inside else self("ip", "-j", "link").stdout
        return {x["ifname"]: x for x in json.loads(text)}


@pytest.fixture
def host(life):
    h = Host(life)
    yield h
    life.call("delete", "--force", "c1")
    h.holder.kill()
    h.holder.wait()


@pytest.mark.parametrize("given, name", [({}, "mine"), ({"name": "renamed"}, "renamed")])
def test_network_devices_are_moved_and_up(host, given, name):
    """Under their own name, or another; with their address and size."""
    good(host.create({"mine": given}))
    there = host.links(inside=True)
    assert "mine" not in host.links() and set(there) == {"lo", name}
    assert "UP" in there[name]["flags"] and there[name]["address"] == "02:00:00:00:00:07" and there[name]["mtu"] == 1400


def test_network_devices_keep_their_addresses(host):
    """Those of global scope that are there to stay, of both families."""
    host("ip", "address", "add", "10.9.8.7/24", "dev", "mine")
    host("ip", "-6", "address", "add", "fd00::7/64", "dev", "mine", "nodad")
    host("ip", "address", "add", "10.1.1.1/32", "dev", "mine", "scope", "link")
    host("ip", "-6", "address", "add", "fd00::9/64", "dev", "mine", "nodad", "valid_lft", "1000", "preferred_lft", "1000")
    good(host.create({"mine": {"name": "eth7"}}))
    found = {f"{a['local']}/{a['prefixlen']}" for x in json.loads(host.inside("ip", "-j", "address", "show", "dev", "eth7")) for a in x["addr_info"] if a["scope"] == "global"}
    assert found == {"10.9.8.7/24", "fd00::7/64"}
    assert "10.1.1.1" not in host.inside("ip", "address")


@pytest.mark.parametrize("devices", [{"absent": {}}, {"lo": {}}])
def test_network_devices_that_cannot_be_moved(host, devices):
    bad(host.create(devices), next(iter(devices)))
    assert "mine" in host.links() and "does not exist" in host.life.state()


def test_network_devices_with_a_name_that_is_taken(host):
    """In the container's namespace: by loopback, or by another of them. What was moved is back on the host, or never left."""
    bad(host.create({"mine": {"name": "lo"}}), "lo")
    assert "mine" in host.links()
    bad(host.create({"mine": {"name": "same"}, "other": {"name": "same"}}), "same")
    assert {"mine", "other"} <= set(host.links())


def test_network_devices_with_a_template(host):
    """The kernel makes the name, also where the first number is taken."""
    good(host.create({"mine": {"name": "eth%d"}, "other": {"name": "eth%d"}}))
    assert set(host.links(inside=True)) == {"lo", "eth0", "eth1"}


def test_network_devices_are_left_alone_afterwards(host):
    """What is done to them inside stays; at the end they go with their namespace, and nobody moves them out before."""
    good(host.create({"mine": {}}))
    host.inside("ip", "link", "set", "mine", "down")
    good(host.life.call("start", "c1"))
    assert "UP" not in host.links(inside=True)["mine"]["flags"]
    pid = host.life.state()["pid"]
    keep = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        good(host.life.call("delete", "--force", "c1"))
        left = subprocess.run(["nsenter", f"--net=/proc/self/fd/{keep}", "ip", "-j", "link"], capture_output=True, text=True, pass_fds=[keep], timeout=30).stdout
        assert "mine" in {x["ifname"] for x in json.loads(left)} and "mine" not in host.links()
    finally:
        os.close(keep)


def test_network_devices_need_a_network_namespace(bundle):
    """The runtime's own is the host's: there is nowhere to move them to."""
    refused(bundle, put("linux.netDevices", {"lo": {}}), "netDevices")


@pytest.mark.parametrize("name", ["a/b", "sixteen-letters-", "..", "a b", "a:b"])
def test_network_devices_names_that_are_none(host, name):
    bad(host.create({"mine": {"name": name}}), "netDevices")
    assert re.search("mine", " ".join(host.links()))
