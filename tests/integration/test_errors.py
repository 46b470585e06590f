"""What a person can get wrong, and the one line that says so: whole, with docker's exit code, and nothing left behind."""
import os
import shutil
import subprocess

import pytest

from harness import all_groups, private_mounts

HINT = " (see 'mydocker run --help')"

# options, command, exit code, the line without "mydocker: "
MISTAKES = [
    ("", "/bin/nothere", 127, 'exec: "/bin/nothere": stat /bin/nothere: no such file or directory'),
    ("", "nothere", 127, 'exec: "nothere": executable file not found in $PATH'),
    ("", "/etc/passwd", 126, 'exec: "/etc/passwd": permission denied: it is not marked as executable'),
    ("", "/bin", 126, 'exec: "/bin": permission denied: it is a directory'),
    ("", "/bin/foreign", 126, 'exec: "/bin/foreign": exec format error: it is built for riscv, this machine is x86_64'),
    ("", "/bin/script", 127, 'exec: "/bin/script": exec /bin/script: no such file or directory: its interpreter "/no/such/interpreter" does not exist in the container'),
    ("", "/bin/text", 126, 'exec: "/bin/text": exec format error: neither a program nor a script that begins with "#!"'),
    ("--tmpfs /t:noexec,tmpcopyup", "/t/probe", 126, 'exec: "/t/probe": permission denied: it lies on a file system mounted with noexec'),
    ("--rootfs /nowhere/at/all", "x", 125, "root directory '/nowhere/at/all': No such file or directory"),
    ("--rootfs /proc/version", "x", 125, "root directory '/proc/version': Not a directory"),
    ("-u nobodyhere", "probe exit 0", 125, "unknown user 'nobodyhere': no such name in the container's /etc/passwd"),
    ("-u 0:nogrouphere", "probe exit 0", 125, "unknown group 'nogrouphere': no such name in the container's /etc/group"),
    ("--group-add nogrouphere", "probe exit 0", 125, "unknown group 'nogrouphere': no such name in the container's /etc/group"),
    ("-m 12x", "probe exit 0", 125, "invalid value '12x' for -m: not a size such as 512m or 1.5g" + HINT),
    ("-m 1k", "probe exit 0", 125, "--memory is too small, the least is 6m" + HINT),
    ("-m 99999999999g", "probe exit 0", 125, "invalid value '99999999999g' for -m: too large" + HINT),
    ("--cpuset-cpus a-b", "probe exit 0", 125, "set of CPUs 'a-b': not a list such as 0-3,7"),
    ("--cpus 0.001", "probe exit 0", 125, "--cpus is too small, the least is 0.01" + HINT),
    ("--uidmap 0:0:0", "probe exit 0", 125, "uid map 0:0:0: the size is zero"),
    ("--mount type=bind,src=/nowhere,dst=/d", "probe exit 0", 125, "mount on /d: source '/nowhere': No such file or directory"),
    ("--mount type=nothing,dst=/d", "probe exit 0", 125, "--mount 'type=nothing,dst=/d': unknown type 'nothing' (bind, tmpfs, ramfs and devpts are there)" + HINT),
    ("-v /nowhere:/d", "probe exit 0", 125, "mount on /d: source '/nowhere': No such file or directory"),
    ("-v /tmp:/d:nothing", "probe exit 0", 125, "volume '/tmp:/d:nothing': unknown option 'nothing'" + HINT),
    ("-v /tmp:d", "probe exit 0", 125, "volume '/tmp:d': the target 'd' is not an absolute path" + HINT),
    ("--stop-signal NOTHING", "probe exit 0", 125, "--stop-signal 'NOTHING': not a signal such as SIGINT, 2 or RTMIN+3" + HINT),
    ("--sysctl kernel.panic=1", "probe exit 0", 125, "sysctl 'kernel.panic': belongs to the host, not to a namespace"),
    ("--sysctl kernel.msgmax", "probe exit 0", 125, "sysctl 'kernel.msgmax': not of the form KEY=VALUE" + HINT),
    ("--ulimit nothing=1", "probe exit 0", 125, "ulimit 'nothing': no such limit" + HINT),
    ("--ulimit nofile=9:1", "probe exit 0", 125, "ulimit 'nofile': the soft limit is above the hard limit" + HINT),
    ("--device /dev/nothing", "probe exit 0", 125, "--device '/dev/nothing': look at '/dev/nothing': No such file or directory"),
    ("--device /etc/passwd", "probe exit 0", 125, "--device '/etc/passwd': '/etc/passwd' is neither a device nor a directory with devices" + HINT),
    ("--memroy 1g", "probe exit 0", 125, "unknown option --memroy, did you mean --memory?" + HINT),
    ("--name -", "probe exit 0", 125, "name '-': 2 to 128 letters, digits and any of '_.-' are allowed, beginning with a letter or digit" + HINT),
    ("--cgroup-parent ../x", "probe exit 0", 125, "--cgroup-parent '../x': '.' and '..' are not allowed" + HINT),
    ("-w relative", "probe exit 0", 125, "working directory 'relative': must be an absolute path" + HINT),
]


