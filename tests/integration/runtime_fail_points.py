"""Walks the fail points of mydocker-runtime: whatever fails in one of its commands, and wherever a process dies in it, one `delete --force`
must leave nothing, also when a file of the container's directory was damaged meanwhile.

A Step is one command line on containers that others before it have made; a RuntimeWalker has folders, groups and sockets of its own.
"""
import array
import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import fail_points
from bundles import CONFIG
from fail_points import DIES, SOMETIMES, Walker, report
from harness import cgroup_mounts, mounts

NAME = "mydocker-runtime: "
NEW = ["pid", "mount", "uts"]
RESOURCES = {"memory": {"limit": 64 << 20}, "pids": {"limit": 50}, "cpu": {"shares": 512, "cpus": "0"}}
HOOK = {"path": "/bin/true", "args": ["true"], "timeout": 20}
MORE_MOUNTS = [
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]},
    {"destination": "/copied", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]},
]

FAKE_CRIU = Path(__file__).parent / "fake_criu.py"
ADDED = [{"destination": "/t/new", "type": "tmpfs", "source": "new"}, {"destination": "/t/bound", "type": "bind", "source": "data", "options": ["rbind", "ro"]}]

# Kinds of bundles: what is changed of a plain one, with the walker that has it.


def plain(_c, _w):
    pass


def full(c, w):
    c["process"].update(rlimits=[{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}], oomScoreAdj=300)
    c["process"]["user"]["additionalGids"] = [7, 8]
    c["mounts"] += MORE_MOUNTS
    c["linux"]["resources"] = RESOURCES
    c["linux"]["namespaces"] += [{"type": t} for t in ("ipc", "network", "cgroup")]
    c["linux"].update(sysctl={"net.ipv4.ping_group_range": "0 5"}, readonlyPaths=["/proc/sys"], devices=[{"path": "/dev/own", "type": "c", "major": 1, "minor": 3, "uid": 5, "gid": 6, "fileMode": 438}])
    c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}
    c["domainname"] = "example.org"


def hooked(c, w):
    c["hooks"] = {k: [HOOK] for k in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
    c["hooks"]["startContainer"] = [{"path": "/bin/probe", "args": ["probe", "exit", "0"]}]
    c["annotations"] = {f"run.oci.hooks.{name}": str(w.base / f"hooks-{name}") for name in ("stdout", "stderr")}


def joined(c, w):
    """Namespaces of others, and a time namespace of its own."""
    paths = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid"}
    del c["hostname"]
    c["linux"]["namespaces"] = [{"type": "mount"}, {"type": "time"}] + [{"type": t, "path": f"/proc/{w.other}/ns/{n}"} for t, n in paths.items()]
    c["linux"]["timeOffsets"] = {"monotonic": {"secs": 100}}


def terminal(c, _w):
    c["process"]["terminal"] = True
    c["mounts"] += MORE_MOUNTS


def asking(c, w):
    c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": str(w.listener_path), "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}


def mapped(c, _w):
    c["process"]["user"] = {"uid": 0, "gid": 0}
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"] |= {k: [{"containerID": 0, "hostID": 0, "size": 65536}] for k in ("uidMappings", "gidMappings")}


def ambient(c, _w):
    c["process"]["capabilities"] |= {k: ["CAP_KILL"] for k in ("inheritable", "ambient")}


def own(c, w):
    """As an ordinary user, without groups."""
    c["process"]["user"] = {"uid": 0, "gid": 0}
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"] |= {k: [{"containerID": 0, "hostID": w.user, "size": 1}] for k in ("uidMappings", "gidMappings")}
    del c["linux"]["cgroupsPath"]


def moved(c, w):
    """A network device of the host, of the walker's own."""
    ip = ["nsenter", f"--net=/proc/{w.net.pid}/ns/net", "ip"]
    if subprocess.run([*ip, "link", "show", "f0"], capture_output=True, check=False).returncode:  # gone with its last container
        subprocess.run([*ip, "link", "add", "f0", "type", "veth", "peer", "name", "f1"], check=True)
        subprocess.run([*ip, "address", "add", "192.0.2.1/24", "dev", "f0"], check=True)
    c["linux"]["namespaces"].append({"type": "network"})
    c["linux"]["netDevices"] = {"f0": {"name": "inner"}}


