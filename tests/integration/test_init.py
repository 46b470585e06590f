"""--init: a reaper as the first process, and --init-path: one of the host's."""
import os
import re
import signal
import time
from pathlib import Path

import pytest

from harness import SANITIZED, errno_of, groups_of, wait_until
from id_files import outer_id
from test_explain import COMPARED, calls_of, explain, names, told_by, trace


def status(pid):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def reaper_of(r):
    """The host's number of the container's first process, which is on record."""
    text = wait_until(lambda: [f.read_text() for f in (r.engine.state / "containers").glob("*/process.json")])[0]
    return int(re.search(r'"pid":(\d+)', text)[1])


# ---- the command ----


@pytest.mark.parametrize("code", [0, 1, 125, 126, 127, 255])
def test_the_command_s_code_is_the_container_s(md, code):
    r = md.run("--init", f"probe exit {code}")
    assert r.code == code and r.err == ""


@pytest.mark.parametrize("sig", [1, 2, 6, 9, 11, 15, 37])
def test_a_signal_gives_128_and_its_number(md, sig):
    assert md.run("--init", f"probe die {sig}").code == 128 + sig


def test_the_command_is_the_child_of_pid_1(md):
    v = md.run("--init", "probe seq show ids , show session , show signals , show fds").ok().values
    assert (v["ids.pid"], v["ids.ppid"]) == ("2", "1")
    assert (v["session.sid"], v["session.pgid"]) == ("2", "2")
    assert int(v["signals.blocked"], 16) == int(v["signals.ignored"], 16) == 0
    assert {k for k in v if k.startswith("fds.")} == {"fds.0", "fds.1", "fds.2"}


def test_init_can_be_switched_off_again(md):
    assert md.run("--init --init=false", "probe show ids").ok().values["ids.pid"] == "1"


def test_a_command_that_cannot_be_executed(md):
    md.run("--init", ["/no/such/program"]).failed(127, 'exec: "/no/such/program": stat /no/such/program: no such file or directory')
    md.run("--init", ["no-such-program"]).failed(127, "no-such-program")
    md.run("--init", ["/etc/passwd"]).failed(126, "/etc/passwd", "permission denied")
    md.run("--init -w /etc/passwd", "probe exit 0").failed(125, "/etc/passwd")
    md.run("--init -u nobody-here", "probe exit 0").failed(125, "nobody-here")


def test_privileges_of_the_command_are_as_without(md):
    for opts in ("", "-u 1000:1000", "--cap-drop ALL", "--cap-add NET_ADMIN --security-opt no-new-privileges"):
        cmd = "probe seq show caps , show security , show groups , show rlimits"
        assert md.run(f"--init {opts}", cmd).ok().values == md.run(opts, cmd).ok().values, opts


# ---- signals ----


@pytest.mark.parametrize("sig", [1, 2, 3, 10, 12, 14, 15, 18, 28, 40, 64])
def test_signals_reach_the_command(md, sig):
    r = md.start("--init", f"probe trap {sig}")
    assert r.line() == "ready"
    r.signal(sig)
    assert r.line() == f"signal={sig}"
    assert r.wait().code == 40 + sig


def test_a_command_that_handles_nothing_dies_of_a_signal(md):
    """What --init is for: without it pid 1 would not even notice."""
    r = md.start("--init", "probe seq say ready , sleep 60000")
    r.line()
    r.signal(signal.SIGTERM)
    assert r.wait().code == 128 + signal.SIGTERM


def test_signals_that_are_faults_when_they_come_from_the_kernel(md):
    """Sent by somebody they are signals like others."""
    r = md.start("--init", "probe trap 6 11 8")
    assert r.line() == "ready"
    for sig in (6, 11, 8):
        os.kill(reaper_of(r), sig)
        assert r.line() == f"signal={sig}"
    assert r.wait().code == 48


@pytest.mark.parametrize("opts", ["--init", "--init -u 1000"])
def test_signals_reach_a_command_that_changes_its_user(md, opts, rootfs):
    """From root to another one, and from another one, by a set-user-id program, to a third."""
    suid = rootfs / "bin/suid"
    suid.write_bytes((rootfs / "bin/probe").read_bytes())
    suid.chmod(0o4755)
    r = md.start(opts, ["/bin/suid", "as", "1001", "1001", "trap", "15"])
    assert r.line() == "as=0" and r.line() == "ready"
    r.signal(signal.SIGTERM)
    assert r.line() == "signal=15"
    assert r.wait().code == 55


def test_pid_1_outlives_signals_from_inside(md, shell_rootfs):
    r = md.run("--init", ["sh", "-c", "trap 'echo got' TERM; kill -KILL 1; kill -STOP 1; kill -TERM 1; sleep 1 & wait; exit 4"])
    assert r.code == 4 and r.out == "got\n"


