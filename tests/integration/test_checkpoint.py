"""mydocker-runtime checkpoint and restore: what is asked of criu, by one that only notes it, and what becomes of its answers and of its end."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bundles import GROUPS, RUNTIME, bad, bundle, good, life, runtime, write_config  # noqa: F401: some are fixtures
from harness import Terminal, cgroup_mounts, cgroup_v2_only, give_tree, wait_until

pytestmark = pytest.mark.root("criu needs root")
FAKE = Path(__file__).parent / "fake_criu.py"
DUMP, RESTORE, FEATURES, VERSION, PRE_DUMP = 1, 2, 9, 10, 13
SOFT, FULL, STRICT, IGNORE = 3, 4, 5, 0


class Checkpoint:
    """A container, and a criu of our own making."""

    def __init__(self, life):
        self.life, self.place, self.images, self.work = life, life.bundle / "criu", life.bundle / "images", life.bundle / "work"
        self.place.mkdir()
        self.env = os.environ | {"FAKE_CRIU": str(self.place)}

    def how(self, **how):
        (self.place / "how").write_text(json.dumps(how))

    def argv(self, verb, *options):
        return [*map(str, [RUNTIME, "--root", self.life.state_dir, "--criu", FAKE, verb, "--image-path", self.images, "--work-path", self.work, *options, "c1"])]

    def call(self, verb, *options, **kw):
        return subprocess.run(self.argv(verb, *options), capture_output=True, text=True, timeout=60, env=self.env, **kw)

    def checkpoint(self, *options, **kw):
        return self.call("checkpoint", *options, **kw)

    def restore(self, *options, out="restored", argv=None):
        complaints = self.life.bundle / "restore-complaints"  # no pipe: what is restored has its other end
        with open(self.life.bundle / out, "wb") as f, open(complaints, "wb") as err:
            r = subprocess.run(argv or self.argv("restore", "-b", self.life.bundle, *options), stdin=subprocess.DEVNULL, stdout=f, stderr=err, text=True, timeout=60, env=self.env)
        r.stderr = complaints.read_text()
        return r

    def asked(self, kind):
        """What it was last asked for of this kind."""
        all_of_it = [json.loads(x) for x in (self.place / "asked").read_text().splitlines()]
        return [x for x in all_of_it if x["kind"] == kind][-1]

    def kinds(self):
        return [json.loads(x)["kind"] for x in (self.place / "asked").read_text().splitlines()]

    def told(self, name):
        return (self.place / name).exists()


@pytest.fixture
def criu(life):
    return Checkpoint(life)


def is_gone(life):
    return "does not exist" in life.state()


# ---- checkpoint ----

def test_it_is_written_and_then_gone(criu):
    """As with runc, nothing is left but the images."""
    criu.life.start("sleep", "60000")
    pid = criu.life.state()["pid"]
    good(criu.checkpoint())
    assert is_gone(criu.life) and not os.path.exists(f"/proc/{pid}/root")
    assert (criu.images / "inventory.img").exists() and (criu.work / "dump.log").exists() and not (criu.images / "dump.log").exists()
    asked = criu.asked(DUMP)
    assert asked["pid"] == pid and asked["root"] == str(criu.life.bundle / "root") and asked["log_file"] == "dump.log"
    assert asked["manage_cgroups"] and asked["manage_cgroups_mode"] == SOFT and asked["notify_scripts"] and asked["orphan_pts_master"] and asked["empty_ns"] == 0x40000000
    for flag in ("leave_running", "ext_unix_sk", "tcp_established", "tcp_skip_in_flight", "shell_job", "file_locks", "auto_dedup", "lazy_pages", "track_mem"):
        assert asked[flag] is False
    assert asked["config_file"] == "/etc/criu/runc.conf" and "parent_img" not in asked and "rst_sibling" not in asked
    assert asked["freeze_cgroup"].endswith("/c1") and asked["signals"] == ["SigBlk:\t0000000000000000\n"]


@pytest.mark.userns
@pytest.mark.parametrize("there", [False, True])
def test_who_may_look_for_images(criu, there):
    """criu does as root of the user namespace when it restores; in a folder of somebody else's that is his to say."""
    def mapped(c):
        c["linux"]["namespaces"].append({"type": "user"})
        c["linux"] |= {k: [{"containerID": 0, "hostID": i, "size": 1000}] for k, i in (("uidMappings", 100000), ("gidMappings", 200000))}

    give_tree(criu.life.bundle / "root", 100000, 200000)
    if there:
        criu.images.mkdir(mode=0o700)
    for change, mode, group in ((mapped, 0o710, 200000), (lambda c: None, 0o700, 0)):
        criu.life.start("sleep", "60000", change=change)
        good(criu.checkpoint())
        s = criu.images.stat()
        assert (s.st_mode & 0o7777, s.st_uid, s.st_gid) == (0o700 if there else mode, 0, 0 if there else group)
        give_tree(criu.life.bundle / "root", 0, 0)
        criu.images.rename(criu.life.bundle / f"images-{mode:o}")
        if there:
            criu.images.mkdir(mode=0o700)


