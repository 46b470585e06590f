"""Ways out of a container that others have had, tried one by one with mydocker-runtime, as root and as an ordinary user (SECURITY.md).

Each test first shows that there is something to be had: that what it is after exists and can be reached or seen from outside.
"""
import contextlib
import copy
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

import harness
from bundles import CONFIG, GROUPS
from conftest import USER
from harness import PATIENCE, all_groups, cgroup_mounts, errno_of, tree, values, wait_until

CAPS = [f"CAP_{c}" for c in "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP SYS_CHROOT MKNOD NET_BIND_SERVICE".split()]
DEV = [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
       {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]}]
PROC = {"destination": "/proc", "type": "proc", "source": "proc"}


def bind(source, target, *options):
    return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", *options]}


class Prey:
    """A bundle whose root and command are the attacker's, and who drives it."""

    def __init__(self, where, make_rootfs, program, user):
        self.bundle, self.user, self.program = where, user, program
        self.root, self.state = make_rootfs(where / "root"), where / "state"
        self.as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"] if user and os.geteuid() == 0 else []
        self.ids = set()

    def own(self, *paths):
        """An ordinary user's files are his."""
        if self.as_user:
            for path in paths:
                for folder, folders, files in os.walk(path):  # passes over what others exchange meanwhile
                    for name in [".", *folders, *files]:
                        if name != "probe":
                            with contextlib.suppress(FileNotFoundError):
                                os.chown(os.path.join(folder, name), USER, USER, follow_symlinks=False)
                if not os.path.isdir(path):
                    os.chown(path, USER, USER, follow_symlinks=False)

    def config(self, words, change=None, name="c1"):
        c = copy.deepcopy(CONFIG)
        c["process"].update(user={"uid": 0, "gid": 0}, args=["/bin/probe", *words.split()], cwd="/", noNewPrivileges=False, env=["PATH=/bin"])
        c["process"]["capabilities"] = {k: list(CAPS) for k in ("bounding", "effective", "permitted")}
        c["root"] = {"path": str(self.root)}
        c["mounts"] = [dict(PROC), *copy.deepcopy(DEV)]
        c["linux"].update(cgroupsPath=f"/{GROUPS}/{name}", namespaces=[{"type": t} for t in ("pid", "mount", "uts", "ipc", "network", "cgroup")], maskedPaths=["/proc/kcore"], readonlyPaths=["/proc/sys"])
        if self.user:
            del c["linux"]["cgroupsPath"]
            c["linux"]["namespaces"].append({"type": "user"})
            c["linux"] |= {k: [{"containerID": 0, "hostID": USER, "size": 1}] for k in ("uidMappings", "gidMappings")}
        if change:
            change(c)
        (self.bundle / "config.json").write_text(json.dumps(c))
        self.own(self.bundle)
        self.bundle.chmod(0o755)

    def argv(self, *args):
        return [*self.as_user, str(self.program), "--root", str(self.state), *map(str, args)]

    def call(self, *args, timeout=20, **kw):
        """To its end; output goes to files, for a container may have the other end of a pipe."""
        out = [open(self.bundle / f"{n}", "w+b") for n in ("said", "complained")]
        try:
            p = subprocess.run(self.argv(*args), stdin=subprocess.DEVNULL, stdout=out[0], stderr=out[1], timeout=timeout * PATIENCE, **kw)
            for f in out:
                f.seek(0)
            return harness.Result(p.returncode, out[0].read(), out[1].read(), p.args)
        finally:
            for f in out:
                f.close()

    def run(self, words, change=None, **kw):
        self.config(words, change)
        return self.call("run", "-b", self.bundle, "c1", **kw)

    def start(self, words, change=None, name="c1"):
        """Runs in the background; what it says is in .out."""
        self.config(words, change, name)
        self.ids.add(name)
        self.out = self.bundle / f"out-{name}"
        with open(self.out, "wb") as f:
            subprocess.run(self.argv("run", "-d", "-b", self.bundle, name), stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=True, timeout=20 * PATIENCE)
        return self.out

    def pid(self, name="c1"):
        return json.loads(self.call("state", name).out)["pid"]

    def close(self):
        for name in self.ids | {"c1"}:
            assert self.call("delete", "-f", name).code == 0


@pytest.fixture(params=[pytest.param("root", marks=pytest.mark.root("it is about the host's root")), pytest.param("user", marks=pytest.mark.userns)])
def prey(request, base, scratch, make_rootfs, user_program):
    program = user_program.parent / "mydocker-runtime" if request.param == "user" else harness.MYDOCKER.parent / "mydocker-runtime"
    before = sha(program)
    p = Prey(scratch, make_rootfs, program, request.param == "user")
    yield p
    p.close()
    assert sha(program) == before, "our program was overwritten"
    assert not [m for m in harness.mounts() if m[0].startswith(str(scratch))]


