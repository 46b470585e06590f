"""checkpoint and restore with the real criu, where it can do its work with this kernel."""
import array
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest

from bundles import GROUPS, RUNTIME, bundle, good, life, write_config  # noqa: F401: some are fixtures
from harness import PATIENCE, cgroup_mounts, give_tree, mounts, wait_until

pytestmark = [pytest.mark.root("criu needs root"), pytest.mark.timeout(300)]


def unable():
    """Why criu cannot be tried here."""
    if not shutil.which("criu"):
        return "criu is not installed"
    r = subprocess.run(["criu", "check"], capture_output=True, text=True, check=False)
    if r.returncode:
        return "criu check: " + (r.stdout + r.stderr).strip().splitlines()[-1]
    return "" if shutil.which("iptables-restore") else "criu needs iptables-restore"


@pytest.fixture(scope="module", autouse=True)
def able():
    why = unable()
    if why:
        pytest.skip(why)


def group_mounts():
    return [m for m in mounts() if m[1] == "cgroup2"]


def groups_again(before):
    """criu mounts cgroup v2 without nsdelegate, for the whole host, and nobody of ours was there to give it back."""
    for point, _, options in before if group_mounts() != before else []:
        subprocess.run(["mount", "-o", f"remount,{','.join(options)}", point], check=True)


class Real:
    """A container with pipes, which copies what it is told; each call gets new ones from who makes it."""

    def __init__(self, life):
        self.life, self.images, self.work = life, life.bundle / "images", life.bundle / "work"
        self.stdin = self.stdout = None

    def begin(self, *verb, name="c1"):
        in_r, self.stdin = os.pipe()
        self.stdout, out_w = os.pipe()
        log = self.life.bundle / "complaints"
        r = subprocess.run([str(x) for x in (RUNTIME, "--root", self.life.state_dir, *verb, "--detach", "-b", self.life.bundle, name)], stdin=in_r, stdout=out_w, stderr=out_w,
                           timeout=60 * PATIENCE, check=False)
        os.close(in_r)
        os.close(out_w)
        if r.returncode:
            raise AssertionError((log, os.read(self.stdout, 2000).decode(), self.errors()))

    def errors(self):
        return [l for f in self.work.glob("*.log") for l in f.read_text(errors="replace").splitlines() if "Error" in l]

    def run(self, change=lambda c: None, *options):
        def all_changes(c):
            c["process"]["args"] = ["/bin/probe", "copy"]
            change(c)
        write_config(self.life.bundle, all_changes)
        self.begin("run", *options)

    def checkpoint(self, *options):
        r = self.life.call("checkpoint", "--image-path", str(self.images), "--work-path", str(self.work), *options, "c1")
        assert r.returncode == 0, (r, [l for l in (self.work / "dump.log").read_text(errors="replace").splitlines() if "Error" in l])

    def restore(self, *options):
        self.begin("restore", "--image-path", self.images, "--work-path", self.work, *options)

    def hears(self, word):
        os.write(self.stdin, word)
        return os.read(self.stdout, 100) == word

    def close(self):
        for fd in (self.stdin, self.stdout):
            os.close(fd)


@pytest.fixture
def real(life):
    one, before = Real(life), group_mounts()
    yield one
    one.close()
    assert group_mounts() == before


def test_it_goes_on_where_it_was(real):
    """Twice, with mounts from outside, a masked file, a limit, and pipes of somebody else each time."""
    def change(c):
        c["linux"]["maskedPaths"] = ["/proc/version", "/proc/fs"]
        c["linux"]["readonlyPaths"] = ["/proc/sys"]
        c["linux"]["resources"] = {"pids": {"limit": 77}}
    real.run(change)
    assert real.hears(b"one\n")
    for word in (b"two\n", b"three\n"):
        before = real.life.state()
        real.checkpoint()
        assert "does not exist" in real.life.state()
        real.close()
        real.restore()
        now = real.life.state()
        assert now["status"] == "running" and now["created"] != before["created"] and real.hears(word)
        group = open(f"/proc/{now['pid']}/cgroup", encoding="utf-8").read().strip().split("::")[1]
        assert open(f"/sys/fs/cgroup{group}/pids.max", encoding="utf-8").read() == "77\n"
        assert " /data " in open(f"/proc/{now['pid']}/mountinfo", encoding="utf-8").read()
        r = real.life.exec(("show", "ids"))
        assert r.returncode == 0 and "uid=5" in r.stdout, r
    good(real.life.call("pause", "c1"))
    good(real.life.call("resume", "c1"))
    assert json.loads(real.life.call("events", "--stats", "c1").stdout)["data"]["pids"]["limit"] == 77
    good(real.life.call("kill", "c1", "KILL"))
    real.life.wait_for("stopped")


