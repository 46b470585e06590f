"""What the benchmarks of this folder share: running, timing in turn, and what machine it was."""
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def run(*argv, **kw):
    return subprocess.run([str(a) for a in argv], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw).stdout


def first_line(*argv):
    try:
        return run(*argv).strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def quiet(argv):
    return subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode == 0


def prepare_crun(work, argv):
    """crun refuses a hybrid host whose v2 tree has a controller. What is left over there is hugetlb: it moves away while somebody
    has it mounted as v1, for which a process in a mount namespace of its own is enough. It ends with us, and all is as before."""
    if quiet(argv):
        return True
    place = work / "hugetlb"
    place.mkdir()
    script = f"mount -t cgroup -o hugetlb bench {place} && echo ready && exec cat"
    holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return holder.stdout.readline() == b"ready\n" and quiet(argv)


def rotate(all_, rounds, rest, user=None):
    """{name: (median, p10, p90)} in milliseconds."""
    say(f"bench: {rounds} rounds, {'back to back' if not rest else f'{rest * 1000:.0f} ms of rest'} ...")
    out = run("/usr/bin/python3", HERE / "rotate.py", "-n", rounds, "-r", rest, *([] if user is None else ["-u", user]), *(f"{n}={shlex.join(a)}" for n, a in all_.items()))
    rows = re.findall(r"^(\S+) +median +([\d.]+) ms +p10 +([\d.]+) +p90 +([\d.]+)", out, re.M)
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    groups = "v2" if pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1" + (
        " and v2 (hybrid)" if pathlib.Path("/sys/fs/cgroup/unified").exists() else "")
    system = re.search(r'^PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text(), re.M)
    hypervisor = " (virtual machine)" if re.search(r"^flags.*\bhypervisor\b", pathlib.Path("/proc/cpuinfo").read_text(), re.M) else ""
    return f"{os.cpu_count()} CPUs {cpu[1] if cpu else platform.machine()}{hypervisor}, Linux {platform.release()}, cgroup {groups}, {system[1] if system else ''}"