def test_left_running(criu):
    criu.life.start("sleep", "60000")
    before = criu.life.state()
    good(criu.checkpoint("--leave-running", "--tcp-established", "--tcp-skip-in-flight", "--ext-unix-sk", "--shell-job", "--file-locks", "--auto-dedup"))
    assert criu.life.state() == before
    asked = criu.asked(DUMP)
    for flag in ("leave_running", "ext_unix_sk", "tcp_established", "tcp_skip_in_flight", "shell_job", "file_locks", "auto_dedup"):
        assert asked[flag] is True


def test_mounts_from_outside_are_named(criu):
    """By where they are now, and by what runc calls them: links of the root are followed."""
    (criu.life.bundle / "root/real/conf").mkdir(parents=True)
    (criu.life.bundle / "root/conf").symlink_to("/real/conf")

    def change(c):
        c["mounts"] += [{"destination": "/conf/in", "type": "bind", "source": "data", "options": ["bind"]},
                        {"destination": "/data/../t/x", "type": "bind", "source": "config.json", "options": ["bind", "ro"]}]
        c["linux"]["maskedPaths"] = ["/proc/version", "/proc/fs"]
    criu.life.start("sleep", "60000", change=change)
    good(criu.checkpoint())
    pairs = criu.asked(DUMP)["ext_mnt"]
    assert ["/data", "/data"] in pairs and ["/real/conf/in", "/real/conf/in"] in pairs and ["/t/x", "/t/x"] in pairs
    assert ["/proc/version", "/dev/null"] in pairs and "/proc/fs" not in dict(pairs)
    assert all(key not in ("/", "/proc", "/t") for key, _ in pairs)


def test_the_standard_streams_are_noted(criu):
    """A pipe by its number, a file of the host by mount and number: that is what a restore gives anew."""
    criu.life.start("sleep", "60000")  # stdin is the host's null device, the others are files
    pid = criu.life.state()["pid"]
    good(criu.checkpoint("--leave-running"))
    noted = json.loads((criu.images / "descriptors.json").read_text())
    ids = []
    for fd in range(3):
        mount = next(int(l.split()[1]) for l in open(f"/proc/{pid}/fdinfo/{fd}", encoding="utf-8") if l.startswith("mnt_id"))
        ids.append(f"file[{mount:x}:{os.stat(f'/proc/{pid}/fd/{fd}').st_ino:x}]")
    assert noted == ids and sorted(criu.asked(DUMP)["external"]) == sorted(set(ids))
    good(criu.life.call("delete", "-f", "c1"))

    write_config(criu.life.bundle, lambda c: c["process"].update(args=["/bin/probe", "copy"]))
    r, w = os.pipe()
    subprocess.run([RUNTIME, "--root", criu.life.state_dir, "run", "-d", "-b", criu.life.bundle, "c1"], stdin=r, stdout=w, stderr=w, check=True, timeout=30)
    good(criu.checkpoint())
    noted = json.loads((criu.images / "descriptors.json").read_text())
    assert noted == [f"pipe:[{os.fstat(r).st_ino}]"] * 3 and "external" not in criu.asked(DUMP)
    os.close(r)
    os.close(w)


