"""Whatever fails, and wherever a process dies: one line says so, and the next command leaves nothing of it."""
import os
import resource
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

import harness
from conftest import USER, user_namespaces_refused
from fail_points import Line, Walker, assert_effects_are_passed, record, record_sweep, try_point, try_sweep, walk
from id_files import Host
from image_fail_points import image_points, image_walkers  # noqa: F401, fixtures

PROGRAM = harness.MYDOCKER.parent.parent / "tests/fail/bin/mydocker"
USERNS = "--uidmap 0:100000:65536 --gidmap 0:100000:65536"
# With --rootfs / a mount of the host that cannot be shown is masked.
MASKED = ("mount_clone", "mount_set", "mount_idmap", "overlay_make_in_scratch", "overlay_mount", "upper_set", "overlay_check")
# The process that holds a new user namespace for others: its end tells nothing.
HOLDER = ("process_wait",)
LINES = [
    Line("plain", "", command="/bin/probe exit 3"),
    Line("fresh", "--cgroup-parent /fail-{name}/inner -w /new/folder --env-file {env_file} -v {file}:/new/file --mount type=bind,src={base}/made/source,dst=/home/../other,bind-create-src", fresh=True),
    Line("fresh-terminal", "-t", fresh=True, terminal=True),
    Line("limits", "--rm --name {name} -m 64m --cpus 0.5 --cpuset-cpus 0 --pids-limit 50 -v {folder}:/folder -v {others}:/others:O -v {file}:/file:ro --tmpfs /memory:size=1m"),
    Line("terminal", "-ti -u alice -w /new/folder", command="probe seq say hello , exit 3", terminal=True),
    Line("overlay", "--name {name}", rootfs="{rootfs}:O"),
    Line("host-root", "", command="sh -c 'exit 3'", rootfs="/", tolerated=MASKED),
    Line("read-only", "--read-only --network host --pid host --security-opt no-new-privileges --cap-add net_admin"),
    Line("userns", USERNS + " -v {folder}:/folder"),
    Line("userns-overlay", USERNS + " --name {name}", rootfs="{rootfs}:O"),
    Line("refused-limit", "--cpuset-mems 63", code=125),
    Line("missing-command", "--name {name} -m 64m", command="/no/such/program", code=127, rootfs="{rootfs}:O"),
    Line("wrong-mount", "--name {name} -v {file}:/etc", code=125),
    Line("init", "--init --domainname example.org --personality LINUX32 --oom-score-adj 500 --cidfile {base}/cid --pidfile {base}/pid"),
    Line("init-host-pids", "--init --pid host --security-opt seccomp=unconfined -u alice"),
    Line("copy-up", "--mount type=tmpfs,dst=/work,tmpcopyup --mount type=tmpfs,dst=/home -v {folder}:/folder:U -u alice", fresh=True),
    Line("privileged", "--privileged -m 64m --group-add sound", command="probe seq mkdir /sys/fs/cgroup/pids/inner , exit 3"),
    Line("survivors", "--name {name} --pid host -m 64m", command="probe seq spawn 70 , exit 3"),
    Line("deep-layer", "", command="probe seq mkdir a , mkdir a/b , mkdir a/b/c , write a/b/c/f text , exit 3", rootfs="{rootfs}:O"),
    Line("info", "", verb="info", command="", code=0, tolerated=("process_clone", "fd_write_text_at", *HOLDER)),  # it looks whether mounts can be id-mapped
    Line("unshare", "", verb="unshare", command="/bin/sh -c 'exit 3'", user=True, ids=True),
    Line("unshare-search", "", verb="unshare", command="sh -c 'exit 3'", user=True, ids=True),
    Line("user", "--pids-limit -1 --name {name} -v {folder}:/folder -v {file}:/file:ro --tmpfs /memory", user=True),
    Line("host-root-user", "--pids-limit -1", command="sh -c 'exit 3'", rootfs="/", user=True, tolerated=MASKED),
    Line("private", "--userns private -v {folder}:/folder -v {others}:/others:rprivate", ids=True, tolerated=HOLDER),
    Line("host-root-private", "--userns private", command="sh -c 'exit 3'", rootfs="/", ids=True, tolerated=(*MASKED, *HOLDER)),
    Line("auto", "--userns auto --name {name}", ids=True, rootfs="{rootfs}:O", tolerated=HOLDER),
    Line("user-ids", "--pids-limit -1 --name {name} -v {folder}:/folder", user=True, ids=True, rootfs="{rootfs}:O"),
    Line("timed", "--explain=timed --name {name}", reports=True, tolerated=("fd_write_all",)),  # the report
    Line("user-terminal", "-ti --pids-limit -1", user=True, terminal=True),
]
each_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)

