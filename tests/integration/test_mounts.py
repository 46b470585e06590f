"""Volumes, tmpfs, /dev, /sys, masked and read-only paths."""
import os
import shlex
import stat
import subprocess

import pytest

import harness
from harness import cgroup_v2_only, errno_of, mknod, private_mounts


def points(text):
    """The container's mountinfo: mount point -> (type, options of the mount and of the file system)."""
    found = {}
    for line in text.splitlines():
        left, right = line.split(" - ", 1)
        found[left.split()[4]] = (right.split()[0], set(left.split()[5].split(",")) | set(right.split()[-1].split(",")))
    return found


def mounts_in(md, opts="", **kw):
    return points(md.run(opts, "probe cat /proc/self/mountinfo", **kw).ok().out)


# ---- volumes ----


def test_bind_is_writable(md, scratch):
    md.run(["-v", f"{scratch}:/vol"], "probe write /vol/file text").ok()
    assert (scratch / "file").read_text() == "text"


def test_bind_read_only(md, scratch):
    (scratch / "file").write_text("old")
    r = md.run(["-v", f"{scratch}:/vol:ro"], "probe seq cat /vol/file , write /vol/file x , write /vol/new y").ok()
    assert r.out.splitlines() == ["oldwrite=-1 errno=30", "write=-1 errno=30"]
    r = md.run(["-v", f"{scratch}:/vol:rw"], "probe write /vol/file new").ok()
    assert (scratch / "file").read_text() == "new"


def test_bind_of_a_file(md, scratch):
    (scratch / "f").write_text("from the host")
    assert md.run(["-v", f"{scratch}/f:/etc/deep/er/name:ro"], "probe cat /etc/deep/er/name").ok().out == "from the host"
    assert md.run(["-v", f"{scratch}/f:/etc/passwd"], "probe cat /etc/passwd").ok().out == "from the host"


def test_bind_that_is_read_only_covers_mounts_below(md, scratch):
    """What is mounted below the source comes along, and is read-only, too."""
    (scratch / "a/b").mkdir(parents=True)
    argv = shlex.join(md.run_argv(["-v", f"{scratch}/a:/vol:ro"], "probe seq cat /vol/b/f , write /vol/b/f x"))
    script = f"mount -t tmpfs t {scratch}/a/b && echo deep >{scratch}/a/b/f && exec {argv}"
    r = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, env=md.env, timeout=40)
    assert r.returncode == 0 and r.stdout.decode().splitlines() == ["deep", "write=-1 errno=30"], r


def test_missing_source_is_an_error_and_is_not_made(md, scratch):
    md.run(["-v", f"{scratch}/new/dir:/vol"], "probe write /vol/x y").failed(125, f"{scratch}/new/dir")
    assert not (scratch / "new").exists()


def test_source_with_odd_characters(md, scratch):
    odd = scratch / "a b,c\\d\n"
    odd.mkdir()
    (odd / "f").write_text("found")
    assert md.run(["-v", f"{odd}:/vol"], "probe cat /vol/f").ok().out == "found"


def test_two_volumes_one_in_the_other_in_any_order(md, scratch):
    for d in ("outer/in", "inner"):
        (scratch / d).mkdir(parents=True)
    (scratch / "inner/f").write_text("inner")
    for opts in (
        ["-v", f"{scratch}/outer:/v", "-v", f"{scratch}/inner:/v/in"],
        ["-v", f"{scratch}/inner:/v/in", "-v", f"{scratch}/outer:/v"],
    ):
        assert md.run(opts, "probe cat /v/in/f").ok().out == "inner"


def test_the_same_target_twice_is_refused(md, scratch):
    r = md.run(["-v", f"{scratch}:/v", "-v", f"{scratch}:/v"], "probe exit 0")
    assert r.code == 125 and "/v" in r.err


def test_volume_over_the_root_is_refused(md, scratch):
    for target in ("/", "/.", "/x/.."):
        assert md.run(["-v", f"{scratch}:{target}"], "probe exit 0").code == 125, target


def test_mounts_do_not_come_out(md, scratch):
    """A mount made inside does not appear on the host, nor the other way round without being asked."""
    def host():
        """But for what other tests mount meanwhile, in folders of theirs."""
        ours = (str(scratch), str(md.rootfs), str(md.state), str(md.root))
        return [m for m in harness.mounts() if m[0].startswith(ours) or "mydocker-" not in m[0]]

    before = host()
    v = md.run(["--privileged", "-v", f"{scratch}:/vol"], "probe mount t /vol tmpfs 0").ok().values
    assert v["mount"] == "0"
    assert host() == before and not os.path.ismount(scratch)


