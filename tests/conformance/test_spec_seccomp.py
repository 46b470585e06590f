"""config-linux.md, "Seccomp" and "The Container Process State"."""
import array
import fcntl
import json
import os
import socket
import struct
import threading

import pytest

from bundles import bad, bundle, good, life, run  # noqa: F401: some are fixtures
from harness import wait_until
from test_spec_config import put, refused

RULE = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}


def profile(*rules, **more):
    return put("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(rules)} | more)


# ---- what a filter does ----


@pytest.mark.parametrize("action, code, text", [
    ("SCMP_ACT_ALLOW", 7, "mkdir=0\n"), ("SCMP_ACT_LOG", 7, "mkdir=0\n"), ("SCMP_ACT_ERRNO", 7, "mkdir=-1 errno=1\n"), ("SCMP_ACT_TRACE", 7, "mkdir=-1 errno=38\n"),
    ("SCMP_ACT_TRAP", 128 + 31, ""), ("SCMP_ACT_KILL", 128 + 31, ""), ("SCMP_ACT_KILL_THREAD", 128 + 31, ""), ("SCMP_ACT_KILL_PROCESS", 128 + 31, ""),
])
def test_seccomp_actions(bundle, action, code, text):
    """The errno is EPERM unless it is given; TRACE without a tracer is ENOSYS."""
    r = run(bundle, "seq mkdir /t/x , exit 7", change=profile(RULE | {"action": action}))
    assert (r.returncode, r.stdout) == (code, text), r


@pytest.mark.parametrize("given, errno", [({}, 1), ({"errnoRet": 77}, 77)])
def test_seccomp_errno_of_a_rule_and_of_the_default(bundle, given, errno):
    assert run(bundle, "mkdir /t/x", change=profile(RULE | given)).stdout == f"mkdir=-1 errno={errno}\n"
    allowed = [{"names": NEEDED, "action": "SCMP_ACT_ALLOW"}]
    default = {"defaultErrnoRet": given["errnoRet"]} if given else {}
    r = run(bundle, "mkdir /t/x", change=put("linux.seccomp", {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": allowed} | default))
    assert r.stdout == f"mkdir=-1 errno={errno}\n", r


# what the probe and the runtime's last steps need
NEEDED = """access arch_prctl brk capget capset chdir clock_gettime close close_range connect dup2 dup3 execve execveat exit exit_group faccessat fchdir fcntl
    fstat futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom getsockopt gettid getuid ioctl lseek mmap mprotect munmap newfstatat open openat openat2 pipe2 poll ppoll prctl
    pread64 prlimit64 read readlink readv recvfrom recvmsg restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sendmsg sendto set_robust_list set_tid_address
    setgid setgroups setresgid setresuid setsid setuid shutdown sigaltstack socket stat statx umask uname wait4 write writev""".split()


@pytest.mark.parametrize("action", ["SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_LOG"])
def test_seccomp_errno_of_an_action_that_takes_none(bundle, action):
    refused(bundle, profile(RULE | {"action": action, "errnoRet": 5}), action, "errnoRet")
    refused(bundle, put("linux.seccomp", {"defaultAction": action, "defaultErrnoRet": 5}), action.removesuffix("_THREAD"), "rrnoRet")


def test_seccomp_names_have_at_least_one(bundle):
    refused(bundle, profile(RULE | {"names": []}), "names")


@pytest.mark.parametrize("op, value, two, hit, miss", [
    ("SCMP_CMP_EQ", 5, None, 5, 6), ("SCMP_CMP_NE", 5, None, 6, 5), ("SCMP_CMP_LT", 5, None, 4, 5), ("SCMP_CMP_LE", 5, None, 5, 6), ("SCMP_CMP_GE", 5, None, 5, 4), ("SCMP_CMP_GT", 5, None, 6, 5),
    ("SCMP_CMP_MASKED_EQ", 0xF0, 0x50, 0x5F, 0x6F), ("SCMP_CMP_EQ", 1 << 40, None, 1 << 40, 0), ("SCMP_CMP_GT", (1 << 32) - 1, None, 1 << 32, 5),
])
def test_seccomp_operators(bundle, op, value, two, hit, miss):
    """On the second argument of setpriority(2), 141, which says EINVAL or nothing otherwise."""
    arg = {"index": 1, "value": value, "op": op} | ({} if two is None else {"valueTwo": two})
    r = run(bundle, f"seq sys 141 99 {hit:#x} , sys 141 99 {miss:#x}", change=profile({"names": ["setpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77, "args": [arg]}))
    assert r.stdout == "sys=-1 errno=77\nsys=-1 errno=22\n", r


@pytest.mark.parametrize("index", range(6))
def test_seccomp_arguments(bundle, index):
    args = ["0"] * 6
    args[index] = "9"
    rule = {"names": ["ioperm"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77, "args": [{"index": index, "value": 9, "op": "SCMP_CMP_EQ"}]}
    r = run(bundle, f"seq sys 173 {' '.join(args)} , sys 173 0 0 0 0 0 0", change=profile(rule))
    assert r.stdout.startswith("sys=-1 errno=77\n") and r.stdout.count("errno=77") == 1, r


def test_seccomp_architectures(bundle):
    """A rule holds on the architectures that are named; on others that the kernel runs nothing is let through."""
    if os.uname().machine != "x86_64":
        pytest.skip("the probe has a 32-bit entry on x86_64 alone")
    rule = {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}
    both = run(bundle, "seq sys 135 0xffffffff , sys32 136 0xffffffff", change=profile(rule, architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]))
    assert both.stdout in ("sys=-1 errno=77\nsys32=-1 errno=77\n", "sys=-1 errno=77\n"), both  # a kernel without 32-bit entries kills
    one = run(bundle, "seq sys 135 0xffffffff , sys32 136 0xffffffff", change=profile(rule, architectures=["SCMP_ARCH_X86_64"]))
    assert one.stdout.startswith("sys=-1 errno=77\n") and "sys32=0" not in one.stdout, one


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
def test_seccomp_flags(bundle, flag):
    r = run(bundle, "seq mkdir /t/x , exit 7", change=profile(RULE, flags=[flag]))
    assert (r.returncode, r.stdout) == (7, "mkdir=-1 errno=1\n"), r


# ---- notification ----

RECV, SEND = 0xC0502100, 0xC0182101  # linux/seccomp.h


class Agent:
    """Takes what is sent over each connection until its end, and answers every question with errno 77."""

    def __init__(self, path):
        self.received, self.descriptors = [], []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(str(path))
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            text, fds, ended = b"", [], False
            with conn:
                while not ended:
                    part, control, _, _ = conn.recvmsg(65536, socket.CMSG_SPACE(40))
                    fds.append([fd for _, _, data in control for fd in array.array("i", data)])
                    text += part
                    ended = not part
            self.descriptors.append(fds)
            self.received.append(text)
            threading.Thread(target=self.answer, args=(fds[0][0],), daemon=True).start()

    def answer(self, listener):
        while True:
            question = bytearray(80)
            try:
                fcntl.ioctl(listener, RECV, question)
                fcntl.ioctl(listener, SEND, struct.pack("QqiI", struct.unpack_from("Q", question)[0], 0, -77, 0))
            except OSError:
                os.close(listener)
                return


@pytest.fixture
def agent(bundle):
    a = Agent(bundle / "agent")
    yield a
    a.server.close()


def asking(path, **more):
    return profile(RULE | {"action": "SCMP_ACT_NOTIFY"}, listenerPath=str(path), **more)


@pytest.mark.root("the listener answers for others")
def test_container_process_state_is_sent_with_the_descriptor(life, agent):
    """As JSON, once for each connection, which then ends; the descriptor comes with the first part alone."""
    good(life.create("seq", "mkdir", "/t/x", ",", "sleep", "60000", change=lambda c: (asking(life.bundle / "agent", listenerMetadata="some data")(c), c.update(annotations={"a": "b"}))))
    wait_until(lambda: agent.received)
    state, pid = json.loads(agent.received[0]), life.state()["pid"]
    first, *later = agent.descriptors[0]
    assert len(first) == 1 and not any(later) and state["fds"] == ["seccompFd"]
    assert state["ociVersion"] == "1.3.0" and state["pid"] == pid and state["metadata"] == "some data"
    assert state["state"] == {"ociVersion": "1.3.0", "id": "c1", "status": "creating", "pid": pid, "bundle": str(life.bundle), "annotations": {"a": "b"}}
    good(life.call("start", "c1"))
    wait_until(lambda: "mkdir=-1 errno=77" in life.text())
    assert len(agent.received) == 1


@pytest.mark.root("the listener answers for others")
def test_container_process_state_of_another_process_is_another_connection(life, agent):
    life.start("sleep", "60000", change=asking(life.bundle / "agent"))
    assert "errno=77" in life.exec(("mkdir", "/t/y")).stdout
    assert len(agent.received) == 2 and json.loads(agent.received[0]).get("metadata", "") == ""


def test_seccomp_listener_that_cannot_be_reached(life):
    bad(life.create("exit", "0", change=asking("/no/such/socket")), "/no/such/socket")
    (life.bundle / "file").touch()
    bad(life.create("exit", "0", change=asking(life.bundle / "file")), str(life.bundle / "file"))


def test_seccomp_listener_is_a_stream_socket(life):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(life.bundle / "datagrams"))
        bad(life.create("exit", "0", change=asking(life.bundle / "datagrams")), str(life.bundle / "datagrams"))


def test_seccomp_listener_that_hangs_up(life):
    """What was not taken is an error: nobody would ever answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(life.bundle / "deaf"))
        s.listen()
        s.close()
        bad(life.create("exit", "0", change=asking(life.bundle / "deaf")), str(life.bundle / "deaf"))


def test_seccomp_listener_without_a_rule_that_asks_is_ignored(bundle):
    assert run(bundle, "exit 7", change=profile(RULE, listenerPath="/no/such/socket")).returncode == 7


@pytest.mark.parametrize("rule", [RULE, RULE | {"action": "SCMP_ACT_NOTIFY"}])
def test_seccomp_listener_metadata_without_its_path(bundle, rule):
    refused(bundle, profile(rule, listenerMetadata="x"), "listener")