def ready(c, _w):
    """The host's programs, of which one says that it is ready."""
    c["process"]["user"] = {"uid": 0, "gid": 0}
    c["mounts"] += [{"destination": "/" + d, "type": "none", "source": "/" + d, "options": ["rbind", "ro"]} for d in ("usr", "lib", "lib64")]
    c["process"]["args"] = ["/usr/bin/python3", "-ISc", "import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ['NOTIFY_SOCKET']); s.send(b'READY=1'); s.recv(1)"]


def scheduled(c, _w):
    c["process"] |= {"scheduler": {"policy": "SCHED_BATCH", "nice": 3}, "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0}, "execCPUAffinity": {"initial": "0", "final": "0"}}
    c["linux"]["personality"] = {"domain": "LINUX32"}
    c["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}


def unmounted(c, _w):
    """Without a mount namespace of its own."""
    c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "mount"]
    c["mounts"] = []
    c["linux"].pop("maskedPaths", None)
    c["linux"].pop("readonlyPaths", None)


@dataclass(frozen=True)
class Step:
    """One command line, "{base}" and the like are the walker's; `before` made what it works on; and how it ends when nothing happens."""
    name: str
    words: str
    bundle: object = plain
    command: str = "sleep 60000"
    before: tuple = ()
    code: int = 0
    failure: int = 1
    user: bool = False
    tolerated: tuple = ()  # functions whose failure is none of this command's, beside TOLERATED
    stdin: str = ""
    env: tuple = ()  # pairs, with the walker's names in the values


class RuntimeWalker(Walker):
    def __init__(self, base, make_rootfs, program, user=None):
        super().__init__(base, make_rootfs, program, user)
        self.user, self.id = user, "c1"
        self.state_dir, self.data = self.base / "run/state", self.base / "data"
        self.data.mkdir()
        self.console_path, self.listener_path = self.base / "console", self.base / "agent"
        self.sockets = []
        for path in (self.console_path, self.listener_path):
            s = socket.socket(socket.AF_UNIX)
            s.bind(str(path))
            s.listen(64)
            s.setblocking(False)
            self.sockets.append(s)
            path.chmod(0o777)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # who wants to know of READY=1
        self.manager.bind(str(self.base / "manager"))
        self.manager.setblocking(False)
        self.criu = FAKE_CRIU
        (self.base / "criu").mkdir()
        self.engine.env["FAKE_CRIU"] = str(self.base / "criu")
        (self.base / "mounts.json").write_text(json.dumps(ADDED))
        self.holder = self.net = None
        if not user:
            self.net = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
            self.net.stdout.readline()
            self.holder = subprocess.Popen(["unshare", "-n", "-i", "-u", "-p", "--fork", "--kill-child", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
            self.holder.stdout.readline()
            self.other = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()[0]
        if user:
            for p in (self.base, self.data):
                os.chown(p, user, user)
        for d in ("proc", "data", "t", "dev", "copied"):  # an ordinary user's root may be anybody's
            (self.rootfs / d).mkdir(exist_ok=True)
            os.chown(self.rootfs / d, *(2 * [user or 0]))
        self.logs = []

    def close(self):
        super().close()
        for p in filter(None, (self.holder, self.net)):
            p.kill()
            p.communicate()
        for s in (self.manager, *self.sockets):
            s.close()

    def argv(self, argv):
        """In a network namespace with devices of its own, too."""
        entered = super().argv(argv)
        return [entered[0], f"--net=/proc/{self.net.pid}/ns/net", *entered[1:]] if self.net else entered

    def write_config(self, step):
        c = json.loads(json.dumps(CONFIG))
        c["process"]["args"] = ["/bin/probe", *step.command.split()]
        c["root"]["path"] = str(self.rootfs)
        c["mounts"][1]["source"] = str(self.data)
        c["linux"]["cgroupsPath"] = f"/fail-{self.name}/c1"
        step.bundle(c, self)
        (self.base / "config.json").write_text(json.dumps(c))

    def words(self, text):
        return self.argv([*self.engine.prefix, str(self.engine.program), "--root", str(self.state_dir), *shlex.split(text.format(**vars(self)))])

    def do(self, text, how="", target="", stdin=None, env=()):
        env = [(k, v.format(**vars(self))) for k, v in env]
        r = self.call(self.words(text), how, target, env=env, **({"stdin": stdin} if stdin else {}))
        self.logs.append(r.log)
        return r

    def drain(self):
        """Closes what came by the sockets: it would keep a terminal or a listener alive, and fill the queue."""
        while True:
            try:
                self.manager.recv(4096)
            except OSError:
                break
        for s in self.sockets:
            while True:
                try:
                    conn, _ = s.accept()
                except OSError:
                    break
                with conn:
                    conn.settimeout(1)
                    try:
                        data = conn.recvmsg(65536, socket.CMSG_SPACE(4))[1]
                    except OSError:
                        continue
                    for fd in array.array("i", data[0][2]) if data else ():
                        os.close(fd)

    def prepare(self, step):
        """What the step works on. A foreground command ends by itself."""
        self.logs = []
        for d in ("images", "criu-work", *["run"] * (not step.before)):  # what makes the first container makes the folders above it
            shutil.rmtree(self.base / d, ignore_errors=True)
        pid = self.base / "pid"  # one that is there is emptied, which is a call of its own
        pid.write_text("0") if step.name == "exec" else pid.unlink(missing_ok=True)
        self.write_config(step)
        for words in step.before:
            r = self.do(words, env=step.env)
            assert r.code == 0 and not r.err, r

    def perform(self, step, how="", target=""):
        if not step.stdin:
            return self.do(step.words, how, target, env=step.env)
        fd = os.memfd_create("stdin", 0)
        try:
            os.write(fd, step.stdin.encode())
            os.lseek(fd, 0, os.SEEK_SET)
            return self.do(step.words, how, target, stdin=fd, env=step.env)
        finally:
            os.close(fd)

    # ---- what is left ----

    def strays(self):
        """Processes that have a mount of ours: those of a container, and an init that makes one."""
        mark, found = str(self.base).encode(), []
        for p in Path("/proc").glob("[0-9]*"):
            try:
                if int(p.name) != self.mounts.pid and mark in (p / "mountinfo").read_bytes():
                    found.append(f"process {p.name} {(p / 'cmdline').read_bytes()}")
            except OSError:
                pass
        return found

    def groups(self):
        return [str(p / f"fail-{self.name}") for p, _, _ in cgroup_mounts() if (p / f"fail-{self.name}").exists()]

    def left_now(self, _logs=None):
        found = self.processes(self.logs) + self.strays() + self.groups()
        kept = self.state_dir / "containers"
        found += [str(p) for p in kept.rglob("*")] + [str(p) for p in kept.iterdir()] if kept.exists() else []
        return found + [f"mount {m[0]}" for m in mounts() if m[0].startswith(str(self.base))]

    def wait_left(self, seconds=2.0):
        end = time.monotonic() + seconds * fail_points.harness.PATIENCE
        while (found := self.left_now()) and time.monotonic() < end:
            time.sleep(0.005)
        return found

    def clear(self, found):
        for f in found:
            if f.startswith("process "):
                try:
                    os.kill(int(f.split()[1]), 9)  # seen as one of ours a moment ago
                except OSError:
                    pass
        time.sleep(0.05)
        super().clear([f for f in found if f.startswith("/sys")])
        subprocess.run(["rm", "-rf", str(self.state_dir)], check=False)


# ---- files that are damaged ----

FILES = ("record.json", "process.json", "oci.json", "config.json")
DAMAGES = {"emptied": lambda text: "", "cut": lambda text: text[: len(text) // 2], "garbled": lambda text: "\x00\xff" + text[2:]}
EVERY_DAMAGE = [(f, d) for f in FILES for d in DAMAGES]


def damage(w, file, kind):
    """False: there is no such file to be damaged."""
    path = w.state_dir / "containers" / w.id / file
    if not path.exists():
        return False
    text = path.read_text(encoding="latin-1")
    path.write_bytes(DAMAGES[kind](text).encode("latin-1"))
    return True


# ---- one point ----


# Beside fail_points.TOLERATED: calls with an effect whose failure is no failure of the command.
TOLERATED = {
    "process_has_ended": "a look: who is not seen to have ended has not",
    "oci_notify_await": "waits again",
}


def tolerates(w, point, step):
    name = w.places.function(point)
    return w.places.tolerates(point, step) or name in TOLERATED or f"{name} {point.text}" in step.tolerated


def how_it_ended(w, step, point, how, last, r):
    """What is wrong with the end of a command to which something has happened: None or a text. last: nothing more was to be said."""
    lines = r.err.splitlines()
    errors = [e for e in lines if not e.startswith(NAME + "warning: ")]
    if r.hangs:
        return "it hung and had to be killed"
    if r.log.hit is None:
        return "the point was not reached"
    if how in DIES and point.process == "parent":
        return None if r.code == -9 and (last or not errors) else "the parent did not die silently"
    if point.call == "calloc":
        return None if r.code == -6 and len(lines) == 1 else "no memory, and it did not say so"
    if last and point.program == "init" and len(errors) == 1 and errors[0].startswith("mydocker: "):
        return None if r.code in (step.code, 125) else "the parent took it for its own failure"  # it has nobody to tell any more
    if any(not e.startswith(NAME) for e in lines) or len(errors) > 1:
        return "more than one line of error"
    as_usual = r.code == step.code and not errors
    if how in DIES:
        ends = (step.failure, 128 + 7, 128 + 9)  # a fault, a kill
        return None if (r.code in ends and (errors or r.code > 128)) or (last and as_usual) or tolerates(w, point, step) else "the death was not reported"
    if as_usual:
        effect = point.kind != "OWN" and not lines
        return "its failure was swallowed" if effect and not tolerates(w, point, step) else None
    unsaid = last and r.code == step.failure and not lines
    return None if unsaid or (r.code == step.failure and len(errors) == 1) else "neither success nor one line of error"


def delete(w, damaged):
    """One `delete --force`, and nothing is left."""
    wrong = []
    r = w.do("delete -f {id}")
    if r.code != 0 or (r.err and not damaged):
        wrong.append(f"delete: {r!r}")
    if damaged and damaged[0] == "record.json":  # who made the groups above it stood there alone
        for g in w.groups():
            try:
                os.rmdir(g)
            except OSError:
                pass
    w.drain()
    if found := w.wait_left():
        wrong.append(f"left behind: {found}")
        w.clear(found)
    return wrong


def try_step(w, step, point, how, last, damaged):
    """Lets it happen, perhaps damages a file, then deletes. Returns what is wrong."""
    w.prepare(step)
    r = w.perform(step, how, point.target)
    if not r.log.hit and w.places.function(point) in SOMETIMES:
        delete(w, None)
        return None
    wrong = [how_it_ended(w, step, point, how, last, r)]
    if how == "fail" and r.code != step.code and step.words.startswith(("create", "run")) and not (w.state_dir / "containers" / w.id).exists():
        w.drain()
        if found := w.wait_left():
            wrong.append(f"it failed, and left {found}")
    listed = w.do("list") if w.state_dir.exists() else None
    if listed and (listed.code != 0 or (listed.err and how in DIES)):
        wrong.append(f"list: {listed!r}")
    if damaged and not damage(w, *damaged):
        damaged = None
    wrong += delete(w, damaged)
    if not any(wrong):
        return None
    return report(w, how, point, [f"{step.name}{f', {damaged} damaged' if damaged else ''}", *filter(None, wrong)], r)


def has_said_all(points, point, how):
    """Its process has nothing to say after it: it was its last, or init had said that its command is next, and that one has died."""
    own = [p for p in points if p.process == point.process]
    words = [p for p in own if p.call == "sendmsg"] if point.program == "init" else []
    return point == own[-1] or bool(words and own.index(point) >= own.index(words[-1]) + (how == "die"))


def record_step(w, step):
    """The points that the command always passes."""
    passed = []
    for _ in range(3):
        w.prepare(step)
        r = w.perform(step)
        assert r.code == step.code and not r.err, r
        passed.append(r.log.points)
        wrong = delete(w, None)
        assert not wrong, (step, wrong)
    always = set.intersection(*map(set, passed))
    return [p for p in passed[-1] if p in always]