def test_a_device_on_a_volume_stays_shut(md, scratch):
    mknod(scratch / "disk", 0o666 | stat.S_IFBLK, 254, 0)
    mknod(scratch / "kmsg", 0o666 | stat.S_IFCHR, 1, 11)
    r = md.run(["-v", f"{scratch}:/vol"], "probe seq open /vol/disk , open /vol/kmsg").ok()
    assert all(errno_of(line) in ("EPERM", "EACCES", "ENXIO") for line in r.out.splitlines()) and len(r.out.splitlines()) == 2, r
    r = md.run(["-v", f"{scratch}:/vol", "--privileged"], "probe open /vol/kmsg").ok()
    assert r.values["open"] == "0"


# ---- tmpfs ----


def test_tmpfs(md):
    r = md.run("--tmpfs /t", "probe seq write /t/x y , stat /t , statfs /t")
    assert r.ok().values["write"] == "0" and r.values["statfs.type"] == "0x1021994" and r.values["stat./t"].startswith("041777")
    fs, opts = mounts_in(md, "--tmpfs /t")["/t"]
    assert fs == "tmpfs" and {"nosuid", "nodev", "noexec", "rw"} <= opts


def test_tmpfs_options(md):
    fs, opts = mounts_in(md, "--tmpfs /t:rw,exec,size=2m,mode=0750,uid=7,gid=8")["/t"]
    assert fs == "tmpfs" and "noexec" not in opts and {"nosuid", "nodev"} <= opts
    r = md.run("--tmpfs /t:size=2m,mode=0750,uid=7,gid=8", "probe seq statfs /t , stat /t").ok()
    assert r.values["statfs.bytes"] == str(2 << 20) and r.values["stat./t"].startswith("040750 7:8")
    assert md.run("--tmpfs /t:ro", "probe write /t/x y").ok().values["write"] == "-1 errno=30"


def test_shm(md):
    assert md.run("", "probe statfs /dev/shm").ok().values["statfs.bytes"] == str(64 << 20)
    assert md.run("--shm-size 3m", "probe statfs /dev/shm").ok().values["statfs.bytes"] == str(3 << 20)
    assert mounts_in(md)["/dev/shm"][1] >= {"nosuid", "nodev", "noexec"}
    assert md.run("", "probe stat /dev/shm").ok().values["stat./dev/shm"].startswith("041777")


# ---- defaults ----


def test_default_mounts(md):
    m = mounts_in(md)
    assert m["/proc"][0] == "proc" and {"nosuid", "nodev", "noexec"} <= m["/proc"][1]
    assert m["/sys"][0] == "sysfs" and {"ro", "nosuid", "nodev", "noexec"} <= m["/sys"][1]
    assert m["/dev"][0] == "tmpfs" and "nosuid" in m["/dev"][1]
    assert m["/dev/pts"][0] == "devpts" and m["/dev/mqueue"][0] == "mqueue" and m["/dev/shm"][0] == "tmpfs"


def test_no_mount_of_the_host_shows(md, rootfs):
    """The old root is gone: nothing in mountinfo stems from the host but the root itself and what was asked for."""
    allowed = ("/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run", "/tmp")
    for p in mounts_in(md):
        assert p == "/" or p.startswith(allowed), p


ROOT_S = "0:0" if os.geteuid() == 0 else "65534:65534"  # what is the host's root's, seen in a container of ours


def test_dev(md):
    r = md.run("", "probe seq ls /dev , stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/fd /dev/stdin /dev/stdout /dev/stderr").ok()
    v = r.values
    for name, rdev in {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}.items():
        assert v[f"stat./dev/{name}"].startswith(f"020666 {ROOT_S} ") and f"rdev={rdev} " in v[f"stat./dev/{name}"], name
    for name, to in {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}.items():
        assert v[f"stat./dev/{name}"].endswith(f"link={to}"), name
    names = {k[3:] for k in v if k.startswith("ls.")}
    assert names <= {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "core"}


def test_dev_works_for_an_ordinary_user(md):
    cmds = "open /dev/null rw , open /dev/zero , open /dev/full rw , open /dev/random , open /dev/urandom , open /dev/ptmx rw , write /dev/full x , write /dev/shm/mine y"
    r = md.run("-u 1000:1000", f"probe seq {cmds}").ok()
    assert r.out.splitlines() == ["open=0"] * 6 + ["write=-1 errno=28", "write=0"]


def test_devpts_is_its_own(md):
    v = md.run("", "probe ls /dev/pts").ok().values
    assert {k for k in v if k != "ls"} == {"ls.ptmx"}