@pytest.fixture
def secret(prey, base):
    """A folder of the host that whoever drives us could change; nothing of it may change."""
    path = prey.bundle.parent / f"{prey.bundle.name}-host"
    for d in ("dir", "dir/pts", "dir/net", "dir/kernel"):
        (path / d).mkdir(parents=True)
    for f in ("file", "dir/null", "dir/console", "dir/kcore"):
        (path / f).write_text("host secret\n")
    prey.own(path)
    before = tree(path)
    yield path
    after = tree(path)
    assert after == before, f"the host was changed: {set(after.items()) ^ set(before.items())}"
    shutil.rmtree(path)


def sha(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def with_caps(*names):
    def change(c):
        for k in ("bounding", "effective", "permitted"):
            c["process"]["capabilities"][k] += names

    return change


def refused(r, *words):
    assert r.code != 0 and all(w in r.err for w in words), r
    return r


# ---- our program, and whoever of us is in the container ----


def test_an_interpreter_that_is_ourselves(prey):
    """CVE-2019-5736: "#!/proc/self/exe" executes what has become the command, and that is then overwritten."""
    assert os.access(prey.program, os.W_OK) or prey.user
    for path, text in (("bin/evil", "#!/proc/self/exe\n"), ("bin/link", None)):
        (prey.root / path).write_text(text) if text else (prey.root / path).symlink_to("/proc/self/exe")
        if text:
            (prey.root / path).chmod(0o755)
    for evil in ("/bin/evil", "/bin/link"):
        r = prey.run("", lambda c: c["process"].update(args=[evil]))
        assert r.code != 0 and not r.out and "Usage" not in r.err, r
    prey.start("sleep 60000")
    for evil in ("/bin/evil", "/bin/link", "/proc/self/exe"):
        r = prey.call("exec", "c1", evil)
        assert r.code != 0 and not r.out and "Usage" not in r.err, r


def spied(prey, change, rounds, *fds):
    """What a spy in the container has of those who come in by `exec`, with these descriptors left open by the caller."""
    out = prey.start(f"spy {int(3 * PATIENCE)}", change)
    wait_until(lambda: "ready" in out.read_text())
    end = time.monotonic() + 2 * PATIENCE
    while rounds and time.monotonic() < end:
        rounds -= 1
        prey.call("exec", "c1", "/bin/probe", "exit", "0", pass_fds=fds)
    wait_until(lambda: "strangers" in out.read_text(), seconds=20)
    return values(out.read_text().replace("ready\n", ""))


def test_who_joins_cannot_be_had(prey, secret):
    """CVE-2016-9962, and the window of CVE-2019-5736: its descriptors, memory, root and program, for root of the container."""
    fd = os.open(secret / "dir", os.O_RDONLY)
    try:
        v = spied(prey, None, 400, fd)
    finally:
        os.close(fd)
    assert int(v["spy.strangers"]) > 0, "nobody was seen: the test shows nothing"
    assert set(v) == {"spy.strangers"}, v


@pytest.mark.full
def test_who_joins_has_nothing_for_one_that_may_trace(prey, secret):
    """CAP_SYS_PTRACE gets at everybody in there; but there is no folder of the host, no other root, nothing to write to."""
    fd = os.open(secret / "dir", os.O_RDONLY)
    try:
        v = spied(prey, with_caps("CAP_SYS_PTRACE"), 400, fd)
    finally:
        os.close(fd)
    assert int(v["spy.strangers"]) > 0, "nobody was seen: the test shows nothing"
    assert not set(v) & {"spy.folder", "spy.root", "spy.overwritten"}, v


@pytest.mark.full
def test_the_spy_would_see_a_folder(prey, secret):
    """For the two above: with a folder that is passed on it does see one."""
    (prey.root / "bin/init").symlink_to("probe")
    fd = os.open(secret / "dir", os.O_RDONLY)
    out = prey.start(f"spy {int(4 * PATIENCE)}", with_caps("CAP_SYS_PTRACE"))
    wait_until(lambda: "ready" in out.read_text())
    try:
        argv = prey.argv("exec", "--preserve-fds", "1", "c1", "init", "sleep", "3000")
        with subprocess.Popen(argv, preexec_fn=lambda: os.dup2(fd, 3), close_fds=False, stdin=subprocess.DEVNULL) as p:
            p.wait(20 * PATIENCE)
    finally:
        os.close(fd)
    wait_until(lambda: "strangers" in out.read_text(), seconds=20)
    assert "spy.folder=3" in out.read_text()


# ---- descriptors and the working directory ----


@pytest.fixture
def left_open(secret):
    """Folders of the host that the caller has left open, at low and high numbers."""
    fds = [os.open(secret / "dir", os.O_RDONLY), os.open("/", os.O_RDONLY | os.O_DIRECTORY)]
    fds.append(os.dup2(fds[0], 300))
    for fd in fds:
        os.set_inheritable(fd, True)
    there = subprocess.run(["cat", f"/proc/self/fd/{fds[0]}/null"], pass_fds=fds, capture_output=True, check=True)
    assert there.stdout == b"host secret\n"
    yield fds
    for fd in fds:
        os.close(fd)


@pytest.mark.parametrize("where", ["/proc/self/fd/{}", "/w{}", *(pytest.param(w, marks=pytest.mark.full) for w in ("/proc/self/fd/{}/..", "/proc/1/fd/{}", "/proc/thread-self/fd/{}"))])
def test_a_working_directory_on_the_host(prey, left_open, where):
    """CVE-2024-21626, by process.cwd, `exec --cwd` and a process file; also by a link of the image."""
    for fd in left_open:
        (prey.root / f"w{fd}").symlink_to(f"/proc/self/fd/{fd}")
    prey.start("sleep 60000", name="other")
    for n in [*left_open, *range(3, 7)]:
        cwd = where.format(n)
        r = prey.run("show host", lambda c: c["process"].update(cwd=cwd), pass_fds=left_open)
        assert r.code != 0 and not r.out or r.values["host.cwd"].startswith(("/w", "/proc/")), r
    for n in left_open:
        cwd = where.format(n)
        refused(prey.call("exec", "--cwd", cwd, "other", "/bin/probe", "show", "host", pass_fds=left_open))
        process = prey.bundle / "process.json"
        process.write_text(json.dumps({"args": ["/bin/probe", "show", "host"], "cwd": cwd, "user": {"uid": 0, "gid": 0}}))
        refused(prey.call("exec", "-p", process, "other", pass_fds=left_open))


def test_descriptors_that_the_caller_has_left_open(prey, left_open):
    """They are in no command, neither at the start nor by exec; what is asked for is."""
    want = {"fds.0", "fds.1", "fds.2"}
    assert set(prey.run("show fds", pass_fds=left_open).values) == want
    prey.start("sleep 60000")
    r = prey.call("exec", "c1", "/bin/probe", "show", "fds", pass_fds=left_open)
    assert set(r.values) == want, r


# ---- links of the image ----

HOW = {"absolute": lambda target: str(target), "relative": lambda target: "../" * 24 + str(target)[1:]}


def put(root, name, target):
    p = root / name
    shutil.rmtree(p) if p.is_dir() and not p.is_symlink() else p.unlink(missing_ok=True)
    p.parent.mkdir(parents=True, exist_ok=True)
    p.symlink_to(target)
    assert os.path.samefile(p, str(target) if str(target)[0] == "/" else p.parent / target), "the link leads nowhere: the test shows nothing"


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_kernel_trees_that_are_links(prey, secret, name, how):
    """CVE-2019-19921, CVE-2023-27561, CVE-2026-41579: devices, masks and labels would go to the host."""
    put(prey.root, name, HOW[how](secret / "dir"))
    r = prey.run("seq stat /dev/null , exit 0", lambda c: c["mounts"].append({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]}))
    if name != "dev":
        refused(r, "leads through a symbolic link")
    else:
        assert r.code == 0 and "rdev=1:3" in r.out, r