def test_before_the_checkpoint_itself(criu):
    """Memory first, twice, and the last time what has changed."""
    criu.life.start("sleep", "60000")
    good(criu.checkpoint("--pre-dump"))
    asked = criu.asked(PRE_DUMP)
    assert asked["track_mem"] and "ext_mnt" not in asked and criu.kinds() == [FEATURES, PRE_DUMP] and criu.life.status() == "running"
    assert not (criu.images / "descriptors.json").exists()
    first, criu.images = criu.images, criu.life.bundle / "images2"
    criu.images.mkdir()
    for path, word in ((str(first), "--parent-path must be relative"), ("../none", "invalid --parent-path"), ("../config.json", "invalid --parent-path")):
        bad(criu.checkpoint("--parent-path", path), word)
        assert criu.life.status() == "running"
    good(criu.checkpoint("--parent-path", "../images"))
    assert criu.asked(DUMP)["parent_img"] == "../images" and criu.asked(DUMP)["track_mem"] and is_gone(criu.life)


def test_what_this_host_cannot_do(criu):
    criu.life.start("sleep", "60000")
    criu.how(memory=False)
    bad(criu.checkpoint("--pre-dump"), "--pre-dump")
    bad(criu.checkpoint("--lazy-pages"), "--lazy-pages")
    assert criu.life.status() == "running" and DUMP not in criu.kinds()


def test_memory_for_who_asks_later(criu):
    criu.life.start("sleep", "60000")
    r, w = os.pipe()
    p = subprocess.run(criu.argv("checkpoint", "--lazy-pages", "--page-server", "127.0.0.1:27277", "--status-fd", str(w)), pass_fds=[w], env=criu.env, timeout=60, check=False)
    os.close(w)
    assert p.returncode == 0 and os.read(r, 10) == b"\0" and os.read(r, 1) == b""
    os.close(r)
    assert criu.asked(DUMP)["lazy_pages"] and criu.asked(DUMP)["ps"] == ["127.0.0.1", 27277]


@pytest.mark.parametrize("options, word", [
    (["--page-server", "nowhere"], "Use --page-server ADDRESS:PORT"),
    (["--page-server", "a:x"], "Invalid port number"),
    (["--manage-cgroups-mode", "hard"], "Invalid manage cgroups mode"),
    (["--empty-ns", "ipc"], 'namespace "ipc" is not supported'),
    (["--status-fd", "77"], "invalid --status-fd argument 77"),
    (["--status-fd", "0"], "invalid --status-fd argument 0: not writable"),
])
def test_what_is_no_option(criu, options, word):
    criu.life.start("sleep", "60000")
    with open("/dev/null", "rb") as null:
        bad(criu.checkpoint(*options, stdin=null), word)
    assert criu.life.status() == "running" and not criu.told("asked")


@pytest.mark.parametrize("mode, number", [("soft", SOFT), ("full", FULL), ("strict", STRICT), ("ignore", IGNORE)])
def test_how_groups_are_kept(criu, mode, number):
    criu.life.start("sleep", "60000")
    good(criu.checkpoint("--manage-cgroups-mode", mode, "--empty-ns", "network"))
    assert criu.asked(DUMP)["manage_cgroups_mode"] == number


def test_a_configuration_file_of_criu(criu):
    criu.life.start("sleep", "60000", change=lambda c: c.update(annotations={"org.criu.config": "/some/file"}))
    good(criu.checkpoint("--leave-running"))
    assert criu.asked(DUMP)["config_file"] == "/some/file"
    good(criu.life.call("delete", "-f", "c1"))
    criu.life.start("sleep", "60000", change=lambda c: c.update(annotations={"org.criu.config": ""}))
    good(criu.checkpoint())
    assert "config_file" not in criu.asked(DUMP)


def test_only_what_runs(criu):
    good(criu.life.create("sleep", "60000"))
    bad(criu.checkpoint(), "Container cannot be checkpointed in created state")
    good(criu.life.call("kill", "c1", "9"))
    criu.life.wait_for("stopped")
    bad(criu.checkpoint(), "Container cannot be checkpointed in stopped state")
    good(criu.life.call("delete", "c1"))
    bad(criu.checkpoint(), "container c1 does not exist")


def test_a_paused_one(criu):
    criu.life.start("sleep", "60000")
    good(criu.life.call("pause", "c1"))
    good(criu.checkpoint("--leave-running"))
    assert criu.life.status() == "paused"


