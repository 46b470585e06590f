"""What the start does to the kernel, seen from outside."""
import re
import subprocess

import pytest

from harness import SANITIZED, strace


def traced(md, scratch, opts, cmd, calls, **kw):
    out = scratch / "trace"
    argv = [*strace("-f", "-o", str(out), "-e", f"trace={calls}"), *md.run_argv(opts, cmd, **kw)]
    p = subprocess.run(argv, capture_output=True, env=md.env, timeout=60, stdin=subprocess.DEVNULL)
    text = out.read_text()
    assert p.returncode == 0, (p, text[-3000:])
    return text


@pytest.mark.parametrize("opts", ["", "-m 64m --cpus 1", "--uidmap 0:0:1"])
def test_cgroup_procs_is_never_opened_for_writing(md, scratch, opts):
    text = traced(md, scratch, opts, "probe exit 0", "openat,openat2,open,creat")
    assert "cgroup" in text
    opened = [line for line in text.splitlines() if "cgroup.procs" in line and ("O_WRONLY" in line or "O_RDWR" in line)]
    assert not opened, opened


def test_one_clone_and_two_execs(md, scratch):
    """The parent, init, the command: no further process, no shell, no helper."""
    text = traced(md, scratch, "", "probe exit 0", "clone,clone3,fork,vfork,execve,execveat")
    made = [line for line in text.splitlines() if re.search(r"\b(clone3?|v?fork)\(", line) and not re.search(r"= -1 ", line)]
    execs = [line for line in text.splitlines() if re.search(r"execve(at)?( resumed|\()", line) and line.rstrip().endswith("= 0")]
    assert len(made) == 1, made
    assert len(execs) == (3 if not SANITIZED else len(execs)), execs


def test_nothing_is_opened_without_close_on_exec(md, scratch):
    if SANITIZED:
        pytest.skip("the sanitizers' own files")
    text = traced(md, scratch, "-m 64m", "probe exit 0", "openat,openat2,open,socket,socketpair,memfd_create,pidfd_open,fsopen,fsmount,open_tree,pipe2,pipe,dup,dup2")
    bad = []
    mine = text[: text.rindex("/bin/probe")] if "/bin/probe" in text else text
    for line in mine.splitlines():
        if re.search(r"\b(openat2?|open)\(", line) and "O_CLOEXEC" not in line:
            bad.append(line)
        if re.search(r"\b(socket|socketpair)\(", line) and "SOCK_CLOEXEC" not in line:
            bad.append(line)
        if re.search(r"\b(pipe|dup)\(", line):
            bad.append(line)
    assert not bad, bad[:5]


def test_no_path_of_the_root_is_opened_by_name(md, scratch, rootfs):
    """Below the root everything goes through openat2 with RESOLVE_IN_ROOT (or the like) or a descriptor."""
    text = traced(md, scratch, "", "probe exit 0", "openat,open,mkdir,mkdirat,mknod,mknodat,mount,symlink,chown,chmod")
    bad = [line for line in text.splitlines() if f'"{rootfs}/' in line]
    assert not bad, bad[:5]
    assert not [line for line in text.splitlines() if re.search(r"\bmount\(.*\"(proc|sysfs|tmpfs)\"", line) and '"/' in line.split(",")[1]]