@pytest.mark.parametrize("target", ["dir/null", "dir/console", "dir"])
def test_dev_of_the_image_alone(prey, secret, target):
    """The image's own folder as /dev: it, /dev/null or /dev/console is a link to the host (CVE-2026-88264, CVE-2026-88265)."""
    name = "dev" if target == "dir" else f"dev/{target[4:]}"
    (prey.root / "dev/pts").mkdir(parents=True)
    put(prey.root, name, secret / target)
    sockets = socket.socket(socket.AF_UNIX)
    sockets.bind(str(prey.bundle / "console"))
    sockets.listen()
    prey.own(prey.bundle)

    def change(c):
        c["mounts"] = [PROC, *([bind(prey.root / "dev", "/dev"), DEV[1]] if name != "dev" else [])]
        c["process"]["terminal"] = name != "dev"

    prey.config("sleep 60000", change)
    r = prey.call("create", "-b", prey.bundle, *(["--console-socket", prey.bundle / "console"] if name != "dev" else []), "c1")
    sockets.close()
    if target == "dir/console":
        refused(r, "symbolic link")
    else:
        assert r.code in (0, 1), r  # and the host is as it was


@pytest.mark.parametrize("how", HOW)
def test_links_where_mounts_go(prey, secret, how):
    """CVE-2024-45310: what is missing of a mount point would be made on the host."""
    put(prey.root, "a", HOW[how](secret / "dir"))
    data = prey.bundle / "data"
    data.mkdir()
    r = prey.run("seq stat /a/made/here , exit 0", lambda c: c["mounts"].append(bind(data, "/a/made/here")))
    assert r.code == 0 and not (secret / "dir/made").exists() and os.path.isdir(str(prey.root) + str(secret / "dir/made/here")), r


