"""mydocker-runtime: what a start of an OCI bundle would do, and its start in the foreground."""
import json
import os
import re
import signal
import subprocess

import pytest

from bundles import GROUPS, RUNTIME, bundle, command, run, runtime, write_config  # noqa: F401: one is a fixture
from harness import SANITIZED, Terminal, cgroup_mount, cgroup_mounts, strace, tree, values, wait_until
from test_explain import COMPARED, calls_of, names

def explain(bundle, *args, change=lambda c: None, **kw):
    write_config(bundle, change)
    return runtime("explain", "-b", str(bundle), *args, **kw)


def stages(result):
    assert result.returncode == 0 and result.stderr == "", result
    return {s["name"].lower(): [x["call"] for x in s["steps"]] for s in json.loads(result.stdout)["stages"]}


def test_it_tells_what_config_json_says(bundle):
    s = stages(explain(bundle, "--format", "json"))
    assert s["look"][0] == f'openat("{bundle}/config.json"), read()'
    assert f'open_tree("{bundle}/root", CLONE|RECURSIVE)' in s["open"]
    assert any(c.startswith(f'open_tree("{bundle}/data"') for c in s["open"])  # relative to the bundle
    mounts = " ".join(s["mounts"])
    places = [mounts.index(x) for x in ('move_mount("/proc")', f'"{bundle}/data" -> "/data"', 'move_mount("/t")')]
    assert places == sorted(places) and "size=1m" in mounts
    assert 'sethostname("bundled")' in " ".join(s["kernel"]) and "/proc/kcore" in " ".join(s["masks"])
    assert s["exec"] == ['execve("/bin/probe", 3 arguments, 2 variables)']
    assert "prctl(SET_NO_NEW_PRIVS)" in s["privileges"] and any("setresuid(5)" in c for c in s["privileges"]) == (os.geteuid() == 0)


def test_what_is_null_is_not_given(bundle):
    """As for runc and crun, whose callers edit descriptions by tools that take nothing away."""
    def nulls(c):
        c |= {"annotations": None, "domainname": None, "hooks": None}
        c["process"] |= {"selinuxLabel": None, "rlimits": None, "ioPriority": None, "oomScoreAdj": None}
        c["linux"] |= {"timeOffsets": None, "seccomp": None, "resources": None, "sysctl": None, "memoryPolicy": None}
        c["mounts"][2]["options"] = None

    assert run(bundle, "exit 7", change=nulls).returncode == 7
    r = run(bundle, "exit 7", change=lambda c: c["root"].update(path=None))
    assert r.returncode == 1 and "root.path is missing" in r.stderr, r


def test_it_is_the_same_story_as_that_of_run(md, bundle):
    """One road from the description on: what does not depend on options is word for word the same."""
    told = json.loads(md.call("explain", "--format", "json", *md.run_argv("--network host --ipc host -w /work", "probe exit 0")[len(md.argv()):]).ok().out)
    run = {s["name"].lower(): [x["call"] for x in s["steps"]] for s in told["stages"]}
    s = stages(explain(bundle, "--format", "json", "x"))
    for stage in ("program", "follow", "start", "hear", "pivot", "bind"):
        steps = [x for x in run[stage] if not x.startswith("seccomp(")]  # which the bundle does not ask for
        assert s[stage] == steps and steps, stage


def test_it_does_nothing(bundle):
    explain(bundle)
    before = tree(bundle)
    assert explain(bundle, "some-id").returncode == 0 and runtime("explain", cwd=bundle).returncode == 0
    assert tree(bundle) == before


@pytest.mark.root("control groups of the host")
def test_groups_and_limits(bundle):
    def limit(c):
        c["linux"] |= {"cgroupsPath": "/somewhere/else", "resources": {"pids": {"limit": 7}}}

    s = stages(explain(bundle, "--format", "json", change=limit))
    assert f'mkdir("{cgroup_mount("pids")}/somewhere/else")' in s["groups"] and 'write("pids.max", "7")' in s["groups"]


@pytest.mark.root("others need a user namespace, which the message is about")
def test_for_people(bundle):
    r = explain(bundle, "some-id")
    assert r.stdout.startswith("This is what would be done; nothing of it is.\n") and "64 digits" not in r.stdout and f"{GROUPS}/c1" in r.stdout and "containers/some-id" in r.stdout


