#!/usr/bin/python3
"""In criu's place: speaks its RPC, notes what it was asked for, and does as $FAKE_CRIU/how says. What it restores is a process that sleeps.

how (JSON): "fail": [errno, text]; "silent": status, with which it ends without a word; "stop_at": the notification at which it waits for the end of
the conversation; "version": [major, minor]; "memory": false. Its messages are made and read here without anything of the product's.
"""
import array
import contextlib
import ctypes
import json
import os
import pathlib
import signal
import socket
import sys
import time

FLAGS = {3: "leave_running", 4: "ext_unix_sk", 5: "tcp_established", 6: "evasive_devices", 7: "shell_job", 8: "file_locks", 12: "notify_scripts", 15: "track_mem",
         16: "auto_dedup", 24: "manage_cgroups", 26: "rst_sibling", 46: "tcp_skip_in_flight", 48: "lazy_pages", 50: "orphan_pts_master"}
NUMBERS = {1: "images_dir_fd", 2: "pid", 9: "log_level", 17: "work_dir_fd", 34: "manage_cgroups_mode", 38: "empty_ns"}
TEXTS = {10: "log_file", 13: "root", 14: "parent_img", 37: "external", 44: "freeze_cgroup", 51: "config_file", 53: "lsm_profile", 63: "lsm_mount_context"}
PAIRS = {11: "ps", 23: "ext_mnt", 25: "cg_root", 27: "inherit_fd", 39: "join_ns"}
MANY = {"external", "ext_mnt", "cg_root", "inherit_fd", "join_ns"}
CLONE_PARENT = 0x8000
SYS_CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]


def varint(n):
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, (int, bool)):
        return varint(number << 3) + varint(int(value))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(data):
    def take():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at, n, shift = at + 1, n | (byte & 0x7F) << shift, shift + 7
            if not byte & 0x80:
                return n

    at = 0
    while at < len(data):
        key = take()
        if key & 7 == 0:
            yield key >> 3, take()
        else:
            assert key & 7 == 2
            size = take()
            at += size
            yield key >> 3, data[at - size:at]


def options(data):
    said = {}
    for number, value in fields(data):
        if number in PAIRS:
            name, value = PAIRS[number], [v.decode() if isinstance(v, bytes) else v for _, v in fields(value)]
        elif number in TEXTS:
            name, value = TEXTS[number], value.decode()
        elif number in FLAGS:
            name, value = FLAGS[number], bool(value)
        else:
            name = NUMBERS[number]
        if name in MANY:
            said.setdefault(name, []).append(value)
        else:
            assert name not in said
            said[name] = value
    return said


def tell(kind, success, *more):
    sock.send(field(1, kind) + field(2, success) + b"".join(more))


def notify(script, pid=None, fd=None):
    message = field(1, 6) + field(2, True) + field(5, field(1, script) + (field(2, pid) if pid else b""))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
    sock.sendmsg([message], rights)
    if how.get("stop_at") == script:
        (place / "stopped").touch()
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(1):  # an answer is no end
                pass
        roll_back(pid)
    try:
        answer = sock.recv(100)
    except ConnectionResetError:
        answer = b""
    if not answer or not dict(fields(answer)).get(3):
        (place / "refused").write_text(script)
        roll_back(pid)


def roll_back(pid):
    """What criu does when nobody is there any more: who is half restored is killed, who is dumped goes on."""
    if pid and kind == 2:
        os.kill(pid, signal.SIGKILL)
    if kind == 2:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            tell(kind, False)
    (place / "rolled-back").touch()
    sys.exit(1)


def dump(said):
    images = pathlib.Path(f"/proc/{os.getppid()}/fd/{said['images_dir_fd']}")
    work = pathlib.Path(f"/proc/{os.getppid()}/fd/{said.get('work_dir_fd', said['images_dir_fd'])}")
    (images / "inventory.img").write_text("images")
    (work / said["log_file"]).write_text("what criu did\n")
    if "parent_img" in said:
        (images / "parent").symlink_to(said["parent_img"])
    notify("pre-dump")
    if said["lazy_pages"]:
        notify("status-ready")
    notify("post-dump")
    if kind == 1 and not said["leave_running"]:
        os.kill(said["pid"], signal.SIGKILL)
    tell(kind, True)


def restore(said):
    work = pathlib.Path(f"/proc/{os.getppid()}/fd/{said.get('work_dir_fd', said['images_dir_fd'])}")
    (work / said["log_file"]).write_text("what criu did\n")
    notify("pre-restore")
    parent = os.getppid()
    pid = ctypes.CDLL(None, use_errno=True).syscall(SYS_CLONE, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os.chroot(said["root"])
        os.chdir("/")
        os.execv("/bin/probe", ["probe", "seq", "say", "restored", ",", "sleep", str(how.get("sleep", 60000)), ",", "exit", "7"])
    notify("setup-namespaces", pid)
    if how.get("terminal"):
        master, _ = os.openpty()
        notify("orphan-pts-master", fd=master)
    notify("post-restore", pid)
    (place / "restored").write_text(json.dumps({
        "parent": parent, "pid": pid, "cgroup": pathlib.Path("/proc/self/cgroup").read_text(), "mounts": pathlib.Path("/proc/self/mountinfo").read_text(),
        "fds": {k: os.readlink(f"/proc/self/fd/{v}") for k, v in said.get("inherit_fd", [])}}))
    tell(kind, True, field(4, field(1, pid)))


place = pathlib.Path(os.environ["FAKE_CRIU"])
if "FAIL_POINTS" in os.environ:  # whose conversation may break at any word
    sys.stderr = open(os.devnull, "w", encoding="utf-8")
how = json.loads((place / "how").read_text()) if (place / "how").exists() else {}
assert sys.argv[1] == "swrk"
sock = socket.socket(fileno=int(sys.argv[2]))
request = list(fields(sock.recv(1 << 20)))
kind = dict(request)[1]
said = options(dict(request).get(2, b""))
with open(place / "asked", "a", encoding="utf-8") as f:
    f.write(json.dumps({"kind": kind, "signals": [l for l in open("/proc/self/status", encoding="utf-8") if l.startswith("SigBlk")]} | said) + "\n")
if kind == 10:
    major, minor = how.get("version", [3, 17])
    tell(10, True, field(10, field(1, major) + field(2, minor)))
elif kind == 9:
    tell(9, True, field(8, field(1, how.get("memory", True)) + field(2, how.get("memory", True))))
elif "silent" in how:
    sys.exit(how["silent"])
elif "fail" in how:
    tell(kind, False, field(7, how["fail"][0]), field(9, how["fail"][1]))
    sys.exit(1)
elif kind in (1, 13):
    dump(said)
elif kind == 2:
    restore(said)
time.sleep(0.05)  # it ends after its last word
