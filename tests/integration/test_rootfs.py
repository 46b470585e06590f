"""The three kinds of root: a directory, a directory under a throw-away overlay, and the host's own tree."""
import os
import re
import shlex
import shutil
import socket
import subprocess

import pytest

from harness import private_mounts, tree, values


def test_a_directory_is_used_as_it_is(md, rootfs):
    md.run("", "probe write /work/new text").ok()
    assert (rootfs / "work/new").read_text() == "text"


def test_relative_directory(md, rootfs):
    assert md.run("", "probe exit 3", rootfs=rootfs.name, cwd=rootfs.parent).code == 3
    assert md.run("", "probe exit 3", rootfs=f"./{rootfs.name}:O", cwd=rootfs.parent).code == 3


def test_directory_behind_a_symlink_of_the_host(md, rootfs, scratch):
    (scratch / "link").symlink_to(rootfs)
    assert md.run("", "probe exit 3", rootfs=scratch / "link").code == 3


@pytest.mark.parametrize("name", ["with space", "with:colon", "back\\slash", "comma,name", "new\nline", "ends:O"])
def test_odd_directory_names(md, make_rootfs, base, name):
    where = base / f"odd-{os.getpid()}" / name
    where.parent.mkdir(exist_ok=True)
    make_rootfs(where)
    try:
        for how in ("", ":O") if name != "ends:O" else (":O",):
            r = md.run("", "probe seq write /work/x y , exit 3", rootfs=f"{where}{how}")
            assert r.code == 3 and r.values["write"] == "0", r
            assert (where / "work/x").exists() == (how == "")
            (where / "work/x").unlink(missing_ok=True)
    finally:
        shutil.rmtree(where.parent)


def test_overlay_throws_away(md, rootfs):
    before = tree(rootfs)
    cmds = "write /work/new text , write /etc/passwd changed , unlink /etc/group , mkdir /made , chown /etc 7 7 , stat /made /etc/group"
    r = md.run("", f"probe seq {cmds}", rootfs=f"{rootfs}:O").ok()
    assert "errno=2" in r.values["stat./etc/group"] and "errno" not in r.values["stat./made"]
    assert "-1" not in (r.values["write"], r.values["unlink"], r.values["mkdir"], r.values["chown"]), r
    assert tree(rootfs) == before
    again = md.run("", "probe stat /made /work/new", rootfs=f"{rootfs}:O").ok().values
    assert all("errno=2" in x for x in again.values())


def test_overlay_of_a_tree_that_cannot_be_written(md, rootfs, scratch):
    """The lower tree on a read-only mount: mount points are made in the overlay."""
    script = f"mount --bind {rootfs} {scratch} && mount -o remount,bind,ro {scratch} && exec " + shlex.join(
        md.run_argv("", "probe seq write /work/x y , exit 3", rootfs=f"{scratch}:O")
    )
    r = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=40)
    assert r.returncode == 3 and b"write=0" in r.stdout, r


def test_unmodified_root_apart_from_mount_points(md, rootfs):
    before = tree(rootfs)
    md.run("-v /etc:/vol/deep --tmpfs /scratch", "probe exit 0").ok()
    after = tree(rootfs)
    changed = {k for k in after if k not in before and not (k.endswith("/.") or k == ".")}
    assert changed <= {"proc", "sys", "dev", "run", "tmp", "vol", "vol/deep", "scratch", "etc/hosts", "etc/hostname", "etc/resolv.conf"}
    for k in before:
        if not k.endswith(".") and k not in ("etc",):
            assert after[k][:2] == before[k][:2] and after[k][5] == before[k][5], k


def test_read_only_root(md, rootfs):
    r = md.run("--read-only --tmpfs /work", "probe seq write /new x , write /work/y z , write /dev/shm/q r , mkdir /made")
    lines = r.ok().out.splitlines()
    assert lines == ["write=-1 errno=30", "write=0", "write=0", "mkdir=-1 errno=30"], r
    r = md.run("--read-only", "probe write /new x", rootfs=f"{rootfs}:O").ok()
    assert r.values["write"] == "-1 errno=30"
    assert not (rootfs / "new").exists()


# ---- --rootfs / ----


def host_run(md, opts, cmd, setup="", probe=None, **kw):
    """mydocker run --rootfs / in a private mount namespace, after `setup`."""
    argv = md.run_argv(opts, cmd, rootfs="/")
    script = f"set -e; {setup}\nexec {shlex.join(argv)}"
    return subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=60, stdin=subprocess.DEVNULL, **kw)


@pytest.fixture
def host_probe(probe):
    assert not str(probe).startswith(("/tmp", "/run"))
    return str(probe)


def test_host_tree_runs_the_host_s_programs(md):
    r = md.run("", ["cat", "/etc/os-release"], rootfs="/").ok()
    assert r.out == open("/etc/os-release").read()


