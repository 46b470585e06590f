"""The runtime's command line, sections 2 and 3: what callers and their tests rely on beyond the calls, and traps that others fell into."""
import json
import os
import re
import stat
import subprocess

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, run, runtime, write_config  # noqa: F401: some are fixtures
from harness import Terminal, cgroup_mount, cgroup_mounts, cgroup_v2_only, values, wait_until
from test_cli_callers import LOOP, terminal
from test_spec_config import put, refused
from test_spec_linux import all_of, as_root, with_dev
from test_spec_seccomp import NEEDED

groups_of_the_host = pytest.mark.root("groups of the host")


def exec_failed(r, *words):
    assert r.returncode == 255 and r.stderr.startswith("mydocker-runtime: exec failed: ") and all(w in r.stderr for w in words), r


@pytest.fixture
def running(life):
    life.start(*LOOP, change=all_of(with_dev, as_root))
    wait_until(lambda: "up" in life.text())
    return life


# ---- section 2 ----


def test_terminals_have_no_carriage_return_of_their_own(life):
    """Each line ends as on the caller's own terminal, though there are two of them in a row."""
    write_config(life.bundle, lambda c: (terminal(c), put("process.args", ["/bin/probe", "say", "one"])(c)))
    running_options = ["run", "-b", life.bundle, "c1"]
    t = Terminal([*map(str, life.argv(*running_options))], os.environ)
    try:
        assert t.wait() == 0 and t.out == b"one\r\n", t.out
    finally:
        t.close()


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_have_debug_lines(life, form):
    """Of the program, and of the half of it that is in the container."""
    write_config(life.bundle, put("process.args", ["/bin/probe", "exit", "0"]))
    log = life.bundle / "log"
    r = life.call("--debug", "--log", str(log), "--log-format", form, "run", "-b", str(life.bundle), "c1")
    assert r.returncode == 0, r
    lines = log.read_text().splitlines()
    assert lines, "no debug output in the log"
    for line in lines:
        if form == "json":
            assert json.loads(line)["level"] in ("debug", "info", "warning") and json.loads(line)["msg"], line
        else:
            assert re.match(r'time="\S+" level=(debug|info|warning) msg=.+', line), line
    assert any("init" in line for line in lines), lines


@groups_of_the_host
def test_events_are_json_lines(running):
    stats = json.loads(good(running.call("events", "--stats", "c1")).stdout)
    assert stats["type"] == "stats" and stats["id"] == "c1" and {"cpu", "memory", "pids"} <= set(stats["data"])
    with subprocess.Popen([*map(str, running.argv("events", "--interval", "100ms", "c1"))], stdout=subprocess.PIPE, text=True) as p:
        assert [json.loads(p.stdout.readline())["id"] for _ in range(3)] == ["c1"] * 3
        p.kill()


@groups_of_the_host
def test_events_tell_of_a_lack_of_memory(life):
    if not cgroup_mount("memory"):
        pytest.skip("no memory controller")
    good(life.create("seq", "sleep", "300", ",", "child", "alloc", "200", ",", "sleep", "60000", change=lambda c: (put("linux.resources.memory", {"limit": 32 << 20, "swap": 32 << 20})(c), c["process"].update(oomScoreAdj=0))))
    with subprocess.Popen([*map(str, life.argv("events", "c1"))], stdout=subprocess.PIPE, text=True) as p:
        good(life.call("start", "c1"))
        seen = []
        while '{"type":"oom","id":"c1"}\n' not in seen:
            seen.append(p.stdout.readline())
            assert seen[-1], seen
        p.kill()


@groups_of_the_host
def test_ps_in_its_forms(running):
    pid = running.state()["pid"]
    head, line, *more = good(running.call("ps", "c1")).stdout.splitlines()
    assert head.split()[:3] == ["UID", "PID", "PPID"] and line.split()[1] == str(pid) and not more
    assert str(pid) in good(running.call("ps", "c1", "-e", "-x")).stdout
    assert json.loads(good(running.call("ps", "-f", "json", "c1")).stdout) == [pid]


def test_list_in_its_forms(running):
    head, line = good(running.call("list")).stdout.splitlines()
    assert head.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert line.split()[:4] == ["c1", str(running.state()["pid"]), "running", str(running.bundle)] and len(line.split()) >= 5  # an owner may have no name
    assert good(running.call("list", "-q")).stdout == "c1\n"
    row = json.loads(good(running.call("list", "--format", "json")).stdout)[0]
    assert set(row) >= {"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"}
    bad(runtime("--root", "/no/such/place", "list"), "/no/such/place")