# A point is reached in the same way in every build; sanitizers look at each kind of point, which is where code differs.
every_point = pytest.mark.skipif(harness.SANITIZED, reason="each kind of point is enough for the sanitizers")

pytestmark = [
    # clang inlines other functions than gcc does, and what may be tolerated is said by their names.
    pytest.mark.skipif(PROGRAM.parents[3].name.startswith("clang"), reason="the points are those of gcc's build"),
    pytest.mark.skipif(not PROGRAM.exists(), reason="this build has no programs with fail points"),
    pytest.mark.skipif(bool(user_namespaces_refused()), reason=user_namespaces_refused() or "none"),
]


@pytest.fixture(scope="module")
def fail_program(base):
    """Where ordinary users can reach it."""
    for part in ("bin", "libexec"):
        shutil.copytree(PROGRAM.parent.parent / part, base / "fail" / part)
    return base / "fail/bin/mydocker"


@pytest.fixture(scope="module")
def make_walkers(base, make_rootfs, fail_program):
    """make_walkers(line): two for each kind of user and host, made once."""
    made = {}
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # init dies by a fault

    def make(line):
        kind = line.user, line.ids
        if kind not in made:
            where = Path(tempfile.mkdtemp(prefix="walkers-", dir=base))
            where.chmod(0o755)
            host = Host(where / "host") if line.ids else None
            made[kind] = [Walker(where / f"w{i}-{os.getpid()}", make_rootfs, fail_program, USER if line.user else None, host) for i in range(2)]
        return made[kind]

    yield make
    for w in sum(made.values(), []):
        w.close()
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture(scope="module")
def recorded(make_walkers):
    """The points of all lines."""
    return {line.name: [record(w, line) for w in make_walkers(line)][0] for line in LINES}


def first_of_their_kind(points, *others):
    """Points that are like none of the others, and like none before them."""
    seen = {p.alike for other in others for p in other}
    return [p for p in points if p.alike not in seen and not seen.add(p.alike)]


def every_third(points):
    """What ./check has time for; test_every_point leaves none out, where it runs."""
    return points if harness.SANITIZED else points[::3]


def walk_all(make_walkers, recorded, line, points):
    last = {p.process: p for p in recorded[line.name]}
    jobs = [partial(try_point, line=line, point=p, how=how, last=last[p.process] == p) for p in points for how in p.hows()]
    walkers = make_walkers(line)
    for w in walkers:
        w.run(line)  # makes mount points
    wrong = walk(walkers, jobs)
    assert not wrong, f"{len(wrong)} of {len(jobs)}:\n" + "\n".join(wrong[:20])


SWEPT = [
    Line("everything", "--name {name} -m 64m --cgroup-parent /fail-{name}", command="probe seq mkdir a , mkdir a/b , mkdir a/b/c , write a/b/c/f x , say ready , sleep 60000", rootfs="{rootfs}:O"),
    Line("survivors", "--name {name} --pid host", command="probe seq spawn 5 , say ready , sleep 60000"),
    Line("user", "--pids-limit -1 --name {name}", command="probe seq say ready , sleep 60000", user=True),
]


each_swept = pytest.mark.parametrize("line", SWEPT, ids=lambda line: line.name)


def walk_sweep(make_walkers, line, choose):
    """Whatever happens to the command that cleans up, the one after it finishes the job."""
    walkers = make_walkers(line)
    points = choose([record_sweep(w, line) for w in walkers][0])
    jobs = [partial(try_sweep, line=line, point=p, how=how) for p in points for how in p.hows(sticky=True)]
    wrong = walk(walkers, jobs)
    assert not wrong, f"{len(wrong)} of {len(jobs)}:\n" + "\n".join(wrong[:20])


@pytest.mark.timeout(300)
@each_swept
def test_a_sweep_is_swept(make_walkers, recorded, line):
    walk_sweep(make_walkers, line, lambda points: every_third(first_of_their_kind(points, recorded["info"])))


