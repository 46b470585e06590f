"""An ordinary user's throw-away roots: an overlay over a directory, and the host's own tree."""
import os
import shlex
import shutil
import subprocess

import pytest

from conftest import USER
from harness import Result, chown, private_mounts, tree

pytestmark = pytest.mark.userns


def test_an_overlay_throws_away(user_md, busybox):
    root = user_md.rootfs
    shutil.copy(busybox, root / "bin/sh")
    (root / "work/old").mkdir()
    (root / "work/old/file").write_text("old")
    for p in ("work/old", "work/old/file"):
        chown(root / p, USER, USER)
    before = tree(root)
    script = "cd /work && echo x >new && echo x >/etc/passwd && rm -r old && mkdir old && mv new old && ls old"
    assert user_md.run("", ["/bin/sh", "-c", script], rootfs=f"{root}:O").ok().out == "new\n"
    assert tree(root) == before and not user_md.left()


def test_its_layer_is_on_disk(user_md):
    r = user_md.start("", "probe seq write /work/mark x , say up , sleep 60000", rootfs=f"{user_md.rootfs}:O")
    r.read_until("up")
    mark = user_md.root / "containers" / r.id / "upper/work/mark"
    assert mark.read_text() == "x" and mark.stat().st_uid == USER
    r.signal(9)
    r.wait()
    assert user_md.run("", "probe exit 3").code == 3  # and the next one clears it away
    assert not user_md.left()


def test_an_overlay_in_memory(user_md):
    """Where the folder for layers lies in the root itself."""
    inside = user_md.rootfs / "share"
    env = {"XDG_DATA_HOME": str(inside)}
    assert user_md.run("", "probe write /work/new x", rootfs=f"{user_md.rootfs}:O", env=env).ok().values["write"] == "0"
    assert not (user_md.rootfs / "work/new").exists() and not inside.exists()


def test_a_read_only_overlay(user_md):
    assert user_md.run("--read-only", "probe write /work/x y", rootfs=f"{user_md.rootfs}:O").ok().values["write"] == "-1 errno=30"


@pytest.mark.root("makes files of another user")
def test_files_of_others_in_an_overlay(user_md):
    """Readable when anybody may, but not to be changed: their owner has no id inside."""
    theirs = user_md.rootfs / "work/theirs"
    theirs.write_text("text\n")
    r = user_md.run("", "probe seq cat /work/theirs , write /work/theirs x", rootfs=f"{user_md.rootfs}:O").ok()
    assert r.out.startswith("text\n") and r.values["write"].startswith("-1"), r
    assert theirs.read_text() == "text\n"


@pytest.mark.root("makes files of another user")
def test_an_overlay_over_a_root_of_another_user(user_md):
    chown(user_md.rootfs, 0, 0)
    r = user_md.run("", "probe seq write /new x , mkdir /proc/x", rootfs=f"{user_md.rootfs}:O").ok()
    assert r.values["write"] == "0" and not (user_md.rootfs / "new").exists(), r


def with_mounts(user_md, setup, opts, cmd, rootfs):
    """The same run in a mount namespace that has more mounts."""
    argv = user_md.run_argv(opts, cmd, rootfs=rootfs)
    p = subprocess.run(private_mounts(["sh", "-c", f"set -e; {setup}\nexec {shlex.join(argv)}"]), capture_output=True, env=user_md.env, timeout=60, stdin=subprocess.DEVNULL)
    return Result(p.returncode, p.stdout, p.stderr, argv)


@pytest.mark.root("mounts")
def test_no_overlay_over_a_directory_with_mounts_below_it(user_md):
    root = user_md.rootfs
    with_mounts(user_md, f"mount -t tmpfs t {root}/work", "", "probe exit 0", f"{root}:O").failed(125, str(root), f"{root}/work is mounted below it")


# ---- --rootfs / ----


@pytest.fixture
def host_probe(probe):
    assert not str(probe).startswith(("/tmp", "/run"))
    return str(probe)


def test_host_tree_runs_the_host_s_programs(user_md):
    assert user_md.run("", ["cat", "/etc/os-release"], rootfs="/").ok().out == open("/etc/os-release").read()