@pytest.mark.parametrize("change, words", [
    (lambda c: c["root"].update(path="absent"), "config.json: root.path: 'absent': No such file or directory"),
    (lambda c: c.pop("root"), "config.json: root"),
    (lambda c: c["process"].update(args=[]), "process.args"),
    (lambda c: c["mounts"].append({"destination": "/x", "type": "bind", "source": "data", "options": ["rbind", "frob"]}), "mount on /x: unknown bind option 'frob'"),
    (lambda c: c.update(ociVersion="99.0.0"), "ociVersion"),
])
def test_what_is_wrong_is_named(bundle, change, words):
    r = explain(bundle, change=change)
    assert r.returncode == 1 and r.stderr.startswith("mydocker-runtime: ") and words in r.stderr and r.stderr.count("\n") == 1 and not r.stdout, r


def test_files_that_are_no_config_json(bundle):
    config = bundle / "config.json"
    assert f"{config}: No such file or directory" in runtime("explain", cwd=bundle).stderr
    os.mkfifo(config)
    assert runtime("explain", cwd=bundle).stderr == f"mydocker-runtime: {config} is not a regular file\n"
    config.unlink()
    config.write_text("{")
    assert runtime("explain", cwd=bundle).stderr.startswith(f"mydocker-runtime: {config}: line 1")
    with open(config, "w", encoding="utf-8") as f:
        f.truncate((4 << 20) + 1)
    assert "is larger than 4194304 bytes" in runtime("explain", cwd=bundle).stderr
    assert "bundle '/no/such': No such file or directory" in runtime("explain", "--bundle", "/no/such").stderr


def test_the_rest_of_its_command_line():
    r = runtime("--version")
    assert r.returncode == 0 and r.stdout.splitlines()[0].startswith("mydocker-runtime version ") and r.stdout.splitlines()[2] == "spec: 1.3.0", r
    assert "explain" in runtime().stdout and "--bundle DIR" in runtime("explain", "--help").stdout
    for args, words in ((["foo"], "No help topic for 'foo'"), (["explain", "a", "b"], "'b'"), (["explain", "--frob"], "--frob"), (["explain", "--format", "x"], "'x'")):
        r = runtime(*args)
        assert r.returncode == (3 if args == ["foo"] else 1) and words in r.stderr and r.stderr.startswith("mydocker-runtime: "), r


# ---- run ----


def test_a_bundle_is_run(bundle):
    r = run(bundle, "seq show ids host , exit 7")
    v = values(r.stdout)
    assert r.returncode == 7 and r.stderr == "", r
    assert v["ids.uid"] == ("5,5,5" if os.geteuid() == 0 else "0,0,0") and v["host.name"] == "bundled" and v["host.cwd"] == "/work", v


def test_its_mounts_and_masks(bundle):
    (bundle / "data/f").write_text("of the volume")
    r = run(bundle, "seq cat /data/f , write /data/g x , write /t/x y , write /work/x y , cat /proc/kcore")
    assert r.stdout.startswith("of the volume") and re.findall(r"write=(\S+)(?: errno=(\d+))?", r.stdout) == [("-1", "30"), ("0", ""), ("-1", "30")], r


@pytest.mark.root("control groups of the host")
def test_its_limits_hold(bundle):
    def limit(c):
        c["linux"]["resources"] = {"pids": {"limit": 5}}

    r = run(bundle, "spawn 20", change=limit)
    assert "errno=11" in r.stdout, r


def test_signals_and_its_pid_file(bundle):
    def trap(c):
        c["process"]["args"] = ["/bin/probe", "trap", "15"]

    write_config(bundle, trap)
    with subprocess.Popen(command(bundle, "--pid-file", bundle / "pid"), stdout=subprocess.PIPE, text=True) as p:
        p.stdout.readline()
        pid = wait_until(lambda: (bundle / "pid").read_text() if (bundle / "pid").exists() else None)
        assert os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
        p.send_signal(signal.SIGTERM)
        assert p.wait(20) == 55


