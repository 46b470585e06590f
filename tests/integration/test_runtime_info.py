"""mydocker-runtime spec and features: a description to begin with, and what this program knows of the specification."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from bundles import bad, bundle, good, runtime  # noqa: F401: one is a fixture
from harness import TOP, cgroup_mounts


# ---- spec ----


def made(where, *options):
    good(runtime("spec", *options, cwd=where))
    return json.loads((where / "config.json").read_text())


@pytest.mark.parametrize("rootless", [False, True])
def test_it_is_that_of_runc(tmp_path, rootless):
    """But for its own name and version, and capabilities that are not ambient."""
    runc = shutil.which("runc")
    if not runc:
        pytest.skip("runc is not installed")
    options = ["--rootless"] if rootless else []
    theirs_dir = tmp_path / "theirs"
    theirs_dir.mkdir()
    subprocess.run([runc, "spec", *options], cwd=theirs_dir, check=True)
    theirs, ours = json.loads((theirs_dir / "config.json").read_text()), made(tmp_path, *options)
    assert ours["ociVersion"] == "1.3.0" and ours["hostname"] == "mydocker-runtime"
    for c in (ours, theirs):
        del c["ociVersion"], c["hostname"]
        c["linux"]["namespaces"] = sorted(n["type"] for n in c["linux"]["namespaces"])
        for names in c["process"]["capabilities"].values():
            names.sort()
        c["process"]["capabilities"].pop("ambient", None)
    assert ours == theirs


def test_it_overwrites_nothing(tmp_path):
    (tmp_path / "config.json").write_text("mine")
    bad(runtime("spec", cwd=tmp_path), "File config.json exists. Remove it first")
    bad(runtime("spec", "-b", "/no/such"), "/no/such/config.json")
    assert (tmp_path / "config.json").read_text() == "mine"


@pytest.mark.parametrize("program", ["mydocker-runtime", "runc"])
def test_what_it_makes_runs(bundle, program):  # noqa: F811
    if program == "runc" and (not shutil.which("runc") or os.geteuid() != 0):
        pytest.skip("needs runc and root")
    options = [] if os.geteuid() == 0 else ["--rootless"]
    config = made(bundle, *options)
    config["process"].update(terminal=False, args=["/bin/probe", "seq", "show", "ids", ",", "exit", "4"])
    config["root"]["path"] = "root"
    config["linux"]["cgroupsPath"] = f"/test-bundle-{os.getpid()}/c1"
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers") or os.geteuid() != 0:  # runc of a hybrid host, and nobody's groups
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    for m in config["mounts"]:  # the root is read-only
        (bundle / "root" / m["destination"].lstrip("/")).mkdir(parents=True, exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(config))
    if program == "runc":
        r = subprocess.run(["runc", "--root", bundle / "runc", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    else:
        r = runtime("--root", str(bundle / "state"), "run", "-b", str(bundle), "c1")
    assert r.returncode == 4 and "ids.uid=0,0,0" in r.stdout, r
    for p, _, _ in cgroup_mounts():
        group = p / f"test-bundle-{os.getpid()}"
        if group.exists():
            group.rmdir()


# ---- features ----


@pytest.fixture(scope="module")
def features():
    return json.loads(good(runtime("features")).stdout)


def test_its_form(features):
    """features.md and features-linux.md: names and types, nothing else."""
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"] == "1.3.0"
    assert features["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    assert set(features) == {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"}
    assert set(features["linux"]) == {"namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "memoryPolicy", "intelRdt", "mountExtensions", "netDevices"}
    lists = [features["mountOptions"], *(features["linux"][k] for k in ("namespaces", "capabilities")), *(v for v in features["linux"]["seccomp"].values() if isinstance(v, list)),
             *features["linux"]["memoryPolicy"].values(), features["potentiallyUnsafeConfigAnnotations"]]
    for names in lists:
        assert names == sorted(set(names)) and all(isinstance(x, str) and x for x in names), names
    assert all(isinstance(v, bool) for v in features["linux"]["cgroup"].values())


def test_what_it_names_is_taken(bundle, features):  # noqa: F811
    """Each option, action, operator, architecture and flag is one that a description may have."""
    from bundles import write_config

    def all_of_them(c):
        c["mounts"] += [{"destination": f"/o{i}", "type": "bind", "source": "data", "options": ["rbind", o]} for i, o in enumerate(features["mountOptions"])
                        if o not in ("remount", "tmpcopyup", "idmap", "ridmap", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable") and not re.match("r?(sync|async|dirsync|lazytime|nolazytime|mand|nomand)$", o)]
        s = features["linux"]["seccomp"]
        c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": s["archs"], "flags": s["supportedFlags"], "listenerPath": "/x",
                                 "syscalls": [{"names": [f"call{i}"], "action": a} for i, a in enumerate(s["actions"])]
                                 + [{"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": o}]} for o in s["operators"]]}
        c["process"]["capabilities"]["bounding"] = features["linux"]["capabilities"]
        c["linux"]["memoryPolicy"] = {"mode": features["linux"]["memoryPolicy"]["modes"][0], "flags": features["linux"]["memoryPolicy"]["flags"]}

    write_config(bundle, all_of_them)
    r = runtime("explain", "-b", str(bundle))
    assert r.returncode == 0 and "unknown" not in r.stderr, r


STRINGS = [str]
FORM = {  # features.md and features-linux.md of version 1.3: every key that they have, and the type of its value
    "ociVersionMin": str, "ociVersionMax": str, "hooks": STRINGS, "mountOptions": STRINGS, "annotations": {None: str},
    "potentiallyUnsafeConfigAnnotations": STRINGS,
    "linux": {
        "namespaces": STRINGS, "capabilities": STRINGS, **{key: {"enabled": bool} for key in ("apparmor", "selinux", "netDevices")},
        "cgroup": {key: bool for key in ("v1", "v2", "systemd", "systemdUser", "rdma")},
        "seccomp": {"enabled": bool, **{key: STRINGS for key in ("actions", "operators", "archs", "knownFlags", "supportedFlags")}},
        "memoryPolicy": {"modes": STRINGS, "flags": STRINGS}, "intelRdt": {"enabled": bool, "schemata": bool, "monitoring": bool},
        "mountExtensions": {"idmap": {"enabled": bool}},
    },
}


def misfits(value, form, path=""):
    if isinstance(form, list):
        return [path] if not isinstance(value, list) or any(not isinstance(x, form[0]) for x in value) else []
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return [path]
        return [x for key, v in value.items() for x in (misfits(v, form.get(key, form.get(None)), f"{path}.{key}") if key in form or None in form else [f"{path}.{key}"])]
    return [] if isinstance(value, form) else [path]


def test_it_has_the_form_of_the_specification(features):
    """Nothing that it does not define, and all of it told: what is not done is there, too, as false."""
    assert not misfits(features, FORM)
    assert set(features) == set(FORM) and set(features["linux"]) == set(FORM["linux"])
    assert set(features["linux"]["memoryPolicy"]["modes"]) == {f"MPOL_{x}" for x in "DEFAULT BIND INTERLEAVE WEIGHTED_INTERLEAVE PREFERRED PREFERRED_MANY LOCAL".split()}
    assert set(features["linux"]["memoryPolicy"]["flags"]) == {f"MPOL_F_{x}" for x in "NUMA_BALANCING RELATIVE_NODES STATIC_NODES".split()}
    assert features["linux"]["seccomp"]["supportedFlags"] == features["linux"]["seccomp"]["knownFlags"]


def test_it_agrees_with_the_schema(features):
    """The specification's own schema, where it is at hand: MYDOCKER_OCI_SCHEMA is its directory."""
    where = os.environ.get("MYDOCKER_OCI_SCHEMA")
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema (package python3-jsonschema)")
    if not where:
        pytest.skip("MYDOCKER_OCI_SCHEMA does not name the directory of the specification's schemas")
    folder = pathlib.Path(where).resolve()
    schema = json.loads((folder / "features-schema.json").read_text())
    resolver = jsonschema.RefResolver(f"{folder.as_uri()}/features-schema.json", schema)
    jsonschema.Draft4Validator(schema, resolver=resolver).validate(features)


