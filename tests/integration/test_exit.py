"""Exit codes and the one line that explains a failure."""
import os
import resource
import signal

import pytest

from harness import SANITIZED


@pytest.mark.parametrize("code", [0, 1, 3, 125, 126, 127, 128, 255])
def test_the_command_s_own_code(md, code):
    r = md.run("", f"probe exit {code}")
    assert r.code == code and r.err == ""


def test_a_signal_gives_128_and_its_number(md):
    r = md.run("", "probe segv")
    assert r.code == 128 + signal.SIGSEGV and r.err == ""


@pytest.mark.parametrize("sig", [1, 2, 6, 9, 15])
def test_signals_of_a_command_that_is_not_pid_1(md, sig):
    assert md.run("--pid host", f"probe die {sig}").code == 128 + sig


def test_not_found(md):
    md.run("", ["/no/such/program"]).failed(127, "/no/such/program")
    md.run("", ["no-such-program"]).failed(127, "no-such-program")
    assert md.run("", [""]).code in (126, 127)


def test_cannot_invoke(md, rootfs):
    md.run("", ["/etc/passwd"]).failed(126, "/etc/passwd")
    md.run("", ["/etc"]).failed(126, "/etc")
    (rootfs / "bin/bad").write_bytes(b"\x7fELFbroken")
    (rootfs / "bin/bad").chmod(0o755)
    md.run("", ["/bin/bad"]).failed(126, "/bin/bad")


def test_script_without_its_interpreter(md, rootfs):
    (rootfs / "bin/script").write_text("#!/no/interpreter\n")
    (rootfs / "bin/script").chmod(0o755)
    r = md.run("", ["/bin/script"])
    assert r.code in (126, 127) and r.err.startswith("mydocker: ") and "/bin/script" in r.err


@pytest.mark.parametrize(
    "opts, word",
    [
        ("--no-such-option", "--no-such-option"),
        ("--memry 1m", "--memry"),
        ("-Z", "Z"),
        ("-m lots", "lots"),
        ("-m -5", "-5"),
        ("--cpus two", "two"),
        ("--cpus -1", "-1"),
        ("--pids-limit many", "many"),
        ("--ulimit nofile", "nofile"),
        ("--ulimit nosuch=1", "nosuch"),
        ("--ulimit nofile=20:10", "nofile"),
        ("--cap-add NOSUCH", "NOSUCH"),
        ("--cap-drop CAP_NOSUCH", "NOSUCH"),
        ("--security-opt nosuch=1", "nosuch"),
        ("--network nosuch", "nosuch"),
        ("--pid nosuch", "nosuch"),
        ("--ipc nosuch", "nosuch"),
        ("--uts nosuch", "nosuch"),
        ("--uidmap nonsense", "nonsense"),
        ("--uidmap 0:0:0", "0:0:0"),
        ("-v relative", "relative"),
        ("-v /etc:relative", "relative"),
        ("-v /etc:/x:nosuch", "nosuch"),
        ("-v /no/such/source/at/all:/x:ro,rw", "rw"),
        ("--tmpfs relative", "relative"),
        ("--tmpfs /x:nosuch", "nosuch"),
        ("-e =x", "=x"),
        ("--name a/b", "a/b"),
        ("--name ..", ".."),
        ("--shm-size big", "big"),
        ("--cpuset-cpus 0-", "0-"),
        ("--cpuset-cpus 99999", "99999"),
        ("--cgroup-parent ../../etc", ".."),
    ],
)
def test_wrong_options_are_named_on_one_line(md, opts, word):
    r = md.run(opts, "probe exit 0")
    assert r.code == 125 and r.stdout == b"", r
    lines = r.err.strip().splitlines()
    assert lines and lines[0].startswith("mydocker: ") and word in r.err and len(lines) <= 2, r


def test_rootfs_that_is_not_there(md):
    md.run("", "probe exit 0", rootfs="/no/such/root").failed(125, "/no/such/root")
    md.run("", "probe exit 0", rootfs="/etc/passwd").failed(125, "/etc/passwd")


@pytest.mark.parametrize(
    "opts, word",
    [("--network bridge", "bridge"), ("--network container:x", "container:x"), ("--pid container:x", "container:x"),
     ("--ipc shareable", "shareable"), ("--uts x", "--uts x"), ("-p 80:80", "-p"), ("--publish 80:80", "publish"), ("-d", "detach")],
)
def test_not_yet_by_name(md, opts, word):
    r = md.run(opts, "probe exit 0")
    assert r.code == 125 and r.err.startswith("mydocker: ") and "yet" in r.err and word.lstrip("-") in r.err, r


def test_an_image_by_name_is_not_there_yet(md):
    r = md.call("run", "alpine", "true")
    assert r.code == 125 and r.err.startswith("mydocker: ") and "image" in r.err and "yet" in r.err, r


def test_unknown_command(md):
    r = md.call("frobnicate")
    assert r.code != 0 and r.err.startswith("mydocker: ") and "frobnicate" in r.err


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_closed_standard_streams(md, closed):
    """No file of ours may land on a closed 0, 1 or 2."""

    def close():
        for fd in closed:
            os.close(fd)

    r = md.run("", "probe seq show fds , exit 5", preexec_fn=close)
    assert r.code == 5, r
    if 1 not in closed:
        v = r.values
        assert {k for k in v if k.startswith("fds.")} == {"fds.0", "fds.1", "fds.2"}, v
        for fd in closed:
            path = v[f"fds.{fd}"].removesuffix(" (deleted)")
            assert path.endswith("/null"), v  # where the kernel sees it from: in a chroot its path is longer


@pytest.mark.parametrize("limit", [4, 6, 8, 10, 16])
def test_few_descriptors_give_an_error_and_no_leak(md, limit):
    if SANITIZED:
        pytest.skip("ASan itself needs descriptors")
    r = md.run("", "probe exit 0", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    assert r.code in (0, 125), r
    if r.code:
        assert r.err.startswith("mydocker: "), r


def test_full_standard_error_does_not_matter(md):
    with open("/dev/full", "wb") as full:
        assert md.run("", "probe exit 6", stderr=full).code == 6
        assert md.run("--nonsense", "probe exit 6", stderr=full).code == 125


def test_the_reason_always_arrives(md):
    """Init dies right after it has said why, while the parent is about to speak: the reason must not be lost."""
    for _ in range(100):
        md.run("-v /no/such/source:/x", "probe exit 0").failed(125, "/no/such/source")


def test_real_time_signals_have_codes_too(md):
    assert md.run("--pid host", "probe die 37").code == 128 + 37
