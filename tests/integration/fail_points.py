"""Walks the fail points of tests/fail: each call by which the product acts on the world fails once, and the process dies before and after it.

A Line is one command line; a Walker has folders of its own, so that several can walk at once. What is wrong comes back as text that says how
to see it again by hand.
"""
import fcntl
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import harness

ID = re.compile(r"[0-9a-f]{64}")
WARNING = "mydocker: warning: "
DIES = ("die", "die-after")
ENDED_KEPT = int(re.search(r"ENDED_KEPT\s+(\d+)", (harness.TOP / "src/runtime/ended.h").read_text())[1])

# Calls with an effect whose failure is no failure of the run, by the function that makes them; "function text": only there.
TOLERATED = {
    "fd_write_text_at ../cgroup.clone_children": "groups made later are filled one by one then",
    "fd_write_all new": "the memory of failed runs, on which nothing depends",
    "ended_write": "the memory of failed runs, on which nothing depends",
    "folder_open": "the memory of failed runs, on which nothing depends",
    "file_replace new": "the same",
    "host_facts_id_helpers": "PR_GET_NO_NEW_PRIVS cannot fail",
    "probe_caps": "a fact that cannot be had is none",
    "owns_mounts": "a fact that cannot be had is none",
    "fill_terminal": "a terminal without a size has none",
    "tty_copy_size": "a terminal without a size has none",
    "tty_restore": "the terminal may be gone",
    "path_make_entry": "the longer way finds out again, and says why",
    "limit_try": "a default limit is lowered to what may be had",
    "cpus_set": "the process keeps its maker's CPUs then",
    "names_unlock": "cannot fail for a lock that is held",
    "state_ids_unlock": "the same",
    "settle": "cannot fail",
    "turn": "waits again",
    "reaper": "the same",
    "wait_a_little": "waits less",
    "cgroup_remove": "tries again",
    "finish_turn": "the output's end",
    "probe_": "a fact that cannot be had is none",
    "process_signal": "what has ended cannot be signalled",
}

# Functions that have nobody left to tell of a failure, with the exit code that says it.
MUTE = {"reap": 255}

# Functions whose calls are not made in every run, or not as often: they wait for somebody else.
SOMETIMES = {
    "wait_a_little": "a process that takes a moment to die",
    "probe_cgroup_kill": "as often as there are groups on the host",
    "turn": "as often as there is something to pass on",
    "finish_turn": "the same",
    "flow_drain": "the same",
    "flow_fill": "the same",
}


@dataclass(frozen=True)
class Point:
    process: str  # parent, child1, init1 ...
    place: str  # offset into its program
    call: str
    times: int
    kind: str  # OUT, WAIT, OWN: tests/fail/calls.h
    text: str = field(compare=False)  # a path or name among the arguments

    @property
    def program(self):
        return "init" if self.process.startswith("init") else "mydocker"

    @property
    def target(self):
        return f"{self.process}:{self.place}:{self.call}:{self.times}"

    @property
    def alike(self):
        """The same for points that differ in nothing that matters."""
        text = re.sub(r"\d+", "N", re.sub(r"(?<=cgroup/)\w+|^\w*(?=/mydocker/)", "HIERARCHY", ID.sub("ID", self.text)))
        return self.program, re.sub(r"\d+", "", self.process), self.place, self.call, "" if self.process.startswith("init") else text

    def hows(self, sticky=False):
        """What can happen at it: death where something has just been done, or is about to be. sticky: nothing works from here on.
        Sanitizers have nothing to say about death."""
        if self.kind == "OWN" or harness.SANITIZED:
            return ["fail"]
        return ["fail", "die"] + ["die-after"] * (not self.call.startswith("execve")) + ["fail-on"] * sticky


