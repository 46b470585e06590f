"""A start that hangs in a dead file system: signals end it, and nothing of it is left."""
import contextlib
import ctypes
import os
import select
import signal
import struct
import subprocess

import pytest

from harness import groups_of, need_root, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
FUSE_LOOKUP, FUSE_GETATTR, FUSE_INIT = 1, 3, 26


class DeadServer:
    """A FUSE file system whose server, this test, answers what it is told to answer and nothing else."""

    def __init__(self, point):
        self.point = str(point)
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)

    def mount(self):
        """In the child, before it executes the product: a mount namespace of its own."""
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        for r in (
            LIBC.unshare(CLONE_NEWNS),
            LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None),
            LIBC.mount(b"dead", self.point.encode(), b"fuse", 0, options),
        ):
            if r < 0:
                raise OSError(ctypes.get_errno(), "mount the dead file system")

    def wait(self, seconds=15):
        assert select.select([self.fd], [], [], seconds)[0], "nobody asks the dead file system"

    def take(self):
        self.wait()
        _, opcode, unique = struct.unpack_from("<IIQ", os.read(self.fd, 1 << 17))
        return opcode, unique

    def answer(self, unique, data):
        os.write(self.fd, struct.pack("<IiQ", 16 + len(data), 0, unique) + data)

    def answer_init(self):
        opcode, unique = self.take()
        assert opcode == FUSE_INIT
        self.answer(unique, struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 12, 10, 4096, 1, 0, 0, *[0] * 8))

    def answer_directory(self, opcode, unique):
        attributes = struct.pack("<6Q10I", 2, 4096, 8, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
        if opcode == FUSE_LOOKUP:
            self.answer(unique, struct.pack("<4Q2I", 2, 0, 3600, 3600, 0, 0) + attributes)
        elif opcode == FUSE_GETATTR:
            self.answer(unique, struct.pack("<Q2I", 3600, 0, 0) + attributes)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


@pytest.fixture
def dead(scratch):
    need_root("it mounts a FUSE file system that ordinary users may use")
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this machine has no /dev/fuse")
    server = DeadServer(scratch)
    yield server
    server.close()


def start_hanging(md, dead, opts="", cmd="probe exit 0", **kw):
    """A start that waits for an answer; the question lies in the server's queue."""
    r = md.start(f"-v {dead.point}/x:/x {opts}", cmd, preexec_fn=dead.mount, **kw)
    dead.answer_init()
    dead.wait()
    assert r.id
    return r


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"])
def test_signals_end_a_start_that_hangs(md, dead, name):
    r = start_hanging(md, dead, "--name hangs -m 64m")
    container, sig = r.id, getattr(signal, name)
    r.signal(sig)
    out = r.wait(10)
    assert out.code == 128 + sig and out.stdout == b""
    assert out.err == f"mydocker: interrupted by {name} before the command was started\n"
    assert not md.left() and not groups_of(container)
    assert f"it never began: interrupted by {name}" in " ".join(md.call("why").ok().out.split())
    assert md.run("--name hangs", "probe exit 3").code == 3


@pytest.mark.parametrize("opts", ["--pid host", "--uidmap 0:0:65536"])
def test_in_other_namespaces(md, dead, opts):
    r = start_hanging(md, dead, opts)
    container = r.id
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == 128 + signal.SIGTERM
    assert not md.left() and not groups_of(container)


def test_impatience_does_not_stop_the_cleaning(md, dead):
    r = start_hanging(md, dead)
    container = r.id
    for _ in range(50):
        r.signal(signal.SIGINT)
    assert r.wait(10).code == 128 + signal.SIGINT
    assert not md.left() and not groups_of(container)


def test_what_the_caller_ignores_does_not_end_it(md, dead):
    """nohup, and jobs that a script starts in the background."""

    def ignore():
        dead.mount()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    r = md.start(f"-v {dead.point}/x:/x", "probe exit 0", preexec_fn=ignore)
    dead.answer_init()
    dead.wait()
    r.signal(signal.SIGINT)
    r.signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        r.proc.wait(0.5)
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == 128 + signal.SIGTERM
    assert not md.left()


def test_other_signals_wait_for_the_command(md, dead):
    """The command is no pid 1 here, so it dies of the signal whenever that comes."""
    r = start_hanging(md, dead, "--pid host", "probe sleep 30000")
    r.signal(signal.SIGWINCH)
    r.signal(signal.SIGUSR1)
    with pytest.raises(subprocess.TimeoutExpired):
        r.proc.wait(0.3)
    with contextlib.suppress(OSError):  # ENODEV: the last mount of it is gone, with who had it
        while r.proc.poll() is None:
            if select.select([dead.fd], [], [], 0.05)[0]:
                dead.answer_directory(*dead.take())
    assert r.wait().code == 128 + signal.SIGUSR1


@pytest.mark.parametrize("opts", ["", "--init", "-t"])
def test_a_command_on_a_dead_file_system(md, dead, opts):
    """The mount itself can be made; execve(2) hangs, the last thing of all."""
    r = md.start(f"-v {dead.point}:/x {opts}", ["/x/program"], preexec_fn=dead.mount)
    dead.answer_init()
    dead.answer_directory(*dead.take())
    dead.wait()
    container = r.id
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == 128 + signal.SIGTERM
    assert not md.left() and not groups_of(container)


def test_a_root_on_a_dead_file_system(md, dead):
    """Nothing is made yet: the signal has its usual effect."""
    r = md.start("", "probe exit 0", rootfs=f"{dead.point}/x", preexec_fn=dead.mount)
    dead.answer_init()
    dead.wait()
    r.signal(signal.SIGTERM)
    assert r.wait(10).code == -signal.SIGTERM and not md.left()


def test_a_process_that_cannot_be_killed_is_left_and_found_again(md, dead):
    """A request that the server has taken is waited for by the kernel, even with SIGKILL pending."""
    r = start_hanging(md, dead, "--name hangs")
    container = r.id
    dead.take()
    r.signal(signal.SIGTERM)
    assert r.proc.wait(20) == 128 + signal.SIGTERM
    text = os.read(r.proc.stderr.fileno(), 4096).decode()  # the process that is left holds it open
    assert "hangs in the kernel" in text and "interrupted by SIGTERM" in text
    assert md.ids() == [container] and groups_of(container)
    again = md.run("", "probe exit 3")
    assert again.code == 3 and "hangs in the kernel" in again.err and md.ids() == [container]
    dead.close()
    wait_until(lambda: "hangs" not in md.run("", "probe exit 3").err)
    assert not md.left() and not groups_of(container)