def test_the_namespaces_are_all_there_are(features):
    assert set(features["linux"]["namespaces"]) == {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"}
    assert len(features["linux"]["capabilities"]) == len(re.findall(r'"CAP_', (TOP / "src/base/caps.c").read_text())) - len(re.findall(r'strncasecmp\(name, "CAP_', (TOP / "src/base/caps.c").read_text()))


# ---- options before the command ----


def test_cgroup_managers(bundle):  # noqa: F811
    from bundles import write_config

    bad(runtime("--cgroup-manager=x", "list"), "'x': not cgroupfs, systemd or disabled")
    bad(runtime("--rootless", "x", "list"), "'x': not true, false or auto")
    write_config(bundle, lambda c: c["process"].update(args=["/bin/probe", "cat", "/proc/self/cgroup"]))
    ours = open("/proc/self/cgroup", encoding="utf-8").read()
    r = runtime("--root", str(bundle / "state"), "--cgroup-manager", "disabled", "--rootless=auto", "run", "-b", str(bundle), "c1")
    assert r.returncode == 0 and r.stdout == ours, r
    r = runtime("--root", str(bundle / "state"), "--cgroup-manager", "cgroupfs", "run", "-b", str(bundle), "c1")
    assert r.returncode == 0 and (r.stdout != ours or os.geteuid() != 0), r


def test_sockets_of_systemd(bundle):  # noqa: F811
    """sd_listen_fds(3): the descriptors go on under their numbers, and the command is told of them."""
    from bundles import RUNTIME, write_config

    write_config(bundle, lambda c: c["process"].update(args=["/bin/probe", "seq", "show", "fds", ",", "env", "LISTEN"]))
    script = 'exec 3</dev/null 4</dev/null; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@"'
    r = subprocess.run(["sh", "-c", script, "sh", RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and "fds.3=" in r.stdout and "fds.4=" in r.stdout and "fds.5" not in r.stdout and "12:LISTEN_FDS=2" in r.stdout and "12:LISTEN_PID=1" in r.stdout, r
    r = subprocess.run(["sh", "-c", script.replace("LISTEN_PID=$$", "LISTEN_PID=1"), "sh", RUNTIME, "--root", bundle / "state", "run", "-b", bundle, "c1"], capture_output=True, text=True, timeout=30)
    assert r.returncode == 0 and "fds.3" not in r.stdout, r  # meant for somebody else
