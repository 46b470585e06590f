"""checkpoint and restore with the real criu, where it can do its work with this kernel."""
import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest

from bundles import GROUPS, RUNTIME, bundle, good, life, write_config  # noqa: F401: some are fixtures
from harness import PATIENCE, cgroup_mounts, mounts, wait_until

pytestmark = [pytest.mark.root("criu needs root"), pytest.mark.timeout(300)]


def unable():
    """Why criu cannot be tried here."""
    if not shutil.which("criu"):
        return "criu is not installed"
    r = subprocess.run(["criu", "check"], capture_output=True, text=True, check=False)
    if r.returncode:
        return "criu check: " + (r.stdout + r.stderr).strip().splitlines()[-1]
    return "" if shutil.which("iptables-restore") else "criu needs iptables-restore"


@pytest.fixture(scope="module", autouse=True)
def able():
    why = unable()
    if why:
        pytest.skip(why)


def group_mounts():
    return [m for m in mounts() if m[1] == "cgroup2"]


def groups_again(before):
    """criu mounts cgroup v2 without nsdelegate, for the whole host, and nobody of ours was there to give it back."""
    for point, _, options in before if group_mounts() != before else []:
        subprocess.run(["mount", "-o", f"remount,{','.join(options)}", point], check=True)


class Real:
    """A container with pipes, which copies what it is told; each call gets new ones from who makes it."""

    def __init__(self, life):
        self.life, self.images, self.work = life, life.bundle / "images", life.bundle / "work"
        self.stdin = self.stdout = None

    def begin(self, *verb):
        in_r, self.stdin = os.pipe()
        self.stdout, out_w = os.pipe()
        log = self.life.bundle / "complaints"
        r = subprocess.run([str(x) for x in (RUNTIME, "--root", self.life.state_dir, *verb, "--detach", "-b", self.life.bundle, "c1")], stdin=in_r, stdout=out_w, stderr=out_w,
                           timeout=60 * PATIENCE, check=False)
        os.close(in_r)
        os.close(out_w)
        if r.returncode:
            said = os.read(self.stdout, 2000).decode()
            errors = [l for f in self.work.glob("*.log") for l in f.read_text(errors="replace").splitlines() if "Error" in l]
            raise AssertionError((log, said, errors))

    def run(self, change=lambda c: None):
        def all_changes(c):
            c["process"]["args"] = ["/bin/probe", "copy"]
            change(c)
        write_config(self.life.bundle, all_changes)
        self.begin("run")

    def checkpoint(self, *options):
        r = self.life.call("checkpoint", "--image-path", str(self.images), "--work-path", str(self.work), *options, "c1")
        assert r.returncode == 0, (r, [l for l in (self.work / "dump.log").read_text(errors="replace").splitlines() if "Error" in l])

    def restore(self, *options):
        self.begin("restore", "--image-path", self.images, "--work-path", self.work, *options)

    def hears(self, word):
        os.write(self.stdin, word)
        return os.read(self.stdout, 100) == word

    def close(self):
        for fd in (self.stdin, self.stdout):
            os.close(fd)


@pytest.fixture
def real(life):
    one, before = Real(life), group_mounts()
    yield one
    one.close()
    assert group_mounts() == before


def test_it_goes_on_where_it_was(real):
    """Twice, with mounts from outside, a masked file, a limit, and pipes of somebody else each time."""
    def change(c):
        c["linux"]["maskedPaths"] = ["/proc/version", "/proc/fs"]
        c["linux"]["readonlyPaths"] = ["/proc/sys"]
        c["linux"]["resources"] = {"pids": {"limit": 77}}
    real.run(change)
    assert real.hears(b"one\n")
    for word in (b"two\n", b"three\n"):
        before = real.life.state()
        real.checkpoint()
        assert "does not exist" in real.life.state()
        real.close()
        real.restore()
        now = real.life.state()
        assert now["status"] == "running" and now["created"] != before["created"] and real.hears(word)
        group = open(f"/proc/{now['pid']}/cgroup", encoding="utf-8").read().strip().split("::")[1]
        assert open(f"/sys/fs/cgroup{group}/pids.max", encoding="utf-8").read() == "77\n"
        assert " /data " in open(f"/proc/{now['pid']}/mountinfo", encoding="utf-8").read()
        r = real.life.exec(("show", "ids"))
        assert r.returncode == 0 and "uid=5" in r.stdout, r
    good(real.life.call("pause", "c1"))
    good(real.life.call("resume", "c1"))
    assert json.loads(real.life.call("events", "--stats", "c1").stdout)["data"]["pids"]["limit"] == 77
    good(real.life.call("kill", "c1", "KILL"))
    real.life.wait_for("stopped")


def test_memory_first(real):
    real.run()
    first = real.life.bundle / "first"
    good(real.life.call("checkpoint", "--pre-dump", "--image-path", str(first), "c1"))
    assert real.life.status() == "running" and real.hears(b"still\n")
    real.checkpoint("--parent-path", "../first")
    assert (real.images / "parent").is_symlink()
    real.close()
    real.restore()
    assert real.hears(b"again\n")


def test_left_running(real):
    real.run()
    real.checkpoint("--leave-running")
    assert real.life.status() == "running" and real.hears(b"on\n")


def test_killed_in_the_middle(real):
    """criu takes back what it has begun, or ends it; in either case nothing is stuck."""
    before = group_mounts()
    real.run()
    pid = real.life.state()["pid"]
    with subprocess.Popen(real.life.argv("checkpoint", "--image-path", real.images, "--work-path", real.work, "c1")) as p:
        wait_until(lambda: (real.work / "dump.log").exists(), 60)
        p.kill()
    time.sleep(5 * PATIENCE)
    groups_again(before)
    assert real.life.state()["pid"] in (0, pid)
    if real.life.status() == "running":
        assert real.hears(b"on\n")


def test_runc_restores_what_we_have_written(real):
    if not shutil.which("runc"):
        pytest.skip("runc is not installed")
    before = group_mounts()
    real.run(lambda c: c.update(ociVersion="1.0.2"))
    real.checkpoint()
    root = str(real.life.bundle / "runc")
    real.close()
    in_r, real.stdin = os.pipe()
    real.stdout, out_w = os.pipe()
    try:
        r = subprocess.run(["runc", "--root", root, "restore", "-d", "--image-path", str(real.images), "--work-path", str(real.work), "-b", str(real.life.bundle), "c1"], stdin=in_r, stdout=out_w,
                           stderr=out_w, timeout=60 * PATIENCE, check=False)
        assert r.returncode == 0, [l for l in (real.work / "restore.log").read_text(errors="replace").splitlines() if "Error" in l]
        os.close(in_r)
        os.close(out_w)
        assert real.hears(b"to runc\n")
    finally:
        subprocess.run(["runc", "--root", root, "delete", "-f", "c1"], check=False, timeout=60)
        groups_again(before)
        for place, _, _ in cgroup_mounts():
            with contextlib.suppress(OSError):
                (place / GROUPS).rmdir()  # which runc leaves