def test_why_it_failed(criu):
    """criu's own reason, and where its log is; the container goes on."""
    criu.life.start("sleep", "60000")
    criu.how(fail=[52, "Error (criu/x.c:1): Can't do it\n"])
    bad(criu.checkpoint(), "criu failed: type DUMP errno 52: Error (criu/x.c:1): Can't do it", f"log file: {criu.work}/dump.log")
    assert criu.life.status() == "running"
    criu.how(silent=3)
    bad(criu.checkpoint(), "criu failed: type DUMP ended with status 3", "dump.log")
    assert criu.life.status() == "running"


def test_without_criu(criu):
    criu.life.start("sleep", "60000")
    r = subprocess.run([RUNTIME, "--root", criu.life.state_dir, "checkpoint", "--image-path", criu.images, "c1"], capture_output=True, text=True, timeout=30, env={"PATH": "/nowhere"})
    bad(r, "criu", "executable file not found in $PATH")
    bad(criu.life.call("--criu", "/no/such/criu", "checkpoint", "--image-path", str(criu.images), "c1"), "/no/such/criu", "no such file or directory")
    assert criu.life.status() == "running"


def test_who_runs_it_removes_it(criu):
    """`run` in the foreground waits for its end, whoever has brought that about."""
    write_config(criu.life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    with subprocess.Popen([RUNTIME, "--root", criu.life.state_dir, "run", "-b", criu.life.bundle, "c1"]) as p:
        wait_until(lambda: not isinstance(criu.life.state(), str) and criu.life.status() == "running")
        good(criu.checkpoint())
        assert p.wait(30) == 128 + signal.SIGKILL
    assert is_gone(criu.life)


# ---- restore ----

def dumped(criu, *words, **kw):
    criu.life.start(*(words or ("sleep", "60000")), **kw)
    good(criu.checkpoint())
    assert is_gone(criu.life)


def test_one_like_any_other(criu):
    """It is on record, has its groups and limits, and is ended as ever."""
    dumped(criu)
    assert criu.restore("--detach", "--pid-file", criu.life.bundle / "pid").returncode == 0
    s = criu.life.state()
    seen = json.loads((criu.place / "restored").read_text())
    assert s["status"] == "running" and s["pid"] == seen["pid"] == int((criu.life.bundle / "pid").read_text())
    wait_until(lambda: (criu.life.bundle / "restored").read_text() == "restored\n")
    groups = [p / GROUPS / "c1" for p, _, _ in cgroup_mounts() if (p / GROUPS / "c1").exists()]
    assert groups and all(str(s["pid"]) in (g / "cgroup.procs").read_text().split() for g in groups)
    good(criu.life.call("kill", "c1", "KILL"))
    criu.life.wait_for("stopped")
    good(criu.life.call("delete", "c1"))


def test_what_a_restore_asks_for(criu):
    dumped(criu)
    assert criu.restore("-d", "--tcp-established", "--ext-unix-sk", "--shell-job", "--file-locks", "--auto-dedup", "--lazy-pages", "--manage-cgroups-mode", "full", "--no-subreaper",
                        "--no-pivot", "--lsm-profile", "apparmor:some", "--lsm-mount-context", "label").returncode == 0
    asked = criu.asked(RESTORE)
    for flag in ("rst_sibling", "evasive_devices", "notify_scripts", "orphan_pts_master", "ext_unix_sk", "tcp_established", "shell_job", "file_locks", "auto_dedup", "lazy_pages"):
        assert asked[flag] is True
    assert asked["lsm_profile"] == "apparmor:some" and asked["lsm_mount_context"] == "label" and asked["manage_cgroups_mode"] == FULL and asked["log_file"] == "restore.log"
    assert "pid" not in asked and asked["root"] == str(criu.life.state_dir / "containers/c1")
    assert criu.kinds()[-2:] == [VERSION, RESTORE]
    groups = asked["cg_root"]
    assert groups and all(g[-1].startswith("/") and g[-1].endswith("/c1") for g in groups) and (len(groups) == 1) == cgroup_v2_only()
    assert ["/data", str(criu.life.bundle / "data")] in asked["ext_mnt"] and ["/dev/null", "/dev/null"] in asked["ext_mnt"]
    assert (criu.work / "restore.log").exists()


def test_with_one_dash(criu):
    dumped(criu)
    assert criu.restore("-d", "-no-subreaper").returncode == 0
    assert criu.life.status() == "running"


def test_an_older_criu(criu):
    dumped(criu)
    criu.how(version=[3, 15])
    bad(criu.restore("-d", "--lsm-profile", "apparmor:some"), "--lsm-profile needs criu 3.16")
    assert is_gone(criu.life)


def test_its_root_is_shown_to_criu_alone(criu):
    """With mount points, also those in what is bound; none of it is mounted on the host."""
    def change(c):
        c["mounts"] += [{"destination": "/new/deep", "type": "bind", "source": "data", "options": ["bind"]},
                        {"destination": "/new/deep/nested", "type": "bind", "source": "data2", "options": ["bind"]},
                        {"destination": "/new/file", "type": "bind", "source": "config.json", "options": ["bind"]},
                        {"destination": "/t/in", "type": "bind", "source": "data", "options": ["bind"]}]
    (criu.life.bundle / "data2").mkdir()
    dumped(criu, change=change)
    root = criu.life.bundle / "root"
    (criu.life.bundle / "data/nested").rmdir()
    (root / "new/file").unlink()
    (root / "new/deep").rmdir()
    (root / "new").rmdir()
    before = open("/proc/self/mountinfo", encoding="utf-8").read()
    assert criu.restore("-d").returncode == 0
    assert open("/proc/self/mountinfo", encoding="utf-8").read() == before
    assert (criu.life.bundle / "data/nested").is_dir() and (root / "new/file").is_file() and not (root / "t/in").exists()
    seen = [l.split() for l in json.loads((criu.place / "restored").read_text())["mounts"].splitlines()]
    there = [m for m in seen if m[4].startswith(str(criu.life.state_dir))]
    assert len(there) == 1 and there[0][3].endswith("/root")


def test_streams_are_the_new_callers(criu):
    dumped(criu)
    noted = json.loads((criu.images / "descriptors.json").read_text())
    assert criu.restore("-d", out="other").returncode == 0
    fds = json.loads((criu.place / "restored").read_text())["fds"]
    assert fds[noted[0]] == "/dev/null" and fds[noted[1]] == str(criu.life.bundle / "other")


def test_namespaces_of_others(criu):
    """A network or pid namespace by path is the same before and after; others are joined again."""
    with subprocess.Popen(["unshare", "--net", "--ipc", "sleep", "60"]) as other:
        try:
            wait_until(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
            paths = {"network": f"/proc/{other.pid}/ns/net", "ipc": f"/proc/{other.pid}/ns/ipc"}
            dumped(criu, change=lambda c: c["linux"]["namespaces"].extend({"type": t, "path": p} for t, p in paths.items()))
            net = f"net[{os.stat(paths['network']).st_ino}]:extRootNetNS"
            assert net in criu.asked(DUMP)["external"]
            assert criu.restore("-d").returncode == 0
            assert criu.asked(RESTORE)["join_ns"] == [["ipc", paths["ipc"]]]
            assert json.loads((criu.place / "restored").read_text())["fds"]["extRootNetNS"] == os.readlink(paths["network"])
        finally:
            other.kill()


def test_a_terminal_for_who_waits(criu):
    """What criu has made anew is relayed, and the exit code is the process's."""
    dumped(criu)
    write_config(criu.life.bundle, lambda c: c["process"].update(terminal=True))
    criu.how(terminal=True, sleep=300)
    t = Terminal(criu.argv("restore", "-b", criu.life.bundle), criu.env)
    assert t.wait() == 7
    t.close()
    assert is_gone(criu.life)


def test_without_the_terminal_that_was_asked_for(criu):
    dumped(criu)
    write_config(criu.life.bundle, lambda c: c["process"].update(terminal=True))
    bad(criu.restore("-d"), "cannot allocate tty if runc will detach without setting console socket")
    assert RESTORE not in criu.kinds() and is_gone(criu.life)


def test_waited_for(criu):
    dumped(criu)
    criu.how(sleep=200)
    assert criu.restore().returncode == 7
    assert is_gone(criu.life)


def test_hooks_when_its_namespaces_are_there(criu):
    """Those that runc runs then; a failure ends it all."""
    log = criu.life.bundle / "log"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f'echo "$0 $(cat)" >> {log}']}
    kinds = ("prestart", "createRuntime", "poststart", "poststop")

    def change(c):
        c["hooks"] = {k: [hook | {"args": [*hook["args"], k]}] for k in kinds}
    dumped(criu, change=change)
    log.write_text("")
    assert criu.restore("-d").returncode == 0
    lines = [l.split(" ", 1) for l in log.read_text().splitlines()]
    assert [l[0] for l in lines] == ["prestart", "createRuntime"] and all(json.loads(l[1])["pid"] == criu.life.state()["pid"] for l in lines)
    good(criu.life.call("delete", "-f", "c1"))
    assert log.read_text().splitlines()[-1].startswith("poststop")
    write_config(criu.life.bundle, lambda c: c.update(hooks={"prestart": [{"path": "/bin/false"}]}))
    bad(criu.restore("-d"), "error running prestart hook #0")
    assert (criu.place / "refused").read_text() == "setup-namespaces" and criu.told("rolled-back") and is_gone(criu.life)