def test_memory_first(real):
    real.run()
    first = real.life.bundle / "first"
    good(real.life.call("checkpoint", "--pre-dump", "--image-path", str(first), "c1"))
    assert real.life.status() == "running" and real.hears(b"still\n")
    real.checkpoint("--parent-path", "../first")
    assert (real.images / "parent").is_symlink()
    real.close()
    real.restore()
    assert real.hears(b"again\n")


def test_left_running(real):
    real.run()
    real.checkpoint("--leave-running")
    assert real.life.status() == "running" and real.hears(b"on\n")


def test_killed_in_the_middle(real):
    """criu takes back what it has begun, or ends it; in either case nothing is stuck."""
    before = group_mounts()
    real.run()
    pid = real.life.state()["pid"]
    with subprocess.Popen(real.life.argv("checkpoint", "--image-path", real.images, "--work-path", real.work, "c1")) as p:
        wait_until(lambda: (real.work / "dump.log").exists(), 60)
        p.kill()
    time.sleep(5 * PATIENCE)
    groups_again(before)
    assert real.life.state()["pid"] in (0, pid)
    if real.life.status() == "running":
        assert real.hears(b"on\n")


def test_runc_restores_what_we_have_written(real):
    if not shutil.which("runc"):
        pytest.skip("runc is not installed")
    before = group_mounts()
    real.run(lambda c: c.update(ociVersion="1.0.2"))
    real.checkpoint()
    root = str(real.life.bundle / "runc")
    real.close()
    in_r, real.stdin = os.pipe()
    real.stdout, out_w = os.pipe()
    try:
        r = subprocess.run(["runc", "--root", root, "restore", "-d", "--image-path", str(real.images), "--work-path", str(real.work), "-b", str(real.life.bundle), "c1"], stdin=in_r, stdout=out_w,
                           stderr=out_w, timeout=60 * PATIENCE, check=False)
        assert r.returncode == 0, [l for l in (real.work / "restore.log").read_text(errors="replace").splitlines() if "Error" in l]
        os.close(in_r)
        os.close(out_w)
        assert real.hears(b"to runc\n")
    finally:
        subprocess.run(["runc", "--root", root, "delete", "-f", "c1"], check=False, timeout=60)
        groups_again(before)
        for place, _, _ in cgroup_mounts():
            with contextlib.suppress(OSError):
                (place / GROUPS).rmdir()  # which runc leaves


# ---- a terminal ----


class Console:
    """Whoever is handed terminals on a socket."""

    def __init__(self, path):
        self.path, self.listening, self.master = str(path), socket.socket(socket.AF_UNIX), None
        self.listening.bind(self.path)
        self.listening.listen(1)
        self.listening.settimeout(20 * PATIENCE)

    def take(self):
        self.drop()
        conn, _ = self.listening.accept()
        with conn:
            _, control, _, _ = conn.recvmsg(100, socket.CMSG_SPACE(4))
        self.master = array.array("i", control[0][2])[0]
        assert os.isatty(self.master)

    def hears(self, word):
        """Typed, a line is shown by the terminal, and then said by who copies it."""
        os.write(self.master, word + b"\n")
        got, end = b"", time.monotonic() + 20 * PATIENCE
        while got.count(word) < 2 and time.monotonic() < end:
            if select.select([self.master], [], [], 1)[0]:
                got += os.read(self.master, 1000)
        return got.count(word) == 2

    def drop(self):
        if self.master is not None:
            os.close(self.master)
        self.master = None


@pytest.fixture
def console(life):
    one = Console(life.bundle / "console")
    yield one
    one.drop()
    one.listening.close()


def with_terminal(c):
    c["process"]["terminal"] = True
    c["mounts"] += [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
                    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]


def test_a_terminal(real, console):
    """Its other end is made anew and handed to the console socket, twice; its size is as it was."""
    size = struct.pack("HHHH", 30, 100, 0, 0)
    real.run(with_terminal, "--console-socket", console.path)
    console.take()
    fcntl.ioctl(console.master, termios.TIOCSWINSZ, size)
    assert console.hears(b"one")
    for word in (b"two", b"three"):
        real.checkpoint()
        console.drop()
        real.close()
        real.restore("--console-socket", console.path)
        console.take()
        assert console.hears(word) and fcntl.ioctl(console.master, termios.TIOCGWINSZ, b"\0" * 8) == size
        pid = real.life.state()["pid"]
        assert [os.readlink(f"/proc/{pid}/fd/{i}") for i in range(3)] == ["/dev/pts/0"] * 3
    os.write(console.master, b"\x04")  # the end of its input
    real.life.wait_for("stopped")


