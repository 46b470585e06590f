"""A host in trouble: full and read-only disks, no descriptors, processes or memory left, engines killed at any moment. One line says what
is wrong and with what, and nothing is left behind. test_fail_points.py has each single failure; here they are real."""
import os
import random
import resource
import shlex
import shutil
import subprocess
import time

import pytest

from harness import SANITIZED, Result, private_mounts


def on_tmpfs(md, folder, options, argv, before="true"):
    """Runs argv with a small tmpfs on one of our folders, which nobody else sees. What is left in it comes after the output."""
    folder.mkdir(mode=0o700, exist_ok=True)
    script = f"""
        mount -t tmpfs -o mode=700,{options} t {folder} && {before} || exit 99
        {shlex.join(map(str, argv))}
        code=$?
        find {folder} -mindepth 2 ! -path '*/ended/*'
        exit $code"""
    p = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=60)
    return Result(p.returncode, p.stdout, p.stderr, argv)


def refused(r, *places):
    """Our own failure, which names one of the places; False when it was none. Nothing is left, whichever it is."""
    assert r.out == "", r
    if r.code == 3:
        assert r.err == "", r
        return False
    assert any(str(p) in r.failed(125).err for p in places), r
    return True


@pytest.mark.parametrize("opts", ["", "--name full -m 64m"])
def test_no_files_left_for_records(md, opts):
    """From too few for our folders to enough, one more each time."""
    argv = md.run_argv(opts, "probe exit 3")
    ends = [refused(on_tmpfs(md, md.state, f"nr_inodes={n}", argv), md.state) for n in range(2, 24)]
    assert ends == sorted(ends, reverse=True) and set(ends) == {True, False}


def test_no_space_left_for_records(md):
    argv = md.run_argv("--name full", "probe exit 3")
    ends = [refused(on_tmpfs(md, md.state, f"size={n * 4}k", argv), md.state) for n in range(1, 12)]
    assert ends == sorted(ends, reverse=True) and set(ends) == {True, False}


def test_no_files_left_for_a_layer(md):
    argv = md.run_argv("--name full", "probe exit 3", rootfs=f"{md.rootfs}:O")
    ends = [refused(on_tmpfs(md, md.root, f"nr_inodes={n}", argv), md.root, "the container's root") for n in range(2, 40)]
    assert ends == sorted(ends, reverse=True) and set(ends) == {True, False}


@pytest.mark.parametrize("there", [False, True])
def test_read_only_records(md, there):
    make = f"mkdir -m 700 {md.state}/containers {md.state}/names && " if there else ""
    r = on_tmpfs(md, md.state, "size=64k", md.run_argv("--name ro", "probe exit 3"), before=f"{make}mount -o remount,ro {md.state}")
    assert refused(r, md.state)


def test_read_only_layers(md):
    r = on_tmpfs(md, md.root, "size=64k", md.run_argv("--name ro", "probe exit 3", rootfs=f"{md.rootfs}:O"), before=f"mount -o remount,ro {md.root}")
    assert refused(r, md.root)


def test_a_full_disk_is_freed_by_the_next_run(md):
    """What a killed engine has left may be what fills the disk: the run that fails for it clears it away."""
    left = md.state / "containers" / ("ab" * 32)
    fill = f"mkdir -m 700 {md.state}/containers && mkdir {left} && head -c 60000 /dev/zero >{left}/hosts"
    argv = md.run_argv("", "probe exit 3")
    twice = ["sh", "-c", f"{shlex.join(argv)}; {shlex.join(argv)}"]
    r = on_tmpfs(md, md.state, "size=64k", twice, before=fill)
    assert r.out == "" and r.code == 3, r
    Result(125, b"", r.stderr).failed(125, str(md.state))


def with_limit(md, which, value, opts="", **kw):
    """A run whose caller has a resource limit."""
    return md.run(opts, "probe exit 3", preexec_fn=lambda: resource.setrlimit(which, (value, value)), **kw)


@pytest.mark.skipif(SANITIZED, reason="sanitizers open files of their own")
@pytest.mark.parametrize("opts", [pytest.param("", marks=pytest.mark.full), "--name few -m 64m --tmpfs /work", pytest.param("-t", marks=pytest.mark.full)])
def test_no_descriptors_left(md, opts):
    """From none at all to enough, one more each time."""
    ended = set()
    for n in range(3, 64):
        r = with_limit(md, resource.RLIMIT_NOFILE, n, opts)
        ended.add(r.code)
        if r.code != 3:
            r.failed(125)
        assert not md.left(), (n, r)
    assert ended == {3, 125}


@pytest.mark.userns
def test_no_processes_left(user_md):
    r = with_limit(user_md, resource.RLIMIT_NPROC, 1, "--pids-limit -1")
    r.failed(125, "make a process")
    assert not user_md.left()


@pytest.mark.skipif(SANITIZED, reason="sanitizers need terabytes of addresses")
def test_no_memory_left(md):
    """From too little to load the program to enough. It says so and ends, or the kernel kills it before it can."""
    ended = set()
    for kib in range(256, 12 << 10, 256):
        r = with_limit(md, resource.RLIMIT_AS, kib << 10)
        ended.add(r.code)
        assert r.code in (3, 125, 127, -6, -11, -9), (kib, r)
        if r.code in (125, -6):
            assert len(r.err.splitlines()) == 1 and "memory" in r.err.lower(), (kib, r)
    md.sweep()
    assert 3 in ended and not md.left()


def kill_at_random(md, rounds, seed):
    """Rounds of engines at once, some of one name, each killed at a time that is none of its choice."""
    dice = random.Random(seed)
    for _ in range(rounds):
        started = []
        for i in range(6):
            opts = dice.choice(["", "-m 64m", f"--name n{dice.randrange(3)}", f"--name n{dice.randrange(3)} --cgroup-parent /{md.base.name}"])
            started.append(md.start(opts, dice.choice(["probe exit 3", "probe sleep 60000"]), rootfs=dice.choice([md.rootfs, f"{md.rootfs}:O"])))
            time.sleep(dice.random() * 0.004)
        for r in dice.sample(started, len(started)):
            time.sleep(dice.random() * 0.004)
            r.signal(9)
        for r in started:
            end = r.wait()
            assert end.code in (-9, 3) or (end.code == 125 and "is in use" in end.err), (seed, end)
        md.started = [r for r in md.started if r not in started]


def left_after_kills(md):
    """The kernel takes a moment to end the killed; then one command clears away all of it."""
    for _ in range(100):
        if not md.processes():
            break
        time.sleep(0.02)
    r = md.call("info")
    assert r.code == 0 and r.err == "", r
    return md.left() + [str(p) for p in md.rootfs.parent.glob(".moved-up-*")]


def test_engines_killed_at_random(md):
    seed = random.randrange(1 << 32)
    kill_at_random(md, 2 if SANITIZED else 8, seed)
    assert not left_after_kills(md), seed


@pytest.mark.full
@pytest.mark.timeout(600)
def test_many_engines_killed_at_random(md):
    for seed in range(10 if SANITIZED else 60):
        kill_at_random(md, 4, seed)
        assert not left_after_kills(md), seed