def test_why_a_restore_failed(criu):
    dumped(criu)
    criu.how(fail=[22, "Error (criu/y.c:2): No"])
    bad(criu.restore("-d"), "criu failed: type RESTORE errno 22: Error (criu/y.c:2): No", f"log file: {criu.work}/restore.log")
    assert is_gone(criu.life)
    bad(criu.call("restore", "-b", str(criu.life.bundle), "--image-path", str(criu.life.bundle / "nothing")), "--image-path", "nothing")
    (criu.images / "descriptors.json").unlink()
    bad(criu.restore("-d"), "descriptors.json")
    assert is_gone(criu.life)


def test_two_of_one_name(criu):
    dumped(criu)
    assert criu.restore("-d").returncode == 0
    bad(criu.restore("-d"), "container with given ID already exists")
    assert criu.life.status() == "running"


# ---- sudden death ----

def killed_at(criu, verb, where):
    """The runtime is killed while criu is there."""
    criu.how(stop_at=where)
    with subprocess.Popen(criu.argv(verb, *(["-b", criu.life.bundle, "-d"] if verb == "restore" else [])), env=criu.env, stdin=subprocess.DEVNULL) as p:
        wait_until(lambda: criu.told("stopped"))
        p.kill()
    wait_until(lambda: criu.told("rolled-back"))