# ---- a user namespace ----


def test_a_user_namespace(real):
    """Ids are those of its maps before and after."""
    def mapped(c):
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {k: [{"containerID": 0, "hostID": 100000, "size": 65536}] for k in ("uidMappings", "gidMappings")}

    give_tree(real.life.bundle / "root", 100000, 100000)
    real.run(mapped)
    assert real.hears(b"one\n")
    for word in (b"two\n", b"three\n"):
        real.checkpoint()
        real.close()
        real.restore()
        assert real.hears(word)
        pid = real.life.state()["pid"]
        for name in ("uid_map", "gid_map"):
            assert open(f"/proc/{pid}/{name}", encoding="utf-8").read().split() == ["0", "100000", "65536"]
        assert os.stat(f"/proc/{pid}").st_uid == 100005
        assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
        r = real.life.exec(("show", "ids"))
        assert r.returncode == 0 and "uid=5" in r.stdout, r


# ---- memory by way of the network ----


def port_for_a_server():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(*args):
    """One of criu's own daemons, in the foreground."""
    with subprocess.Popen(["criu", *map(str, args)], stdin=subprocess.DEVNULL) as p:
        try:
            yield p
        finally:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
            p.wait(60)


def listens(port):
    """In /proc/net/tcp, proc(5): a connection would be the one that such a server waits for."""
    return any(f[3] == "0A" and f[1].endswith(f":{port:04X}") for f in (l.split() for l in open("/proc/net/tcp", encoding="utf-8").readlines()[1:]))


def test_memory_to_a_page_server(real):
    real.run()
    assert real.hears(b"one\n")
    port = port_for_a_server()
    real.images.mkdir()
    with server("page-server", "-D", real.images, "--address", "127.0.0.1", "--port", port, "-o", "server.log") as p:
        wait_until(lambda: listens(port), 20)
        elsewhere = real.life.bundle / "elsewhere"
        here, real.images = real.images, elsewhere
        real.checkpoint("--page-server", f"127.0.0.1:{port}")
        assert p.wait(60) == 0
    assert list(here.glob("pages-*.img")) and not list(elsewhere.glob("pages-*.img"))
    for f in here.iterdir():
        shutil.copy(f, elsewhere)
    real.close()
    real.restore()
    assert real.hears(b"two\n")


def test_memory_that_comes_later(real):
    """The container is restored elsewhere while its memory is still here: the checkpoint ends when all of it is fetched."""
    if subprocess.run(["criu", "check", "--feature", "uffd"], capture_output=True, check=False).returncode:
        pytest.skip("criu check: no userfaultfd that can follow a process")
    real.run()
    assert real.hears(b"one\n")
    port = port_for_a_server()
    ready, status = os.pipe()
    others = real.life.bundle / "others"  # where criu's daemon and the restore meet
    others.mkdir()
    dump = subprocess.Popen([str(x) for x in real.life.argv("checkpoint", "--lazy-pages", "--page-server", f"127.0.0.1:{port}", "--status-fd", status, "--image-path", real.images, "--work-path",
                                                            real.work, "c1")], pass_fds=[status], stdin=subprocess.DEVNULL)
    os.close(status)
    try:
        assert os.read(ready, 1) == b"\0", real.errors()
        os.close(ready)
        with server("lazy-pages", "--page-server", "--address", "127.0.0.1", "--port", port, "-D", real.images, "-W", others, "-o", "lazy.log") as p:
            wait_until(lambda: (others / "lazy-pages.socket").exists(), 20)
            real.close()
            write_config(real.life.bundle, lambda c: (c["process"].update(args=["/bin/probe", "copy"]), c["linux"].update(cgroupsPath=f"/{GROUPS}/c2")))
            real.work, work = others, real.work
            real.begin("restore", "--lazy-pages", "--image-path", real.images, "--work-path", others, name="c2")
            real.work = work
            assert real.hears(b"two\n")
            assert dump.wait(60 * PATIENCE) == 0 and p.wait(60 * PATIENCE) == 0
        assert "does not exist" in real.life.state() and real.hears(b"three\n")
    finally:
        if dump.poll() is None:
            dump.kill()
        dump.wait()
        real.life.call("delete", "-f", "c2")