def test_host_tree_is_that_of_the_host(user_md):
    """Directories, files and links at the top; but kernel trees, /run and /tmp are its own."""
    names = sorted(n for n in os.listdir("/") if os.path.isdir(f"/{n}") or os.path.islink(f"/{n}") or os.path.isfile(f"/{n}"))
    r = user_md.run("", ["sh", "-c", "ls -A /; ls -A /run /tmp; readlink /bin || :; ls /proc | grep -c '^[0-9]'"], rootfs="/").ok().out.splitlines()
    assert r[: len(names)] == names
    rest = r[len(names):]
    assert rest[:4] == ["/run:", "", "/tmp:"] + ([os.readlink("/bin")] if os.path.islink("/bin") else []), rest
    assert int(rest[-1]) < 8


def test_host_tree_is_copy_on_write(user_md, host_probe):
    cmds = "write /etc/mydocker-test x , mkdir /usr/mydocker-test , write /mydocker-test x , cat /etc/mydocker-test"
    r = user_md.run("", [host_probe, "seq", *cmds.split()], rootfs="/").ok()
    assert r.out.count("=0") == 3 and r.out.endswith("x"), r
    for p in ("/etc/mydocker-test", "/usr/mydocker-test", "/mydocker-test"):
        assert not os.path.lexists(p), p


def test_read_only_host_tree(user_md, host_probe):
    r = user_md.run("--read-only", [host_probe, "seq", "write", "/etc/mydocker-test", "x", ",", "mkdir", "/usr/new", ",", "mkdir", "/new"], rootfs="/").ok()
    assert r.out.count("errno=30") == 3, r


def test_own_folders_are_masked(user_md, host_probe):
    user_md.run("", "probe exit 0").ok()
    user_md.root.mkdir(parents=True, exist_ok=True)
    r = user_md.run("", [host_probe, "ls", str(user_md.root)], rootfs="/").ok()
    assert "containers" not in r.out, r


def test_host_tree_sees_what_the_user_sees(user_md, host_probe):
    r = user_md.run("", [host_probe, "seq", "open", "/etc/shadow", "r", ",", "open", "/etc/passwd", "r"], rootfs="/").ok()
    assert "errno=13" in r.out.splitlines()[0] and "errno" not in r.out.splitlines()[1], r


@pytest.mark.root("mounts")
def test_own_files_can_be_changed_and_are_not(user_md, host_probe):
    """On a file system of its own: his files at the second level, as in /home."""
    setup = f"mount -t tmpfs -o mode=755 t /media; mkdir /media/me; echo old >/media/me/file; echo root >/media/theirs; chown -R {USER}:{USER} /media/me"
    cmds = "write /media/me/file new , cat /media/me/file , write /media/me/more x , write /media/theirs x"
    inside = shlex.join(user_md.run_argv("", [host_probe, "seq", *cmds.split()], rootfs="/"))
    r = with_mounts(user_md, f"{setup}; {inside} && cat /media/me/file && ls /media/me", "", [host_probe, "exit", "0"], "/").ok()
    lines = r.out.splitlines()
    assert lines[0] == "write=0" and lines[1].startswith("new") and r.out.count("write=0") == 2 and "write=-1" in r.out, r
    assert lines[-2:] == ["old", "file"], r


@pytest.mark.root("mounts")
def test_a_directory_with_mounts_below_is_read_only(user_md, host_probe):
    setup = (
        "mount -t tmpfs -o mode=777 t /media; mkdir /media/sub /media/proc /media/shut; echo top >/media/file; mount -t tmpfs -o mode=777 s /media/sub; "
        "echo deep >/media/sub/file; mount -t proc p /media/proc; mkdir /media/shut/p; mount -t proc p /media/shut/p; chmod 700 /media/shut"
    )
    cmds = "cat /media/file , cat /media/sub/file , write /media/new x , write /media/sub/new x , ls /media/proc , open /media/shut/p r , write /usr/mydocker-test x"
    r = with_mounts(user_md, setup, "", [host_probe, "seq", *cmds.split()], "/").ok()
    assert r.out.startswith("top\ndeep\n") and r.out.count("write=-1 errno=30") == 2, r
    assert "ls.1=" not in r.out and "ls.self=" not in r.out, r
    assert "open=-1 errno=13" in r.out and r.out.endswith("write=0\n"), r
