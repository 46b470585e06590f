"""bench/start and bench/runtime run, measure what they are asked for and leave nothing; what they measure is no matter of a test."""
import re
import shutil
import subprocess

import pytest

import harness
from harness import PATIENCE
from id_files import need_helpers

pytestmark = [
    pytest.mark.root("it mounts, and starts things as root and as another user"),
    pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc, which makes the floor"),
    pytest.mark.skipif(harness.SANITIZED, reason="times of a sanitized build say nothing"),
]


def measured(*options):
    """{what the table calls it: its median in milliseconds}, and all that was printed."""
    r = subprocess.run([harness.TOP / "bench/start", "-n", "2", "--mydocker", harness.MYDOCKER, *options], capture_output=True, text=True, timeout=50 * PATIENCE)
    assert r.returncode == 0, r
    rows = re.findall(r"^\| (.*?) \| ([\d.]+) ms, ", r.stdout, re.M)
    return {name: float(ms) for name, ms in rows}, r


def test_as_root():
    rows, r = measured("--only", "floor0,mydocker,unshare")
    assert list(rows) == ["floor level 0", "floor level 4", "`mydocker run --rootfs DIR`", "`unshare`"], r
    assert all(ms > 0 for ms in rows.values()) and "Peak memory (VmHWM): mydocker " in r.stdout, r


@pytest.mark.userns
def test_as_an_ordinary_user():
    need_helpers()
    rows, r = measured("--user", "--only", "mydocker,user:floor0,user:mydocker,user:mydocker:1,user:unshare")
    assert len(rows) == 6 and "floor level 4" in rows and "left out" not in r.stderr, r
    assert "`mydocker run --rootfs DIR`" in rows and "`mydocker run --rootfs DIR`, ranges of ids" in rows, r
    assert all(ms > 0 for ms in rows.values()), r


@pytest.mark.full
def test_runtimes():
    r = subprocess.run([harness.TOP / "bench/runtime", "-n", "2", "--program", harness.MYDOCKER.parent / "mydocker-runtime", "--only", "runc"], capture_output=True, text=True, timeout=50 * PATIENCE)
    assert r.returncode == 0, r
    rows = re.findall(r"^\| `(.*?)` \| ([\d.]+) ms, ", r.stdout, re.M)
    assert {name for name, _ in rows} == {"floor level 4", "mydocker-runtime", *(["runc"] if shutil.which("runc") else [])}, r
    assert len(re.findall(r"^\| `mydocker-runtime`", r.stdout, re.M)) == (4 if shutil.which("podman") else 3) and "64 at once, mydocker-runtime: " in r.stdout, r
