"""linux.netDevices: config-linux.md "Network Devices". The devices are in a network namespace that the test makes, which is the runtime's."""
import json
import os
import shutil
import subprocess

import pytest

from bundles import bundle, write_config, RUNTIME  # noqa: F401: some are fixtures

pytestmark = [pytest.mark.root("moves network devices"), pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)")]


class Host:
    """A network namespace, in which the runtime is to be."""

    def __init__(self, bundle):  # noqa: F811
        self.bundle = bundle
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE)
        self.holder.stdout.readline()

    def call(self, *argv, pid=None):
        return subprocess.run(["nsenter", "-n", "-t", str(pid or self.holder.pid), *map(str, argv)], capture_output=True, text=True, timeout=30)

    def ip(self, words, pid=None):
        r = self.call("ip", *words.split(), pid=pid)
        assert r.returncode == 0, r
        return r.stdout

    def links(self, pid=None):
        return {x["ifname"]: x for x in json.loads(self.ip("-j addr", pid))}

    def runtime(self, *args):
        return self.call(RUNTIME, "--root", self.bundle / "state", *args)

    def create(self, devices, *, own=True, path=None, change=lambda c: None):
        def all_changes(c):
            c["process"]["args"] = ["/bin/probe", "sleep", "100000"]
            c["linux"]["netDevices"] = devices
            if own:
                c["linux"]["namespaces"].append({"type": "network"} | ({"path": path} if path else {}))
            change(c)

        write_config(self.bundle, all_changes)
        err = self.bundle / "complaints"
        with open(err, "wb") as f:
            argv = ["nsenter", "-n", "-t", self.holder.pid, RUNTIME, "--root", self.bundle / "state", "create", "-b", self.bundle, "c1"]
            r = subprocess.run([*map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=f, timeout=60)
        return r.returncode, err.read_text()

    def pid(self):
        return json.loads(self.runtime("state", "c1").stdout)["pid"]


@pytest.fixture
def host(bundle):  # noqa: F811
    one = Host(bundle)
    r = one.call("ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1")
    if r.returncode != 0:
        one.holder.kill()
        pytest.skip("this kernel has no veth devices")
    yield one
    assert one.runtime("delete", "--force", "c1").returncode == 0
    one.holder.kill()
    one.holder.wait()


@pytest.fixture
def other():
    """Another network namespace, that the container may join."""
    p = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE)
    p.stdout.readline()
    yield p.pid
    p.kill()
    p.wait()


def addresses(link):
    return {f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["scope"] == "global"}


def test_moved_with_its_addresses_and_set_up(host):
    host.ip("link set a0 mtu 1400 address 02:00:00:00:00:07 up")
    host.ip("link set a1 up")
    host.ip("addr add 192.0.2.7/24 broadcast 192.0.2.255 dev a0")
    host.ip("addr add 192.0.2.8/32 dev a0")
    host.ip("addr add 2001:db8::7/64 nodad dev a0")
    host.ip("addr add 192.0.2.99/24 dev a0 valid_lft 1000 preferred_lft 1000")  # a lease: not for good
    host.ip("addr add 169.254.1.1/16 scope link dev a0")
    assert host.create({"a0": {}}) == (0, "")
    assert "a0" not in host.links()
    a0 = host.links(host.pid())["a0"]
    assert addresses(a0) == {"192.0.2.7/24", "192.0.2.8/32", "2001:db8::7/64"}
    assert a0["mtu"] == 1400 and a0["address"] == "02:00:00:00:00:07" and "UP" in a0["flags"]
    assert "169.254.1.1" not in str(a0) and [a["broadcast"] for a in a0["addr_info"] if a["local"] == "192.0.2.7"] == ["192.0.2.255"]


def test_another_name_and_a_joined_namespace(host, other):
    host.ip("addr add 192.0.2.7/24 dev a0")
    assert host.create({"a0": {"name": "inner"}}, path=f"/proc/{other}/ns/net") == (0, "")
    assert addresses(host.links(other)["inner"]) == {"192.0.2.7/24"} and "a0" not in host.links() | host.links(other)
    assert host.runtime("delete", "--force", "c1").returncode == 0
    assert "inner" in host.links(other)  # whose namespace it is decides what becomes of it


def test_numbers_are_found(host, other):
    host.ip("link add eth0 type veth peer name eth1", other)
    assert host.create({"a0": {"name": "eth%d"}, "a1": {"name": "eth%d"}}, path=f"/proc/{other}/ns/net") == (0, "")
    assert {"eth0", "eth1", "eth2", "eth3"} <= set(host.links(other)) and not {"a0", "a1"} & set(host.links())