@pytest.mark.full
@every_point
@pytest.mark.timeout(1200)
@each_swept
def test_a_sweep_is_swept_from_every_point(make_walkers, line):
    walk_sweep(make_walkers, line, list)


@pytest.mark.timeout(300)
@each_line
def test_each_kind_of_point(make_walkers, recorded, line):
    before = [recorded[other.name] for other in LINES[: LINES.index(line)]]
    walk_all(make_walkers, recorded, line, every_third(first_of_their_kind(recorded[line.name], *before)))


@pytest.mark.full
@every_point
@pytest.mark.timeout(1200)
@each_line
def test_every_point(make_walkers, recorded, line):
    walk_all(make_walkers, recorded, line, recorded[line.name])


# Calls with an effect that no line passes, by function, or by program (mydocker, init) and function.
UNREACHED = {
    "cgroup_v2_give": "cgroup v2 alone",
    "cid_file_make": "after its own failure",
    "out_of_memory": "the last words",
    "signalfd_set": "a signal while it starts",
    "begin": "the width of a terminal",
    "reaper": "a signal for the command of --init",
    "device_filter_attach": "cgroup v2 alone",
    "label_write": "a host with SELinux or AppArmor",
    "label_put": "the same",
    "selinux_files_label": "the same",
    "memfd_seal": "a descriptor that is busy for a moment",
    "grant_to_owner": "what an ordinary user has locked away from himself",
    "move_up": "the same",
    "stop_ourselves": "^Z",
    "tty_make_raw_again": "^Z",
    "wait_signals_block": "after its own failure",
    "device_make": "devices with an owner",
    "try": "a source that is in no cache of the kernel's: test_interrupt.py",
    "limit_set": "a limit that is above the caller's",
    "limit_try": "the same",
    "complain": "init, started by a stranger",
    "namespaces_join": "namespaces of others: mydocker-runtime",
    "joins_make": "the same",
    "joins_open": "the same",
    "offsets_write": "the same",
    "child_leave": "the same",
    "init process_clone": "the same",
    "process_unshare": "the same",
    "rootfs_move": "mydocker-runtime --no-pivot",
    "rootfs_enter": "a container without a mount namespace of its own: mydocker-runtime",
    "host_root_remove": "the same",
    "there_open": "network devices of the host: mydocker-runtime",
    "device_find": "the same",
    "addresses_list": "the same",
    "mydocker netlink_do": "the same",
    "resctrl_make": "a group of resctrl: mydocker-runtime, on a host that has such groups",
    "resctrl_remove": "the same",
    "file_write": "the same",
    "streams_give": "pipes for a command that is not root",
    "now_ms": "hooks: mydocker-runtime",
    "watch": "the same",
    "become": "the same",
    "init process_signal": "the same",
    "init process_has_ended": "the same",
    "init process_wait": "the same",
    "init fd_write_all": "the same",
    "unix_connect": "a seccomp listener: mydocker-runtime",
    "unix_send_fd": "the same",
    "scheduler_set": "mydocker-runtime",
    "scheduling_set": "the same",
    "memory_policy_set": "the same",
    "runtime_spawn": "the same: the CPUs of an exec",
    "runtime_limits_raise": "the same: limits above the caller's in a user namespace",
    "ambient_raise": "ambient capabilities, for which there is no option",
    "mount_fs_change": "the option remount: mydocker-runtime",
    "namespaces_join_outside": "mounts for a container that is there: mydocker-runtime",
    "mount_find": "the same",
    "mount_take_away": "the same",
    "helper_exec": "groups by systemd: mydocker-runtime",
    "request": "the same",
    "reply_read": "the same",
    "list_read": "addresses of network devices that are moved: mydocker-runtime",
    "wait_signals_word": "who joins namespaces: mydocker-runtime",
    "cpus_set": "the CPUs of an exec: mydocker-runtime",
    "beside_make": "after its own failure; who owns a file with passwords",
    "tty_hide_input": "login at a terminal: test_login.py",
    "helper_talk": "programs with passwords: test_registry_config.py",
    "helper_read": "the same",
    "sync_fail": "what cannot go on says so; the failures themselves are walked",
}


def test_every_call_with_an_effect_is_passed(make_walkers, recorded, image_points):
    """A new call, or a new way to an old one, needs a line that passes it."""
    assert_effects_are_passed(make_walkers(LINES[0])[0].places, sum([*recorded.values(), *image_points.values()], []), UNREACHED)
