"""Options of the container and of its command: names, notes, files, streams, descriptors, time, how to stop."""
import fcntl
import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest

from harness import groups_of, wait_until

NR_PERSONALITY = {"x86_64": 135, "aarch64": 92}[os.uname().machine]


def record(md):
    return json.loads(wait_until(lambda: list((md.state / "containers").glob("*/record.json")))[0].read_text())


def process(md):
    return json.loads(wait_until(lambda: list((md.state / "containers").glob("*/process.json")))[0].read_text())


# ---- names ----


def test_domain_name(md):
    opts = "--domainname example.org -h box"
    v = md.run(opts, "probe show host").ok().values
    assert v["host.name"] == "box" and v["host.domain"] == "example.org"
    assert "\n127.0.0.1\tbox.example.org box\n" in md.run(opts, "probe cat /etc/hosts").ok().out
    assert md.run(opts, "probe cat /etc/hostname").ok().out == "box\n"


def test_without_one_it_is_none_of_the_host_s(md):
    assert md.run("", "probe show host").ok().values["host.domain"] == "(none)"


def test_domain_names_that_cannot_be(md):
    md.run(["--domainname", "a b"], "probe exit 0").failed(125, "domain name 'a b'")
    md.run(["--domainname", "x" * 65], "probe exit 0").failed(125, "domain name", "1 to 64")
    md.run("--domainname x --uts host", "probe exit 0").failed(125, "--domainname", "--uts host")


def test_labels_and_annotations_are_on_record(md, scratch):
    files = scratch / "labels", scratch / "more"
    files[0].write_text("# comment\n\n  from.file=1\nalone\nover=file\n")
    files[1].write_text("over=second file\r\n")
    opts = ["--label-file", str(files[0]), "--label-file", str(files[1]), "-l", "a=b=c", "--label", "empty", "-l", "over=option", "--annotation", "org.example/x=1", "--annotation", "y"]
    r = md.start(opts, "probe seq say up , sleep 60000")
    r.line()
    found = record(md)
    assert found["labels"] == {"from.file": "1", "alone": "", "over": "option", "a": "b=c", "empty": ""}
    assert found["annotations"] == {"org.example/x": "1", "y": ""}
    assert (found["stop_signal"], found["stop_timeout"]) == ("SIGTERM", 10)


@pytest.mark.parametrize(
    "opts, words",
    [
        (["-l", "=1"], ["--label '=1'", "empty"]),
        (["-l", "a b=1"], ["--label 'a b'", "white space"]),
        (["-l", b"a=\xff"], ["--label", "UTF-8"]),
        (["--annotation", "=x"], ["--annotation '=x'", "empty"]),
        (["--label-file", "/no/such/labels"], ["label file '/no/such/labels'", "no such file"]),
        (["--label-file", "/dev/null"], ["label file '/dev/null'", "regular"]),
        ([w for i in range(9) for w in ("-l", f"k{i}=" + "v" * 120000)], ["labels", "1048576"]),
    ],
)
def test_bad_labels_are_named(md, opts, words):
    md.run(opts, "probe exit 0").failed(125, *words)


def test_bad_lines_of_label_files_are_named(md, scratch):
    for text, words in (("a=1\nb c=2\n", ["line 2", "b c"]), ("=1\n", ["line 1", "no name"]), ("a=1\0\n", ["line 1", "NUL"])):
        (scratch / "labels").write_text(text)
        md.run(["--label-file", str(scratch / "labels")], "probe exit 0").failed(125, "label file", *words)


# ---- files ----


def test_the_id_file(md, scratch):
    path = scratch / "cid"
    r = md.start(["--cidfile", str(path)], "probe seq cat /etc/hostname , sleep 300")
    shown = r.line()
    assert path.read_text() == r.id and r.id.startswith(shown)
    assert r.wait().code == 0
    assert path.read_text() == r.id  # it stays, as docker's
    md.run(["--cidfile", str(path)], "probe exit 0").failed(125, str(path), "exists")
    assert path.read_text() == r.id


