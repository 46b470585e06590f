"""How the integration tests drive the product: running the binary, talking to what runs, looking at the host around it.

Engine is one pair of state and root folders; run() waits, start() gives a Running to look at. Everything that a test
starts is ended by its own pid. Nothing of the host is changed but what the product itself makes.
"""
import contextlib
import errno
import fcntl
import os
import platform
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SANITIZED = os.environ.get("MYDOCKER_SANITIZED") == "1"
PATIENCE = float(os.environ.get("MYDOCKER_TEST_PATIENCE", "1"))  # how many times slower than usual this machine is: each wait is so much longer
HEX64 = re.compile(r"^[0-9a-f]{64}$")


def find_program():
    asked = os.environ.get("MYDOCKER")
    if asked:
        return Path(asked).resolve()
    for place in ("out/start/bin/mydocker", "build/start/bin/mydocker"):
        if (TOP / place).exists():
            return TOP / place
    return TOP / "out/start/bin/mydocker"


MYDOCKER = find_program()


def build_probe(where):
    """The static program that runs in the containers: given, built already, or built now."""
    given = os.environ.get("MYDOCKER_PROBE")
    built = [Path(given)] if given else [TOP / "out/start/tests/probe/probe", TOP / "build/start/tests/probe/probe"]
    sources = sorted((HERE.parent / "probe").glob("*.[ch]"))
    newest = max(s.stat().st_mtime for s in sources)
    for p in built:
        if p.exists() and (given or p.stat().st_mtime >= newest):
            return p
    out = Path(where) / "probe"
    c = [str(s) for s in sources if s.suffix == ".c"]
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-static", "-o", str(out)]
    for cc in ("musl-gcc", "gcc"):
        if shutil.which(cc) and subprocess.run([cc, *flags, *c], capture_output=True).returncode == 0:
            return out
    raise RuntimeError("the probe cannot be compiled: install musl-tools or gcc, or name one in MYDOCKER_PROBE")


# ---- results ----


class Result:
    def __init__(self, code, out, err, argv=()):
        self.code, self.stdout, self.stderr, self.argv = code, out or b"", err or b"", argv

    @property
    def out(self):
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self):
        return self.stderr.decode("utf-8", "replace")

    @property
    def values(self):
        """The probe's name=value lines."""
        return values(self.out)

    def ok(self):
        assert self.code == 0, self
        return self

    def failed(self, code, *words):
        """Our own failure: this exit code, one line that begins with our name and holds these words."""
        assert self.code == code, self
        lines = self.err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("mydocker: "), self
        for w in words:
            assert w.lower() in lines[0].lower(), (w, self)
        return self

    def __repr__(self):
        shown = [a if len(a) < 200 else a[:80] + "..." for a in map(str, self.argv)]
        return f"<exit {self.code}\n  argv {shlex.join(shown)}\n  out {self.stdout[-2000:]!r}\n  err {self.stderr[-2000:]!r}>"