@pytest.mark.root("files of others cannot be copied up by ordinary users: test_rootless_roots.py has theirs")
def test_host_tree_is_copy_on_write(md, host_probe, scratch, canary):
    (scratch / "old").write_text("old")
    cmds = (
        f"write {scratch}/new x , write {scratch}/old new! , cat {scratch}/old , unlink {canary}/file , write {canary}/dir/hosts evil , "
        f"write /etc/mydocker-test-canary x , mkdir /mydocker-test-dir , chown {canary}/dir 9 9 , write /usr/mydocker-test x"
    )
    r = md.run("", [host_probe, "seq", *cmds.split()], rootfs="/").ok()
    assert r.out.count("=0") == 8 and "new!" in r.out, r
    assert (scratch / "old").read_text() == "old" and not (scratch / "new").exists()
    for p in ("/etc/mydocker-test-canary", "/mydocker-test-dir", "/usr/mydocker-test"):
        assert not os.path.lexists(p), p


def test_host_tree_has_fresh_kernel_trees(md, host_probe):
    cmds = "ls /proc , ls /run , ls /tmp , ls /dev , cat /proc/self/mountinfo"
    r = md.run("", [host_probe, "seq", *cmds.split()], rootfs="/").ok()
    names = set(re.findall(r"^ls\.(\S+?)=", r.out, re.M))
    assert "1" in names and str(os.getpid()) not in names
    points = {line.split()[4]: line.split(" - ")[1].split()[0] for line in r.out.splitlines() if " - " in line}
    assert points["/"] == ("overlay" if os.geteuid() == 0 else "tmpfs") and points["/proc"] == "proc" and points["/sys"] == "sysfs"
    assert points["/run"] == "tmpfs" and points["/tmp"] == "tmpfs" and points["/dev"] == "tmpfs"


def may_write(path):
    return os.access(path, os.W_OK)


def test_host_s_run_and_tmp_are_not_visible(md, host_probe):
    for top in filter(may_write, ("/run", "/tmp")):
        name = f"{top}/mydocker-test-{os.getpid()}"
        open(name, "w").close()
        try:
            r = md.run("", [host_probe, "seq", "stat", name, ",", "write", f"{top}/x-mydocker", "y"], rootfs="/").ok()
            assert "errno=2" in r.values[f"stat.{name}"] and r.values["write"] == "0"
            assert not os.path.exists(f"{top}/x-mydocker")
        finally:
            os.unlink(name)


def test_each_mount_below_is_seen_and_thrown_away(md, host_probe, scratch):
    for d in ("a", "b/c", "ro"):
        (scratch / d).mkdir(parents=True)
    setup = (
        f"mount -t tmpfs one {scratch}/a; echo inside-a >{scratch}/a/f; mkdir {scratch}/a/sub; mount -t tmpfs two {scratch}/a/sub; "
        f"echo deep >{scratch}/a/sub/g; mount -t tmpfs three {scratch}/b; mkdir {scratch}/b/c; echo bc >{scratch}/b/c/h; "
        f"mount -t tmpfs four {scratch}/ro; echo fixed >{scratch}/ro/i; mount -o remount,ro {scratch}/ro"
    )
    cmds = (
        f"cat {scratch}/a/f , cat {scratch}/a/sub/g , cat {scratch}/b/c/h , cat {scratch}/ro/i , "
        f"write {scratch}/a/f CHANGED , write {scratch}/a/sub/new x , cat {scratch}/a/f , write {scratch}/ro/i Y"
    )
    check = f"; {shlex.join(md.run_argv('', [host_probe, 'seq', *cmds.split()], rootfs='/'))}; r=$?; cat {scratch}/a/f; ls {scratch}/a/sub {scratch}/ro; exit $r"
    r = host_run(md, "", [host_probe, "exit", "0"], setup + check)
    out = r.stdout.decode()
    assert r.returncode == 0, r
    for text in ("inside-a", "deep", "bc", "fixed"):
        assert text in out
    assert "CHANGED" in out  # seen inside
    assert out.splitlines()[-6:].count("inside-a") == 1  # and not outside
    assert "new" not in out.splitlines()


def test_what_cannot_be_overlaid_is_masked(md, host_probe, scratch):
    (scratch / "proc").mkdir()
    (scratch / "f").write_text("the file below\n")
    (scratch / "g").write_text("the file on top\n")
    setup = f"mount -t proc p {scratch}/proc; mount --bind {scratch}/g {scratch}/f"
    r = host_run(md, "", [host_probe, "seq", "ls", f"{scratch}/proc", ",", "stat", f"{scratch}/proc/sysrq-trigger", ",", "write", f"{scratch}/f", "evil"], setup)
    out = r.stdout.decode()
    assert r.returncode == 0, r
    assert not re.search(r"^ls\.\d+=", out, re.M), out
    assert "errno=2" in values(out)[f"stat.{scratch}/proc/sysrq-trigger"]
    assert (scratch / "g").read_text() == "the file on top\n" and (scratch / "f").read_text() == "the file below\n"