@pytest.mark.parametrize("opts, cmd", [("", ["/no/such"]), ("-v /no/such/source:/x", ["/bin/probe", "exit", "0"]), ("--name taken", ["/bin/probe", "exit", "0"])])
def test_files_of_a_start_that_fails_are_removed(md, scratch, opts, cmd):
    other = md.start("--name taken", "probe seq say up , sleep 60000")
    other.line()
    r = md.run([*opts.split(), "--cidfile", str(scratch / "cid"), "--pidfile", str(scratch / "pid")], cmd)
    assert r.code in (125, 127) and r.err.startswith("mydocker: ")
    assert not list(scratch.iterdir())


def test_the_pid_file(md, scratch):
    path = scratch / "pid"
    path.write_text("something longer than a number, from before\n")
    r = md.start(["--pidfile", str(path)], "probe seq say up , sleep 60000")
    r.line()
    wait_until(lambda: path.read_text().isdigit())
    assert int(path.read_text()) == process(md)["pid"] == r.init_pid()
    r.signal(signal.SIGKILL)
    r.wait()
    md.sweep()


def test_files_that_cannot_be_made(md, scratch):
    md.run(["--cidfile", f"{scratch}/no/cid"], "probe exit 0").failed(125, f"{scratch}/no/cid", "no such file")
    md.run(["--pidfile", f"{scratch}/no/pid"], "probe exit 0").failed(125, f"{scratch}/no/pid", "no such file")
    os.mkfifo(scratch / "fifo")
    md.run(["--pidfile", f"{scratch}/fifo"], "probe exit 0").failed(125, f"{scratch}/fifo")
    if os.path.exists("/dev/full"):
        r = md.run("--pidfile /dev/full", "probe sleep 60000")
        r.failed(125, "/dev/full", "no space")


# ---- streams ----


BOTH = ["probe", "seq", "stderr", "to err", ",", "say", "to out"]


@pytest.mark.parametrize(
    "opts, out, err",
    [
        ("", "to out\n", "to err"),
        ("-a stdout", "to out\n", ""),
        ("--attach stderr", "", "to err"),
        ("-a STDOUT -a STDERR", "to out\n", "to err"),
        ("-a stdin -a stdout", "to out\n", ""),
    ],
)
def test_streams_that_are_attached(md, opts, out, err):
    r = md.run(opts, BOTH).ok()
    assert (r.out, r.err) == (out, err)


def test_what_is_not_attached_is_the_null_device(md):
    v = md.run("-a stderr", ["probe", "seq", "stat", "/proc/self/fd/1", ",", "show", "fds"])
    assert v.ok().out == ""
    r = md.run("-a stdout", "probe show fds").ok()
    assert r.values["fds.2"] == "/dev/null" and r.values["fds.0"] == "/dev/null"


def test_standard_input_alone_prints_the_id(md):
    """docker returns when its input ends; here the command is waited for."""
    r = md.run("-a stdin -i", "probe seq copy , exit 7", input=b"swallowed")
    assert r.code == 7 and re.fullmatch(r"[0-9a-f]{64}\n", r.out) and r.err == ""


def test_standard_input_is_given_by_i_alone(md):
    assert md.run("-a stdin -a stdout", "probe sum", input=b"abc").ok().values["sum.len"] == "0"
    assert md.run("-i -a stdout", "probe sum", input=b"abc").ok().values["sum.len"] == "3"


def test_a_terminal_that_is_not_attached(md):
    t = md.terminal("-t -a stdin", "probe lines 100000")
    assert t.wait() == 0
    assert re.fullmatch(r"[0-9a-f]{64}\n", t.text), t.text[:300]
    t.close()
    t = md.terminal("-t -a stderr", "probe say shown")
    assert t.wait() == 0 and t.text == "shown\n"
    t.close()


def test_a_stream_that_is_none(md):
    md.run("-a stdlog", "probe exit 0").failed(125, "--attach 'stdlog'")


# ---- descriptors ----


def pipes(*numbers):
    """For preexec_fn: the read end of a pipe with the number as its text on each of them."""

    def make():
        for n in numbers:
            r, w = os.pipe()
            os.write(w, b"fd %d" % n)
            os.dup2(r, n + 500)
        for n in numbers:
            os.dup2(n + 500, n)
            os.close(n + 500)

    return make


