"""Names, and many containers: at once and one after the other."""
import json
import os
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from harness import SANITIZED, all_groups, private_mounts, wait_until


def test_a_name_is_held_while_it_runs(md):
    r = md.start("--name box", "probe trap 15")
    r.line()
    md.run("--name box", "probe exit 0").failed(125, "box", "in use")
    assert md.run("--name other", "probe exit 3").code == 3
    r.signal(15)
    assert r.wait().code == 55
    assert md.run("--name box", "probe exit 3").code == 3


def test_rm_and_no_rm_leave_nothing(md):
    for opts in ("--rm", "", "--rm --name xx", "--name xx"):
        assert md.run(opts, "probe exit 3").code == 3
        assert not md.left()


def test_a_failed_start_gives_the_name_back(md):
    md.run("--name box", ["/no/such/program"]).failed(127)
    md.run("--name box -v /proc/nowhere/x:/y", "probe exit 3")
    assert md.run("--name box", "probe exit 3").code == 3


def test_two_with_the_same_name_at_once(md):
    for _ in range(5):
        both = [md.start("--name twin", "probe seq say won , sleep 400 , exit 3") for _ in range(2)]
        ends = [r.wait() for r in both]
        assert sorted(e.code for e in ends) == [3, 125], ends
        loser = [e for e in ends if e.code == 125][0]
        assert "twin" in loser.err and loser.err.startswith("mydocker: ")


@pytest.mark.parametrize("name", ["ab", "a.b", "a_b", "A-1", "00", "x" * 128])
def test_good_names(md, name):
    assert md.run(f"--name {name}", "probe exit 3").code == 3


@pytest.mark.parametrize("name", ["a", "-a", ".a", "a b", "a/b", "../x", "ü", "x" * 129, "a\n"])
def test_bad_names(md, name):
    r = md.run([f"--name={name}"], "probe exit 3")
    assert r.code == 125 and r.err.startswith("mydocker: "), r


@pytest.mark.parametrize("opts", ["", "-m 64m"])
def test_two_at_once_share_nothing_but_the_root(md, rootfs, opts):
    a, b = (md.start(opts, "probe trap 15") for _ in range(2))
    a.line(), b.line()
    assert len(md.ids()) == 2
    a.signal(15)
    assert a.wait().code == 55
    assert b.proc.poll() is None and len(md.ids()) == 1
    b.signal(15)
    assert b.wait().code == 55


def test_sixty_four_at_once(md):
    n = 16 if SANITIZED else 64
    before = all_groups()
    all_ = [md.start("-m 64m", f"probe seq say up , sleep 1500 , exit {i % 100}") for i in range(n)]
    for r in all_:
        r.line(40)
    assert len(md.ids()) >= 1
    for i, r in enumerate(all_):
        end = r.wait(40)
        assert end.code == i % 100 and end.err == "", end
    assert not md.left() and all_groups() <= before


def test_two_hundred_one_after_the_other(md):
    n = 40 if SANITIZED else 200
    before, fds = all_groups(), len(os.listdir("/proc/self/fd"))
    for i in range(n):
        r = md.run("", f"probe exit {i % 100}")
        assert r.code == i % 100 and r.err == "", (i, r)
    assert not md.left() and all_groups() <= before
    assert len(os.listdir("/proc/self/fd")) == fds


@pytest.mark.full
@pytest.mark.timeout(300)
def test_many_starts_from_several_callers(md):
    script = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "$@" || exit 1; done'
    callers = [subprocess.Popen(["sh", "-c", script, "sh", *md.run_argv("-m 64m", "probe exit 0")], env=md.env) for _ in range(8)]
    assert [c.wait(200) for c in callers] == [0] * 8
    assert not md.left()


def test_overlay_roots_at_once_do_not_meet(md, rootfs):
    both = [md.start("", f"probe seq write /work/x {i} , sleep 300 , cat /work/x", rootfs=f"{rootfs}:O") for i in (1, 2)]
    for i, r in zip((1, 2), both):
        assert r.wait().out == f"write=0\n{i}"
    assert not (rootfs / "work/x").exists()