@dataclass(frozen=True)
class Line:
    """One command line, and how it ends when nothing happens."""
    name: str
    opts: str
    command: str = "probe exit 3"
    rootfs: str = "{rootfs}"
    code: int = 3
    verb: str = "run"
    user: bool = False  # as an ordinary one
    terminal: bool = False  # standard input is one
    fresh: bool = False  # nothing is there yet: no folders of ours, no mount points
    ids: bool = False  # there are subordinate ids
    reports: bool = False  # on standard error, beside warnings and errors
    tolerated: tuple = ()  # functions whose failure is none of this run's, beside TOLERATED

    def argv(self, w):
        opts, root = self.opts.format(**vars(w)), self.rootfs.format(**vars(w))
        if self.verb == "run":
            return w.argv(w.engine.run_argv(opts, self.command, rootfs=root))
        return w.argv(w.engine.argv(self.verb, *shlex.split(opts), *shlex.split(self.command)))


class Log:
    """What a run wrote: the points it passed, the one at which something happened, the processes it made."""

    def __init__(self, text):
        self.points, self.hit, self.pids, self.ids = [], None, [], set(ID.findall(text))
        for line in text.splitlines():
            word, *rest = line.split(" ")
            assert word in ("point", "process"), line
            if word == "process":
                self.pids.append(int(rest[1]))
                continue
            p = Point(rest[0], rest[1], rest[2], int(rest[3]), rest[4], rest[6])
            self.points.append(p)
            if rest[5] != "none" and self.hit is None:
                self.hit = p


class Places:
    """From offsets to names."""

    def __init__(self, program):
        self.files = {"init1": program.parent.parent / "libexec/mydocker/init", "parent": program}
        self.known = {}

    def frames(self, p):
        """The call's place and those it is inlined in: [(function, "file.c:12")]."""
        exe = self.files["init1" if p.program == "init" else "parent"]
        key = exe, p.place
        if key not in self.known:
            out = subprocess.run(["addr2line", "-f", "-i", "-s", "-e", str(exe), hex(int(p.place, 16) - 1)], capture_output=True, text=True, check=True)
            lines = [line.split(" ")[0] for line in out.stdout.splitlines()]
            self.known[key] = list(zip(lines[::2], lines[1::2]))
        return self.known[key]

    def function(self, p):
        """The one that calls, not a wrapper of kern/sys.h."""
        return next((f for f, at in self.frames(p) if not f.startswith("sys_")), "?")

    def tolerates(self, p, line):
        name = self.function(p)
        return name in line.tolerated or any(f in (name, f"{name} {p.text}") or (f.endswith("_") and name.startswith(f)) for f in TOLERATED)

    def effects(self):
        """Every call of an OUT or WAIT in both programs, as points that nobody has passed."""
        rows = re.findall(r"X\((\w+),\s*(\w+),", (harness.TOP / "tests/fail/calls.h").read_text())
        looks = {name for name, kind in rows if kind in ("OWN", "OPEN")}
        for process, exe in self.files.items():
            code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(exe)], capture_output=True, text=True, check=True).stdout
            for m in re.finditer(r"\tcall\S*\s+\w+ <__wrap_(\w+)>\n\s*(\w+):", code):
                p = Point(process, m[2], m[1].removesuffix("64"), 1, "", "")
                call = self.frames(p)[0][0].removeprefix("sys_") if p.call == "syscall" else p.call
                if call not in looks and not self.frames(p)[0][1].startswith(("libc.c:", "??")):  # libc's own
                    yield p

    def name(self, p):
        return f"{p.process}: {p.call}({p.text}), number {p.times} of " + " in ".join(f"{f} {at}" for f, at in self.frames(p))