@pytest.mark.parametrize("words, shown, key, want", [
    (["-e", "X=1", "--env", "Y=2"], ["env"], None, "3:X=1,3:Y=2"), (["--cwd", "/t"], ["show", "host"], "host.cwd", "/t"), (["--no-new-privs"], ["show", "security"], "security.nnp", "1"),
])
def test_exec_options(running, words, shown, key, want):
    r = good(running.exec(*words, tuple(shown)))
    assert (want in r.stdout) if key is None else values(r.stdout)[key] == want, r


@pytest.mark.root("ids are mapped for root alone")
@pytest.mark.parametrize("words, shown, key, want", [
    (["--user", "7"], ["show", "ids"], "ids.uid", "7,7,7"), (["-u", "7:8"], ["show", "ids"], "ids.gid", "8,8,8"), (["--additional-gids", "9", "-g", "10"], ["show", "groups"], "groups", "9,10"),
    (["--cap", "CAP_CHOWN"], ["show", "caps"], "caps.bnd", f"{1 << 5 | 1:016x}"), (["-c", "CAP_CHOWN", "-c", "CAP_FOWNER"], ["show", "caps"], "caps.eff", f"{1 << 5 | 1 << 3 | 1:016x}"),
])
def test_exec_options_of_root(running, words, shown, key, want):
    assert values(good(running.exec(*words, tuple(shown))).stdout)[key] == want


def test_exec_pid_file_is_that_of_the_caller(running):
    good(running.exec("--pid-file", "relative.pid", ("exit", "0"), cwd=running.bundle))
    assert (running.bundle / "relative.pid").read_text().isdigit()


@groups_of_the_host
def test_exec_sub_groups(running):
    exec_failed(running.exec("--cgroup", "../x", ("exit", "0")), "bad sub cgroup path")
    group = cgroup_mount("pids") / GROUPS / "c1/below"
    group.mkdir()
    try:
        words = "/below" if cgroup_v2_only() else "pids:/below"
        assert "/c1/below" in good(running.exec("--cgroup", words, ("cat", "/proc/self/cgroup"))).stdout
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@groups_of_the_host
def test_exec_in_a_paused_container(running):
    good(running.call("pause", "c1"))
    exec_failed(running.exec(("exit", "0")), "cannot exec in a paused container (use --ignore-paused to override)")
    with subprocess.Popen([*map(str, running.argv("exec", "--ignore-paused", "c1", "/bin/probe", "exit", "5"))]) as p:
        good(running.call("resume", "c1"))
        assert p.wait(20) == 5


def test_exec_that_cannot_start_is_255(running):
    for words in (["c1", "/no/such"], ["--cwd", "/no/such", "c1", "/bin/probe", "exit", "0"], ["other", "/bin/probe", "exit", "0"]):
        assert running.call("exec", *words).returncode == 255
    assert running.exec(("exit", "3")).returncode == 3


MB = 1 << 20


@groups_of_the_host
@pytest.mark.parametrize("flag, value, controller, names, v1, v2", [
    ("--memory", "64m", "memory", ("memory.limit_in_bytes", "memory.max"), str(64 * MB), str(64 * MB)), ("--memory-reservation", str(32 * MB), "memory", ("memory.soft_limit_in_bytes", "memory.low"), str(32 * MB), str(32 * MB)),
    ("--cpu-share", "512", "cpu", ("cpu.shares",), "512", None), ("--cpu-quota", "30000", "cpu", ("cpu.cfs_quota_us", "cpu.max"), "30000", "30000 100000"), ("--cpu-period", "50000", "cpu", ("cpu.cfs_period_us", "cpu.max"), "50000", "max 50000"),
    ("--cpu-idle", "1", "cpu", ("cpu.idle",), "1", "1"), ("--cpuset-cpus", "0", "cpuset", ("cpuset.cpus",), "0", "0"), ("--cpuset-mems", "0", "cpuset", ("cpuset.mems",), "0", "0"),
    ("--pids-limit", "55", "pids", ("pids.max",), "55", "55"), ("--pids-limit", "0", "pids", ("pids.max",), "1", "1"), ("--pids-limit", "-1", "pids", ("pids.max",), "max", "max"),
])
def test_update_flags(running, flag, value, controller, names, v1, v2):
    want = v2 if cgroup_v2_only() else v1
    paths = [p for n in names if cgroup_mount(controller) and (p := cgroup_mount(controller) / GROUPS / "c1" / n).exists()]
    if want is None or not paths:
        pytest.skip(f"this host has none of {', '.join(names)}")
    good(running.call("update", f"{flag}={value}", "c1"))
    assert paths[0].read_text().strip() == want


