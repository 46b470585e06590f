"""Signals, and the sudden death of any process of ours."""
import os
import signal
import subprocess
import time

import pytest

from harness import SANITIZED, all_groups, groups_of, wait_until


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCONT", "SIGALRM", "SIGWINCH"])
def test_signals_are_passed_on(md, name):
    sig = int(getattr(signal, name))
    r = md.start("", f"probe trap {sig}")
    assert r.line() == "ready"
    r.signal(sig)
    assert r.line() == f"signal={sig}"
    assert r.wait().code == 40 + sig


def test_several_signals_in_turn(md):
    r = md.start("", "probe trap 10 12 1 15")
    assert r.line() == "ready"
    for sig in (10, 12, 1, 10, 15):
        r.signal(sig)
        assert r.line() == f"signal={sig}"
    assert r.wait().code == 40 + 15


def test_real_time_signals(md):
    r = md.start("", "probe trap 40")
    assert r.line() == "ready"
    r.signal(40)
    assert r.wait().code == 80


def test_a_signal_that_the_command_dies_of(md):
    r = md.start("--pid host", "probe seq say ready , sleep 30000")
    r.line()
    r.signal(signal.SIGTERM)
    assert r.wait().code == 128 + signal.SIGTERM


def test_pid_1_ignores_what_it_does_not_handle(md):
    r = md.start("", "probe seq say ready , sleep 700 , exit 9")
    r.line()
    r.signal(signal.SIGTERM)
    assert r.wait().code == 9


def test_broken_pipe_is_the_command_s_own_matter(md):
    r = md.start("--pid host", "probe fill 100000000")
    r.proc.stdout.close()
    r.proc.stdout = None
    assert r.proc.wait(20) == 128 + signal.SIGPIPE
    r.proc.stderr.close()


def test_stopping_us_does_not_harm(md):
    r = md.start("", "probe seq say ready , sleep 300 , exit 6")
    r.line()
    r.signal(signal.SIGSTOP)
    time.sleep(0.5)
    r.signal(signal.SIGCONT)
    assert r.wait().code == 6


# ---- sudden death ----


@pytest.mark.parametrize("opts", ["", "--name stays-not", "--pid host", "-m 64m", "-u 1000 --security-opt no-new-privileges"])
def test_killing_us_ends_the_container_and_the_next_command_cleans(md, opts):
    r = md.start(opts, "probe seq spawn 2 , sleep 60000")
    r.line()
    container, pids = r.id, r.pids()
    assert len(pids) == 3 and groups_of(container)
    r.signal(signal.SIGKILL)
    r.proc.wait(10)
    if "host" not in opts:  # without a pid namespace of its own only the group knows them all
        wait_until(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids), 5)
    after = md.run(opts, "probe exit 3")
    assert after.code == 3 and not after.err, after
    assert not md.ids() and not groups_of(container) and not md.left()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids), 5)


def test_any_next_command_cleans(md):
    r = md.start("", "probe seq say up , sleep 60000")
    r.line()
    container = r.id
    r.signal(signal.SIGKILL)
    r.wait()
    assert md.call("info").code == 0
    left = md.ids() + groups_of(container)
    md.sweep()
    assert not left


def test_a_set_user_id_program_clears_the_death_signal_but_is_found(md, rootfs):
    """exec of a set-user-id program takes the parent-death signal away: the next command ends what is left."""
    suid = rootfs / "bin/suid"
    suid.write_bytes((rootfs / "bin/probe").read_bytes())
    suid.chmod(0o4755)
    r = md.start("-u 1000", ["/bin/suid", "seq", "say", "up", ",", "sleep", "60000"])
    r.line()
    container, pids = r.id, r.pids()
    r.signal(signal.SIGKILL)
    r.proc.wait(10)
    md.sweep()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids), 5)
    assert not md.ids() and not groups_of(container)


def test_killing_the_container_from_outside(md):
    r = md.start("", "probe seq say up , sleep 60000")
    r.line()
    os.kill(r.init_pid(), signal.SIGKILL)
    assert r.wait().code == 137


@pytest.mark.full
@pytest.mark.timeout(300)
def test_kill_at_any_moment(md):
    """SIGKILL after 0 ... 20 ms of the start; whatever was made by then is gone after the next command."""
    if SANITIZED:
        pytest.skip("too slow under sanitizers for what it would add")
    before = all_groups()
    for i in range(200):
        r = md.start("-m 64m --name killed", "probe sleep 60000")
        time.sleep(i * 0.0001)
        r.signal(signal.SIGKILL)
        r.wait()
        if i % 10 == 9:
            assert md.run("--name killed", "probe exit 3").code == 3, i
            assert not md.left() and all_groups() <= before, i
    assert md.run("--name killed", "probe exit 3").code == 3


def test_kill_at_some_moments(md):
    before = all_groups()
    for i in range(12):
        r = md.start("-m 64m", "probe sleep 60000")
        time.sleep(i * 0.0012)
        r.signal(signal.SIGKILL)
        r.wait()
    assert md.run("", "probe exit 3").code == 3
    assert not md.left() and all_groups() <= before


def test_a_running_container_survives_the_next_command(md):
    r = md.start("--name alive", "probe trap 15")
    r.line()
    assert md.run("", "probe exit 3").code == 3
    assert md.call("info").code == 0
    assert md.ids() == [r.id] and groups_of(r.id)
    r.signal(15)
    assert r.wait().code == 55


def test_the_parent_s_whole_group_gets_an_interrupt(md):
    """What ^C does without -t: the terminal signals us and, with --pid host or not, the container is told once."""
    r = md.start("", "probe trap 2", start_new_session=True)
    assert r.line() == "ready"
    os.killpg(r.pid, signal.SIGINT)
    out = r.wait()
    assert out.code == 42 and out.out.count("signal=2") == 1, out


def test_zombies_of_the_container_go(md):
    r = md.run("", "probe seq child exit 1 , child exit 2")
    assert r.ok().out == "child=exit 1\nchild=exit 2\n"


def test_inherited_blocked_signals_do_not_deafen_us(md):
    r = md.start("", "probe trap 15", preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)))
    assert r.line() == "ready"
    r.signal(15)
    assert r.wait().code == 55


def test_ignored_child_signal_of_the_caller(md):
    """A caller that ignores SIGCHLD would make wait fail."""
    r = md.run("", "probe exit 7", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), restore_signals=False)
    assert r.code == 7


def test_children_of_the_caller_that_we_inherit(md):
    """Processes that we did not start but have (exec'd over a shell with jobs) do not confuse us."""
    argv = md.run_argv("", "probe exit 7")
    p = subprocess.run(["sh", "-c", 'sleep 0.01 & sleep 0.3 & exec "$@"', "sh", *argv], env=md.env, capture_output=True, timeout=30)
    assert p.returncode == 7, p
