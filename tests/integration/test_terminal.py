"""With -t: a terminal of its own that behaves, and the caller's terminal as it was afterwards."""
import os
import re
import signal
import subprocess
import termios
import time

import pytest

from harness import groups_of, wait_until


def raw(settings):
    return not settings[3] & termios.ICANON and not settings[3] & termios.ECHO and not settings[3] & termios.ISIG


def test_its_own_terminal(md):
    t = md.terminal("-ti", "probe seq show session , stat /dev/console /dev/pts/0 , ls /dev/pts")
    assert t.wait() == 0
    v = dict(x.split("=", 1) for x in t.text.splitlines() if "=" in x)
    assert v["session.tty0"] == v["session.tty1"] == v["session.tty2"] != "" and v["session.tty0"] in ("/dev/pts/0", "/dev/console")
    assert v["session.ctty"] == "1" and v["session.sid"] == v["session.pid"] == v["session.foreground"] == "1"
    assert v["session.size"] == "24x80" and "errno" not in v["stat./dev/console"]
    assert {k for k in v if k.startswith("ls.")} == {"ls.0", "ls.ptmx"}


def test_the_terminal_belongs_to_the_user(md):
    t = md.terminal("-t -u 1000:1000", "probe seq stat /dev/pts/0 , open /dev/tty rw")
    assert t.wait() == 0 and "open=0" in t.text
    assert re.search(r"stat\./dev/pts/0=020620 1000:", t.text), t.text


def test_settings_come_back_after_a_normal_end(md):
    t = md.terminal("-ti", "probe seq say up , sleep 300 , exit 5")
    t.expect("up")
    assert raw(t.settings())
    assert t.wait() == 5
    assert t.settings() == t.before


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_settings_come_back_after_a_signal(md, sig):
    t = md.terminal("-ti --pid host", "probe seq say up , sleep 60000")
    t.expect("up")
    assert raw(t.settings())
    t.proc.send_signal(sig)
    assert t.wait() == 128 + sig
    assert t.settings() == t.before


def test_settings_come_back_when_the_container_is_killed(md):
    t = md.terminal("-ti", "probe seq say up , sleep 60000")
    t.expect("up")
    container = wait_until(md.ids)[0]
    os.kill(int((groups_of(container)[0] / "cgroup.procs").read_text().split()[0]), signal.SIGKILL)
    assert t.wait() == 137
    assert t.settings() == t.before


@pytest.mark.parametrize(
    "opts, cmd, code", [("-ti", "/no/such/program", 127), ("-ti", "/etc/passwd", 126), ("-ti -w /etc/passwd", "probe exit 0", None), ("-ti -u nobody-here", "probe exit 0", None)]
)
def test_settings_come_back_after_an_error(md, opts, cmd, code):
    t = md.terminal(opts, cmd)
    got = t.wait()
    assert got == code if code else got in (125, 126, 127)
    assert t.settings() == t.before
    lines = [x for x in t.text.splitlines() if x]
    assert len(lines) == 1 and lines[0].startswith("mydocker: "), t.text


def test_size_changes_follow(md):
    t = md.terminal("-ti", "probe sizes", rows=30, cols=100)
    t.expect("size=30x100")
    for rows, cols in ((50, 132), (10, 20)):
        t.resize(rows, cols)
        t.expect(f"size={rows}x{cols}")
    t.send("q\n")
    assert t.wait() == 0


def test_a_terminal_without_a_size(md):
    t = md.terminal("-t", "probe show session", rows=0, cols=0)
    assert t.wait() == 0 and "session.ctty=1" in t.text


def test_output_is_never_cut_at_exit(md):
    for _ in range(6):
        t = md.terminal("-t", "probe lines 1000000")
        assert t.wait() == 0
        lines = t.text.splitlines()
        assert lines[-1] == "the end" and len(lines) == 15626, (len(lines), lines[-1])
        assert lines[0].startswith("0000000 ") and lines[15624].startswith("0015624 ")
        t.close()


@pytest.mark.full
@pytest.mark.timeout(240)
def test_output_is_never_cut_many_times(md):
    for i in range(60):
        t = md.terminal("-t", "probe lines 100000")
        assert t.wait() == 0 and t.text.endswith("the end\n"), i
        t.close()


def test_short_output_is_never_lost(md):
    for i in range(25):
        t = md.terminal("-t", f"probe say last-words-{i}")
        assert t.wait() == 0 and f"last-words-{i}\n" in t.text, (i, t.text)
        t.close()


def test_a_slow_reader_gets_everything(md):
    t = md.terminal("-t", "probe lines 200000")
    time.sleep(1.0)  # nothing is read: the writer stops, nobody gives up
    assert t.wait() == 0
    assert t.text.splitlines()[-1] == "the end" and len(t.text.splitlines()) == 3126