def test_a_terminal(bundle):
    def terminal(c):
        c["process"] |= {"terminal": True, "args": ["/bin/probe", "show", "session"], "consoleSize": {"height": 7, "width": 77}}
        c["mounts"].append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]})
        c["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]})

    write_config(bundle, terminal)
    t = Terminal([str(x) for x in command(bundle)], os.environ)
    try:
        assert t.wait() == 0 and "session.ctty=1" in t.text, t.text
    finally:
        t.close()


def test_descriptors(bundle):
    r, w = os.pipe()
    os.write(w, b"given")
    os.close(w)
    p = run(bundle, "show fds", "--preserve-fds", "1", preexec_fn=lambda: os.dup2(r, 3), close_fds=False)
    os.close(r)
    assert "fds.3=pipe" in p.stdout and "fds.4" not in p.stdout, p


def test_descriptors_that_are_not_open(bundle):
    """None of the runtime's own gets in their place."""
    p = run(bundle, "show fds", "--preserve-fds", "5")
    assert p.returncode == 1 and p.stderr == "mydocker-runtime: --preserve-fds 5: descriptor 3 is not open\n" and not p.stdout, p


def test_a_pid_file_that_cannot_be_written(bundle):
    """It is found when the process is there already: that goes, with its groups."""
    p = run(bundle, "sleep 60000", "--pid-file", "/dev/full")
    assert p.returncode == 1 and p.stderr == "mydocker-runtime: write /dev/full: No space left on device\n", p


def test_a_command_that_is_not_there(bundle):
    r = run(bundle, "", change=lambda c: c["process"].update(args=["/no/such"]))
    assert r.returncode == 1 and r.stderr.startswith("mydocker-runtime: ") and "/no/such" in r.stderr and r.stderr.count("\n") == 1, r


@pytest.mark.parametrize("container, words", [("../x", "invalid container ID format"), ("", "invalid container ID format"), ("a/b", "invalid container ID format"), ("x" * 1025, "invalid container ID format")])
def test_ids_that_are_none(bundle, container, words):
    write_config(bundle)
    r = subprocess.run(command(bundle, container=container), capture_output=True, text=True)
    assert r.returncode == 1 and words in r.stderr, r


def test_an_id_that_is_in_use(bundle):
    write_config(bundle, lambda c: c["process"].update(args=["/bin/probe", "seq", "say", "up", ",", "sleep", "60000"]))
    with subprocess.Popen(command(bundle), stdout=subprocess.PIPE, text=True) as p:
        p.stdout.readline()
        r = subprocess.run(command(bundle), capture_output=True, text=True)
        assert r.returncode == 1 and "container with given ID already exists: 'c1'" in r.stderr, r
        p.kill()
    assert run(bundle, "exit 3").returncode == 1  # also when its runtime was killed, until it is deleted
    assert runtime("--root", bundle / "state", "delete", "c1").returncode == 0 and run(bundle, "exit 3").returncode == 3


def test_the_story_is_what_is_done(bundle, scratch):
    """The calls of explain, kind by kind, are those that strace(1) sees."""
    if SANITIZED:
        pytest.skip("the sanitizers' own calls")
    tracer = strace("-ff", "-y", "-s", "4096", "-o", str(scratch / "trace"))
    tops = [p / GROUPS for p, _, _ in cgroup_mounts()]
    for p in tops:  # what is above a container's group and there already is somebody else's
        p.mkdir()
    assert run(bundle, "exit 0").returncode == 0  # the folders that all containers share are there from now on
    argv = [*tracer, *map(str, command(bundle))]
    assert subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0
    for p in tops:
        p.rmdir()
    seen = [[line for line in f.read_text(errors="replace").splitlines() if " = -1 E" not in line] for f in sorted(scratch.glob("trace.*"), key=lambda f: int(f.suffix[1:]))]
    s = stages(subprocess.run([RUNTIME, "--root", bundle / "state", "explain", "-b", bundle, "--format", "json", "c1"], capture_output=True, text=True))
    order = list(s)
    begin = order.index("start")
    told = calls_of([c for stage in order[:begin] + order[-2:] for c in s[stage]], COMPARED)
    told.remove("execveat")  # told with clone3, made by the new process
    assert told == names(seen[0][1:], COMPARED)
    wanted = set(COMPARED) - {"mkdirat"}  # mount points that the root lacks are made on the way
    told = ["execveat", *calls_of([c for stage in order[begin:-2] for c in s[stage]], wanted)]
    last = next(i for i, line in enumerate(seen[1]) if line.startswith("execve("))
    assert told == names(seen[1][: last + 1], wanted)