@pytest.fixture
def strange_root(rootfs):
    """The usual root with files in it that cannot be executed."""
    elf = bytearray(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00\x01\x00\x00\x00" + bytes(200))
    for name, data in {"foreign": bytes(elf), "script": b"#!/no/such/interpreter\n", "text": b"just words\n"}.items():
        (rootfs / "bin" / name).write_bytes(data)
        (rootfs / "bin" / name).chmod(0o755)
    (rootfs / "t").mkdir()
    shutil.copy(rootfs / "bin/probe", rootfs / "t/probe")
    return rootfs


@pytest.mark.parametrize("opts, cmd, code, line", MISTAKES, ids=[f"{m[0]} {m[1]}".strip() for m in MISTAKES])
def test_one_line_and_nothing_left(md, strange_root, opts, cmd, code, line):
    groups = {g for g in all_groups() if len(os.path.basename(g)) != 64}
    r = md.run(opts, cmd, rootfs="" if "--rootfs" in opts else strange_root)
    assert r.code == code, r
    assert r.err.startswith("mydocker: ") and r.err.count("\n") == 1 and r.err.endswith("\n"), r
    assert r.err == f"mydocker: {line}\n"
    assert md.left() == []
    assert {g for g in all_groups() if len(os.path.basename(g)) != 64} <= groups
    assert md.processes() == []


def test_a_root_without_mount_points_gets_them(md, rootfs):
    assert not (rootfs / "proc").exists() and not (rootfs / "dev").exists()
    md.run("", "probe exit 0").ok()


def test_a_root_that_cannot_get_mount_points(md, rootfs, scratch):
    """A read-only mount of a root that lacks /proc: the place is named."""
    mnt = scratch / "ro"
    mnt.mkdir()
    script = f"mount --bind {rootfs} {mnt} && mount -o remount,ro,bind {mnt} && exec " + " ".join(md.argv("run", "--rootfs", str(mnt), "/bin/probe", "exit", "0"))
    p = subprocess.run(private_mounts(["sh", "-c", script]), capture_output=True, text=True, env=md.env, timeout=40)
    assert p.returncode == 125
    assert p.stderr == "mydocker: mount proc on /proc: make '/proc' in the container's root: Read-only file system\n"


def test_five_thousand_arguments(md):
    out = md.run("", ["probe", "args", *[str(i) for i in range(5000)]]).ok().stdout
    assert out.count(b",") >= 5000


def test_a_limit_of_one_process(md):
    r = md.run("--pids-limit 1", "probe child exit 0").ok()
    assert r.err.split(": ", 2)[2] == "1 attempt to start a process or thread was refused: the limit is 1\n"