@pytest.mark.parametrize("what", ["maskedPaths", "readonlyPaths"])
def test_masks_that_lead_out(prey, secret, what):
    """They cover what is there in the root; the host's files are neither covered nor written."""
    put(prey.root, "link", secret / "file")
    inside = Path(str(prey.root) + str(secret))
    inside.mkdir(parents=True)
    (inside / "file").write_text("of the image\n")
    r = prey.run(f"seq cat {secret}/file , write {secret}/file x", lambda c: c["linux"].update({what: ["/link", "/../../.." + str(secret / "file")]}))
    assert r.code == 0 and ("of the image" in r.out) == (what == "readonlyPaths"), r
    assert errno_of(r.out) == ("EROFS" if what == "readonlyPaths" else None) and (inside / "file").read_text() == "of the image\n", r
    assert (secret / "file").read_text() == "host secret\n"


def test_the_null_device_before_masks(prey):
    """CVE-2025-31133: with a link in its place, a masked file becomes a writable door to what it leads to."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    (prey.root / "dev").mkdir()
    (prey.root / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
    r = prey.run("seq stat /proc/kcore , write /proc/kcore |/evil , cat /proc/kcore", lambda c: c.update(mounts=[PROC]))
    if r.code == 0:
        assert "rdev=1:3" in r.values["stat./proc/kcore"] and pattern.strip() not in r.out, r
    assert Path("/proc/sys/kernel/core_pattern").read_text() == pattern


# ---- procfs, and what is written there for the container ----


def test_a_sysctl_whose_way_is_covered(prey, secret):
    """CVE-2025-52881: a mount over /proc or a part of it, by which the write would go elsewhere."""
    name = "kernel.shm_rmid_forced"
    fake = prey.bundle / "fake"
    (fake / "sys/kernel").mkdir(parents=True)
    (prey.root / "way").symlink_to("/proc")
    (fake / "sys/kernel/shm_rmid_forced").symlink_to(secret / "file")
    (fake / "kernel").mkdir()
    (fake / "kernel/shm_rmid_forced").write_text("0\n")
    assert (fake / "sys/kernel/shm_rmid_forced").read_text() == "host secret\n"
    for target, source in (("/proc", fake), ("/proc/sys", fake), ("/proc/sys/kernel", fake / "kernel"), ("/way/sys/kernel", fake / "kernel"), ("/proc/sys/kernel/shm_rmid_forced", fake / "kernel/shm_rmid_forced")):
        r = prey.run("exit 0", lambda c: (c["mounts"].append(bind(source, target)), c["linux"].update(sysctl={name: "1"})))
        assert r.code in (0, 1) and (r.code == 0 or "sysctl" in r.err or "/proc" in r.err), r
        assert (fake / "kernel/shm_rmid_forced").read_text() == "0\n"


def test_a_proc_that_is_a_tmpfs(prey):
    """Nothing of ours takes it for the kernel's: it is refused, and one that comes later, from within, changes nothing for who joins."""
    refused(prey.run("exit 0", lambda c: c["mounts"].append({"destination": "/proc", "type": "tmpfs", "source": "tmpfs"})), "/proc")
    prey.start("sleep 60000", lambda c: (with_caps("CAP_SYS_ADMIN")(c), c["process"].update(oomScoreAdj=500), c["linux"].update(readonlyPaths=[], maskedPaths=[])))
    assert "mount=0" in prey.call("exec", "c1", "/bin/probe", "mount", "tmpfs", "/proc", "tmpfs", "0").out
    assert Path(f"/proc/{prey.pid()}/oom_score_adj").read_text() == "500\n"
    r = prey.call("exec", "--cap", "CAP_KILL", "c1", "/bin/probe", "show", "host")
    assert r.code == 0 and r.values["host.cwd"] == "/", r