def test_a_name_that_is_taken_is_an_error_before_anything_moves(host, other):
    host.ip("link add b0 type veth peer name b1", other)
    code, text = host.create({"a0": {"name": "b0"}}, path=f"/proc/{other}/ns/net")
    assert code == 1 and "linux.netDevices: network device 'a0': the container's network namespace has a device 'b0'" in text, text
    assert "a0" in host.links() and set(host.links(other)) >= {"b0", "b1"}
    code, text = host.create({"lo": {}}, path=f"/proc/{other}/ns/net")
    assert code == 1 and "linux.netDevices" in text and "'lo'" in text


def test_number_of_a_device_may_change(host, other):
    """The kernel gives another where that one is taken over there."""
    index = host.links()["a0"]["ifindex"]
    host.ip(f"link add x0 index {index} type veth peer name x1", other)
    host.ip("addr add 192.0.2.7/24 dev a0")
    assert host.create({"a0": {}}, path=f"/proc/{other}/ns/net") == (0, "")
    there = host.links(other)
    assert addresses(there["a0"]) == {"192.0.2.7/24"} and there["a0"]["ifindex"] != index and "UP" not in there["x0"]["flags"]


def test_in_a_user_namespace(host):
    def change(c):
        c["process"]["user"] = {"uid": 0, "gid": 0}
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {k: [{"containerID": 0, "hostID": 0, "size": 1000}] for k in ("uidMappings", "gidMappings")}

    host.ip("addr add 192.0.2.7/24 dev a0")
    assert host.create({"a0": {"name": "eth0"}}, change=change) == (0, "")
    assert addresses(host.links(host.pid())["eth0"]) == {"192.0.2.7/24"}


def test_hooks_find_them_in_their_place(host):
    def change(c):
        hook = {"path": "/bin/sh", "args": ["sh", "-c", f"ip -br link show a0 > {host.bundle}/seen 2>&1; pid=$(sed 's/.*pid\":\\([0-9]*\\).*/\\1/'); nsenter -n -t $pid ip -br link show a0 > {host.bundle}/inside"],
                "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
        c["hooks"] = {"createRuntime": [hook]}

    assert host.create({"a0": {}}, change=change) == (0, "")
    assert "does not exist" in (host.bundle / "seen").read_text() and (host.bundle / "inside").read_text().startswith("a0")


@pytest.mark.parametrize("devices, own, words", [
    ({"none0": {}}, True, ["network device 'none0'", "has none of that name"]),
    ({"a0": {}}, False, ["unable to move network devices without a NET namespace"]),
    ({"a/0": {}}, True, ["invalid network device name 'a/0'"]),
    ({"a0": {"name": ".."}}, True, ["invalid network device name '..'"]),
    ({"a0": {"name": "a%s"}}, True, ["invalid network device name 'a%s'"]),
    ({"a0": {"name": "%d%d"}}, True, ["invalid network device name"]),
    ({"a0": {"name": "x" * 16}}, True, ["invalid network device name"]),
    ({"a0": {"name": "x"}, "a1": {"name": "x"}}, True, ["second device that is to be 'x'"]),
])
def test_refused(host, devices, own, words):
    code, text = host.create(devices, own=own)
    assert code == 1 and "linux.netDevices" in text and all(w in text for w in words), text
    kept = host.bundle / "state/containers"
    assert {"a0", "a1"} <= set(host.links()) and not (kept.exists() and list(kept.iterdir()))


def test_not_into_the_runtime_s_own_namespace(host):
    code, text = host.create({"a0": {}}, path=f"/proc/{host.holder.pid}/ns/net")
    assert code == 1 and "linux.netDevices: the container's network namespace is the runtime's own" in text, text


def test_told_by_explain(host):
    assert host.create({"a0": {"name": "in0"}}) == (0, "")
    r = host.runtime("explain", "-b", host.bundle)
    assert r.returncode == 0 and 'RTM_NEWLINK a0 NET_NS_FD IFNAME "in0"' in r.stdout, r


def test_without_privilege(bundle, user_program):  # noqa: F811
    write_config(bundle, lambda c: c["linux"].update(netDevices={"a0": {}}, namespaces=c["linux"]["namespaces"] + [{"type": "network"}, {"type": "user"}],
                                                     uidMappings=[{"containerID": 0, "hostID": 1000, "size": 1}], gidMappings=[{"containerID": 0, "hostID": 1000, "size": 1}],
                                                     ) or c["process"].update(user={"uid": 0, "gid": 0}))
    for d in (bundle, bundle / "config.json"):
        os.chmod(d, 0o755)
    r = subprocess.run(["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", user_program.parent / "mydocker-runtime", "--root", "/tmp/none", "explain", "-b", bundle],
                       capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "/tmp"})
    if "Permission denied" in r.stderr:
        pytest.skip("the bundle is closed to others")
    assert r.returncode == 1 and "linux.netDevices: network devices are not supported for rootless containers" in r.stderr, r
