"""Without a terminal: standard input, output and error straight through."""
import hashlib
import os
import socket
import subprocess

import pytest

from harness import fnv, pattern


def test_output_is_binary_clean(md):
    size = 10_000_000
    r = md.run("", f"probe fill {size}").ok()
    assert hashlib.sha256(r.stdout).digest() == hashlib.sha256(pattern(size)).digest()


def test_input_and_output_are_binary_clean(md):
    data = os.urandom(10_000_000)
    r = md.run("-i", "probe copy", input=data).ok()
    assert len(r.stdout) == len(data) and r.stdout == data


def test_every_byte(md):
    data = bytes(range(256)) * 3
    v = md.run("-i", "probe sum", input=data).ok().values
    assert v == {"sum.len": "768", "sum.fnv": fnv(data), "sum.end": "eof"}


def test_standard_error_is_apart(md):
    r = md.run("", ["probe", "seq", "stderr", "to err", ",", "say", "to out"]).ok()
    assert r.out == "to out\n" and r.err == "to err"


def test_input_is_not_given_without_i(md):
    r = md.run("", "probe seq sum , show fds", input=b"secret")
    assert r.ok().values["sum.len"] == "0" and r.values["fds.0"] == "/dev/null"


def test_input_of_the_caller_is_not_eaten_without_i(md):
    """The classic: a loop that reads a list and starts a container for each line."""
    argv = md.run_argv("", "probe exit 0")
    script = 'while read -r line; do "$@"; echo "got $line"; done'
    p = subprocess.run(["sh", "-c", script, "sh", *argv], input=b"1\n2\n3\n", env=md.env, capture_output=True, timeout=30)
    assert p.stdout == b"got 1\ngot 2\ngot 3\n"


def test_null_device_as_input_is_the_container_s(md):
    r = md.run("", "probe seq stat /proc/self/fd/0 /dev/null , open /dev/stdin").ok()
    assert r.values["open"] == "0"


def test_end_of_input_arrives(md):
    assert md.run("--interactive", "probe sum", input=b"").ok().values["sum.end"] == "eof"


def test_output_to_a_file_and_a_pipe(md, scratch):
    with open(scratch / "out", "wb") as f:
        assert md.run("", "probe fill 1000", stdout=f).code == 0
    assert (scratch / "out").read_bytes() == pattern(1000)


def test_output_files_can_be_reopened(md, scratch):
    """/dev/stdout of an ordinary user in a pipe."""
    assert md.run("", "probe write /dev/stdout through").ok().out.startswith("through")


def test_output_that_is_closed_early(md):
    argv = md.run_argv("--pid host", "probe fill 100000000")
    p = subprocess.run(["sh", "-c", '"$@" | head -c 10 | wc -c', "sh", *argv], env=md.env, capture_output=True, timeout=30)
    assert p.stdout.strip() == b"10"


def test_full_disk_as_output(md):
    with open("/dev/full", "wb") as full:
        assert md.run("", "probe fill 10", stdout=full).code == 3


def test_same_file_for_input_and_output(md, scratch):
    (scratch / "f").write_bytes(b"abc")
    with open(scratch / "f", "r+b") as f:
        assert md.run("-i", "probe copy", stdin=f, stdout=subprocess.PIPE).ok().stdout == b"abc"


@pytest.mark.parametrize("how", ["", "-i"])
def test_no_terminal_is_made_without_t(md, how):
    v = md.run(how, "probe show session").ok().values
    assert v["session.ctty"] == "0" and v["session.tty1"] == ""


def test_a_socket_as_standard_streams(md):
    a, b = socket.socketpair()
    with a, b:
        p = subprocess.Popen(md.run_argv("-i", "probe copy"), stdin=b, stdout=b, stderr=subprocess.PIPE, env=md.env)
        b.close()
        a.sendall(b"hello")
        a.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := a.recv(100):
            got += chunk
        p.communicate(timeout=20)
        assert got == b"hello" and p.returncode == 0