@pytest.mark.parametrize("path,what", [("/proc/sys/kernel/core_pattern", "|/evil"), ("/proc/sysrq-trigger", "h"), ("/proc/sys/kernel/modprobe", "/evil")])
def test_files_of_the_kernel(prey, path, what):
    """Root of a container writes to none of them, nor takes away what covers them."""
    if not os.access(path, os.W_OK):
        pytest.skip(f"{path} cannot be written here by anybody who runs the tests")
    before = Path(path).read_text() if "sysrq" not in path else ""
    r = prey.run(f"seq write {path} {what} , umount {path} , umount /proc/sys , mount - /proc/sys - {0x1000 | 32} , write {path} {what}", lambda c: c["linux"].update(readonlyPaths=["/proc/sys", "/proc/sysrq-trigger"]))
    assert r.code == 0 and all(errno_of(line) for line in r.out.splitlines()), r
    assert not before or Path(path).read_text() == before


@pytest.mark.root("control groups of the host")
def test_release_agents(prey):
    """CVE-2022-0492: a cgroup v1 tree that can be written is root on the host."""
    v1 = [p for p, t, _ in cgroup_mounts() if t == "cgroup" and (p / "release_agent").exists()]
    if not v1 or prey.user:
        pytest.skip("no cgroup v1 hierarchy with a release_agent" if not v1 else "an ordinary user's container has no groups here")
    before = [(p / "release_agent").read_text() for p in v1]
    r = prey.run("seq ls /sys/fs/cgroup , " + " , ".join(f"write /sys/fs/cgroup/{p.name}/release_agent /evil" for p in v1),
                 lambda c: c["mounts"].extend([{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
                                               {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]))
    assert r.code == 0 and sum(line.startswith("write=0") for line in r.out.splitlines()) == 0, r
    assert [(p / "release_agent").read_text() for p in v1] == before
    r = prey.run("seq mkdir /x , mount cgroup /x cgroup 0 memory")
    assert "mount=-1 errno=1" in r.out, r


@pytest.mark.root("control groups of the host")
@pytest.mark.parametrize("path", ["/../../../../../{}/x", "../../{}/x", "/a/../../../../{}/x"])
def test_a_group_path_that_leads_up(prey, path):
    if prey.user:
        pytest.skip("an ordinary user's container has no groups here")
    before = all_groups()
    seen = []

    def look(c):
        c["linux"]["cgroupsPath"] = path.format(GROUPS)

    prey.config("sleep 60000", look)
    r = prey.call("create", "-b", prey.bundle, "c1")
    if r.code == 0:
        seen = [g for g in all_groups() - before if GROUPS in str(g)]
        assert seen and all(str(g).endswith((f"/{GROUPS}", f"/{GROUPS}/x", f"/a/{GROUPS}", f"/a/{GROUPS}/x")) and ".." not in str(g) for g in seen), seen
    for up in ("..", "../..", "a/../..", "memory:../x"):
        if r.code == 0:
            refused(prey.call("exec", "--cgroup", up, "c1", "/bin/probe", "exit", "0"), "bad sub cgroup path")


# ---- labels ----


@pytest.fixture
def profile(prey):
    """A loaded AppArmor profile under which /work/secret cannot be read; the image brings that file along."""
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    if not enabled.exists() or not enabled.read_text().startswith("Y"):
        pytest.skip("AppArmor is off in this kernel")
    if not shutil.which("apparmor_parser"):
        pytest.skip("apparmor_parser is not installed")
    harness.need_root("the test loads a profile")
    name, source = f"mydocker-escape-{os.getpid()}", prey.bundle.parent / f"{prey.bundle.name}-profile"
    source.write_text(f"profile {name} flags=(attach_disconnected,mediate_deleted) {{ file, capability, network, mount, umount, signal, ptrace, deny /work/secret r, }}\n")
    (prey.root / "work").mkdir(exist_ok=True)
    (prey.root / "work/secret").write_text("of the image\n")
    subprocess.run(["apparmor_parser", "-r", "-K", str(source)], check=True)
    assert prey.run("cat /work/secret").out == "of the image\n", "it cannot be read at all: the test shows nothing"
    yield name
    subprocess.run(["apparmor_parser", "-R", str(source)], check=True)
    source.unlink()


ATTRIBUTES = [f"{task}/attr/{name}" for task in ("self", "thread-self", "1", "2") for name in ("exec", "current", "apparmor/exec", "apparmor/current")]


def false_proc(where, target):
    """A folder that looks like procfs where a label is written; its files lead to the host's target, or are plain ones for None."""
    for name in ATTRIBUTES:
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).symlink_to(target) if target else (where / name).write_text("")
        assert not target or (where / name).read_text() == "host secret\n", "the link leads nowhere: the test shows nothing"
    return where


def confined(r, false):
    """Refused, or the command runs as the profile says; nothing of the label is in a false file."""
    assert r.code != 0 and not r.out or "errno=13" in r.out, r
    assert not [name for name in ATTRIBUTES for f in [false / name] if f.is_file() and not f.is_symlink() and f.read_text()], "the label went into a false file"
    return r


TMPFS = {"type": "tmpfs", "source": "tmpfs"}
COVERS = {
    "tmpfs": (None, lambda false: [{"destination": "/proc", **TMPFS}]),
    "volume": (None, lambda false: [bind(false, "/proc")]),
    "links": ("file", lambda false: [bind(false, "/proc")]),
    "self": ("file", lambda false: [bind(false / "self", "/proc/self")]),
    "attr": (None, lambda false: [bind(false / "self/attr", "/proc/self/attr")]),
    "of 1": (None, lambda false: [bind(false / "self/attr", "/proc/1/attr")]),
    "thread": (None, lambda false: [bind(false / "self/attr", "/proc/thread-self/attr")]),
    "exec": (None, lambda false: [bind(false / "self/attr/exec", "/proc/self/attr/exec")]),
    "apparmor": (None, lambda false: [bind(false / "self/attr/apparmor", "/proc/self/attr/apparmor")]),
    "tmpfs on attr": (None, lambda false: [{"destination": "/proc/self/attr", **TMPFS}]),
    "by a link": (None, lambda false: [{"destination": "/way/self/attr", **TMPFS}, {"destination": "/way/thread-self/attr", **TMPFS}]),
    "by a link, of the volume": ("file", lambda false: [bind(false, "/volume"), bind(false / "self/attr", "/volume/way/self/attr")]),
    "other file": (None, lambda false: [bind("/proc/sys/kernel/hostname", "/proc/self/attr/exec")]),
}


@pytest.mark.parametrize("cover", COVERS)
def test_a_label_whose_way_is_covered(prey, secret, profile, cover):
    """CVE-2019-16884, CVE-2023-28642, CVE-2025-52881: the label would be swallowed, or written to a file of the attacker's choice."""
    link, more = COVERS[cover]
    false = false_proc(prey.bundle / "false", secret / link if link else None)
    for folder in (prey.root, false):
        (folder / "way").symlink_to("/proc")

    def change(c):
        c["process"]["apparmorProfile"] = profile
        c["mounts"].extend(more(false))

    confined(prey.run("cat /work/secret", change), false)
    r = prey.run("cat /work/secret", lambda c: c["process"].update(apparmorProfile=profile))
    assert "errno=13" in r.out, r


@pytest.mark.parametrize("how", HOW)
def test_a_label_and_a_proc_that_is_a_link(prey, secret, profile, how):
    """CVE-2023-28642: /proc of the image leads elsewhere, to what an earlier mount or the image has put there."""
    false = false_proc(prey.root / "false", None)
    put(prey.root, "proc", HOW[how](secret / "dir"))
    for mounts in ([PROC], [], [bind(false, "/proc")]):
        def change(c):
            c["process"]["apparmorProfile"] = profile
            c["mounts"] = [*mounts, *DEV]

        confined(prey.run("cat /work/secret", change), false)


def test_a_label_of_who_joins(prey, profile):
    """The container's root has covered its /proc meanwhile: by a tmpfs, and by files that take everything."""
    def change(c):
        with_caps("CAP_SYS_ADMIN")(c)
        c["process"]["apparmorProfile"] = profile
        c["linux"].update(readonlyPaths=[], maskedPaths=[])

    false = false_proc(prey.root / "false", None)
    prey.start("sleep 60000", change)
    assert Path(f"/proc/{prey.pid()}/attr/current").read_text() == f"{profile} (enforce)\n"
    enter = ["exec", "c1", "/bin/probe"]
    for source, target, kind, flags in (("/false/1/attr", "/proc/1/attr", "-", "4096"), ("/false", "/proc", "-", "4096"), ("tmpfs", "/proc", "tmpfs", "0")):
        assert "mount=0" in prey.call(*enter, "mount", source, target, kind, flags).out
        assert "errno=13" in confined(prey.call(*enter, "cat", "/work/secret"), false).out
        assert "errno=13" in confined(prey.call("exec", "--apparmor", profile, *enter[1:], "cat", "/work/secret"), false).out


# ---- who the command is ----


def test_maps_that_overlap(prey):
    """The kernel, or we, refuse maps by which one id is two; an ordinary user's that are not his."""
    def maps(*rows):
        def change(c):
            c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "user"] + [{"type": "user"}]
            c["linux"] |= {k: [{"containerID": a, "hostID": b, "size": n} for a, b, n in rows] for k in ("uidMappings", "gidMappings")}
        return change

    refused(prey.run("exit 0", maps((0, 100000, 10), (5, 200000, 10))))
    refused(prey.run("exit 0", maps((0, 100000, 10), (20, 100005, 10))))
    refused(prey.run("exit 0", maps((0, 4294967290, 10))))
    if prey.user:
        refused(prey.run("exit 0", maps((0, 0, 1))))


