"""config-linux.md "Seccomp", listenerPath: somebody outside decides about a system call."""
import array
import fcntl
import json
import os
import socket
import struct
import threading

import pytest

from bundles import bad, bundle, good, life  # noqa: F401: some are fixtures
from harness import wait_until

pytestmark = pytest.mark.root("the listener answers for others")
RECV, SEND = 0xC0502100, 0xC0182101  # linux/seccomp.h
PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_TSYNC"], "listenerMetadata": "for you",
           "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}


class Agent:
    """Listens, and answers each question with an errno of its own."""

    def __init__(self, path):
        self.path, self.states, self.asked = path, [], 0
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.server.settimeout(20)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            with conn:
                text, data, _, _ = conn.recvmsg(65536, socket.CMSG_SPACE(4))
                while more := conn.recv(65536):
                    text += more
            self.states.append(json.loads(text))
            threading.Thread(target=self.answer, args=(array.array("i", data[0][2])[0],), daemon=True).start()

    def answer(self, listener):
        while True:
            question = bytearray(80)
            try:
                fcntl.ioctl(listener, RECV, question)
                self.asked += 1
                fcntl.ioctl(listener, SEND, struct.pack("QqiI", struct.unpack_from("Q", question)[0], 0, -77, 0))
            except OSError:
                os.close(listener)
                return


@pytest.fixture
def agent(bundle):  # noqa: F811
    a = Agent(bundle / "agent")
    yield a
    a.server.close()


def asking(agent, **more):
    return lambda c: (c["linux"].update(seccomp=PROFILE | {"listenerPath": str(agent.path)} | more), c["process"].update(noNewPrivileges=more.get("nnp", True)))


@pytest.mark.parametrize("nnp", [True, False])
def test_the_listener_decides(life, agent, nnp):  # noqa: F811
    good(life.create("seq", "mkdir", "/t/x", ",", "sleep", "60000", change=lambda c: (asking(agent)(c), c["process"].update(noNewPrivileges=nnp, capabilities={}))))
    wait_until(lambda: agent.states)
    state = agent.states[0]
    pid = life.state()["pid"]
    assert state["fds"] == ["seccompFd"] and state["pid"] == pid and state["metadata"] == "for you" and state["ociVersion"] == "1.3.0"
    assert state["state"]["id"] == "c1" and state["state"]["status"] == "creating" and state["state"]["pid"] == pid and state["state"]["bundle"] == str(life.bundle)
    good(life.call("start", "c1"))
    wait_until(lambda: "errno=77" in life.text())
    assert agent.asked == 1
    assert "errno=77" in life.exec(("mkdir", "/t/y")).stdout
    assert agent.asked == 2 and len(agent.states) == 2 and agent.states[1]["pid"] != pid


def test_nobody_listens(life):  # noqa: F811
    bad(life.create("say", "never", change=lambda c: c["linux"].update(seccomp=PROFILE | {"listenerPath": "/no/such/socket"})), "listenerPath '/no/such/socket'", "No such file")
    bad(life.create("say", "never", change=lambda c: c["linux"].update(seccomp={k: v for k, v in PROFILE.items() if k != "listenerMetadata"})), "no listenerPath")