def test_update_has_all_flags():
    text = good(runtime("update", "--help")).stdout
    flags = "blkio-weight cpu-period cpu-quota cpu-burst cpu-share cpu-rt-period cpu-rt-runtime cpu-idle cpuset-cpus cpuset-mems memory memory-reservation memory-swap pids-limit resources"
    assert [f for f in flags.split() if f"--{f}" not in text] == [] and "-r" in text


@groups_of_the_host
def test_update_memory_and_swap_in_either_direction(running):
    """v1 refuses a memory limit above that of both, so the order of the writes depends on the direction; what stays is not written."""
    if cgroup_v2_only() or not (cgroup_mount("memory") / "memory.memsw.limit_in_bytes").exists():
        pytest.skip("no memory.memsw here")
    group = cgroup_mount("memory") / GROUPS / "c1"
    for memory, both in ((64, 64), (128, 128), (32, 32), (32, 32), (96, 128)):
        good(running.call("update", "-r", "-", "c1", input=json.dumps({"memory": {"limit": memory * MB, "swap": both * MB}})))
        assert [(group / f"memory.{n}limit_in_bytes").read_text() for n in ("", "memsw.")] == [f"{memory * MB}\n", f"{both * MB}\n"]


@pytest.mark.parametrize("name", ["create", "run"])
def test_create_and_run_have_all_options(name):
    text = good(runtime(name, "--help")).stdout
    options = "no-pivot no-new-keyring pid-file console-socket pidfd-socket preserve-fds bundle" + (" detach keep" if name == "run" else "")
    assert [o for o in options.split() if f"--{o}" not in text] == []


def test_run_keeps_and_pid_files_are_relative_to_the_caller(life):
    (life.bundle / "elsewhere").mkdir()
    write_config(life.bundle, put("process.args", ["/bin/probe", "exit", "4"]))
    assert life.call("run", "--keep", "--pid-file", "p", "-b", str(life.bundle), "c1", cwd=life.bundle / "elsewhere").returncode == 4
    assert (life.bundle / "elsewhere/p").read_text().isdigit() and life.status() == "stopped"


@pytest.mark.root("it executes what another user may not")
def test_texts_a_script_without_its_interpreter(life):
    good(life.create(change=put("process.args", ["/run.sh"]), image={"run.sh": "#!/bin/nowhere\n"}))
    bad(life.call("start", "c1"), "exec /run.sh: no such file or directory")


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer"])
def test_texts_of_hooks(life, kind):
    bad(life.create("exit", "0", change=put(f"hooks.{kind}", [{"path": "/bin/true"}, {"path": "/bin/false"}])), f"error running {kind} hook #1:")


def test_texts_a_proc_that_is_a_link(bundle):
    (bundle / "root/proc").symlink_to("/etc")
    refused(bundle, put("root.readonly", False), "must be mounted on ordinary directory")


def test_texts_of_ambient_capabilities(bundle):
    """What is ambient without being permitted and inheritable."""
    r = run(bundle, "exit 7", change=lambda c: c["process"].update(capabilities={"bounding": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]}))
    assert r.returncode == 7 and "can't raise ambient capability CAP_CHOWN: " in r.stderr, r


def test_texts_an_unknown_command():
    r = runtime("foo")
    assert r.returncode == 3 and "No help topic for 'foo'" in r.stderr, r