def test_sys_and_cgroup_are_read_only(md):
    r = md.run("--cap-add SYS_ADMIN", "probe seq mkdir /sys/fs/cgroup/x , write /sys/fs/cgroup/memory/memory.limit_in_bytes 1 , write /sys/fs/cgroup/memory.max 1 , mkdir /sys/fs/cgroup/memory/x , open /sys/kernel/profiling w").ok()
    assert "=0" not in r.out, r
    r = md.run("", "probe ls /sys/fs/cgroup").ok()
    names = {k[3:] for k in r.values if k.startswith("ls.")}
    assert ("cgroup.controllers" in names) if cgroup_v2_only() else ("memory" in names), names


def test_cgroup_mount_shows_the_container_s_own_group(md):
    path = "/sys/fs/cgroup/memory.max" if cgroup_v2_only() else "/sys/fs/cgroup/memory/memory.limit_in_bytes"
    assert md.run("-m 64m", f"probe cat {path}").ok().out.strip() == str(64 << 20)


MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats", "/proc/acpi", "/proc/scsi", "/proc/asound", "/proc/interrupts", "/sys/firmware", "/sys/devices/virtual/powercap", "/proc/timer_stats", "/sys/fs/selinux", "/sys/dev/block"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@pytest.mark.parametrize("path", MASKED)
def test_masked_paths(md, path):
    if not os.path.exists(path):
        pytest.skip(f"this kernel has no {path}")
    if os.path.isdir(path):
        v = md.run("", f"probe ls {path}").ok().values
        assert v == {"ls": "0"} or v["ls"].startswith("-1"), v
        if not os.listdir(path):
            assert mounts_in(md)[path][0] == "tmpfs"
    else:
        r = md.run("", ["probe", "seq", "cat", path, ",", "say", "end"])
        assert r.out in ("end\n", "cat=-1 errno=13\nend\n"), r


@pytest.mark.parametrize("path", READ_ONLY)
def test_read_only_paths(md, path):
    if not os.path.exists(path):
        pytest.skip(f"this kernel has no {path}")
    assert "ro" in mounts_in(md)[path][1]


def test_thermal_throttle_is_masked(md):
    path = "/sys/devices/system/cpu/cpu0/thermal_throttle"
    if not os.path.isdir(path):
        pytest.skip(f"this machine has no {path}")
    assert md.run("", f"probe ls {path}").ok().values == {"ls": "0"}


def test_privileged_masks_nothing(md):
    m = mounts_in(md, "--privileged")
    assert "/proc/kcore" not in m and "/proc/sys" not in m and "rw" in m["/sys"][1] | {"rw"} and "ro" not in m["/sys"][1]


def test_masks_cannot_be_taken_away(md):
    r = md.run("", "probe seq umount /proc/keys , umount /proc/sys , mount - /proc/sys - 0x1020").ok()
    assert all("errno=1" in line for line in r.out.splitlines()), r
    r = md.run("--security-opt seccomp=unconfined", "probe umount /proc/keys").ok()
    assert r.values["umount"] == "-1 errno=1"


def test_sysctls_that_are_the_host_s_cannot_be_written(md):
    shut = "-1 errno=30" if os.geteuid() == 0 else "-1 errno=13"  # root of an ordinary user's container is not who they belong to, which is looked at first
    for path in filter(os.path.exists, ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger")):
        assert md.run("", ["probe", "open", path, "w"]).ok().values["open"] == shut, path


def test_one_file_system_of_the_root_for_all(md, rootfs):
    """A root on tmpfs, with the mount points made by the engine."""
    for d in ("proc", "sys", "dev"):
        assert not (rootfs / d).exists()
    md.run("", "probe stat /proc/self /sys/kernel /dev/null").ok()


def test_mount_points_that_exist_are_used(md, rootfs):
    for d in ("proc", "sys", "dev/pts", "dev/shm", "run", "tmp"):
        (rootfs / d).mkdir(parents=True, exist_ok=True)
    assert "errno" not in md.run("", "probe stat /proc/self /dev/pts/ptmx /dev/null").ok().out


def test_tmpfs_size_holds(md):
    v = md.run("--tmpfs /t:size=64k", ["probe", "seq", "write", "/t/a", "x" * 60000, ",", "write", "/t/b", "y" * 60000]).ok().out.splitlines()
    assert v[0] == "write=0"
    assert "errno=28" in v[1] or v[1] == "write=0"  # a short write, or none at all


def test_tmpfs_on_dev_still_has_devices(md):
    r = md.run("--tmpfs /dev:size=1m", "probe seq open /dev/null rw , open /dev/zero").ok()
    assert "errno" not in r.out, r
