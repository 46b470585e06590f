"""OCI bundles for mydocker-runtime: one that any caller can start, with groups of the test's own."""
import copy
import json
import os
import subprocess

import pytest

from harness import MYDOCKER, cgroup_mounts

GROUPS = f"test-bundle-{os.getpid()}"  # made with the first container in it, and gone with the last
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
    "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "uts")], "maskedPaths": ["/proc/kcore"], "cgroupsPath": f"/{GROUPS}/c1"},
}


RUNTIME = MYDOCKER.parent / "mydocker-runtime"


@pytest.fixture
def bundle(make_rootfs, scratch):
    make_rootfs(scratch / "root")
    (scratch / "data").mkdir()
    yield scratch
    assert not [p for p, _, _ in cgroup_mounts() if (p / GROUPS).exists()]
    kept = scratch / "state/containers"
    assert not kept.exists() or not list(kept.iterdir())


def runtime(*args, **kw):
    return subprocess.run([RUNTIME, *args], capture_output=True, text=True, timeout=30, **kw)


def write_config(bundle, change=lambda c: None):
    config = copy.deepcopy(CONFIG)
    if os.geteuid() != 0:
        config["process"]["user"] = {"uid": 0, "gid": 0}
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"] |= {k: [{"containerID": 0, "hostID": i, "size": 1}] for k, i in (("uidMappings", os.geteuid()), ("gidMappings", os.getegid()))}
    change(config)
    (bundle / "config.json").write_text(json.dumps(config))


def command(bundle, *options, container="c1"):
    return [RUNTIME, "--root", bundle / "state", "run", "-b", bundle, *options, container]


def run(bundle, words, *options, change=lambda c: None, **kw):
    def all_changes(c):
        c["process"]["args"] = ["/bin/probe", *words.split()]
        change(c)

    write_config(bundle, all_changes)
    return subprocess.run(command(bundle, *options), capture_output=True, text=True, timeout=30, **kw)