def test_texts_of_seccomp_flags(bundle):
    write_config(bundle, lambda c: (put("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})(c), put("process.args", ["/bin/probe", "exit", "0"])(c)))
    r = runtime("--root", str(bundle / "state"), "--debug", "run", "-b", str(bundle), "c1")
    assert r.returncode == 0 and re.search(r"seccomp filter flags: \d+", r.stderr), r


@pytest.mark.parametrize("name", ["mydocker-runtime", "runc", "other-name"])
def test_texts_have_the_name_it_is_called_by(tmp_path, name):
    link = tmp_path / name
    link.symlink_to(RUNTIME)
    version = subprocess.run([link, "--version"], capture_output=True, text=True, timeout=30)
    assert version.stdout.splitlines()[0].startswith(f"{name} version ") and "spec: 1.3.0" in version.stdout, version
    assert name in subprocess.run([link, "--help"], capture_output=True, text=True, timeout=30).stdout


def test_home_is_that_of_the_containers_passwd(bundle):
    (bundle / "root/etc/passwd").write_text(f"x:x:{5 if os.geteuid() == 0 else 0}:6::/home/x:/bin/sh\n")
    for env, want in (([], "HOME=/home/x"), (["HOME="], "HOME=/home/x"), (["HOME=/other"], "HOME=/other")):
        r = run(bundle, "env HOME", change=put("process.env", env))
        assert want + "," in r.stdout and r.stdout.count("HOME") == 1, (env, r)


def test_of_variables_with_one_name_the_last_counts(bundle):
    assert run(bundle, "env A=", change=put("process.env", ["A=1", "B=2", "A=3"])).stdout == "3:A=3,"


@pytest.mark.root("the mode of a folder of another user")
def test_tmpfs_has_the_mode_of_its_mount_point(bundle):
    (bundle / "root/there").mkdir()
    (bundle / "root/there").chmod(0o710)
    r = run(bundle, "stat /there /new /told", change=lambda c: (as_root(c), c["mounts"].extend([{"destination": "/there", "type": "tmpfs", "source": "x"}, {"destination": "/new", "type": "tmpfs", "source": "x"}, {"destination": "/told", "type": "tmpfs", "source": "x", "options": ["mode=0700"]}])))
    modes = {m[1]: m[2] for m in re.finditer(r"stat\.(\S+)=(\d+)", r.stdout)}
    assert modes["/there"] == "040710" and modes["/told"] == "040700" and modes["/new"] in ("041777", "040755"), r


def test_masked_folders_share_one_file_system(bundle):
    """And a path that is named twice is masked once."""
    for d in ("a", "b"):
        (bundle / f"root/{d}").mkdir()
    r = run(bundle, "seq stat /a /b , cat /proc/self/mountinfo", change=put("linux.maskedPaths", ["/a", "/b", "/a", "/a/"]))
    devices = re.findall(r"stat\.\S+=.* dev=(\d+)", r.stdout)
    points = [x.split()[4] for x in r.stdout.splitlines() if " - " in x]
    assert len(devices) == 2 and len(set(devices)) == 1 and points.count("/a") == 1, r


def test_seccomp_unknown_calls_without_architectures_are_not_implemented(bundle):
    """So that a C library that is newer than the profile falls back; as with them."""
    for more in ({}, {"architectures": ["SCMP_ARCH_X86_64"]}):
        r = run(bundle, "sys 9999", change=put("linux.seccomp", {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": [{"names": NEEDED, "action": "SCMP_ACT_ALLOW"}]} | more))
        assert r.stdout == "sys=-1 errno=38\n", (more, r)


@groups_of_the_host
def test_kill_with_the_hosts_pid_namespace_reaches_all(life):
    life.start("seq", "spawn", "3", ",", "say", "up", ",", "sleep", "60000", change=lambda c: c["linux"].update(namespaces=[n for n in c["linux"]["namespaces"] if n["type"] != "pid"]))
    wait_until(lambda: "up" in life.text())
    good(life.call("kill", "c1", "KILL"))
    wait_until(lambda: json.loads(life.call("ps", "--format", "json", "c1").stdout) == [])


# ---- section 3 ----


@pytest.mark.root("an ordinary user could not change them anyway")
def test_traps_devices_of_the_host_keep_their_owner(running):
    """Its standard streams are the host's null device, which must not become the user's."""
    before = {p: (os.stat(p).st_uid, os.stat(p).st_gid, stat.S_IMODE(os.stat(p).st_mode)) for p in ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")}
    with open("/dev/null", "r+b") as null:
        r = subprocess.run([*map(str, running.argv("exec", "--user", "77:78", "c1", "/bin/probe", "exit", "0"))], stdin=null, stdout=null, stderr=null, timeout=30)
    assert r.returncode == 0
    assert {p: (os.stat(p).st_uid, os.stat(p).st_gid, stat.S_IMODE(os.stat(p).st_mode)) for p in before} == before


@groups_of_the_host
def test_traps_a_frozen_group_hangs_nobody(bundle):
    """It is refused before anything would enter it."""
    freezer = None if cgroup_v2_only() else cgroup_mount("freezer")
    group = (freezer or cgroup_mounts()[0][0]) / GROUPS / "c1"
    name, frozen, thawed = ("freezer.state", "FROZEN", "THAWED") if freezer else ("cgroup.freeze", "1", "0")
    group.mkdir(parents=True)
    try:
        (group / name).write_text(frozen)
        refused(bundle, lambda c: None)
    finally:
        (group / name).write_text(thawed)
        group.rmdir()
        group.parent.rmdir()


@pytest.mark.root("it gives capabilities away")
def test_traps_capabilities_that_it_lacks_are_dropped_with_a_warning(bundle):
    """All of them are listed by Docker's --privileged."""
    caps = json.loads(good(runtime("features")).stdout)["linux"]["capabilities"]
    write_config(bundle, lambda c: (as_root(c), c["process"].update(args=["/bin/probe", "exit", "7"], noNewPrivileges=False, capabilities={k: caps for k in ("bounding", "effective", "permitted", "inheritable")})))
    r = subprocess.run(["setpriv", "--bounding-set", "-sys_resource,-sys_boot", *map(str, [RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"])], capture_output=True, text=True, timeout=30)
    assert r.returncode == 7 and "warning" in r.stderr and "CAP_SYS_RESOURCE" in r.stderr, r


def test_traps_sigpipe(life):
    """A hook that reads nothing ends nobody; in the container the signal is as it was."""
    life.start("seq", "show", "signals", ",", "say", "up", change=lambda c: c.update(annotations={"large": "x" * 200000}, hooks={"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "exec <&-; exit 0"]}]}))
    wait_until(lambda: "up" in life.text())
    assert int(values(life.text())["signals.ignored"], 16) & 1 << 12 == 0


@pytest.mark.parametrize("args, words", [(["/x"], 'exec: "/x": stat /x: no such file or directory'), (["/etc"], 'exec: "/etc": permission denied'), (["x"], 'exec: "x": executable file not found in $PATH')])
def test_traps_docker_makes_exit_codes_of_wording(life, args, words):
    log = life.bundle / "log.json"
    write_config(life.bundle, put("process.args", args))
    r = life.call("--log", str(log), "--log-format", "json", "create", "-b", str(life.bundle), "c1", stdin=subprocess.DEVNULL)
    assert r.returncode == 1 and words in json.loads(log.read_text().splitlines()[-1])["msg"], log.read_text()


@groups_of_the_host
def test_traps_docker_resends_all_resources(running):
    """What is in place is not written again: the file would have another time."""
    path = cgroup_mount("pids") / GROUPS / "c1/pids.max"
    good(running.call("update", "-r", "-", "c1", input='{"pids": {"limit": 44}}'))
    before = path.stat().st_mtime_ns
    good(running.call("update", "-r", "-", "c1", input='{"pids": {"limit": 44}, "cpu": {}, "memory": {}, "blockIO": {}}'))
    assert path.stat().st_mtime_ns == before and path.read_text() == "44\n"


@pytest.mark.parametrize("how", ["link", "wrapper", "empty name"])
def test_traps_how_it_is_called(bundle, tmp_path, how):
    write_config(bundle, put("process.args", ["/bin/probe", "exit", "7"]))
    words = [*map(str, ["--root", bundle / "state", "run", "-b", bundle, "c1"])]
    other = tmp_path / "docker-runc"
    if how == "link":
        other.symlink_to(RUNTIME)
        argv, program = [str(other), *words], str(other)
    elif how == "wrapper":
        other.write_text(f'#!/bin/sh\nexec {RUNTIME} --debug "$@"\n')
        other.chmod(0o755)
        argv, program = [str(other), *words], str(other)
    else:
        argv, program = ["", *words], str(RUNTIME)
    r = subprocess.run(argv, executable=program, capture_output=True, text=True, timeout=30)
    assert r.returncode == 7, r


@pytest.mark.parametrize("kind", ["pipe", "null", "closed", "terminal"])
def test_traps_what_standard_input_is(bundle, kind):
    write_config(bundle, put("process.args", ["/bin/probe", "seq", "show", "fds", ",", "exit", "7"]))
    argv = [*map(str, [RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"])]
    if kind == "terminal":
        t = Terminal(argv, os.environ)
        try:
            assert t.wait() == 7 and "fds.3=" not in t.text, t.text
        finally:
            t.close()
        return
    given = {"pipe": {"input": "x"}, "null": {"stdin": subprocess.DEVNULL}, "closed": {"preexec_fn": lambda: os.close(0)}}[kind]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=30, **given)
    assert r.returncode == 7 and "fds.3=" not in r.stdout and "fds.0=" in r.stdout, r
