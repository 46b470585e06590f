"""Real programs in a Debian root."""
import fcntl
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture(scope="session")
def debian(base):
    """A small Debian, made once for all workers and kept in the folder for temporary files."""
    cache = Path(tempfile.gettempdir()) / "mydocker-tests-debian"
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is not installed")
    with open(f"{cache}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "usr/bin/apt-get").exists():
            new = Path(tempfile.mkdtemp(prefix="mydocker-tests-debian-", dir=cache.parent))
            suite = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
            made = subprocess.run(
                ["mmdebstrap", "--variant=apt", "--mode=root", suite[1] if suite else "stable", str(new)], capture_output=True, timeout=500
            )
            if made.returncode:
                shutil.rmtree(new)
                pytest.skip("no Debian to be had: " + [x for x in made.stderr.decode().splitlines() if x.startswith("E:")][0])
            new.chmod(0o755)
            new.rename(cache)
    return cache


def test_shell(md, debian):
    r = md.run("", ["sh", "-c", "echo $0 $(id -u) $(hostname 2>/dev/null || cat /etc/hostname); exit 5"], rootfs=f"{debian}:O")
    assert r.code == 5 and r.out.startswith("sh 0 "), r


def test_apt_and_dpkg(md, debian):
    r = md.run("", ["sh", "-c", "apt-get --version | head -1 && dpkg -l | grep -c ^ii"], rootfs=f"{debian}:O").ok()
    assert r.out.startswith("apt ") and int(r.out.splitlines()[-1]) > 50


def test_a_package_is_removed_and_does_not_leave_the_overlay(md, debian):
    r = md.run("", ["sh", "-c", "dpkg --remove --force-all tzdata mawk >/dev/null 2>&1; dpkg -l mawk | tail -1"], rootfs=f"{debian}:O", timeout=100)
    assert not r.out.startswith("ii"), r
    assert (debian / "usr/bin/mawk").exists()


def test_su(md, debian):
    r = md.run("", ["su", "-s", "/bin/sh", "nobody", "-c", "id -un"], rootfs=f"{debian}:O").ok()
    assert r.out == "nobody\n"


def test_users_by_name(md, debian):
    assert md.run("-u www-data", ["id", "-un"], rootfs=f"{debian}:O").ok().out == "www-data\n"


def test_tar_round_trip(md, debian):
    r = md.run("", ["sh", "-c", "tar -C /etc -cf - . | tar -C /tmp -xf - && diff -r /etc/apt /tmp/apt && echo same"], rootfs=f"{debian}:O", timeout=60)
    assert r.ok().out == "same\n"


def test_perl(md, debian):
    r = md.run("", ["perl", "-e", 'socket(S,1,1,0) or die; my $p=fork; exit 3 unless $p; waitpid $p,0; print $?>>8, "\\n"'], rootfs=f"{debian}:O").ok()
    assert r.out == "3\n"


def test_bash_on_a_terminal(md, debian):
    t = md.terminal("-ti", ["bash", "--norc"], rootfs=f"{debian}:O")
    t.send("echo $((6*7)); tty; exit 4\n")
    assert t.wait() == 4 and "42" in t.text and "/dev/pts/0" in t.text


def test_host_tree_runs_python(md):
    r = md.run("", ["/usr/bin/python3", "-c", "import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))"], rootfs="/").ok()
    assert r.out == "[1, 2]\n"