def test_nosuid_and_read_only_of_the_host_stay(md, host_probe, scratch):
    (scratch / "m").mkdir()
    setup = f"mount -t tmpfs -o nosuid,nodev,noexec m {scratch}/m"
    r = host_run(md, "", [host_probe, "cat", "/proc/self/mountinfo"], setup)
    line = [x for x in r.stdout.decode().splitlines() if f"{scratch}/m " in x]
    assert r.returncode == 0 and line and {"nosuid", "nodev", "noexec"} <= set(line[-1].split()[5].split(",")), line


def listening(address):
    s = socket.socket(socket.AF_UNIX)
    s.bind(address)
    s.listen(5)
    return s


def test_no_socket_of_the_host_is_reachable(md, host_probe, scratch):
    names = [str(scratch / "sock"), f"/run/mydocker-test-{os.getpid()}.sock", f"/tmp/mydocker-test-{os.getpid()}.sock", f"/dev/shm/mydocker-test-{os.getpid()}.sock"]
    names = [n for n in names if may_write(os.path.dirname(n))]
    abstract = f"mydocker-test-{os.getpid()}"
    held = [listening(n) for n in names] + [listening("\0" + abstract)]
    try:
        for n in names:  # they are there, for the host
            assert values(subprocess.run([host_probe, "connect", n], capture_output=True, text=True).stdout)["connect"] == "0"
        cmds = []
        for n in [*names, "@" + abstract]:
            cmds += ["connect", n, ","]
        r = md.run("", [host_probe, "seq", *cmds[:-1]], rootfs="/").ok()
        assert r.out.count("connect=-1") == len(held), r
    finally:
        for s in held:
            s.close()
        for n in names:
            os.unlink(n)


def test_sockets_on_mounts_of_the_host(md, host_probe, scratch):
    """On file systems that cannot be overlaid (or can), as on any: nothing answers."""
    (scratch / "m").mkdir()
    listen = "import socket,time,sys; s=socket.socket(1); s.bind(sys.argv[1]); s.listen(5); print('up', flush=True); time.sleep(30)"
    argv = shlex.join(md.run_argv("", [host_probe, "connect", f"{scratch}/m/s"], rootfs="/"))
    script = f"""mount -t tmpfs m {scratch}/m
        /usr/bin/python3 -c {shlex.quote(listen)} {scratch}/m/s >/dev/null & p=$!
        while [ ! -S {scratch}/m/s ]; do sleep 0.05; done
        {host_probe} connect {scratch}/m/s; {argv}; kill $p"""
    r = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=60)
    lines = r.stdout.decode().splitlines()
    assert lines[0] == "connect=0" and lines[1].startswith("connect=-1"), r


def test_own_folders_are_masked(md, host_probe):
    md.run("", "probe exit 0").ok()
    for d in (md.state, md.root):
        d.mkdir(mode=0o700, exist_ok=True)
        (d / "canary").write_text("x")
    r = md.run("", [host_probe, "seq", "stat", f"{md.state}/canary", ",", "stat", f"{md.root}/canary", ",", "stat", f"{md.state}/containers"], rootfs="/").ok()
    assert r.out.count("errno=") == 3, r


@pytest.mark.root("the folder is root's")
def test_default_folders_are_masked_too(md, host_probe):
    """With other folders given, /var/lib/mydocker is still no one's business inside."""
    made = not os.path.isdir("/var/lib/mydocker")
    os.makedirs("/var/lib/mydocker", mode=0o700, exist_ok=True)
    mark = f"/var/lib/mydocker/test-{os.getpid()}"
    open(mark, "w").close()
    try:
        e = type(md)(md.base, md.rootfs, own_dirs=False)
        r = e.run("", [host_probe, "stat", mark], rootfs="/").ok()
        assert "errno=" in r.values[f"stat.{mark}"], r
    finally:
        os.unlink(mark)
        if made:
            shutil.rmtree("/var/lib/mydocker", ignore_errors=True)


def test_host_devices_are_not_in_the_host_tree(md, host_probe):
    disks = [f"/dev/{d}" for d in os.listdir("/sys/block") if os.path.exists(f"/dev/{d}")][:3] + ["/dev/kmsg"]
    r = md.run("", [host_probe, "stat", *disks], rootfs="/").ok()
    assert r.out.count("errno=2") == len(disks), r


def test_host_tree_after_a_failure_leaves_nothing(md):
    md.run("", ["/no/such/program"], rootfs="/").failed(127)


def test_the_host_s_kernel_parameters_are_safe(md, host_probe):
    cmds = "open /proc/sys/kernel/hostname w , open /proc/sys/kernel/core_pattern w , open /proc/sysrq-trigger w , open /sys/kernel/profiling w"
    r = md.run("", [host_probe, "seq", *cmds.split()], rootfs="/").ok()
    assert r.out.count("open=-1") == 4, r