@pytest.mark.parametrize("where", ["pre-dump", "post-dump"])
def test_killed_while_it_is_written(criu, where):
    """criu takes back what it has done: the container runs on."""
    criu.life.start("sleep", "60000")
    before = criu.life.state()
    killed_at(criu, "checkpoint", where)
    assert criu.life.state() == before
    criu.how()
    good(criu.checkpoint())
    assert is_gone(criu.life)


@pytest.mark.parametrize("where", ["pre-restore", "setup-namespaces", "post-restore"])
def test_killed_while_it_is_restored(criu, where):
    """What is half there is shown, and can be deleted."""
    dumped(criu)
    killed_at(criu, "restore", where)
    wait_until(lambda: criu.life.status() == "stopped")
    good(criu.life.call("delete", "-f", "c1"))
    criu.how()
    assert criu.restore("-d").returncode == 0 and criu.life.status() == "running"


def test_stopped_while_it_is_restored(criu):
    """A signal ends the restore, and leaves nothing."""
    dumped(criu)
    criu.how(stop_at="pre-restore")
    with subprocess.Popen(criu.argv("restore", "-b", criu.life.bundle, "-d"), env=criu.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
        wait_until(lambda: criu.told("stopped"))
        p.terminate()
        assert p.wait(30) == 1
    assert is_gone(criu.life)


def test_help_and_features():
    for verb in ("checkpoint", "restore"):
        r = runtime(verb, "--help")
        assert r.returncode == 0 and "--image-path" in r.stdout and "--work-path" in r.stdout
    assert json.loads(runtime("features").stdout)["annotations"]["org.opencontainers.runc.checkpoint.enabled"] == "true"
