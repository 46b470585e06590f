"""`mydocker-runtime explain`: what a start of an OCI bundle would do."""
import copy
import json
import os
import subprocess

import pytest

from harness import MYDOCKER, all_groups, cgroup_mount, tree

CONFIG = {
    "ociVersion": "1.3.0",
    "process": {
        "user": {"uid": 5, "gid": 6}, "args": ["/bin/probe", "exit", "0"], "env": ["A=b"], "cwd": "/work", "noNewPrivileges": True,
        "capabilities": {k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted")},
    },
    "root": {"path": "root", "readonly": True},
    "hostname": "bundled",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
        {"destination": "/data", "type": "none", "source": "data", "options": ["rbind", "ro"]},
        {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
    ],
    "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "uts")], "maskedPaths": ["/proc/kcore"]},
}


@pytest.fixture
def bundle(scratch):
    (scratch / "root").mkdir()
    (scratch / "data").mkdir()
    return scratch


def runtime(*args, **kw):
    return subprocess.run([MYDOCKER.parent / "mydocker-runtime", *args], capture_output=True, text=True, timeout=30, **kw)


def explain(bundle, *args, change=lambda c: None, **kw):
    config = copy.deepcopy(CONFIG)
    if os.geteuid() != 0:
        config["process"]["user"] = {"uid": 0, "gid": 0}
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"] |= {k: [{"containerID": 0, "hostID": i, "size": 1}] for k, i in (("uidMappings", os.geteuid()), ("gidMappings", os.getegid()))}
    change(config)
    (bundle / "config.json").write_text(json.dumps(config))
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
    assert s["exec"] == ['execve("/bin/probe", 3 arguments, 1 variables)']
    assert "prctl(SET_NO_NEW_PRIVS)" in s["privileges"] and any("setresuid(5)" in c for c in s["privileges"]) == (os.geteuid() == 0)


def test_it_is_the_same_story_as_that_of_run(md, bundle):
    """One road from the description on: what does not depend on options is word for word the same."""
    told = json.loads(md.call("explain", "--format", "json", *md.run_argv("--network host --ipc host -w /work", "probe exit 0")[len(md.argv()):]).ok().out)
    run = {s["name"].lower(): [x["call"] for x in s["steps"]] for s in told["stages"]}
    s = stages(explain(bundle, "--format", "json", "x"))
    for stage in ("program", "follow", "start", "hear", "pivot", "bind"):
        assert s[stage] == run[stage] and (s[stage] or stage == "bind"), stage


def test_it_does_nothing(bundle):
    explain(bundle)
    before = tree(bundle), all_groups()
    assert explain(bundle, "some-id").returncode == 0 and runtime("explain", cwd=bundle).returncode == 0
    assert (tree(bundle), all_groups()) == before


@pytest.mark.root("control groups of the host")
def test_groups_and_limits(bundle):
    def limit(c):
        c["linux"] |= {"cgroupsPath": "/somewhere/else", "resources": {"pids": {"limit": 7}}}

    s = stages(explain(bundle, "--format", "json", change=limit))
    assert f'mkdir("{cgroup_mount("pids")}/somewhere/else")' in s["groups"] and 'write("pids.max", "7")' in s["groups"]


@pytest.mark.root("others need a user namespace, which the message is about")
def test_for_people(bundle):
    r = explain(bundle, "some-id")
    assert r.stdout.startswith("This is what would be done; nothing of it is.\n") and "64 digits" not in r.stdout and "mydocker/some-id" in r.stdout


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
    assert r.returncode == 0 and r.stdout.splitlines()[0].startswith("mydocker-runtime version ") and r.stdout.splitlines()[1] == "spec: 1.3.0", r
    assert "explain" in runtime().stdout and "--bundle DIR" in runtime("explain", "--help").stdout
    for args, words in ((["foo"], "No help topic for 'foo'"), (["explain", "a", "b"], "'b'"), (["explain", "--frob"], "--frob"), (["explain", "--format", "x"], "'x'")):
        r = runtime(*args)
        assert r.returncode == 1 and words in r.stderr and r.stderr.startswith("mydocker-runtime: "), r
