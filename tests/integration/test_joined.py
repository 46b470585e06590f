"""linux.namespaces with paths, and the time namespace: config-linux.md "Namespaces", "Offset for Time Namespace"."""
import os
import subprocess

import pytest

from bundles import bad, bundle, good, life, run  # noqa: F401: some are fixtures
from harness import give_tree, values, wait_until

pytestmark = pytest.mark.root("namespaces of others")


@pytest.fixture
def others():
    """A process in namespaces of its own."""
    p = subprocess.Popen(["unshare", "-n", "-i", "-u", "-p", "-C", "--fork", "--kill-child", "sh", "-c", "hostname theirs; echo $$; exec sleep 1000"], stdout=subprocess.PIPE, text=True)
    p.stdout.readline()
    children = open(f"/proc/{p.pid}/task/{p.pid}/children", encoding="utf-8").read().split()
    yield children[0]
    p.kill()
    p.wait()


def join(**paths):
    def change(c):
        c["linux"]["namespaces"] = [x for x in c["linux"]["namespaces"] if x["type"] not in paths] + [{"type": t, "path": p} for t, p in paths.items()]

    return change


def test_each_kind(bundle, others):  # noqa: F811
    names = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid", "cgroup": "cgroup"}

    def change(c):
        del c["hostname"]
        join(**{t: f"/proc/{others}/ns/{n}" for t, n in names.items()})(c)

    r = run(bundle, "show ns host", change=change)
    v = values(r.stdout)
    assert r.returncode == 0 and v["host.name"] == "theirs", r
    for n in names.values():
        assert v[f"ns.{n}"] == os.readlink(f"/proc/{others}/ns/{n}"), n
    assert v["ns.mnt"] != os.readlink("/proc/self/ns/mnt")


def test_one_alone_beside_new_ones(bundle, others):  # noqa: F811
    r = run(bundle, "show ns host", change=join(network=f"/proc/{others}/ns/net"))
    v = values(r.stdout)
    assert r.returncode == 0 and v["ns.net"] == os.readlink(f"/proc/{others}/ns/net") and v["host.name"] == "bundled", r
    assert v["ns.pid"] not in (os.readlink("/proc/self/ns/pid"), os.readlink(f"/proc/{others}/ns/pid"))


def test_beside_a_new_user_namespace(bundle, others):  # noqa: F811
    """It is joined with the caller's privilege, before that is given up."""
    def change(c):
        c["process"]["user"] = {"uid": 0, "gid": 0}
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {k: [{"containerID": 0, "hostID": 200000, "size": 1000}] for k in ("uidMappings", "gidMappings")}
        join(network=f"/proc/{others}/ns/net")(c)

    os.chmod(bundle, 0o755)
    os.chown(bundle / "root", 200000, 200000)
    for at in bundle.parents:
        if not os.stat(at).st_mode & 1:
            pytest.skip(f"{at} is closed to others")
    r = run(bundle, "show ns ids", change=change)
    v = values(r.stdout)
    assert r.returncode == 0 and v["ns.net"] == os.readlink(f"/proc/{others}/ns/net") and v["ids.uid"] == "0,0,0", r


def test_a_command_and_mounts_in_a_user_namespace_of_others(life):  # noqa: F811
    """Also when the path leads nowhere any more: whose namespace it was has ended."""
    give_tree(life.bundle / "root", 200000, 300000)
    p = subprocess.Popen(["unshare", "-U", "sleep", "1000"])
    try:
        wait_until(lambda: os.readlink(f"/proc/{p.pid}/ns/user") != os.readlink("/proc/self/ns/user"))
        for name, first in (("uid_map", 200000), ("gid_map", 300000)):
            with open(f"/proc/{p.pid}/{name}", "w", encoding="ascii") as file:
                file.write(f"0 {first} 1000\n")
        life.start("sleep", "60000", change=lambda c: (join(user=f"/proc/{p.pid}/ns/user")(c), c["root"].update(readonly=False)))
    finally:
        p.kill()
        p.wait()
    v = values(good(life.exec("--user", "7:8", ("show", "ids", "ns"))).stdout)
    assert v["ids.uid"] == "7,7,7" and v["ns.user"] == os.readlink(f"/proc/{life.state()['pid']}/ns/user"), v
    (life.bundle / "mounts.json").write_text('[{"destination": "/more", "type": "tmpfs", "source": "tmpfs"}]')
    good(life.call("mounts", "add", "c1", life.bundle / "mounts.json"))
    assert "tmpfs /more" in life.exec(("cat", "/proc/mounts")).stdout


