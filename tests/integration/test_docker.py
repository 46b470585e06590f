"""Docker with mydocker-runtime in runc's place: an engine of the test's own, with its own network namespace, state and socket; and containerd alone."""
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from bundles import RUNTIME
from harness import Terminal, cgroup_mount, cgroup_mounts, wait_until

pytestmark = [pytest.mark.root("it runs dockerd"), pytest.mark.timeout(180)]
PARENT = f"test-docker-{os.getpid()}"
LOOP = "echo started; trap 'echo bye; exit 4' TERM; while :; do sleep 0.05; done"


def groups_are_gone():
    for p, _, _ in cgroup_mounts():
        for d in [*sorted((x for x in (p / PARENT).rglob("*") if x.is_dir()), reverse=True), p / PARENT] if (p / PARENT).exists() else []:
            with contextlib.suppress(OSError):
                d.rmdir()
    return not [p for p, _, _ in cgroup_mounts() if (p / PARENT).exists()]


def image_tar(where):
    """A root with busybox in it."""
    root = where / "root"
    for d in ("bin", "etc", "tmp"):
        (root / d).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "sleep", "echo", "cat", "id", "ls", "ps", "grep"):
        (root / "bin" / name).symlink_to("busybox")
    subprocess.run(["tar", "-C", root, "-cf", where / "image.tar", "."], check=True)
    return where / "image.tar"


@pytest.fixture(scope="module")
def place():
    """On a file system of its own, and with a short name: sockets are in it."""
    where = tempfile.mkdtemp(prefix="mydocker-docker-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", where], check=True)
    yield Path(where)
    subprocess.run(["umount", "-l", where], check=True)
    os.rmdir(where)
    wait_until(groups_are_gone)


class Docker:
    def __init__(self, where):
        self.env = {**os.environ, "DOCKER_HOST": f"unix://{where}/sock"}

    def __call__(self, *args, **kw):
        return subprocess.run(["docker", *args], capture_output=True, text=True, timeout=90, env=self.env, stdin=subprocess.DEVNULL, **kw)

    def run(self, *args):
        *options, command = args
        return self("run", "--rm", "--runtime", "ours", "--network", "none", *options, "bb", "/bin/sh", "-c", command)


@pytest.fixture(scope="module")
def docker(place):
    for program in ("dockerd", "docker", "busybox"):
        if not shutil.which(program):
            pytest.skip(f"needs {program}")
    argv = ["dockerd", "--data-root", place / "data", "--exec-root", place / "exec", "--pidfile", place / "pid", "-H", f"unix://{place}/sock", "--storage-driver", "vfs",
            "--iptables=false", "--ip6tables=false", "--bridge=none", "--cgroup-parent", f"/{PARENT}", "--default-ulimit", "nofile=1024:1024", "--add-runtime", f"ours={RUNTIME}"]
    with open(place / "log", "wb") as log:
        daemon = subprocess.Popen(["unshare", "-n", "-m", "--", *map(str, argv)], stdout=log, stderr=log, env={k: v for k, v in os.environ.items() if k != "DOCKER_HOST"})
    d = Docker(place)
    try:
        wait_until(lambda: d("version").returncode == 0 or daemon.poll() is not None, seconds=60, step=0.2)
        assert daemon.poll() is None, (place / "log").read_text()[-2000:]
        r = d("import", str(image_tar(place)), "bb")
        assert r.returncode == 0, r
        yield d
    finally:
        daemon.terminate()
        daemon.wait(60)


@pytest.fixture
def service(docker):
    r = docker("run", "-d", "--runtime", "ours", "--network", "none", "bb", "/bin/sh", "-c", LOOP)
    assert r.returncode == 0, r
    name = r.stdout.strip()
    wait_until(lambda: "started" in docker("logs", name).stdout)
    yield name
    assert docker("rm", "-f", name).returncode == 0


def test_run(docker):
    r = docker.run("-e", "A=b", "--hostname", "named", "echo $A; cat /proc/sys/kernel/hostname; exit 7")
    assert r.returncode == 7 and r.stdout == "b\nnamed\n", r


@pytest.mark.parametrize("command, code", [("/no/such", 127), ("nowhere", 127), ("/etc", 126)])
def test_a_command_that_cannot_run(docker, command, code):
    """Docker makes exit codes of the words of our errors."""
    r = docker("run", "--rm", "--runtime", "ours", "--network", "none", "bb", command)
    assert r.returncode == code, r


def test_from_start_to_end(docker, service):
    r = docker("exec", service, "/bin/sh", "-c", "echo inside; exit 5")
    assert r.returncode == 5 and r.stdout == "inside\n", r
    r = docker("exec", "-u", "7", "-w", "/tmp", "-e", "A=b", service, "/bin/sh", "-c", "echo $A $(id -u); pwd; echo again > /dev/stdout")
    assert r.returncode == 0 and r.stdout == "b 7\n/tmp\nagain\n", r
    r = docker("exec", service, "/no/such")
    assert r.returncode > 0 and 'exec failed: exec: "/no/such": stat /no/such: no such file or directory' in r.stdout + r.stderr, r
    assert "/bin/sh -c echo started" in docker("top", service).stdout
    assert docker("pause", service).returncode == 0
    assert docker("inspect", "-f", "{{.State.Status}}", service).stdout == "paused\n"
    assert docker("unpause", service).returncode == 0
    assert docker("stop", "-t", "10", service).returncode == 0
    assert "bye" in docker("logs", service).stdout and docker("inspect", "-f", "{{.State.ExitCode}}", service).stdout == "4\n"
    assert docker("start", service).returncode == 0 and docker("kill", service).returncode == 0
    wait_until(lambda: docker("inspect", "-f", "{{.State.ExitCode}}", service).stdout == "137\n")


