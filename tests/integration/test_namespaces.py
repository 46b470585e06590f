"""Which namespaces are new, and what is visible in them."""
import os
import subprocess
from pathlib import Path

import pytest

from harness import HEX64, chown, wait_until

ALL = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


def host_ns():
    return {n: os.readlink(f"/proc/self/ns/{n}") for n in ALL}


def inside(md, opts=""):
    v = md.run(opts, "probe show ns").ok().values
    return {n: v[f"ns.{n}"] for n in ALL}


def test_new_by_default_but_for_user_and_time(md):
    host, ns = host_ns(), inside(md)
    for n in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
        assert ns[n] != host[n], n
    assert (ns["user"] == host["user"]) == (os.geteuid() == 0) and ns["time"] == host["time"]


@pytest.mark.parametrize("option, ns", [("--network", "net"), ("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts")])
def test_host_s_own_when_asked(md, option, ns):
    host, got = host_ns(), inside(md, f"{option} host")
    for n in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
        assert (got[n] == host[n]) == (n == ns), n


def test_two_containers_share_nothing(md):
    r = md.start("", "probe seq show ns , sleep 20000")
    a = dict(x.split("=") for x in r.read_until("ns.uts="))
    b = inside(md)
    for n in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
        assert a[f"ns.{n}"] != b[n], n
    r.signal(9)
    r.wait()
    md.sweep()


def test_pid_1_alone(md):
    v = md.run("", "probe seq show ids , ls /proc").ok().values
    assert v["ids.pid"] == "1" and v["ids.ppid"] == "0"
    assert [k for k in v if k[3:].isdigit() and k.startswith("ls.")] == ["ls.1"]


def test_pid_host_sees_the_host(md):
    v = md.run("--pid host", "probe seq show ids , ls /proc").ok().values
    assert f"ls.{os.getpid()}" in v and v["ids.pid"] != "1"


def test_network_none_has_a_working_loopback_and_nothing_else(md):
    v = md.run("", "probe show net").ok().values
    assert "net.eth0" not in v and v["net.lo"] == "up"
    assert [k for k, x in v.items() if x == "up"] == ["net.lo"]


def test_network_host_is_the_host_s(md):
    v = md.run("--network host", "probe show net").ok().values
    assert {k[4:] for k in v if k.startswith("net.")} == set(os.listdir("/sys/class/net")) - {"bonding_masters"}


def test_network_namespace_of_the_host_is_unchanged(md):
    before = subprocess.run(["ip", "-o", "addr"], capture_output=True).stdout if os.path.exists("/sbin/ip") else sorted(os.listdir("/sys/class/net"))
    md.run("", "probe exit 0").ok()
    after = subprocess.run(["ip", "-o", "addr"], capture_output=True).stdout if os.path.exists("/sbin/ip") else sorted(os.listdir("/sys/class/net"))
    assert before == after


def test_ping_without_privilege(md):
    v = md.run("", "probe seq cat /proc/sys/net/ipv4/ping_group_range , as 1000 1000 socket 2 2 1").ok()
    assert v.values["socket"] == "0", v


def test_low_ports_without_privilege(md):
    assert md.run("", "probe cat /proc/sys/net/ipv4/ip_unprivileged_port_start").ok().out.strip() == "0"


def test_host_network_keeps_its_parameters(md):
    path = "/proc/sys/net/ipv4/ping_group_range"
    before = open(path).read()
    md.run("--network host", "probe exit 0").ok()
    assert open(path).read() == before


def test_uts_host_keeps_the_name(md):
    assert md.run("--uts host", "probe show host").ok().values["host.name"] == os.uname().nodename
    r = md.run("--uts host --hostname x", "probe show host")
    assert r.code == 125 and "hostname" in r.err
    assert os.uname().nodename != "x"


@pytest.mark.userns
@pytest.mark.root("ids of the host are mapped")
def test_identity_map_of_the_original_job(md):
    host = host_ns()
    r = md.run("--uidmap 0:0:1 --gidmap 0:0:1", "probe show ids ns caps").ok()
    v = r.values
    assert v["ns.user"] != host["user"]
    assert v["ids.uid_map"].split() == ["0", "0", "1"] and v["ids.gid_map"].split() == ["0", "0", "1"]
    assert v["ids.uid"] == "0,0,0" and v["ids.gid"] == "0,0,0"


@pytest.mark.userns
@pytest.mark.root("ids of the host are mapped")
def test_uidmap_alone_maps_groups_alike(md):
    v = md.run("--uidmap 0:0:1", "probe show ids ns").ok().values
    assert v["ids.uid_map"].split() == ["0", "0", "1"] and v["ids.gid_map"].split() == ["0", "0", "1"]


@pytest.mark.userns
def test_a_shifted_map(md, rootfs):
    for d, dirs, files in os.walk(rootfs):
        for n in [".", *dirs]:
            chown(os.path.join(d, n), 200000, 200000)
    v = md.run("--uidmap 0:200000:65536 --gidmap 0:200000:65536 -u 5:6", "probe show ids groups").ok().values
    assert v["ids.uid"] == "5,5,5" and v["ids.gid"] == "6,6,6"
    r = md.start("--uidmap 0:200000:65536 --gidmap 0:200000:65536 -u 5:6", "probe seq say go , sleep 20000")
    r.line()
    status = dict(x.split(":\t", 1) for x in open(f"/proc/{r.init_pid()}/status").read().splitlines() if ":\t" in x)
    assert status["Uid"].split() == ["200005"] * 4 and status["Gid"].split() == ["200006"] * 4
    r.signal(9)
    r.wait()
    md.sweep()


@pytest.mark.userns
def test_user_namespace_root_has_nothing_outside(md, scratch):
    (scratch / "secret").write_text("x")
    os.chmod(scratch / "secret", 0o600)
    chown(scratch / "secret", 4242, 4242)
    v = md.run(["--uidmap", "0:0:1", "--gidmap", "0:0:1", "-v", f"{scratch}:/s"], "probe open /s/secret").ok().values
    assert v["open"] == "-1 errno=13"
    assert md.run(["-v", f"{scratch}:/s"], "probe open /s/secret").ok().values["open"] == "0"


def test_cgroup_namespace_shows_itself_as_root(md):
    lines = md.run("", "probe cat /proc/self/cgroup").ok().out.splitlines()
    assert lines and all(line.split(":", 2)[2] == "/" for line in lines), lines


def test_ids_are_full_and_new_each_time(md):
    seen = set()
    for _ in range(3):
        r = md.start("", "probe seq say up , sleep 20000")
        r.line()
        assert HEX64.match(r.id)
        seen.add(r.id)
        r.signal(9)
        r.wait()
        md.sweep()
        wait_until(lambda: not md.ids())
    assert len(seen) == 3


def test_kernel_parameters_of_its_own_network_with_the_host_s_processes(md, rootfs):
    """uidmap: in a user namespace that shares the host's pid namespace nobody may make a procfs; the host's shows the network of who looks."""
    name = "net/ipv4/ip_unprivileged_port_start"
    before = Path("/proc/sys", name).read_text()
    own = "--uidmap 0:0:65536" if os.geteuid() == 0 else ""  # others have one anyway
    r = md.run(f"--pid host {own} --sysctl net.ipv4.ip_unprivileged_port_start=77", f"probe cat /proc/sys/{name}").ok()
    assert r.out.strip() == "77" != before.strip()
    assert Path("/proc/sys", name).read_text() == before