def test_descriptors_from_3_on(md, shell_rootfs):
    r = md.run("--preserve-fds 2", ["sh", "-c", "head -c 4 <&3; head -c 4 <&4; echo; exec /bin/probe show fds"], preexec_fn=pipes(3, 4, 5), close_fds=False).ok()
    assert r.out.startswith("fd 3fd 4")
    assert {k for k in r.values if k.startswith("fds.")} == {"fds.0", "fds.1", "fds.2", "fds.3", "fds.4"}


@pytest.mark.parametrize("opts", ["--preserve-fd 30,7", "--preserve-fd 7 --preserve-fd=30 --preserve-fd=", "--init --preserve-fd 7,30", "--uidmap 0:0:65536 --preserve-fd 7,30"])
def test_single_descriptors_keep_their_numbers(md, opts):
    r = md.run(opts, "probe show fds", preexec_fn=pipes(3, 7, 30), close_fds=False).ok()
    assert {k for k in r.values if k.startswith("fds.")} == {"fds.0", "fds.1", "fds.2", "fds.7", "fds.30"}


def test_none_without_being_asked(md):
    r = md.run("", "probe show fds", preexec_fn=pipes(3, 4), close_fds=False).ok()
    assert {k for k in r.values if k.startswith("fds.")} == {"fds.0", "fds.1", "fds.2"}


def test_a_descriptor_s_other_end_sees_the_command_close_it(md, shell_rootfs):
    """Who reads a pipe gets its end when the command closes it, not when the container ends."""
    r, w = os.pipe()
    p = md.start(["--init", "--preserve-fd", str(w)], ["sh", "-c", f"echo text >&{w}; exec {w}>&-; sleep 60"], pass_fds=(w,))
    os.close(w)
    with os.fdopen(r, "rb") as f:
        assert f.read() == b"text\n"
    assert p.proc.poll() is None


@pytest.mark.parametrize(
    "opts, words",
    [
        ("--preserve-fds 1", ["descriptor 3", "not open"]),
        ("--preserve-fd 9", ["descriptor 9", "not open"]),
        ("--preserve-fd 1", ["--preserve-fd '1'", "'1'"]),
        ("--preserve-fd x", ["--preserve-fd 'x'"]),
        ("--preserve-fds -1", ["--preserve-fds -1"]),
        ("--preserve-fds many", ["--preserve-fds", "many"]),
        ("--preserve-fds 1 --preserve-fd 3", ["--preserve-fds", "--preserve-fd"]),
    ],
)
def test_descriptors_that_are_not_there(md, opts, words):
    md.run(opts, "probe exit 0").failed(125, *words)


# ---- the command ----


def test_personality(md):
    ask = f"probe sys {NR_PERSONALITY} 0xffffffff"
    assert md.run("", ask).ok().values["sys"] == "0"
    assert md.run("--personality LINUX32", ask).ok().values["sys"] == "8"
    assert md.run("--personality LINUX --security-opt seccomp=unconfined", ask).ok().values["sys"] == "0"
    assert md.run("--init --personality LINUX32", ask).ok().values["sys"] == "8"
    p = subprocess.run(["setarch", "linux32", *md.run_argv("--personality LINUX", ask)], env=md.env, capture_output=True, text=True)
    assert p.stdout == "sys=0\n", p
    md.run("--personality ADDR_NO_RANDOMIZE", ask).failed(125, "--personality 'ADDR_NO_RANDOMIZE'", "LINUX32")


LOWEST = -1000  # any between the own score and this may be one that was set with the capability, to which everybody may go back


def own_score():
    return int(open("/proc/self/oom_score_adj").read())


def may_lower_scores():
    """CAP_SYS_RESOURCE."""
    held = int(re.search(r"CapEff:\s*(\w+)", open("/proc/self/status").read())[1], 16)
    return bool(held >> 24 & 1)


def test_a_higher_score(md):
    for opts in ("", "--init", *(["--uidmap 0:0:65536"] if os.geteuid() == 0 else [])):
        assert md.run(f"--oom-score-adj 777 {opts}", "probe cat /proc/self/oom_score_adj").ok().out == "777\n"
    assert md.run(f"--oom-score-adj {own_score()}", "probe exit 0").code == 0
    assert md.run("", "probe cat /proc/self/oom_score_adj").ok().out == f"{own_score()}\n"


