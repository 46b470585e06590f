"""`why`: what ended or refused a container."""
import json
import os
import signal


def why(md, *words):
    return json.loads(md.call("why", "--format", "json", *words).ok().out)


def kernel_log_is_readable():
    try:
        with open("/dev/kmsg", "rb", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NONBLOCK)) as f:
            f.read(8192)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def test_nothing_has_failed_yet(md):
    md.run("", "probe exit 0").ok()
    md.call("why").failed(1, "no run has failed since this host was started")


def test_an_exit_code_is_the_commands_own(md):
    assert md.run("--name five", "probe exit 5").code == 5
    told = why(md)
    assert told["ExitCode"] == 5 and told["Name"] == "five" and "by itself with exit code 5" in told["Cause"]
    assert why(md, "five")["Id"] == told["Id"] == why(md, told["Id"][:5])["Id"] == why(md, "--last")["Id"]
    md.call("why", "six").failed(1, "'six'")
    md.call("why", "--last", "five").failed(125, "--last")


def test_a_refused_start_has_its_error(md):
    assert md.run("", "/no/such/program").code == 127
    told = why(md)
    assert told["ExitCode"] == 127 and told["Cause"].startswith("it never began: exec: \"/no/such/program\"")
    assert md.run("-w /proc/self/exe", "probe exit 0").code == 125
    assert "working directory" in why(md)["Cause"] and why(md)["ExitCode"] == 125


def test_killed_for_memory_names_who(md):
    md.run("-m 20m --memory-swap 20m", "probe alloc 60")
    told = why(md)
    assert told["OOMKills"] >= 1 and "killed for memory" in told["Cause"]
    assert "the limit is 20 MiB" in told["Details"]
    if kernel_log_is_readable():
        assert told["Cause"].startswith("probe was killed")


def test_a_signal_that_was_passed_on_names_its_sender(md):
    c = md.start("--pid host", "probe seq say ready , sleep 30000")
    c.read_until("ready")
    c.signal(signal.SIGTERM)
    code = c.wait().code
    told = why(md)
    assert told["ExitCode"] == code == 143
    assert told["Cause"] == f"SIGTERM ended it: process {os.getpid()} of user {os.getuid()} sent it to mydocker, which passed it on"


def test_a_kill_from_the_host(md):
    c = md.start("", "probe seq say ready , sleep 30000")
    c.read_until("ready")
    os.kill(c.init_pid(), signal.SIGKILL)
    assert c.wait().code == 137
    assert why(md)["Cause"].startswith("SIGKILL from the host's side")


def test_a_fault_is_the_programs_own(md):
    assert md.run("", "probe segv").code == 139
    told = why(md)
    assert told["Cause"].startswith("SIGSEGV ended it: a fault of the program itself")


def test_only_the_last_ones_are_kept(md):
    for _ in range(35):
        assert md.run("", "probe exit 1").code == 1
    assert len(list((md.state / "ended").glob("*"))) == 32


def test_text_is_for_people(md):
    md.run("", "probe exit 7")
    assert "exit code 7\nWhy: it ended by itself" in md.call("why").ok().out


def test_a_terminal_is_told_in_one_line(md):
    t = md.terminal("", "probe segv")
    t.expect("SIGSEGV ended it: a fault of the program itself (more: mydocker why ")
    assert t.wait() == 139
    assert "mydocker why" not in md.run("", "probe segv").err  # a program that reads it has no use for it


def test_a_terminal_is_not_told_of_what_it_sent_itself(md):
    t = md.terminal("--pid host", "probe seq say ready , sleep 30000")
    t.expect("ready")
    t.send(b"\x03")
    assert t.wait() == 130
    assert "mydocker why" not in t.text
    assert why(md)["Cause"] == "SIGINT ended it: a key of the terminal, passed on by mydocker"