class Walker:
    """An engine with folders of its own, and what a line may name. host: an id_files.Host."""

    def __init__(self, base, make_rootfs, program, user=None, host=None):
        self.base = Path(base)
        self.base.mkdir()
        self.rootfs = make_rootfs(self.base / "rootfs")
        self.folder, self.file, self.name = self.base / "folder", self.base / "file", self.base.name
        (self.folder / "inner").mkdir(parents=True)
        (self.rootfs / "work/folder").mkdir()
        (self.rootfs / "folder").mkdir()  # a user namespace whose root is nobody here could not make it
        (self.rootfs / "work/file").write_text("a file\n")
        (self.rootfs / "work/link").symlink_to("file")
        os.mkfifo(self.rootfs / "work/fifo")
        self.file.write_text("a file\n")
        (self.base / "env").write_text("A=b\n")
        self.env_file = self.base / "env"
        self.others = self.base / "others"
        self.others.mkdir()
        self.pristine = set(self.rootfs.rglob("*"))
        prefix = []
        if user:
            prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
            for d, dirs, files in os.walk(self.base):
                for n in [".", *dirs, *(f for f in files if f != "probe")]:
                    os.chown(os.path.join(d, n), user, user)
        else:
            os.chown(self.others, 1000, 1000)
        self.engine = harness.Engine(self.base, self.rootfs, prefix=prefix, program=program, env={"HOME": str(self.base)})
        self.places = Places(program)
        # The mounts of the host as they are now: other tests make and remove some meanwhile, which --rootfs / would meet.
        self.mounts = subprocess.Popen([*(host.prefix() if host else harness.private_mounts([])), "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
        assert self.mounts.stdout.readline() == b"\n"

    def argv(self, argv):
        return ["nsenter", f"--mount=/proc/{self.mounts.pid}/ns/mnt", "--", *argv]

    def info(self, how="", target=""):
        """The shortest command that sweeps."""
        return self.call(self.argv(self.engine.argv("info")), how, target)

    def call(self, argv, how="", target="", stdin=subprocess.DEVNULL, kill_at=None, env=()):
        """Output goes into files: a process that outlives the command must not keep us waiting. kill_at: the output at which it is killed."""
        fds = [os.memfd_create(name, 0) for name in ("points", "out", "err")]
        for fd in fds:
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        env = {**self.engine.env, **dict(env), "FAIL_POINTS": f"{fds[0]}:{how}:{target}" if how else f"{fds[0]}"}
        hangs = False
        try:
            with subprocess.Popen(argv, env=env, stdin=stdin, stdout=fds[1], stderr=fds[2], pass_fds=fds[:1]) as p:
                try:
                    if kill_at:
                        harness.wait_until(lambda: kill_at in os.pread(fds[1], 4096, 0) or p.poll() is not None)
                        p.kill()
                    p.wait(20)
                except BaseException as e:
                    p.kill()
                    if not isinstance(e, subprocess.TimeoutExpired):
                        raise
                    hangs = True
            points, out, err = (os.pread(fd, os.fstat(fd).st_size, 0) for fd in fds)
            r = harness.Result(p.returncode, out, err, argv)
            r.log, r.hangs = Log(points.decode()), hangs
            return r
        finally:
            for fd in fds:
                os.close(fd)

    def close(self):
        self.mounts.kill()
        self.mounts.communicate()

    def reset(self):
        """Nothing is there yet."""
        for d in (self.engine.state, self.engine.root, self.base / "made"):
            shutil.rmtree(d, ignore_errors=True)
        if not self.engine.prefix:
            for p in (self.folder, *self.folder.rglob("*")):
                os.chown(p, 0, 0)
        for p in sorted(set(self.rootfs.rglob("*")) - self.pristine, reverse=True):
            p.rmdir() if p.is_dir() and not p.is_symlink() else p.unlink()

    def remember_failures(self):
        """As many as are kept: one more, and the oldest goes."""
        memory = self.engine.state / "ended"
        if not memory.is_dir():
            return
        files = sorted(memory.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
        for p in files[:-ENDED_KEPT]:
            p.unlink()
        for i in range(ENDED_KEPT - len(files)):
            p = memory / f"{i:064}.json"
            p.write_text("{}")
            os.utime(p, (0, 0))

    def kill_while_running(self, line):
        """The line's command says "ready"."""
        return self.call(line.argv(self), kill_at=b"ready")

    def run(self, line, how="", target="", again=False):
        """One run of the line; .raw: a terminal's settings are not as before."""
        (self.base / "cid").unlink(missing_ok=True)  # stays after the end, and must not be there
        if line.fresh and not again:
            self.reset()
        elif not line.fresh:
            self.remember_failures()
        if not line.terminal:
            return self.call(line.argv(self), how, target)
        master, slave = os.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            before = termios.tcgetattr(slave)
            r = self.call(line.argv(self), how, target, stdin=slave)
            r.raw = termios.tcgetattr(slave) != before
            return r
        finally:
            os.close(master)
            os.close(slave)

    def processes(self, logs):
        """Those that these runs have made and that have not ended."""
        found = []
        for pid in [p for log in logs for p in log.pids]:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
                found += [f"process {pid} {Path(f'/proc/{pid}/cmdline').read_bytes()}"] if state != "Z" else []
            except OSError:
                pass
        return found

    def settle(self, r):
        """After the parent's death init may take a moment to see it; while it has not, it holds the container's lock."""
        end = time.monotonic() + 2
        while self.processes([r.log]) and time.monotonic() < end:
            time.sleep(0.001)
        return r

    def left_now(self, logs):
        found = self.engine.left() + self.processes(logs)
        for i in set().union(*(log.ids for log in logs)):
            found += [str(p / "mydocker" / i) for p, _, _ in harness.cgroup_mounts() if (p / "mydocker" / i).exists()]
        found += [str(p / f"fail-{self.name}") for p, _, _ in harness.cgroup_mounts() if (p / f"fail-{self.name}").exists()]
        found += [str(p) for p in self.engine.state.glob("ended/*") if p.suffix != ".json" and p.name != "new"]
        return found + [f"mount {m[0]}" for m in harness.mounts() if m[0].startswith(str(self.base))]

    def left(self, *runs):
        """What these runs have left behind, after a moment in which processes may end."""
        logs = [r.log for r in runs]
        end = time.monotonic() + 2
        while (found := self.left_now(logs)) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def clear(self, found):
        """Takes away what is left, so that the next point starts from nothing."""
        for f in [f for f in found if f.startswith("/")]:
            subprocess.run(["find", f, "-depth", "-type", "d", "-delete"], capture_output=True, check=False)
        subprocess.run(["find", str(self.engine.state), str(self.engine.root), "-mindepth", "2", "-delete"], capture_output=True, check=False)


def how_it_ended(w, line, point, how, last, r):
    """What is wrong with the end of a run to which something has happened: None or a text. last: it was the process's last point."""
    lines = [e for e in r.err.splitlines() if e.startswith("mydocker: ") or not line.reports]
    errors = [e for e in lines if not e.startswith(WARNING)]
    if r.hangs:
        return "it hung and had to be killed"
    if r.log.hit is None:
        return "the point was not reached"
    if how in DIES and point.process == "parent":
        return None if r.code == -9 and (last or not errors) else "the parent did not die silently"
    if last and line.code > 100 and point.process == "parent":
        return None if r.code == line.code and not lines else "the error could not be written, and something else happened"
    if point.call == "calloc":
        return None if r.code == -signal.SIGABRT and len(lines) == 1 else "no memory, and it did not say so"
    if getattr(r, "raw", False) and w.places.function(point) != "tty_restore":
        return "the terminal was left raw"
    if any(not e.startswith("mydocker: ") for e in lines) or len(errors) > 1:
        return "more than one line of error"
    if how == "fail" and w.places.function(point) in MUTE:
        return None if r.code == MUTE[w.places.function(point)] and not lines else "its failure has another end"
    as_usual = r.code == line.code and len(errors) == (line.code > 100)
    if how in DIES:
        commands = r.code in (128 + signal.SIGBUS, 128 + signal.SIGKILL, 128 + signal.SIGSYS) and not lines  # init had said that execve is next
        return None if r.code == 125 and errors or commands or (last and as_usual) else "the death of init was not reported"
    if as_usual:
        effect = point.kind != "OWN" and not lines
        return "its failure was swallowed" if effect and not w.places.tolerates(point, line) else None
    if how == "fail" and line.rootfs == "/" and w.places.tolerates(point, line) and r.code == 127 and len(errors) == 1:
        return None  # the command lies in what is not shown
    return None if r.code in ((1,) if line.verb == "info" else (125, 126)) and len(errors) == 1 else "neither success nor one line of error"


def try_point(w, line, point, how, last):
    """Lets it happen, then makes the next command run: that one must succeed in silence, and nothing be left. Returns what is wrong."""
    for _ in range(3):  # whether a process is made to look at a source depends on the kernel's cache, and the next one has another name then
        r = w.settle(w.run(line, how, point.target))
        if r.log.hit or r.hangs:
            break
    if not r.log.hit and w.places.function(point) in SOMETIMES:
        return None
    wrong = [how_it_ended(w, line, point, how, last and how != "die", r)]
    after = w.run(line, again=True) if how in DIES else w.info()
    code = line.code if how in DIES else 0
    if after.code != code or (after.err and code != line.code) or WARNING in after.err:
        wrong.append(f"the next command: {after!r}")
    if found := w.left(r, after):
        wrong.append(f"left behind: {found}")
        w.clear(found)
    if not any(wrong):
        return None
    return report(w, how, point, list(filter(None, wrong)), r)


def report(w, what, point, wrong, r):
    by_hand = f"FAIL_POINTS=9:{what}:{point.target} {shlex.join(map(str, r.argv))} 9>/tmp/points"
    return "\n  ".join([f"{what} at {w.places.name(point)}", *wrong, f"exit code {r.code}, {r.err!r}", by_hand])


def try_sweep(w, line, point, how):
    """The line's engine is killed while its command runs; then it happens to the command that sweeps, and the next one must do the rest."""
    died = w.kill_while_running(line)
    swept = w.info(how, point.target)
    if not swept.log.hit and w.places.function(point) in SOMETIMES:
        return None
    after = w.info()
    wrong = [] if died.code == -9 and swept.log.hit else [f"not reached: {died!r}"]
    ends = (-signal.SIGKILL,) if how in DIES else (-signal.SIGABRT,) if point.call == "calloc" else (0, 1)
    if swept.code not in ends:
        wrong.append("the sweep ended in another way")
    if after.code or after.err:
        wrong.append(f"the next command: {after!r}")
    if found := w.left(died, swept, after):
        wrong.append(f"left behind: {found}")
        w.clear(found)
    return report(w, how, point, wrong, swept) if wrong else None


def record_sweep(w, line):
    """The points that a command always passes which sweeps after the line's engine."""
    passed = []
    for _ in range(4):
        died = w.kill_while_running(line)
        passed.append(w.info().log.points)
        assert died.code == -9 and not w.left(died), died
    always = set.intersection(*map(set, passed[1:]))
    return [p for p in passed[-1] if p in always]


def record(w, line):
    """The points that the line always passes. The first run makes mount points, and is not recorded."""
    runs = [w.run(line) for _ in range(4)]
    for r in runs:
        assert r.code == line.code and WARNING not in r.err, r
    assert not w.left(*runs), runs
    always = set.intersection(*(set(r.log.points) for r in runs[1:]))
    return [p for p in runs[-1].log.points if p in always]


def walk(walkers, jobs):
    """Does all jobs, functions of a walker, each walker in a thread of its own. Returns what they return but None."""
    free = SimpleQueue()
    for w in walkers:
        free.put(w)

    def do(job):
        w = free.get()
        try:
            return job(w)
        finally:
            free.put(w)

    with ThreadPoolExecutor(len(walkers)) as pool:
        return [wrong for wrong in pool.map(do, jobs) if wrong]


def assert_effects_are_passed(places, points, unreached):
    """Each call with an effect is among the points, or stands in a list with the reason; and what is passed stands in none."""
    passed = {(p.program, p.place) for p in points}
    missing = [p for p in places.effects() if (p.program, p.place) not in passed]
    keys = {p: {places.function(p), f"{p.program} {places.function(p)}"} for p in missing}
    unknown = [p for p in missing if not keys[p] & {*unreached, *SOMETIMES}]
    assert not unknown, "nothing passes:\n" + "\n".join(map(places.name, unknown))
    passed_now = sorted(set(unreached) - set().union(*keys.values()))
    assert not passed_now, f"something passes them now, or they are gone: {passed_now}"