def test_a_user_namespace_of_others(bundle):  # noqa: F811
    """Its maps are known by it alone; those in config.json must be the same, if there are any."""
    p = subprocess.Popen(["unshare", "-U", "sleep", "1000"])
    try:
        wait_until(lambda: os.readlink(f"/proc/{p.pid}/ns/user") != os.readlink("/proc/self/ns/user"))
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{p.pid}/{name}", "w", encoding="utf-8") as f:
                f.write("0 0 70000\n")
        where = f"/proc/{p.pid}/ns/user"
        r = run(bundle, "show ns ids", change=join(user=where))
        v = values(r.stdout)
        assert r.returncode == 0 and v["ns.user"] == os.readlink(where) and v["ids.uid"] == "5,5,5", r

        def other_maps(c):
            join(user=where)(c)
            c["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 1, "size": 7}]

        r = run(bundle, "exit 0", change=other_maps)
        assert r.returncode == 1 and "are not those of the user namespace" in r.stderr, r
    finally:
        p.kill()
        p.wait()


@pytest.mark.parametrize("kind, path, words", [
    ("network", "/no/such", "the network namespace '/no/such': No such file or directory"),
    ("network", "/proc/self/ns/uts", "'/proc/self/ns/uts' is not a network namespace"),
    ("ipc", "/dev/null", "'/dev/null' is not a ipc namespace"),
    ("uts", "relative", "linux.namespaces[2] must have an absolute path, not 'relative'"),
    ("mount", "/proc/self/ns/mnt", "is the runtime's own mount namespace"),
])
def test_what_is_none(bundle, kind, path, words):  # noqa: F811
    r = run(bundle, "exit 0", change=join(**{kind: path}))
    assert r.returncode == 1 and words in r.stderr, r


# ---- time ----


def offsets(**what):
    def change(c):
        c["linux"]["namespaces"].append({"type": "time"})
        c["linux"]["timeOffsets"] = what

    return change


def test_time_offsets(bundle):  # noqa: F811
    r = run(bundle, "cat /proc/uptime /proc/self/timens_offsets", change=offsets(boottime={"secs": 1000000}, monotonic={"secs": 5000, "nanosecs": 7}))
    lines = r.stdout.splitlines()
    assert r.returncode == 0, r
    uptime = float(lines[0].split()[0])
    with open("/proc/uptime", encoding="utf-8") as f:
        assert 999000 < uptime - float(f.read().split()[0]) < 1001000
    assert [x.split() for x in lines[1:]] == [["monotonic", "5000", "7"], ["boottime", "1000000", "0"]]


def test_time_offsets_without_their_namespace(bundle):  # noqa: F811
    r = run(bundle, "exit 0", change=lambda c: c["linux"].update(timeOffsets={"boottime": {"secs": 1}}))
    assert r.returncode == 1 and "linux.timeOffsets need a time namespace" in r.stderr, r


def test_exec_gets_there_too(life, others):  # noqa: F811
    def change(c):
        join(network=f"/proc/{others}/ns/net")(c)
        offsets(boottime={"secs": 1000000})(c)

    life.start("sleep", "60000", change=change)
    pid = life.state()["pid"]
    v = values(good(life.exec(("show", "ns"))).stdout)
    for name in ("net", "pid", "mnt", "uts", "cgroup"):
        assert v[f"ns.{name}"] == os.readlink(f"/proc/{pid}/ns/{name}"), name
    assert os.readlink(f"/proc/{pid}/ns/time") != os.readlink("/proc/self/ns/time")