def test_the_terminal_s_keys_go_to_the_command(md, shell_rootfs):
    t = md.terminal("-ti --init", ["sh", "-c", "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.1; done"])
    t.expect("ready")
    t.send(b"\x03")
    t.expect("got it")
    assert t.wait() == 5
    t.close()


def test_the_terminal_is_the_command_s(md):
    t = md.terminal("-ti --init", "probe show session")
    assert t.wait() == 0
    assert "session.ctty=1" in t.text and "session.foreground=2" in t.text and "session.tty0=/dev/pts/0" in t.text
    t.close()


def test_job_control_of_a_shell(md, shell_rootfs):
    t = md.terminal("-ti --init", ["sh", "-i"])
    t.expect("#")
    t.send("sleep 100\n")
    time.sleep(0.3)
    t.send(b"\x1a")
    t.expect("Stopped")
    t.send("fg\n")
    time.sleep(0.3)
    t.send(b"\x03")
    t.send("echo $?; exit 6\n")
    t.expect("130")
    assert t.wait() == 6
    t.close()


# ---- reaping ----


def test_orphans_are_reaped(md, shell_rootfs):
    script = "for i in 1 2 3 4 5; do (sleep 0.1 &); done; sleep 0.6; exec /bin/probe ls /proc"
    r = md.run("--init", ["sh", "-c", script]).ok()
    assert [k for k in r.values if re.fullmatch(r"ls\.\d+", k)] == ["ls.1", "ls.2"], r


def test_without_a_reaper_they_stay(md, shell_rootfs):
    """The test above would see them."""
    script = "for i in 1 2 3 4 5; do sleep 0.1 & done; exec /bin/probe seq sleep 500 , ls /proc"
    r = md.run("", ["sh", "-c", script]).ok()
    assert len([k for k in r.values if re.fullmatch(r"ls\.\d+", k)]) == 6, r


def test_the_rest_ends_with_the_command(md, shell_rootfs):
    r = md.start("--init", ["sh", "-c", "(sleep 1000 &); (trap '' TERM HUP INT; sleep 1000 &); echo up; sleep 0.2; exit 8"])
    r.line()
    pids = r.pids()
    assert len(pids) >= 4
    assert r.wait().code == 8
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids), 5)


def test_among_the_host_s_processes_it_adopts_orphans(md, shell_rootfs):
    script = '(sh -c "sleep 0.3; exec cat /proc/self/status" &); sleep 1; exit 9'
    r = md.start("--init --pid host", ["sh", "-c", script])
    reaper = reaper_of(r)
    out = r.wait()
    assert out.code == 9 and f"PPid:\t{reaper}\n" in out.out


# ---- the reaper itself ----


def host_id(pid, uid):
    """A user of the container of this process, as we know him."""
    return outer_id(Path(f"/proc/{pid}/uid_map").read_text(), uid)


@pytest.mark.parametrize("opts, uid", [("", 0), ("-u 1000", 1000), ("--cap-drop ALL", 0), ("--security-opt seccomp=unconfined", 0), ("--privileged", 0)])
def test_the_reaper_holds_next_to_nothing(md, opts, uid):
    r = md.start(f"--init {opts}", "probe seq say up , sleep 60000")
    r.line()
    pid = reaper_of(r)
    s = status(pid)
    assert s["Uid"].split() == [str(host_id(pid, uid))] * 4
    assert int(s["CapPrm"], 16) == int(s["CapEff"], 16) == (0 if "cap-drop" in opts else 1 << 5)
    assert int(s["CapInh"], 16) == int(s["CapAmb"], 16) == 0
    assert s["NoNewPrivs"] == "1"
    assert s["Seccomp"] == ("0" if "unconfined" in opts or "privileged" in opts else "2")
    assert s["Name"] == "mydocker-init"
    wait_until(lambda: os.listdir(f"/proc/{pid}/fd") == [])  # right after it has let the command go
    assert "mydocker-plan" not in Path(f"/proc/{pid}/maps").read_text()
    assert os.getsid(pid) == pid and os.stat(f"/proc/{pid}/stat").st_uid == host_id(pid, 0)  # not dumpable: its files are root's
    if not SANITIZED:
        assert int(s["VmRSS"].split()[0]) <= 160
    r.signal(signal.SIGKILL)
    r.wait()
    md.sweep()