def test_damaged_state_is_reported_and_blocks_nobody(md):
    md.run("", "probe exit 0").ok()
    bad = md.state / "containers" / ("ab" * 32)
    bad.mkdir(parents=True)
    (bad / "record.json").write_text("{ this is no JSON")
    (md.state / "containers" / "not-an-id").mkdir()
    try:
        assert md.run("", "probe exit 3").code == 3
        assert md.run("--name xx", "probe exit 3").code == 3
    finally:
        for d in (bad, md.state / "containers/not-an-id"):
            shutil.rmtree(d, ignore_errors=True)


def test_a_dangling_name_is_taken_back(md):
    md.run("--name xx", "probe exit 0").ok()
    (md.state / "names").mkdir(exist_ok=True)
    os.symlink("cd" * 32, md.state / "names/ghost")
    try:
        assert md.run("--name ghost", "probe exit 3").code == 3
    finally:
        (md.state / "names/ghost").unlink(missing_ok=True)


def test_a_record_of_another_boot_is_swept(md):
    r = md.start("--name old", "probe sleep 60000")
    wait_until(lambda: md.ids() and (md.state / "containers" / r.id / "process.json").exists())
    record = md.state / "containers" / r.id / "record.json"
    boot = open("/proc/sys/kernel/random/boot_id").read().strip()
    text = record.read_text()
    r.signal(signal.SIGKILL)
    r.wait()
    assert boot in text
    record.write_text(text.replace(boot, "00000000-0000-0000-0000-000000000000"))
    assert md.run("--name old", "probe exit 3").code == 3
    assert not md.left()


def test_a_record_that_names_somebody_else_s_process(md):
    """Pids are reused: only pid, start time and boot together name a process."""
    bystander = subprocess.Popen(["sleep", "60"])
    time.sleep(0.1)  # start times are counted in ticks of 10 ms
    try:
        r = md.start("", "probe sleep 60000")
        process = wait_until(lambda: md.ids() and (md.state / "containers" / r.id / "process.json"))
        wait_until(process.exists)
        r.signal(signal.SIGKILL)
        r.wait()
        data = json.loads(process.read_text())
        data["pid"] = bystander.pid
        process.write_text(json.dumps(data))
        assert md.run("", "probe exit 3").code == 3
        time.sleep(0.1)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_state_on_a_full_disk_says_so(md, scratch):
    """A state folder that cannot be written: an error that names it, and nothing started."""
    argv = md.run_argv("", "probe say ran")
    md.state.mkdir(mode=0o700, exist_ok=True)
    script = f"mount -t tmpfs -o size=4k,nr_inodes=2,mode=700 t {md.state} && exec {shlex.join(argv)}"
    p = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=40)
    assert p.returncode == 125 and p.stderr.startswith(b"mydocker: ") and str(md.state).encode() in p.stderr and b"ran" not in p.stdout, p


@pytest.mark.root("the folders are root's")
def test_default_folders(md):
    """Without --state and --root: /run/mydocker and /var/lib/mydocker, for us alone, and empty again."""
    there = {d: os.path.isdir(d) for d in ("/run/mydocker", "/var/lib/mydocker")}
    e = type(md)(md.base, md.rootfs, own_dirs=False)
    name = f"test-{os.getpid()}"
    r = e.start(f"--name {name}", "probe trap 15", rootfs=f"{md.rootfs}:O")
    r.line()
    assert os.path.islink(f"/run/mydocker/names/{name}")
    container = os.readlink(f"/run/mydocker/names/{name}")
    assert os.path.isdir(f"/run/mydocker/containers/{container}")
    r.signal(15)
    assert r.proc.wait(20) == 55
    r.close()
    for d in there:
        assert not os.path.isdir(d) or os.stat(d).st_mode & 0o7777 == 0o700, d
        left = [os.path.join(p, n) for p, dirs, files in os.walk(d) for n in dirs + files if n in (container, name)]
        assert not left
    for d, was in there.items():
        if not was and os.path.isdir(d):
            shutil.rmtree(d)


def test_state_folder_of_others_is_refused(md):
    md.state.mkdir(mode=0o777)
    md.state.chmod(0o777)
    r = md.run("", "probe exit 0")
    assert r.code == 125 and str(md.state) in r.err, r
    md.state.chmod(0o700)
