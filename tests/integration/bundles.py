"""OCI bundles for mydocker-runtime: one that any caller can start, with groups of the test's own."""
import copy
import json
import os
import subprocess

import pytest

from harness import MYDOCKER, cgroup_mounts, wait_until

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


class Lifecycle:
    """One container of a bundle; what it prints goes to a file."""

    def __init__(self, where):
        self.bundle, self.state_dir, self.out = where, where / "state", where / "out"

    def call(self, *args, **kw):
        return runtime("--root", str(self.state_dir), *args, **kw)

    def create(self, *words, options=(), change=lambda c: None, image=None):
        """image: files of the root, text by path; one that begins with "#!" can be executed."""
        for path, text in (image or {}).items():
            (self.bundle / "root" / path).write_text(text)
            (self.bundle / "root" / path).chmod(0o755 if text.startswith("#!") else 0o644)

        def all_changes(c):
            c["process"]["args"] = ["/bin/probe", *words]
            change(c)

        write_config(self.bundle, all_changes)
        complaints = self.bundle / "complaints"  # no pipe: the container has its other end
        with open(self.out, "wb") as out, open(complaints, "wb") as err:
            r = subprocess.run([*map(str, self.argv("create", "-b", self.bundle, *options, "c1"))], stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True, timeout=30)
        r.stderr = complaints.read_text()
        return r

    def argv(self, *args):
        return [RUNTIME, "--root", self.state_dir, *args]

    def state(self):
        r = self.call("state", "c1")
        return json.loads(r.stdout) if r.returncode == 0 else r.stderr

    def status(self):
        return self.state()["status"]

    def wait_for(self, status):
        wait_until(lambda: self.status() == status)

    def text(self):
        return self.out.read_text()


    def start(self, *words, **kw):
        good(self.create(*words, **kw))
        good(self.call("start", "c1"))

    def exec(self, *args, **kw):
        """`exec` of the probe; options come before the container's id."""
        options = [x for x in args if not isinstance(x, tuple)]
        words = [w for x in args if isinstance(x, tuple) for w in x]
        return self.call("exec", *options, "c1", *(["/bin/probe", *words] if words else []), **kw)


@pytest.fixture
def life(bundle):
    one = Lifecycle(bundle)
    yield one
    assert one.call("delete", "--force", "c1").returncode == 0


def good(r):
    assert r.returncode == 0 and not r.stderr, r
    return r


def bad(r, *words):
    assert r.returncode == 1 and r.stderr.startswith("mydocker-runtime: ") and r.stderr.count("\n") == 1, r
    assert all(w in r.stderr for w in words), r