def test_a_lower_score_needs_a_capability(md):
    if own_score() == LOWEST:
        pytest.skip("this process has the lowest score itself")
    r = md.run(f"--oom-score-adj {LOWEST}", "probe cat /proc/self/oom_score_adj")
    if may_lower_scores():
        assert r.ok().out == f"{LOWEST}\n"
    else:
        r.failed(125, f"oom_score_adj to {LOWEST}", "CAP_SYS_RESOURCE", f"own, {own_score()}")


def test_without_the_capability_it_is_an_error(md):
    if own_score() == LOWEST:
        pytest.skip("this process has the lowest score itself")
    argv = ["setpriv", "--bounding-set=-sys_resource", *md.run_argv(f"--oom-score-adj {LOWEST}", "probe exit 0")]
    p = subprocess.run(argv, env=md.env, capture_output=True, text=True)
    assert p.returncode == 125 and "CAP_SYS_RESOURCE" in p.stderr and len(p.stderr.splitlines()) == 1, p


@pytest.mark.userns
def test_scores_of_ordinary_users(user_md):
    assert user_md.run(f"--oom-score-adj {own_score() + 1}", "probe cat /proc/self/oom_score_adj").ok().out == f"{own_score() + 1}\n"
    if own_score() > LOWEST:
        r = user_md.run(f"--oom-score-adj {LOWEST}", "probe exit 0")
        assert r.code == 125 and "CAP_SYS_RESOURCE" in r.err.splitlines()[-1], r  # a warning of limits may come first


@pytest.mark.parametrize("value", ["-1001", "1001", "much"])
def test_scores_that_cannot_be(md, value):
    md.run(["--oom-score-adj", value], "probe exit 0").failed(125, "--oom-score-adj", value)


def test_quiet_is_taken(md):
    assert md.run("-q", "probe exit 3").code == 3 and md.run("--quiet", "probe exit 4").code == 4


# ---- time and signals ----


@pytest.mark.parametrize("opts", ["", "-t", "--pid host", "--init"])
def test_a_command_that_takes_too_long(md, opts):
    begin = time.monotonic()
    r = md.run(f"--timeout 1 {opts}", "probe sleep 60000")
    assert r.code == 255 and "--timeout" in r.err and len(r.err.splitlines()) == 1
    assert time.monotonic() - begin >= 1


def test_why_knows_what_we_did(md):
    md.run("--timeout 1", "probe sleep 60000")
    assert "mydocker killed it after the 1 seconds of --timeout" in md.call("why").ok().out
    r = md.start("--sig-proxy=false --stop-timeout 0", "probe seq say up , sleep 60000")
    r.line()
    r.signal(signal.SIGTERM)
    r.wait()
    assert "mydocker stopped it, because SIGTERM came" in md.call("why").ok().out


def test_a_command_that_does_not(md):
    assert md.run("--timeout 3600", "probe exit 5").code == 5
    assert md.run("--timeout 0", "probe sleep 1200").code == 0
    assert md.run("--timeout 9223372036854775807", "probe exit 5").code == 5
    md.run("--timeout -1", "probe exit 0").failed(125, "--timeout -1")
    md.run("--timeout soon", "probe exit 0").failed(125, "--timeout", "soon")


def test_how_to_stop_is_on_record(md):
    r = md.start("--stop-signal RTMIN+3 --stop-timeout -1", "probe seq say up , sleep 60000")
    r.line()
    found = record(md)
    assert (found["stop_signal"], found["stop_timeout"]) == ("SIGRTMIN+3", -1)


@pytest.mark.parametrize("value", ["SIGNONE", "0", "65", "-1", "RTMIN+31"])
def test_stop_signals_that_are_none(md, value):
    md.run(["--stop-signal", value], "probe exit 0").failed(125, "--stop-signal", f"'{value}'")


@pytest.mark.parametrize("value", ["-2", "later"])
def test_stop_timeouts_that_are_none(md, value):
    md.run(["--stop-timeout", value], "probe exit 0").failed(125, "--stop-timeout", value)


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_signals_that_are_not_passed_on_stop_the_container(md, sent):
    r = md.start("--sig-proxy=false --stop-signal 12", "probe trap 1 2 10 15 12")
    assert r.line() == "ready"
    r.signal(signal.SIGWINCH)
    r.signal(signal.SIGCONT)
    time.sleep(0.1)
    r.signal(getattr(signal, sent))
    assert r.line() == "signal=12"
    out = r.wait()
    assert out.code == 128 + getattr(signal, sent) and out.out == "" and out.err == ""