def test_output_of_a_grandchild_that_outlives_the_command(md, shell_rootfs):
    t = md.terminal("-t", ["/bin/sh", "-c", "(sleep 5; echo late) & echo soon"])
    assert t.wait(4) == 0
    assert "soon" in t.text and "late" not in t.text


def test_input_goes_in_and_is_echoed_inside(md):
    t = md.terminal("-ti", "probe copy")
    t.send("hello\n")
    t.expect("hello\nhello")
    t.send("\x04")
    assert t.wait() == 0


def test_control_c_reaches_the_foreground_job_only(md, shell_rootfs):
    t = md.terminal("-ti", ["/bin/sh"])
    t.send("stty -echo; PS1=; echo sh-$((1+1))\n")
    t.expect("sh-2")
    t.send("sleep 100; echo code-$?\n")
    time.sleep(0.3)
    t.send("\x03")
    t.send("echo still-$((40+2))\n")
    t.expect("still-42")
    t.send("exit 7\n")
    assert t.wait() == 7
    assert t.settings() == t.before


def test_control_c_to_a_command_that_is_pid_1(md):
    t = md.terminal("-ti", "probe trap 2")
    t.expect("ready")
    t.send("\x03")
    t.expect("signal=2")
    assert t.wait() == 42


def test_job_control(md, shell_rootfs):
    t = md.terminal("-ti", ["/bin/sh"])
    t.send("stty -echo; PS1=; echo sh-$((1+1))\n")
    t.expect("sh-2")
    assert "can't access tty" not in t.text and "job control turned off" not in t.text
    t.send("sleep 60\n")
    time.sleep(0.3)
    t.send("\x1a")
    t.expect("Stopped")
    t.send("jobs; bg; echo bg-$((1+2)); kill %1; wait; echo done-$((2+3))\n")
    t.expect("done-5")
    t.send("exit\n")
    t.wait()


def test_null_device_as_input_does_not_hang(md):
    t = md.terminal("-ti", "probe say out", stdin=subprocess.DEVNULL)
    assert t.wait(15) in (0, 1, 125)
    r = md.run("-ti", "probe say out", timeout=15)
    assert r.code in (0, 1, 125), r
    assert "out" in r.out or "terminal" in r.err.lower() or "tty" in r.err.lower(), r


def test_end_of_input_with_a_terminal_ends_a_reader(md):
    r = md.run("-ti", "probe sum", input=b"abc\n", timeout=20)
    assert r.code in (0, 1, 125), r


def test_t_alone_with_pipes(md):
    """-t without -i, output into a pipe: docker gives a terminal all the same."""
    r = md.run("-t", "probe seq show session , say end", timeout=15)
    assert r.code == 0 and "session.ctty=1" in r.out and "end\r\n" in r.stdout.decode(), r


def test_the_caller_s_terminal_is_not_reachable(md):
    """The controlling terminal of the container is its own: the host's name does not exist inside."""
    t = md.terminal("-ti", "probe seq ls /dev/pts , show fds")
    assert t.wait() == 0
    host = os.ttyname(t.slave)
    assert f"={host}\n" not in t.text or host in ("/dev/pts/0",)
    assert sorted(re.findall(r"fds\.(\d+)=", t.text)) == ["0", "1", "2"]


def test_utf_8_and_control_bytes_pass(md):
    t = md.terminal("-t", ["probe", "say", "üé€😀 \x1b[31mred\x1b[0m \x07"])
    assert t.wait() == 0 and "üé€😀 \x1b[31mred\x1b[0m \x07" in t.text


def test_hang_up_of_the_caller_s_terminal(md, shell_rootfs):
    """The window is closed: a shell inside hears of it as one outside would, and all ends."""
    t = md.terminal("-ti", ["/bin/sh"])
    t.send("echo up-$((1+1))\n")
    t.expect("up-2")
    os.close(t.master)
    os.close(t.slave)
    t.proc.wait(8)  # with the shell's own code: as process 1 it is safe from SIGHUP and ends at the end of its input
    assert not md.ids()


def test_stop_and_continue_keep_the_terminal_sane(md):
    """SIGSTOP cannot be caught; after fg the container goes on."""
    t = md.terminal("-ti", "probe sizes")
    t.expect("size=")
    t.proc.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    t.proc.send_signal(signal.SIGCONT)
    t.resize(44, 99)
    t.proc.send_signal(signal.SIGWINCH)
    t.expect("size=44x99")
    t.send("q\n")
    assert t.wait() == 0
