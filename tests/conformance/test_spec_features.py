"""features.md and features-linux.md: what the runtime says of itself, and whether it is true."""
import json
import os
import re
import subprocess

import pytest

from bundles import RUNTIME, bundle, good, run, runtime, write_config  # noqa: F401: one is a fixture
from statements import SPEC
from test_spec_config import put

KEYS = {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"}
LINUX = {"namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "memoryPolicy", "intelRdt", "mountExtensions", "netDevices"}


@pytest.fixture(scope="module")
def features():
    return json.loads(good(runtime("features")).stdout)


def taken(bundle, change):
    """The description is understood: there may be other errors, but none about a name."""
    write_config(bundle, change)
    r = runtime("explain", "-b", str(bundle))
    assert r.returncode == 0, r


def test_features_is_a_json_structure(features):
    assert isinstance(features, dict) and runtime("features", "x").returncode == 1


def test_features_are_those_of_the_program_not_of_the_host(features):
    """The same where no group and no /sys is mounted, and without an environment."""
    hidden = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'umount -l /sys/fs/cgroup; umount -l /sys; exec "$0" features'] if os.geteuid() == 0 else ["sh", "-c", 'exec "$0" features']
    r = subprocess.run([*hidden, RUNTIME], capture_output=True, text=True, env={})
    assert json.loads(r.stdout) == features, r


def test_features_values_that_are_absent_are_not_empty(features):
    """No null, which would be another word for absent."""
    def walk(value):
        assert value is not None
        for x in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(x)

    walk(features)
    assert all(features["linux"]["cgroup"].get(k) is not None for k in ("v1", "v2", "systemd", "systemdUser", "rdma"))


@pytest.mark.parametrize("key", ["ociVersionMin", "ociVersionMax"])
def test_features_versions_are_accepted(bundle, features, key):
    assert run(bundle, "exit 7", change=put("ociVersion", features[key])).returncode == 7


def test_features_versions_are_in_order(features):
    low, high = ([int(x) for x in features[k].split("-")[0].split(".")] for k in ("ociVersionMin", "ociVersionMax"))
    assert low <= high and features["ociVersionMax"] == "1.3.0"


def test_features_has_no_properties_that_are_not_defined(features):
    assert set(features) <= KEYS and set(features["linux"]) <= LINUX, set(features["linux"])
    known = {"cgroup": {"v1", "v2", "systemd", "systemdUser", "rdma"}, "seccomp": {"enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags"}, "apparmor": {"enabled"}, "selinux": {"enabled"},
             "memoryPolicy": {"modes", "flags"}, "intelRdt": {"enabled", "schemata", "monitoring"}, "mountExtensions": {"idmap"}, "netDevices": {"enabled"}}
    for name, names in known.items():
        assert set(features["linux"].get(name, {})) <= names, name


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
def test_features_hooks_are_supported(bundle, features, kind):
    assert kind in features["hooks"] and len(features["hooks"]) == 6
    taken(bundle, put(f"hooks.{kind}", [{"path": "/bin/true"}]))


def test_features_mount_options_are_recognized(bundle, features):
    """Each alone, on a mount that may have it."""
    shared = {"shared", "rshared", "slave", "rslave", "private", "rprivate", "unbindable", "runbindable"}
    for i, option in enumerate(features["mountOptions"]):
        if option in ("idmap", "ridmap"):
            maps = [{"containerID": 0, "hostID": 0, "size": 10}]
            entry = {"type": "bind", "source": "data", "options": ["rbind", option], "uidMappings": maps, "gidMappings": maps}
        elif option.startswith("r") and option not in ("ro", "rw", "relatime", "remount", "rbind") or option in shared | {"rbind", "bind"}:
            entry = {"type": "bind", "source": "data", "options": ["rbind", option] if option != "bind" else ["bind"]}
        elif option == "remount":
            entry = {"type": "tmpfs", "source": "tmpfs", "options": ["remount", "ro"]}
        else:
            entry = {"type": "tmpfs", "source": "x", "options": [option]}
        if os.geteuid() != 0 and option in ("idmap", "ridmap"):
            continue
        taken(bundle, put("mounts.-", {"destination": "/t" if option == "remount" else f"/o{i}"} | entry))


def test_features_mount_options_are_none_of_a_file_system(features):
    assert not {"size", "mode", "nr_inodes", "hidepid", "gid", "newinstance", "ptmxmode"} & {o.split("=")[0] for o in features["mountOptions"]}
    assert "size=64k" not in features["mountOptions"]


def test_features_linux_is_there(features):
    assert isinstance(features["linux"], dict)


def test_features_annotations_are_a_map_of_strings(features):
    assert all(isinstance(k, str) and k and isinstance(v, str) for k, v in features["annotations"].items())


def test_features_namespaces_are_recognized(bundle, features):
    assert set(features["linux"]["namespaces"]) == {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}
    for kind in features["linux"]["namespaces"]:
        if kind != "user" and kind not in ("pid", "mount", "uts"):
            taken(bundle, put("linux.namespaces.-", {"type": kind}))


def test_features_capabilities_are_recognized(bundle, features):
    caps = features["linux"]["capabilities"]
    assert len(caps) >= 41
    write_config(bundle, put("process.capabilities", {"bounding": caps}))
    r = runtime("explain", "-b", str(bundle))
    assert r.returncode == 0 and "unknown" not in r.stderr, r


@pytest.mark.parametrize("key, place", [("actions", "action"), ("operators", "op"), ("archs", "architectures"), ("knownFlags", "flags"), ("supportedFlags", "flags")])
def test_features_seccomp_names_are_recognized(bundle, features, key, place):
    rule = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}
    for name in features["linux"]["seccomp"][key]:
        if name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
            given = {"syscalls": [rule | {"action": "SCMP_ACT_NOTIFY"}], "listenerPath": "/x", "flags": [name]}
        elif place == "action":
            given = {"syscalls": [rule | {"action": name}], "listenerPath": "/x"}
        elif place == "op":
            given = {"syscalls": [rule | {"args": [{"index": 0, "value": 1, "op": name}]}]}
        else:
            given = {"syscalls": [rule], place: [name]}
        taken(bundle, put("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW"} | given))


def test_features_seccomp_has_what_the_specification_lists(features):
    """Its constants but for those of other machines, taken from config-linux.md where that is at hand."""
    text = SPEC / "runtime-spec/config-linux.md"
    if not text.exists():
        pytest.skip(f"the specification is not at {SPEC}")
    words = set(re.findall(r"`((?:SCMP_ACT|SCMP_CMP|SECCOMP_FILTER)_\w+)`", text.read_text()))
    s = features["linux"]["seccomp"]
    have = set(s["actions"]) | set(s["operators"]) | set(s["archs"]) | set(s["knownFlags"])
    assert s["enabled"] and words <= have, words - have


@pytest.mark.parametrize("key", ["modes", "flags"])
def test_features_memory_policy_names_are_recognized(bundle, features, key):
    for name in features["linux"]["memoryPolicy"][key]:
        mode = name if key == "modes" else "MPOL_BIND"
        nodes = {} if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else {"nodes": "0"}
        taken(bundle, put("linux.memoryPolicy", {"mode": mode} | nodes | ({"flags": [name]} if key == "flags" else {})))


def test_features_mount_extensions_say_that_id_maps_are_recognized(features):
    assert features["linux"]["mountExtensions"]["idmap"]["enabled"] is True


def test_features_of_others_are_booleans(features):
    linux = features["linux"]
    assert all(isinstance(linux[k]["enabled"], bool) for k in ("apparmor", "selinux", "intelRdt", "netDevices"))