def test_terminals(docker, service):
    for argv in (["docker", "run", "--rm", "-it", "--runtime", "ours", "--network", "none", "bb", "/bin/sh", "-c", "test -t 0 && echo on one"],
                 ["docker", "exec", "-it", service, "/bin/sh", "-c", "test -t 1 && echo on one"]):
        t = Terminal(argv, docker.env)
        try:
            assert t.wait() == 0 and "on one" in t.text, t.text
        finally:
            t.close()


@pytest.mark.full
def test_limits_and_privileges(docker):
    r = docker.run("-m", "50m", "--memory-swap", "50m", "--pids-limit", "30", "--cpus", "0.5", "--cpuset-cpus", "0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                   "grep -E '^(CapBnd|NoNewPrivs)' /proc/self/status")
    assert r.returncode == 0 and r.stdout.split() == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1"], r
    r = docker.run("--privileged", "--read-only", "echo x > /x || echo refused")
    assert r.returncode == 0 and r.stdout == "refused\n", r
    r = docker.run("--tmpfs", "/t", "--device", "/dev/null:/dev/n", "--ulimit", "nofile=100:200", "--oom-score-adj", "500", "echo x > /t/x; ls /dev/n; ulimit -n; cat /proc/self/oom_score_adj")
    assert r.returncode == 0 and r.stdout == "/dev/n\n100\n500\n", r
    for kind in ("pid", "ipc", "uts"):
        assert docker.run(f"--{kind}", "host", "echo there").stdout == "there\n", kind


@pytest.mark.full
def test_update(docker, service):
    """It sends all that it knows of the container, each time."""
    def value(controller, v1, v2):
        group = cgroup_mount(controller) / PARENT / service
        return (group / (v1 if (group / v1).exists() else v2)).read_text().split()[0]

    for options, limit, pids in ((["--memory", "50m", "--memory-swap", "100m", "--cpus", "0.5", "--pids-limit", "30"], 50, "30"), (["--memory", "90m"], 90, "30"),
                                 (["--memory", "200m", "--memory-swap", "200m", "--cpuset-cpus", "0", "--pids-limit", "-1"], 200, "max"), (["--memory", "40m", "--memory-swap", "-1", "--cpu-shares", "300"], 40, "max")):
        r = docker("update", *options, service)
        assert r.returncode == 0, r
        assert (value("memory", "memory.limit_in_bytes", "memory.max"), value("pids", "pids.max", "")) == (str(limit << 20), pids)
    assert value("cpu", "cpu.cfs_quota_us", "cpu.max") == "50000" and value("cpuset", "cpuset.cpus", "") == "0"
    r = docker("update", "--memory", "1g", "--memory-swap", "900m", service)
    assert r.returncode != 0


@pytest.mark.full
def test_its_init(docker):
    r = docker.run("--init", "ps")
    assert r.returncode == 0 and "docker-init" in r.stdout, r


@pytest.mark.full
def test_stats(docker, service):
    wait_until(lambda: int(docker("stats", "--no-stream", "--format", "{{.PIDs}}", service).stdout) >= 1)  # 0 until docker has asked once


# ---- containerd alone ----


@pytest.fixture(scope="module")
def ctr(place):
    for program in ("containerd", "ctr", "busybox"):
        if not shutil.which(program):
            pytest.skip(f"needs {program}")
    where = place / "containerd"
    where.mkdir()
    (where / "config.toml").write_text(f'version = 2\nroot = "{where}/root"\nstate = "{where}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "{where}/sock"\n')
    with open(where / "log", "wb") as log:
        daemon = subprocess.Popen(["containerd", "--config", where / "config.toml"], stdout=log, stderr=log)
    call = lambda *args: subprocess.run(["ctr", "-a", where / "sock", *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: call("version").returncode == 0 or daemon.poll() is not None, seconds=60, step=0.2)
        assert daemon.poll() is None, (where / "log").read_text()[-2000:]
        if not (place / "root").exists():
            image_tar(place)
        yield call
    finally:
        daemon.terminate()
        daemon.wait(60)


def run_words(place, option):
    return ["run", option, "--runc-binary", str(RUNTIME), "--runc-root", str(place / "ours"), "--cgroup", f"/{PARENT}/ctr", "--rootfs", str(place / "root"), "one"]


def test_containerd(ctr, place):
    r = ctr(*run_words(place, "--rm"), "/bin/sh", "-c", "echo by containerd; exit 7")
    assert r.returncode == 7 and r.stdout == "by containerd\n", r


@pytest.mark.full
def test_containerd_tasks(ctr, place):
    assert ctr(*run_words(place, "-d"), "/bin/sh", "-c", LOOP).returncode == 0
    try:
        r = ctr("task", "exec", "--exec-id", "x", "one", "/bin/sh", "-c", "echo inside")
        assert r.returncode == 0 and r.stdout == "inside\n", r
        assert len(ctr("task", "ps", "one").stdout.splitlines()) >= 2
        assert ctr("task", "pause", "one").returncode == 0 and "PAUSED" in ctr("task", "ls").stdout
        assert ctr("task", "resume", "one").returncode == 0 and "RUNNING" in ctr("task", "ls").stdout
    finally:
        ctr("task", "kill", "-s", "SIGKILL", "one")
        wait_until(lambda: "RUNNING" not in ctr("task", "ls").stdout)
        ctr("task", "rm", "one")
        ctr("container", "rm", "one")