@pytest.mark.root("the caller has what a command must not get")
def test_capabilities_and_groups_of_the_caller(prey):
    """CVE-2022-29162, CVE-2022-2995: nothing is inherited, at the start or by `exec --cap`."""
    if prey.user:
        pytest.skip("an ordinary user has none to pass on")
    odd = ["setpriv", "--groups=4,24,4711", "--inh-caps=+chown,+kill", "--ambient-caps=+chown,+kill", "--"]
    probe = str(prey.root / "bin/probe")
    v = values(subprocess.run([*odd, probe, "show", "caps", "groups"], capture_output=True, text=True, check=True).stdout)
    assert int(v["caps.inh"], 16) and int(v["caps.amb"], 16) and "4711" in v["groups"], v
    prey.config("show caps groups")
    for argv in (["run", "-b", prey.bundle, "c1"],):
        r = subprocess.run([*odd, *prey.argv(*argv)], capture_output=True, text=True, timeout=20 * PATIENCE, check=True)
        v = values(r.stdout)
        assert int(v["caps.inh"], 16) == int(v["caps.amb"], 16) == 0 and v["groups"] in ("", "0"), v
    prey.start("sleep 60000")
    for more in ([], ["--cap", "CAP_NET_RAW"], ["--user", "1000", "--cap", "CAP_NET_RAW"]):
        r = subprocess.run([*odd, *prey.argv("exec", *more, "c1", "/bin/probe", "show", "caps", "groups")], capture_output=True, text=True, timeout=20 * PATIENCE, check=True)
        v = values(r.stdout)
        assert int(v["caps.inh"], 16) == int(v["caps.amb"], 16) == 0 and "4711" not in v["groups"].split(","), v


