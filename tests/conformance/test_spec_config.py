"""config.md: version, root, process, user, annotations, unknown and invalid values; and the required properties of all sections."""
import array
import json
import os
import re
import resource
import socket
import subprocess

import pytest

from bundles import Lifecycle, bad, bundle, command, good, life, run, runtime, write_config  # noqa: F401: some are fixtures
from harness import Terminal, values

MAPS = [{"containerID": 0, "hostID": 100000, "size": 1000}]


def put(path, value):
    """A change that sets one property, making the objects above it; a number in the path is an index."""
    def change(c):
        *above, last = path.split(".")
        for k in above:
            c = c[int(k)] if isinstance(c, list) else c.setdefault(k, {})
        if isinstance(c, list):
            c.append(value)
        else:
            c[last] = value

    return change


def refused(bundle, change, *words):
    """create makes nothing, and says why in these words."""
    life = Lifecycle(bundle)
    try:
        bad(life.create("exit", "0", change=change), *words)
        assert "does not exist" in life.state()
    finally:
        life.call("delete", "--force", "c1")


# ---- required properties, of all objects that a config.json may have ----

LIMIT = {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}
DEVICE = {"type": "c", "path": "/dev/x", "major": 1, "minor": 3}
RULE = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}
FILTER = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [RULE]}
HOOK = {"path": "/bin/true"}
THROTTLE = {"major": 7, "minor": 0, "rate": 1000}
# the object, where it is put, and what it must have; what a host cannot do is refused later, in other words
OBJECTS = {
    "root": ("root", {"path": "root"}, ["path"]),
    "mounts": ("mounts.-", {"destination": "/m", "type": "tmpfs", "source": "x"}, ["destination"]),
    "process": ("process", {"cwd": "/", "args": ["/bin/probe", "exit", "0"], "user": {"uid": 0, "gid": 0}}, ["cwd", "args"]),
    "consoleSize": ("process", {"cwd": "/", "args": ["x"], "terminal": True, "user": {"uid": 0, "gid": 0}, "consoleSize": {"height": 1, "width": 1}}, ["consoleSize.height", "consoleSize.width"]),
    "rlimits": ("process.rlimits", [LIMIT], ["0.type", "0.soft", "0.hard"]),
    "scheduler": ("process.scheduler", {"policy": "SCHED_BATCH"}, ["policy"]),
    "ioPriority": ("process.ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 4}, ["class"]),
    **{f"hooks.{k}": (f"hooks.{k}", [HOOK], ["0.path"]) for k in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")},
    "namespaces": ("linux.namespaces.-", {"type": "ipc"}, ["type"]),
    "uidMappings": ("linux.uidMappings", MAPS, ["0.containerID", "0.hostID", "0.size"]),
    "gidMappings": ("linux.gidMappings", MAPS, ["0.containerID", "0.hostID", "0.size"]),
    "devices": ("linux.devices", [DEVICE], ["0.type", "0.path", "0.major", "0.minor"]),
    "resources.devices": ("linux.resources.devices", [{"allow": False}], ["0.allow"]),
    "weightDevice": ("linux.resources.blockIO.weightDevice", [{"major": 7, "minor": 0, "weight": 100}], ["0.major", "0.minor"]),
    **{k: (f"linux.resources.blockIO.{k}", [THROTTLE], ["0.major", "0.minor", "0.rate"])
       for k in ("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")},
    "hugepageLimits": ("linux.resources.hugepageLimits", [{"pageSize": "2MB", "limit": 2 << 20}], ["0.pageSize", "0.limit"]),
    "priorities": ("linux.resources.network.priorities", [{"name": "lo", "priority": 1}], ["0.name", "0.priority"]),
    "memoryPolicy": ("linux.memoryPolicy", {"mode": "MPOL_DEFAULT"}, ["mode"]),
    "seccomp": ("linux.seccomp", FILTER, ["defaultAction", "syscalls.0.names", "syscalls.0.action", "syscalls.0.args.0.index", "syscalls.0.args.0.value", "syscalls.0.args.0.op"]),
    "personality": ("linux.personality", {"domain": "LINUX"}, ["domain"]),
}
MISSING = [(name, key) for name, (_, _, keys) in OBJECTS.items() for key in keys]


@pytest.mark.parametrize("name, key", MISSING, ids=[f"{n}-{k}" for n, k in MISSING])
def test_required_properties(bundle, name, key):
    where, given, _ = OBJECTS[name]
    given = json.loads(json.dumps(given))
    *above, last = key.split(".")
    at = given
    for k in above:
        at = at[int(k)] if isinstance(at, list) else at[k]
    del at[last]
    refused(bundle, put(where, given), where.removesuffix(".-"), last, "missing")


@pytest.mark.parametrize("where, given", [("process.user", {"uid": 0}), ("process.user", {"gid": 0}), ("process.ioPriority", {"class": "IOPRIO_CLASS_IDLE"})])
def test_required_properties_that_are_0_when_left_out(bundle, where, given):
    """The schema does not ask for them, runc takes them for 0, and its callers leave them out."""
    assert run(bundle, "exit 7", change=put(where, given)).returncode == 7


@pytest.mark.parametrize("key", ["ociVersion", "root"])
def test_required_properties_of_the_whole(bundle, key):
    refused(bundle, lambda c: c.pop(key), key, "missing")


# ---- specification version ----


@pytest.mark.parametrize("version", ["", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.00.0", "1.0.0-", "1.0.0-a..b", "1.0.0+", " 1.0.0", "1.0.0 ", "a.b.c", "2.0.0", "0.9.0"])
def test_specification_version_is_a_semantic_version(bundle, version):
    refused(bundle, put("ociVersion", version), "ociVersion")


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.1.0+build.7", "1.2.1", "1.3.0-rc.1+x", "1.3.0"])
def test_specification_version_of_an_older_one_is_compatible(bundle, version):
    assert run(bundle, "exit 7", change=put("ociVersion", version)).returncode == 7


# ---- root ----


@pytest.mark.parametrize("path", ["root", "./root", "rootfs", "/"])
def test_root_path_is_absolute_or_relative_to_the_bundle(bundle, path):
    if path == "rootfs":
        os.rename(bundle / "root", bundle / "rootfs")
    if path == "/":
        path = str(bundle / "root")
    assert run(bundle, "exit 7", change=put("root.path", path), cwd="/").returncode == 7


@pytest.mark.parametrize("path, words", [("absent", "No such file or directory"), ("config.json", "root"), ("", "root")])
def test_root_path_is_a_directory_that_exists(bundle, path, words):
    refused(bundle, put("root.path", path), "root", words)


@pytest.mark.parametrize("readonly", [True, False, None])
def test_root_readonly(bundle, readonly):
    (bundle / "root/work").chmod(0o777)
    r = run(bundle, "write /work/x y", change=lambda c: c.update(root={"path": "root"} | ({} if readonly is None else {"readonly": readonly})))
    assert r.stdout == ("write=-1 errno=30\n" if readonly else "write=0\n"), r


# ---- process ----


def on_terminal(bundle, words, size):
    def change(c):
        c["process"] |= {"terminal": True, "args": ["/bin/probe", *words.split()]} | ({"consoleSize": size} if size else {})
        c["mounts"] += [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]

    write_config(bundle, change)


@pytest.mark.parametrize("terminal", [False, None])
def test_process_console_size_without_a_terminal_is_ignored(bundle, terminal):
    def change(c):
        c["process"]["consoleSize"] = {"height": 3, "width": 33}
        if terminal is not None:
            c["process"]["terminal"] = terminal

    r = run(bundle, "seq show session , exit 7", change=change)
    assert r.returncode == 7 and values(r.stdout)["session.ctty"] == "0", r


def test_process_console_size_is_that_of_the_terminal(life):
    path = life.bundle / "console"
    on_terminal(life.bundle, "show session", {"height": 7, "width": 77})
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        s.settimeout(20)
        good(life.call("create", "-b", str(life.bundle), "--console-socket", path, "c1"))
        conn, _ = s.accept()
        with conn:
            _, data, _, _ = conn.recvmsg(64, socket.CMSG_SPACE(4))
    master = array.array("i", data[0][2])[0]
    try:
        assert os.get_terminal_size(master) == (77, 7)
        good(life.call("start", "c1"))
        got = b""
        while b"session.size=7x77" not in got:
            got += os.read(master, 1000)
        assert all(re.search(rf"session.tty{fd}=/dev/", got.decode()) for fd in range(3)) and b"session.ctty=1" in got, got
    finally:
        os.close(master)


def test_process_cwd_is_where_it_runs(bundle):
    assert values(run(bundle, "show host", change=put("process.cwd", "/home/alice")).stdout)["host.cwd"] == "/home/alice"


@pytest.mark.parametrize("cwd", ["", "work", "./work", "../work"])
def test_process_cwd_is_absolute(bundle, cwd):
    refused(bundle, put("process.cwd", cwd), "cwd must be an absolute path")


def test_process_env_is_its_environment(bundle):
    r = run(bundle, "env", change=put("process.env", ["A=1", "B=", "C=x=y", "HOME=/h"]))
    assert r.stdout == "3:A=1,2:B=,5:C=x=y,7:HOME=/h,", r


def test_process_args_have_at_least_one(bundle):
    refused(bundle, put("process.args", []), "process.args")


def test_process_args_name_the_file_as_execvp_does(bundle):
    """Without a slash it is looked for in PATH, the container's own."""
    for path, code in (("/no/such:/bin", 7), ("/etc", 1)):
        r = run(bundle, "", change=lambda c, path=path: c["process"].update(args=["probe", "exit", "7"], env=[f"PATH={path}"]))
        assert r.returncode == code, r
    assert 'exec: "probe": executable file not found in $PATH' in r.stderr


# ---- POSIX process: rlimits ----

NAMES = ("cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime")
SMALL = {"cpu": (100, 200), "fsize": (1 << 30, 1 << 31), "data": (1 << 30, 1 << 31), "stack": (1 << 22, 1 << 23), "core": (0, 4096), "rss": (1 << 30, 1 << 31), "nproc": (50, 60),
         "nofile": (64, 100), "memlock": (4096, 8192), "as": (1 << 32, 1 << 33), "locks": (10, 20), "sigpending": (5, 10), "msgqueue": (1000, 2000), "nice": (0, 0),
         "rtprio": (0, 0), "rttime": (1000000, 2000000)}


def test_rlimits_are_what_getrlimit_says(bundle):
    """Each kind that Linux has, soft and hard."""
    limits = [{"type": f"RLIMIT_{n.upper()}", "soft": s, "hard": h} for n, (s, h) in SMALL.items()]
    v = values(run(bundle, "show rlimits", change=put("process.rlimits", limits)).stdout)
    assert {n: v[f"rlimit.{n}"] for n in NAMES} == {n: f"{s}:{h}" for n, (s, h) in SMALL.items()}


def test_rlimits_that_are_not_given_are_inherited(bundle):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert values(run(bundle, "show rlimits", change=put("process.rlimits", [])).stdout)["rlimit.nofile"] == f"{soft}:{hard}"


@pytest.mark.parametrize("kind", ["RLIMIT_NONE", "NOFILE", "rlimit_nofile", "RLIMIT_", ""])
def test_rlimits_of_a_kind_that_is_none(bundle, kind):
    refused(bundle, put("process.rlimits", [{"type": kind, "soft": 1, "hard": 1}]), "process.rlimits")


def test_rlimits_given_twice(bundle):
    refused(bundle, put("process.rlimits", [LIMIT, LIMIT]), "process.rlimits", "RLIMIT_CORE")


# ---- Linux process ----


@pytest.mark.parametrize("field", ["bounding", "effective", "permitted", "inheritable", "ambient"])
def test_capabilities_that_are_unknown_are_a_warning(bundle, field):
    r = run(bundle, "exit 7", change=lambda c: c["process"]["capabilities"].setdefault(field, []).append("CAP_FLY"))
    assert r.returncode == 7 and "warning" in r.stderr and "CAP_FLY" in r.stderr, r


@pytest.mark.root("it gives a capability away")
def test_capabilities_that_cannot_be_granted_are_a_warning(bundle):
    def change(c):
        c["process"]["capabilities"] = {k: ["CAP_KILL", "CAP_SYS_BOOT"] for k in ("bounding", "effective", "permitted")}

    write_config(bundle, lambda c: (change(c), c["process"].update(args=["/bin/probe", "seq", "show", "caps", ",", "exit", "7"])))
    r = subprocess.run(["setpriv", "--bounding-set", "-sys_boot", *map(str, command(bundle))], capture_output=True, text=True, timeout=30)
    v = values(r.stdout)
    assert r.returncode == 7 and "warning" in r.stderr and "CAP_SYS_BOOT" in r.stderr and int(v["caps.bnd"], 16) == int(v["caps.prm"], 16) or v["caps.bnd"] == f"{1 << 5:016x}", r


@pytest.mark.root("the sets of another user")
def test_capabilities_are_those_five_sets(bundle):
    sets = {"bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]}
    v = values(run(bundle, "show caps", change=lambda c: c["process"].update(capabilities=sets, user={"uid": 0, "gid": 0})).stdout)
    bits = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETUID": 7}
    want = {k: sum(1 << bits[n] for n in names) for k, names in sets.items()}
    assert int(v["caps.bnd"], 16) == want["bounding"] and int(v["caps.inh"], 16) == want["inheritable"] and int(v["caps.amb"], 16) == want["ambient"], v


def test_no_new_privileges(bundle):
    for value in (True, False):
        assert values(run(bundle, "show security", change=put("process.noNewPrivileges", value)).stdout)["security.nnp"] == str(int(value))


def test_oom_score_adj_is_set(bundle):
    assert run(bundle, "cat /proc/self/oom_score_adj", change=put("process.oomScoreAdj", 321)).stdout == "321\n"


def test_oom_score_adj_that_is_not_set_is_inherited(bundle):
    write_config(bundle, put("process.args", ["/bin/probe", "cat", "/proc/self/oom_score_adj"]))
    r = subprocess.run(["sh", "-c", 'echo 123 > /proc/self/oom_score_adj; exec "$@"', "sh", *map(str, command(bundle))], capture_output=True, text=True, timeout=30)
    assert r.stdout == "123\n", r


@pytest.mark.root("an ordinary user may not raise priorities")
def test_exec_cpu_affinity_final_that_is_empty_changes_nothing(life):
    """The process is where its caller was; with `final` it is where that says."""
    cpus = sorted(os.sched_getaffinity(0))
    for value, want in (({}, str(cpus[0])), ({"final": ""}, str(cpus[0])), ({"final": str(cpus[-1])}, str(cpus[-1])), ({"initial": str(cpus[-1])}, str(cpus[-1]))):
        life.start("sleep", "60000", change=put("process.execCPUAffinity", value))
        r = subprocess.run(["taskset", "-c", str(cpus[0]), *map(str, life.argv("exec", "c1", "/bin/probe", "cat", "/proc/self/status"))], capture_output=True, text=True, timeout=30)
        assert re.search(r"Cpus_allowed_list:\t(.*)", r.stdout)[1] == want, (value, r)
        good(life.call("delete", "--force", "c1"))


# ---- user ----


@pytest.mark.root("other ids than its own")
def test_user_ids_groups_and_umask(bundle):
    v = values(run(bundle, "show ids groups host", change=put("process.user", {"uid": 17, "gid": 18, "umask": 0o27, "additionalGids": [19, 20]})).stdout)
    assert v["ids.uid"] == "17,17,17" and v["ids.gid"] == "18,18,18" and v["groups"] == "19,20" and v["host.umask"] == "0027", v


@pytest.mark.root("a user namespace with more than one id")
def test_user_ids_are_those_of_the_container_namespace(bundle):
    os.chmod(bundle, 0o755)
    os.chown(bundle / "root", 100000, 100000)

    def change(c):
        c["process"]["user"] = {"uid": 17, "gid": 18, "additionalGids": [19]}
        c["root"]["readonly"] = False
        c["mounts"] = [m for m in c["mounts"] if m["destination"] != "/data"]
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {"uidMappings": MAPS, "gidMappings": MAPS}

    v = values(run(bundle, "show ids groups", change=change).stdout)
    assert v["ids.uid"] == "17,17,17" and v["groups"] == "19" and v["ids.uid_map"].split() == ["0", "100000", "1000"], v


# ---- platforms ----


def test_platform_linux_may_be_set_or_not(bundle):
    """Without it there are no namespaces: the host's mounts must not change then, and the runtime says that it cannot."""
    assert run(bundle, "exit 7").returncode == 7


@pytest.mark.parametrize("platform", ["freebsd", "solaris", "vm", "windows", "zos"])
def test_platform_of_others_is_refused(bundle, platform):
    refused(bundle, put(platform, {}), platform)


# ---- annotations ----


@pytest.mark.parametrize("value, words", [({"": "x"}, "empty key"), ({"a": 1}, "annotations"), ({"a": None}, "annotations"), ({"a": {}}, "annotations"), ([], "annotations"), ("x", "annotations")])
def test_annotations_are_a_map_of_strings(bundle, value, words):
    refused(bundle, put("annotations", value), words)


IMAGE = {f"org.opencontainers.image.{k}": "x" for k in ("os", "os.version", "os.features", "architecture", "variant", "author", "created", "stopSignal")}


def test_annotations_that_are_unknown_have_no_effect(life):
    """Of whatever form their keys and values are; those of the specification's own namespace are handed on, too."""
    given = {"plain": "", "com.example.a": '{"json": [1]}', "org.opencontainers.no.such": "x", "ünicode": "☃", **IMAGE}
    life.start("trap", "15", change=put("annotations", given))
    assert life.state()["annotations"] == given


@pytest.mark.parametrize("value", [None, {}])
def test_annotations_may_be_absent(life, value):
    good(life.create("exit", "0", change=lambda c: None if value is None else c.update(annotations=value)))
    assert life.state()["annotations"] == {}


# ---- extensibility, valid values ----

PLACES = ["", "root", "process", "process.user", "process.capabilities", "linux", "linux.resources", "linux.resources.memory", "linux.resources.cpu", "linux.resources.pids",
          "linux.resources.blockIO", "linux.resources.network", "hooks", "linux.seccomp", "linux.personality", "linux.timeOffsets"]


@pytest.mark.parametrize("place", PLACES)
def test_unknown_properties_are_ignored(bundle, place):
    def change(c):
        if "resources" in place and os.geteuid() != 0:
            pytest.skip("an ordinary user's groups have no controllers here")
        known = {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}, "linux.personality": {"domain": "LINUX"}, "linux.resources.pids": {"limit": 100}}
        if place in known:
            put(place, known[place])(c)
        if place == "linux.timeOffsets":
            c["linux"]["namespaces"].append({"type": "time"})
        for name, value in (("no-such-key", {"a": [1, None]}), ("com.example", None), ("$schema", "x")):
            if place == "linux.timeOffsets" and name != "no-such-key":
                continue  # there the keys are names of clocks
            put(f"{place}.{name}".lstrip("."), value)(c) if place != "linux.timeOffsets" else None

    r = run(bundle, "exit 7", change=change)
    assert r.returncode == 7, r


@pytest.mark.parametrize("place, value", [
    ("mounts.-", {"destination": "/m", "type": "tmpfs", "source": "x", "no-such": 1}), ("linux.namespaces.-", {"type": "ipc", "no-such": 1}),
    ("linux.devices", [DEVICE | {"no-such": 1}]), ("process.rlimits", [LIMIT | {"no-such": 1}]), ("hooks.poststop", [HOOK | {"no-such": 1}]),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [RULE | {"no-such": 1}]}),
])
def test_unknown_properties_of_items_are_ignored(bundle, place, value):
    if "devices" in place and os.geteuid() != 0:
        pytest.skip("an ordinary user makes no devices")
    r = run(bundle, "exit 7", change=lambda c: (c["root"].update(readonly=False), put(place, value)(c)))
    assert r.returncode == 7, r


@pytest.mark.parametrize("key, value", [
    ("ociVersion", 1), ("root", []), ("root.path", 1), ("root.readonly", "true"), ("mounts", {}), ("mounts.-", "x"), ("hostname", 7), ("process.args", "sh"), ("process.args", [1]),
    ("process.env", {}), ("process.cwd", 5), ("process.terminal", 1), ("process.user.uid", -1), ("process.user.uid", "0"), ("process.user.uid", 4294967295), ("process.user.gid", 1.5),
    ("process.user.umask", 0o10000), ("process.user.additionalGids", [-1]), ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]),
    ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}]), ("process.oomScoreAdj", 1001), ("process.oomScoreAdj", -1001), ("process.noNewPrivileges", "yes"),
    ("process.scheduler", {"policy": "SCHED_FAST"}), ("process.scheduler", {"policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_NONE"]}), ("process.ioPriority", {"class": "IOPRIO_CLASS_X", "priority": 1}),
    ("process.ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8}), ("process.execCPUAffinity", {"initial": "x"}), ("process.execCPUAffinity", {"final": "3-1"}),
    ("process.capabilities", []), ("process.capabilities.bounding", "CAP_KILL"), ("hooks", []), ("hooks.prestart", {}), ("hooks.prestart", [{"path": "/x", "timeout": -1}]),
    ("linux", []), ("linux.namespaces", [{"type": "none"}]), ("linux.namespaces", [{"type": "PID"}]), ("linux.devices", [DEVICE | {"type": "x"}]), ("linux.devices", [DEVICE | {"minor": -1}]),
    ("linux.cgroupsPath", 1), ("linux.resources", []), ("linux.resources.memory", {"limit": "1m"}), ("linux.resources.memory", {"swappiness": 101}), ("linux.resources.cpu", {"shares": -5}),
    ("linux.resources.cpu", {"cpus": "a-b"}), ("linux.resources.cpu", {"idle": 2}), ("linux.resources.pids", {"limit": "max"}), ("linux.resources.blockIO", {"weight": 70000}),
    ("linux.resources.hugepageLimits", [{"pageSize": "3MB", "limit": 1}]), ("linux.resources.devices", [{"allow": "yes"}]), ("linux.resources.devices", [{"allow": True, "access": "x"}]),
    ("linux.resources.devices", [{"allow": True, "type": "z"}]), ("linux.seccomp", {"defaultAction": "ALLOW"}), ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NONE"]}), ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [RULE | {"args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}),
    ("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [RULE | {"args": [{"index": 0, "value": 1, "op": "EQ"}]}]}), ("linux.rootfsPropagation", "some"), ("linux.sysctl", []),
    ("linux.sysctl", {"kernel.x": 1}), ("linux.maskedPaths", "x"), ("linux.readonlyPaths", [1]), ("linux.personality", {"domain": "LINUX64"}), ("linux.personality", {"domain": "LINUX", "flags": ["X"]}),
    ("linux.timeOffsets", {"realtime": {"secs": 1}}), ("linux.timeOffsets", {"boottime": {"nanosecs": 1000000000}}), ("linux.memoryPolicy", {"mode": "MPOL_X"}),
    ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_X"]}), ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "x"}), ("linux.intelRdt", []), ("linux.intelRdt", {"closID": 1}),
    ("linux.netDevices", []), ("linux.netDevices", {"eth7": {"name": "a/b"}}), ("annotations", {"a": 1}),
])
def test_invalid_values_are_an_error(bundle, key, value):
    refused(bundle, put(key, value), "huge pages" if "hugepage" in key else key.removesuffix(".-").split(".")[-1])


def test_unsupported_values_are_an_error(bundle):
    """What may be left out of what is valid: kernel memory, which Linux has no more."""
    refused(bundle, put("linux.resources.memory", {"kernel": 1 << 20}), "linux.resources.memory.kernel")


# ---- glossary.md, "JSON" ----


@pytest.mark.parametrize("text", [b'{"ociVersion": "1.0.0", "ociVersion": "1.0.0"}', b'{"ociVersion": "1.0.0", "hostname": "\xff"}', b"[]", b"", b'{"ociVersion": "1.0.0"} x'])
def test_json_that_is_none(bundle, text):
    (bundle / "config.json").write_bytes(text)
    bad(runtime("--root", str(bundle / "state"), "create", "-b", str(bundle), "c1"), "config.json")


def test_a_terminal_is_attached(bundle):
    on_terminal(bundle, "show session", None)
    t = Terminal([str(x) for x in command(bundle)], os.environ)
    try:
        assert t.wait() == 0 and "session.ctty=1" in t.text, t.text
    finally:
        t.close()