def test_who_does_not_stop_is_killed(md):
    r = md.start("--sig-proxy=false --stop-timeout 1", "probe seq say up , sleep 60000")
    r.line()
    begin = time.monotonic()
    r.signal(signal.SIGTERM)
    assert r.wait(20).code == 143 and time.monotonic() - begin >= 1


def test_a_second_signal_kills_at_once(md):
    r = md.start("--sig-proxy=false --stop-timeout -1", "probe seq say up , sleep 60000")
    r.line()
    r.signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        r.proc.wait(0.5)
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == 130


def test_no_time_to_stop_means_kill(md):
    r = md.start("--sig-proxy=false --stop-timeout 0", "probe seq say up , sleep 60000")
    r.line()
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == 143


def test_signals_are_passed_on_when_asked(md):
    r = md.start("--sig-proxy=true", "probe trap 15")
    assert r.line() == "ready"
    r.signal(signal.SIGTERM)
    assert r.wait().code == 55


def test_what_the_caller_ignores_does_not_stop_it(md):
    r = md.start("--sig-proxy=false", "probe trap 10 15", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert r.line() == "ready"
    r.signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        r.proc.wait(0.5)
    r.signal(signal.SIGTERM)
    assert r.line() == "signal=15" and r.wait().code == 143


# ---- limits of what can be asked for ----


def test_a_limit_above_our_own_is_an_error_that_names_it(md):
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    argv = ["setpriv", "--bounding-set=-sys_resource", *md.run_argv(f"--ulimit nofile={own + 1}:{own + 1}", "probe exit 0")]
    p = subprocess.run(argv, env=md.env, capture_output=True, text=True)
    assert p.returncode == 125 and f"nofile to {own + 1}:{own + 1}" in p.stderr and f"hard limit of {own}" in p.stderr, p
    assert len(p.stderr.splitlines()) == 1


def test_default_limits_are_lowered_to_our_own(md):
    low = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    v = md.run("", "probe show rlimits", preexec_fn=low).ok().values
    assert v["rlimit.nofile"] == "300:300"


def test_a_string_that_is_too_long_for_the_kernel_is_named(md, scratch):
    (scratch / "env").write_text("SHORT=1\nLONG=" + "x" * 131072 + "\n")
    r = md.run(["--env-file", str(scratch / "env")], "probe exit 0")
    r.failed(126, "environment variable", "'LONG=xxx", "131077 bytes", "at most 131071", "too long")


def test_arguments_that_are_too_long_together(md):
    """The kernel's limit is a quarter of the command's own stack limit, at least 128 KiB."""
    many = ["y" * 100000] * 3
    assert md.run("", ["probe", "seq", "exit", "0", ",", *many]).code == 0
    md.run("--ulimit stack=262144", ["probe", "args", *many]).failed(126, "/bin/probe", "arguments and environment together", "stack")


def test_five_thousand_arguments(md):
    assert md.run("--init", ["probe", "args", *map(str, range(5000))]).ok().stdout.startswith(b"1:0,1:1,")


def test_users_and_groups_that_are_not_there(md):
    md.run("-u nobody-here", "probe exit 0").failed(125, "nobody-here")
    md.run("-u 0:no-group", "probe exit 0").failed(125, "no-group")
    md.run("--group-add no-group", "probe exit 0").failed(125, "no-group")


def test_what_is_told_of_it(md, scratch):
    """explain names the steps that these options bring."""
    opts = ["--domainname", "d.example", "--oom-score-adj", "9", "--personality", "LINUX32", "--init", "-a", "stdin", "--cidfile", str(scratch / "cid"), "--pidfile", str(scratch / "pid")]
    text = md.call("explain", *md.run_argv(opts, "probe exit 0")[len(md.argv()):]).ok().out
    for said in ('setdomainname("d.example")', 'oom_score_adj", "9"', "personality(0x8)", "clone3()", 'dup2("/dev/null", 1)', 'dup2("/dev/null", 2)', str(scratch / "cid"), str(scratch / "pid")):
        assert said in text, said
    assert not list(scratch.iterdir())