def test_the_keys_of_the_caller(prey):
    """A session keyring of its own, at the start and by exec."""
    mine = values(subprocess.run([str(prey.root / "bin/probe"), "show", "keyring"], capture_output=True, text=True, check=True).stdout)
    first = prey.run("show keyring").values
    assert first and all(first[k] != mine.get(k) for k in first if "session" in k or k == "keyring"), (mine, first)


# ---- hooks ----


@pytest.mark.root("as an ordinary user the files of hooks would be somebody else's")
def test_what_hooks_get(prey, secret):
    """CVE-2025-23266: not the command's variables, nor the caller's where they have some, and no descriptor; files that they make are not for everybody."""
    if prey.user:
        pytest.skip("the same as root's")
    log = prey.bundle / "log"
    log.mkdir()
    fd = os.open(secret, os.O_RDONLY)
    os.set_inheritable(fd, True)
    script = prey.bundle / "hook"
    script.write_text(f"#!/bin/sh\n/usr/bin/env > {log}/env-$1\nls /proc/$$/fd > {log}/fds-$1\n")
    script.chmod(0o755)

    def change(c):
        c["process"]["env"].append("LD_PRELOAD=/evil.so")
        c["hooks"] = {k: [{"path": str(script), "args": ["hook", k], "env": ["X=y"]}] for k in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}

    try:
        r = prey.run("exit 0", change, pass_fds=[fd], env={**os.environ, "LD_LIBRARY_PATH": "/evil"})
    finally:
        os.close(fd)
    assert r.code == 0 and len(list(log.iterdir())) == 10, r
    for f in log.iterdir():
        assert "evil" not in f.read_text() and f.stat().st_mode & 0o777 == 0o644, (f, oct(f.stat().st_mode), f.read_text())
        assert f.name[:3] == "env" or {int(x) for x in f.read_text().split()} <= {0, 1, 2, 10, 11, 255}, f.read_text()


# ---- a container that runs, and is hostile ----


def test_users_of_a_hostile_root(prey):
    """exec asks the container's /etc/passwd for the home: whatever that is, nobody waits for it."""
    prey.start("sleep 60000", with_caps("CAP_SYS_ADMIN"))
    passwd = prey.root / "etc/passwd"
    for make in (lambda: os.mkfifo(passwd), lambda: passwd.symlink_to("/proc/self/environ"), lambda: passwd.mkdir(), lambda: passwd.write_text("x" * (2 << 20))):
        shutil.rmtree(passwd) if passwd.is_dir() else passwd.unlink()
        make()
        assert prey.call("exec", "c1", "/bin/probe", "exit", "4", timeout=10).code == 4


