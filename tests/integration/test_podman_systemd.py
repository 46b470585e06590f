"""podman with systemd's groups, as it does by default: as root with the system's systemd, as an ordinary user with that of his session."""
import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import cgroup_v2_only, wait_until
from test_podman import LOOP, Podman, small_root
from test_systemd import BOOTED, ROOT, is_there, show

pytestmark = [pytest.mark.timeout(120), pytest.mark.skipif(not BOOTED, reason="this host is not run by systemd; tests/vm has a machine that is"),
              pytest.mark.skipif(not ROOT and not cgroup_v2_only(), reason="an ordinary user's systemd gives no groups of cgroup v1")]
M = 1 << 20


def end_of_pause():
    """The process that keeps podman's user namespace for who is not root."""
    file = Path(f"/run/user/{os.geteuid()}/libpod/tmp/pause.pid")
    if not ROOT and file.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGKILL)


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    where = tmp_path_factory.mktemp("podman")
    yield Podman(where, small_root(where), "systemd")
    end_of_pause()
    if not ROOT:  # what a container has written is owned by ids of its own
        subprocess.run(["podman", "unshare", "rm", "-rf", str(where / "store")], check=True, stdin=subprocess.DEVNULL)
        end_of_pause()


def argv(podman, *args):
    *options, command = args
    return ["run", "--network", "none", *options, "--rootfs", str(podman.root), "/bin/sh", "-c", command]


def test_in_a_scope_of_its_own(podman):
    """In podman's usual slice, with the limits as properties of the unit and in the files; pause, update and exec find it; nothing stays."""
    r = podman(*argv(podman, "-d", "-m", "64m", "--pids-limit", "33", "--cpus", "0.5", LOOP))
    assert r.returncode == 0, r
    name = r.stdout.strip()
    unit = f"libpod-{name}.scope"
    try:
        s = show("Slice", "SubState", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "Delegate", "ControlGroup", unit=unit)
        group = Path("/sys/fs/cgroup" + s.pop("ControlGroup"))
        assert s == {"Slice": "machine.slice" if ROOT else "user.slice", "SubState": "running", "MemoryMax": str(64 * M), "TasksMax": "33",
                     "CPUQuotaPerSecUSec": "500ms", "Delegate": "yes"}, s
        pid = int(podman("inspect", "-f", "{{.State.Pid}}", name).stdout)
        assert unit in Path(f"/proc/{pid}/cgroup").read_text()
        if cgroup_v2_only():
            assert [p for p in [group, *group.rglob("*")] if p.is_dir() and str(pid) in (p / "cgroup.procs").read_text().split()]
            assert (group / "memory.max").read_text() == f"{64 * M}\n" and (group / "pids.max").read_text() == "33\n"
        r = podman("exec", name, "/bin/sh", "-c", "cat /proc/self/cgroup; exit 5")
        assert r.returncode == 5, r
        assert podman("pause", name).returncode == 0
        assert podman("inspect", "-f", "{{.State.Status}}", name).stdout == "paused\n"
        assert podman("unpause", name).returncode == 0
        r = podman("stats", "--no-stream", "--format", "json", name)
        assert r.returncode == 0 and json.loads(r.stdout)[0]["id"] in name, r
        r = podman("update", "--memory", "96m", name)
        assert r.returncode == 0 and show("MemoryMax", unit=unit) == {"MemoryMax": str(96 * M)}, r
        r = podman("stop", "-t", "10", name)
        assert r.returncode == 0 and podman("inspect", "-f", "{{.State.ExitCode}}", name).stdout == "4\n", r
    finally:
        assert podman("rm", "-f", "-t", "0", name).returncode == 0
    wait_until(lambda: not is_there(unit))


def test_again_at_once(podman):
    """The unit's name is free as soon as the container is at its end."""
    r = podman(*argv(podman, "-d", "echo started; exit 3"))
    name = r.stdout.strip()
    try:
        assert r.returncode == 0, r
        for _ in range(2):
            assert podman("wait", name).stdout == "3\n"
            r = podman("start", name)
            assert r.returncode == 0, r
    finally:
        assert podman("rm", "-f", "-t", "0", name).returncode == 0