def values(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def errno_of(text):
    """'-1 errno=13' -> 'EACCES'; '0' -> None."""
    m = re.search(r"errno=(\d+)", text)
    return errno.errorcode.get(int(m.group(1)), m.group(1)) if m else None


def netstrings(data):
    found = []
    while data:
        n, rest = data.split(b":", 1)
        found.append(rest[: int(n)])
        assert rest[int(n) : int(n) + 1] == b","
        data = rest[int(n) + 1 :]
    return found


def words(x):
    return shlex.split(x) if isinstance(x, str) else [os.fspath(w) if isinstance(w, Path) else w for w in x]


def command(x):
    c = words(x)
    return ["/bin/probe", *c[1:]] if c[:1] == ["probe"] else c


def wait_until(what, seconds=10.0, step=0.01):
    """The first true value of what(); fails after so many seconds."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, f"waited {seconds} s in vain for {getattr(what, '__name__', what)}"
        time.sleep(step)


# ---- the engine ----


class Engine:
    """One user's mydocker with its own state and root folders."""

    def __init__(self, base, rootfs, prefix=(), env=None, program=None, own_dirs=True):
        self.base, self.rootfs, self.prefix = Path(base), rootfs, list(prefix)
        self.state, self.root = self.base / "state", self.base / "root"
        self.own_dirs = own_dirs
        self.program = program or MYDOCKER
        # A configuration folder of our own: what the user of this machine has there is not for tests.
        self.env = {"PATH": os.environ["PATH"], "HOME": "/root", "XDG_CONFIG_HOME": str(self.base / "config"), "LC_ALL": "C.UTF-8", **(env or {})}
        for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if k in os.environ:
                self.env[k] = os.environ[k]
        self.started = []

    def argv(self, *args):
        where = ["--state", str(self.state), "--root", str(self.root)] if self.own_dirs else []
        return [*self.prefix, str(self.program), *where, *args]

    def run_argv(self, opts, cmd, rootfs=None):
        root = self.rootfs if rootfs is None else rootfs
        return self.argv("run", *words(opts), *(["--rootfs", str(root)] if root else []), *command(cmd))

    def call(self, *args, input=None, timeout=40, env=None, **kw):
        """Any command of ours, to its end."""
        return self._finish(self.argv(*args), input, timeout, env, **kw)

    def run(self, opts="", cmd="probe show ids", rootfs=None, input=None, timeout=40, env=None, **kw):
        return self._finish(self.run_argv(opts, cmd, rootfs), input, timeout, env, **kw)

    def _finish(self, argv, input, timeout, env, **kw):
        e = {**self.env, **(env or {})}
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        if input is None:
            kw.setdefault("stdin", subprocess.DEVNULL)
        with subprocess.Popen(argv, env=e, **({"stdin": subprocess.PIPE} if input is not None else {}), **kw) as p:
            try:
                out, err = p.communicate(input, timeout=timeout * PATIENCE)
            except BaseException:
                p.kill()
                p.communicate()
                raise
        return Result(p.returncode, out, err, argv)

    def start(self, opts="", cmd="probe sleep 30000", rootfs=None, **kw):
        r = Running(self, self.run_argv(opts, cmd, rootfs), **kw)
        self.started.append(r)
        return r

    def terminal(self, opts="-ti", cmd="probe show session", rootfs=None, **kw):
        t = Terminal(self.run_argv(opts, cmd, rootfs), self.env, **kw)
        self.started.append(t)
        return t

    def sweep(self):
        """The next command: it clears away what a killed one has left."""
        assert self.run("", "probe exit 3").code == 3

    def ids(self):
        d = self.state / "containers"
        return sorted(p.name for p in d.iterdir() if HEX64.match(p.name)) if d.is_dir() else []

    def left(self):
        """What stands on disk for containers; empty when none is there."""
        found = [f"containers/{i}" for i in self.ids()]
        names = self.state / "names"
        found += [f"names/{p.name}" for p in names.iterdir()] if names.is_dir() else []
        for top in (self.state, self.root):
            for d, dirs, files in os.walk(top):
                if Path(d) == self.state / "ended":
                    continue  # what failed runs leave for `why`, on purpose
                found += [f"{top.name}: {os.path.relpath(os.path.join(d, n), top)}" for n in dirs + files if len(n) >= 64]
        return sorted(set(found))

    def processes(self):
        """Processes of ours: our folder stands in their arguments."""
        if not self.own_dirs:
            return []
        mark, found = str(self.state).encode(), []
        for p in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (p / "cmdline").read_bytes()
                if mark in line and int(p.name) != os.getpid():
                    found.append((int(p.name), line.replace(b"\0", b" ")[:200].decode("utf-8", "replace")))
        return found

    def close(self):
        """Ends what a test has left running, and lets the next command clear it away."""
        if [r for r in self.started if r.close()]:
            with contextlib.suppress(Exception):
                self.sweep()


class Running:
    """A container that runs; its standard output can be read line by line."""

    def __init__(self, engine, argv, input=False, env=None, **kw):
        self.engine, self.argv = engine, argv
        self.before = set(engine.ids())
        kw.setdefault("stdin", subprocess.PIPE if input else subprocess.DEVNULL)
        self.proc = subprocess.Popen(
            argv, env={**engine.env, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw
        )
        self.buffer = b""
        self._id = None

    @property
    def pid(self):
        return self.proc.pid

    def line(self, timeout=15.0):
        end = time.monotonic() + timeout * PATIENCE
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            ready = select.select([self.proc.stdout], [], [], max(left, 0))[0]
            assert ready, f"no line within {timeout} s; so far {self.buffer!r}"
            data = os.read(self.proc.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended early: {self.buffer!r} {self.wait()!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def read_until(self, text, timeout=15.0):
        seen = []
        while True:
            seen.append(self.line(timeout))
            if text in seen[-1]:
                return seen

    @property
    def id(self):
        if self._id is None:
            self._id = wait_until(lambda: [i for i in self.engine.ids() if i not in self.before])[0]
        return self._id

    def group(self, controller, parent="mydocker"):
        return cgroup_mount(controller) / parent / self.id

    def pids(self):
        """All processes of the container, as the host numbers them."""
        group = next(iter(groups_of(self.id)), None)
        return [int(p) for p in (group / "cgroup.procs").read_text().split()] if group else []

    def init_pid(self):
        return wait_until(self.pids)[0]

    def signal(self, sig):
        self.proc.send_signal(sig)

    def wait(self, timeout=30):
        out, err = self.proc.communicate(timeout=timeout * PATIENCE)
        return Result(self.proc.returncode, self.buffer + (out or b""), err, self.argv)

    def close(self):
        killed = self.proc.poll() is None
        if killed:
            self.proc.kill()
        with contextlib.suppress(Exception):
            self.proc.communicate(timeout=10)
        return killed


class Terminal:
    """The product on a terminal of its own; the slave stays open here so that its settings can be read after the end."""

    def __init__(self, argv, env, rows=24, cols=80, stdin=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        self.out = b""
        self.argv = argv
        slave = self.slave

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.proc = subprocess.Popen(
            argv, stdin=stdin if stdin is not None else slave, stdout=slave, stderr=slave, env={**env, "TERM": "xterm"},
            preexec_fn=own_terminal,
        )

    def resize(self, rows, cols):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, data):
        os.write(self.master, data if isinstance(data, bytes) else data.encode())

    def pump(self, seconds=0.0):
        while select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            if not data:
                return
            self.out += data

    @property
    def text(self):
        return self.out.decode("utf-8", "replace").replace("\r", "")

    def expect(self, text, timeout=15.0, after=0):
        end = time.monotonic() + timeout * PATIENCE
        while text not in self.text[after:]:
            assert time.monotonic() < end, f"no {text!r} within {timeout} s; seen: {self.text[-2000:]!r}"
            if self.proc.poll() is not None:
                self.pump(0.05)
                assert text in self.text[after:], f"ended ({self.proc.returncode}) without {text!r}: {self.text[-2000:]!r}"
            self.pump(0.05)
        return self.text

    def wait(self, timeout=30):
        """Reads on while it waits: a full terminal would stop the writer."""
        end = time.monotonic() + timeout * PATIENCE
        while self.proc.poll() is None:
            assert time.monotonic() < end, f"still runs after {timeout} s: {self.text[-2000:]!r}"
            self.pump(0.02)
        self.pump(0.05)
        return self.proc.returncode

    def settings(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        killed = self.proc.poll() is None
        if killed:
            self.proc.kill()
        with contextlib.suppress(Exception):
            self.proc.wait(timeout=10)
        for fd in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self.master = self.slave = -1
        return killed


# ---- the host around it ----


def mounts(text=None):
    """(mount point, type, options) of this mount namespace, in order."""
    found = []
    for line in (text or Path("/proc/self/mountinfo").read_text()).splitlines():
        left, right = line.split(" - ", 1)
        f = left.split()
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m.group(1), 8)), f[4])
        found.append((point, right.split()[0], set(f[5].split(",")) | set(right.split()[2].split(","))))
    return found


def group_place(mount, fstype):
    """Where in a hierarchy we may make groups: at its root, or in the highest group above our own that was given to us; None."""
    if os.geteuid() == 0:
        return mount
    own = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.M) if fstype == "cgroup2" else None
    for depth in range(len(Path(own[1]).parts)) if own else ():
        group = mount.joinpath(*Path(own[1]).parts[: depth + 1])
        if all(os.access(p, os.W_OK) for p in (group, group / "cgroup.procs", group / "cgroup.subtree_control")):
            return group
    return None


def cgroup_mounts():
    """(place for our groups, type, options) of each hierarchy that has one."""
    found = [(group_place(Path(p), t), t, o) for p, t, o in mounts() if t in ("cgroup", "cgroup2")]
    return [f for f in found if f[0]]


def cgroup_v2_only():
    return all(t == "cgroup2" for _, t, _ in mounts() if t in ("cgroup", "cgroup2"))


def cgroup_mount(controller):
    """The hierarchy that holds this controller, or None."""
    for p, t, o in cgroup_mounts():
        if t == "cgroup" and controller in o:
            return p
        if t == "cgroup2" and controller in (p / "cgroup.controllers").read_text().split():
            return p
    return None


def groups_of(container_id, parent="mydocker"):
    return [p / parent / container_id for p, _, _ in cgroup_mounts() if (p / parent / container_id).is_dir()]


def all_groups():
    """All groups that the product may have made, on every hierarchy; none for one of several workers, who could not tell whose."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return set()
    return {str(g) for p, _, _ in cgroup_mounts() for g in (p / "mydocker").glob("*") if g.is_dir()}


def tree(path):
    """Everything below a folder that a stray write would change."""
    found = {}
    for d, dirs, files in os.walk(path):
        for n in [".", *dirs, *files]:
            p = os.path.join(d, n)
            s = os.lstat(p)
            content = Path(p).read_bytes() if os.path.isfile(p) and not os.path.islink(p) else None
            found[os.path.relpath(p, path)] = (s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_nlink, content)
    return found


def fnv(data):
    h = 14695981039346656037
    for b in data:
        h = ((h ^ b) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def pattern(size):
    """What `probe fill` writes."""
    block = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(min(size, 65536)))
    return (block * (size // 65536 + 1))[:size] if size > 65536 else block


def need_root(why):
    """For what is not known before the test runs; else there is the marker `root`."""
    if os.geteuid() != 0:
        pytest.skip(f"needs root: {why}")


def chown(path, uid, gid):
    if (uid, gid) != (os.geteuid(), os.getegid()):
        need_root("the test gives files away")
    os.chown(path, uid, gid)


def give_tree(top, uid, gid):
    """All of a root but the probe, whose file all roots of a worker share."""
    need_root("the test gives files away")
    for d, dirs, files in os.walk(top):
        for n in [".", *dirs, *(f for f in files if f != "probe")]:
            os.chown(os.path.join(d, n), uid, gid, follow_symlinks=False)


def mknod(path, mode, major, minor):
    need_root("the test makes devices")
    os.mknod(path, mode, os.makedev(major, minor))


def private_mounts(argv):
    """The same command in a mount namespace of its own, where a test may mount."""
    need_root("the test mounts")
    return ["unshare", "--mount", "--propagation", "private", *argv]


def strace(*options):
    """What comes before a command that is to be traced."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    need_root("newuidmap has no privilege under strace")
    return ["strace", *options]


def parse_signal_mask(text):
    return {i + 1 for i in range(64) if int(text, 16) >> i & 1}


KERNEL = tuple(int("".join(c for c in p if c.isdigit())) for p in platform.release().split(".")[:2])
SIGNALS = {s.name: int(s) for s in signal.Signals}