@pytest.mark.parametrize("opts", ["", "-u 1000"])
def test_the_command_cannot_look_into_it(md, opts):
    """ptrace(PTRACE_SEIZE), and the files of /proc/1."""
    v = md.run(f"--init {opts}", "probe sys 101 0x4206 1 0 0").ok().values
    assert errno_of(v["sys"]) == "EPERM"
    for name in ("mem", "environ", "auxv", "root", "exe", "cwd"):
        v = md.run(f"--init {opts}", f"probe open /proc/1/{name} r").ok().values
        assert errno_of(v["open"]) == "EACCES", name


@pytest.mark.parametrize("opts", ["--init", "--init -u 1000 --cap-drop ALL", "--init --uidmap 0:0:65536 --security-opt seccomp=unconfined"])
def test_explain_tells_what_both_do(md, scratch, opts):
    told = told_by(explain(md, opts, "probe exit 0"), "init")
    _, reaper, command = trace(md, scratch, opts, "probe exit 0")
    wanted, at = set(COMPARED) - {"mkdirat"}, told.index("clone3()")
    assert ["execveat", *calls_of(told[: at + 2], wanted)] == names(reaper, wanted)
    assert calls_of(told[at + 2 :], wanted) == names(command[: 1 + next(i for i, line in enumerate(command) if line.startswith("execve("))], wanted)


# ---- the end ----


@pytest.mark.parametrize("opts", ["--init", "--init --pid host", "--init -u 1000"])
def test_killing_us_ends_reaper_and_command(md, opts):
    r = md.start(opts, "probe seq spawn 2 , sleep 60000")
    r.line()
    container, pids = r.id, r.pids()
    assert len(pids) == 4
    r.signal(signal.SIGKILL)
    r.proc.wait(10)
    md.sweep()
    wait_until(lambda: not any(os.path.exists(f"/proc/{p}/cwd") for p in pids), 5)
    assert not md.ids() and not groups_of(container)


@pytest.mark.parametrize("opts", ["--init", "--init --pid host"])
def test_killing_the_reaper_ends_the_container(md, opts):
    r = md.start(opts, "probe seq say up , sleep 60000")
    r.line()
    os.kill(reaper_of(r), signal.SIGKILL)
    assert r.wait(10).code == 137


@pytest.mark.parametrize("opts", ["--uidmap 0:0:65536", "--uidmap 0:0:1", "--uidmap 0:0:65536 -u 1000"])
def test_in_a_user_namespace(md, opts):
    r = md.start(f"--init {opts}", "probe trap 15")
    assert r.line() == "ready"
    r.signal(15)
    assert r.line() == "signal=15"
    assert r.wait().code == 55


@pytest.mark.userns
def test_for_ordinary_users(user_md):
    r = user_md.start("--init", "probe trap 15")
    assert r.line() == "ready"
    r.signal(15)
    assert r.line() == "signal=15"
    assert r.wait().code == 55


def test_the_limit_of_processes_counts_it(md):
    assert md.run("--init --pids-limit 3", "probe spawn 5").values["spawn"].startswith("1 ")


# ---- an init of the host ----


@pytest.fixture
def host_init(scratch):
    path = scratch / "my init"
    path.write_text('#!/bin/sh\necho "init $$ $0 $*"\nshift\n"$@"\necho "code $?"\nexit 42\n')
    path.chmod(0o755)
    return path


def test_an_init_of_the_host_gets_the_command(md, shell_rootfs, host_init):
    r = md.run(["--init-path", str(host_init)], ["probe", "seq", "show", "ids", ",", "exit", "6"])
    assert r.code == 42
    assert r.out.splitlines()[0] == "init 1 /dev/init -- /bin/probe seq show ids , exit 6"
    assert r.out.splitlines()[-1] == "code 6" and "ids.pid=2" in r.out


def test_it_cannot_be_changed_from_inside(md, shell_rootfs, host_init):
    before = host_init.read_bytes()
    r = md.run(["--init", "--init-path", str(host_init)], ["sh", "-c", "echo x >> /dev/init"])
    assert r.code == 42 and "Read-only file system" in r.err and host_init.read_bytes() == before


@pytest.mark.parametrize("what", ["missing", "directory", "not executable"])
def test_an_init_that_is_none(md, scratch, what):
    path = scratch / "init"
    if what == "directory":
        path.mkdir()
    elif what == "not executable":
        path.write_text("#!/bin/sh\n")
    md.run(["--init-path", str(path)], "probe exit 3").failed(125, "--init-path", str(path))


def test_an_empty_path_is_none(md):
    assert md.run(["--init-path", ""], "probe exit 3").code == 3


def test_an_init_needs_the_container_s_own_dev(md, host_init):
    md.run(["--init-path", str(host_init), "-v", "/dev:/dev"], "probe exit 0").failed(125, "--init-path", "/dev")
    assert not os.path.exists("/dev/init")