def test_a_terminal_in_a_hostile_root(prey):
    """What lies on /dev/pts and its ptmx is the container's: only the kernel's own is opened."""
    prey.start("sleep 60000", with_caps("CAP_SYS_ADMIN"))
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(prey.bundle / "console"))
    server.listen()
    prey.own(prey.bundle)
    enter = ["exec", "c1", "/bin/probe"]
    create = ["exec", "-d", "-t", "--console-socket", prey.bundle / "console", "c1", "/bin/probe", "sleep", "100"]
    try:
        assert prey.call(*create).code == 0
        prey.call(*enter, "write", "/work/fake", "x")
        assert "mount=0" in prey.call(*enter, "mount", "/work/fake", "/dev/pts/ptmx", "-", "4096").out
        refused(prey.call(*create), "ptmx")
        assert "mount=0" in prey.call(*enter, "mount", "tmpfs", "/dev/pts", "tmpfs", "0").out
        refused(prey.call(*create), "/dev/pts is not a devpts")
    finally:
        server.close()


@pytest.mark.parametrize("kind", ["absent", "file", "fifo", "deaf"])
def test_console_sockets_that_are_none(prey, kind):
    """An error, and nothing is left; nobody waits."""
    path = prey.bundle / "console"
    if kind == "file":
        path.write_text("")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "deaf":
        socket.socket(socket.AF_UNIX).bind(str(path))
    prey.config("sleep 60000", lambda c: c["process"].update(terminal=True))
    refused(prey.call("create", "-b", prey.bundle, "--console-socket", path, "c1", timeout=10), "console socket")
    assert not (prey.state / "containers/c1").exists()


# ---- races ----


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.full)])
def test_mounts_while_another_container_exchanges_links(prey, secret, seconds):
    """CVE-2021-30465: a container that shares the volume exchanges a folder with a link to the host where this one's mounts go."""
    shared, data = prey.bundle / "shared", prey.bundle / "data"
    (shared / "swap").mkdir(parents=True)
    (shared / "link").symlink_to("../" * 24 + str(secret / "dir")[1:])
    data.mkdir()
    (data / "mark").write_text("")
    assert os.path.samefile(shared / "link", secret / "dir")
    out = prey.start("seq say ready , swap /shared/swap /shared/link 600", lambda c: c["mounts"].append(bind(shared, "/shared")), name="other")
    wait_until(lambda: "ready" in out.read_text())
    codes = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end or sum(codes.values()) < 10:
        r = prey.run("ls /proc/1/root/shared", lambda c: c["mounts"].extend([bind(shared, "/shared"), bind(data, "/shared/swap/made/here"), {"destination": "/shared/swap/t", "type": "tmpfs", "source": "tmpfs"}]))
        assert r.code in (0, 1) and "host secret" not in r.out, r
        codes[r.code] = codes.get(r.code, 0) + 1
        assert not (secret / "dir/made").exists() and not (secret / "dir/t").exists()
    assert prey.call("kill", "other", "TERM").code == 0
    wait_until(lambda: "swap=" in out.read_text(), seconds=20)
    assert int(values(out.read_text())["swap"]) > 1000, (codes, out.read_text())


@pytest.mark.full
@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", ["dev", "dev/console", "proc", "dev/pts"])
@pytest.mark.parametrize("seconds", [20])
def test_links_that_come_and_go(prey, secret, name, seconds):
    """CVE-2025-52565 and its kin: what the terminal, masks and devices are put on is exchanged meanwhile."""
    path, link = prey.root / name, prey.root / "link"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("") if name == "dev/console" else path.mkdir()
    (prey.root / "dev/pts").mkdir(parents=True, exist_ok=True) if name != "proc" else None
    link.symlink_to(secret / ("dir/console" if name == "dev/console" else "dir"))
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(prey.bundle / "console"))
    server.listen()
    server.setblocking(False)

    def change(c):
        c["mounts"] = [PROC, bind(prey.root / "dev", "/dev"), DEV[1]] if name.startswith("dev/") else [PROC, *DEV]
        c["process"]["terminal"] = True

    prey.config("exit 0", change)
    swapper = subprocess.Popen([str(prey.root / "bin/probe"), "swap", str(path), str(link), "600"], stdout=subprocess.PIPE)
    codes, end = {}, time.monotonic() + seconds
    try:
        while time.monotonic() < end or sum(codes.values()) < 10:
            r = prey.call("run", "-d", "-b", prey.bundle, "--console-socket", prey.bundle / "console", "c1")
            codes[r.code] = codes.get(r.code, 0) + 1
            assert r.code in (0, 1), r
            assert prey.call("delete", "-f", "c1").code == 0
            with contextlib.suppress(BlockingIOError):  # a full queue would have the next one wait
                while True:
                    server.accept()[0].close()
    finally:
        swapper.terminate()
        out, _ = swapper.communicate(timeout=30 * PATIENCE)
        server.close()
    assert int(out.split(b"=")[1]) > 1000, (out, codes)
