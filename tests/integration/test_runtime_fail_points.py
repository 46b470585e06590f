"""mydocker-runtime: whatever fails, and wherever it or init dies: one `delete --force` and nothing is left."""
import resource
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

import harness
from conftest import USER, user_namespaces_refused
from fail_points import assert_effects_are_passed, walk
from runtime_fail_points import EVERY_DAMAGE, RuntimeWalker, Step, ambient, asking, full, has_said_all, hooked, joined, mapped, moved, own, plain, ready, record_step, scheduled, terminal, try_step, unmounted
from test_fail_points import every_point, first_of_their_kind

PROGRAM = harness.MYDOCKER.parent.parent / "tests/fail/bin/mydocker-runtime"
CREATE = "create -b {base} c1"
RUNNING = (CREATE, "start c1")
CONSOLE = "--console-socket {console_path}"
MOUNTS_ADD = "mounts add c1 {base}/mounts.json"
CRIU = "--image-path {base}/images --work-path {base}/criu-work"
CHECKPOINT = f"--criu {{criu}} checkpoint {CRIU} c1"
RESTORE = f"--criu {{criu}} restore -d -b {{base}} {CRIU} c1"
NOTIFIED = (("NOTIFY_SOCKET", "{base}/manager"),)
STOPPED = ("run --keep -b {base} c1",)
STEPS = [
    Step("create", "create -b {base} --pid-file {base}/pid c1"),
    Step("create-full", "--log {base}/log --log-format json create --pidfd-socket {console_path} -b {base} c1", bundle=full),
    Step("create-hooked", CREATE, bundle=hooked),
    Step("create-joined", CREATE, bundle=joined),
    Step("create-terminal", f"create {CONSOLE} -b {{base}} c1", bundle=terminal),
    Step("create-asking", CREATE, bundle=asking),
    Step("create-mapped", CREATE, bundle=mapped),
    Step("create-ambient", "create --no-pivot --no-new-keyring -b {base} c1", bundle=ambient),
    Step("create-user", CREATE, bundle=own, user=True),
    Step("start", "start c1", before=(CREATE,)),
    Step("start-hooked", "start c1", bundle=hooked, before=(CREATE,)),
    Step("start-user", "start c1", bundle=own, before=(CREATE,), user=True),
    Step("run", "run -b {base} c1", command="exit 3", code=3),
    Step("run-hooked", "run -b {base} --pid-file {base}/pid c1", bundle=hooked, command="exit 0"),
    Step("run-detached", f"run -d {CONSOLE} -b {{base}} c1", bundle=terminal),
    Step("run-kept", "run --keep -b {base} c1", bundle=full, command="exit 3", code=3),
    Step("exec", "exec --pid-file {base}/pid c1 /bin/probe exit 4", before=RUNNING, code=4, failure=255),
    Step("exec-full", "exec -d --cgroup / c1 /bin/probe sleep 60000", bundle=full, before=RUNNING, failure=255),
    Step("exec-terminal", f"exec -d -t {CONSOLE} c1 /bin/probe sleep 60000", bundle=terminal, before=(f"create {CONSOLE} -b {{base}} c1", "start c1"), failure=255),
    Step("exec-asking", "exec c1 /bin/probe exit 4", bundle=asking, before=RUNNING, code=4, failure=255),
    Step("exec-user", "exec c1 /bin/probe exit 4", bundle=own, before=RUNNING, code=4, failure=255, user=True),
    Step("kill", "kill c1 USR1", before=(CREATE,)),
    Step("kill-all", "kill --all c1 KILL", before=RUNNING, tolerated=("fd_write_text_at freezer.state",)),
    Step("pause", "pause c1", before=RUNNING),
    Step("resume", "resume c1", before=(*RUNNING, "pause c1")),
    Step("update", "update --memory 128m --pids-limit 60 c1", bundle=full, before=RUNNING),
    Step("update-read", "update -r - c1", bundle=full, before=RUNNING, stdin='{"cpu":{"shares":100}}'),
    Step("delete", "delete -f c1", before=RUNNING),
    Step("delete-created", "delete c1", before=(CREATE,)),
    Step("delete-paused", "delete -f c1", before=(*RUNNING, "pause c1")),
    Step("delete-hooked", "delete -f c1", bundle=hooked, before=RUNNING),
    Step("delete-stopped", "delete c1", bundle=full, before=STOPPED, command="exit 0"),
    Step("delete-user", "delete -f c1", bundle=own, before=RUNNING, user=True),
    Step("create-moved", CREATE, bundle=moved),
    Step("create-scheduled", CREATE, bundle=scheduled),
    Step("create-unmounted", CREATE, bundle=unmounted),
    Step("exec-scheduled", "exec c1 /bin/probe exit 4", bundle=scheduled, before=RUNNING, code=4, failure=255, tolerated=("runtime_spawn",)),
    Step("run-ready", "run -d -b {base} c1", bundle=ready, env=NOTIFIED),
    Step("start-ready", "start c1", bundle=ready, before=(CREATE,), env=NOTIFIED),
    Step("mounts-add", MOUNTS_ADD, before=RUNNING),
    Step("mounts-remove", "mounts remove c1 {base}/mounts.json", before=(*RUNNING, MOUNTS_ADD)),
    Step("checkpoint", CHECKPOINT, before=RUNNING),
    Step("checkpoint-running", "--criu {criu} checkpoint --image-path {base}/images --leave-running c1", before=RUNNING),
    Step("restore", RESTORE, before=(*RUNNING, CHECKPOINT)),
    Step("checkpoint-mapped", CHECKPOINT, bundle=mapped, before=RUNNING),
    Step("ps", "ps c1", before=RUNNING),
    Step("state", "state c1", before=RUNNING),
    Step("list", "list", before=RUNNING),
    Step("events", "events --stats c1", before=RUNNING),
    Step("features", "features"),
    Step("explain", "explain -b {base} c1"),
]
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)

pytestmark = [
    pytest.mark.root("control groups, and namespaces of others"),
    pytest.mark.skipif(PROGRAM.parents[3].name.startswith("clang"), reason="the points are those of gcc's build"),
    pytest.mark.skipif(not PROGRAM.exists(), reason="this build has no programs with fail points"),
    pytest.mark.skipif(bool(user_namespaces_refused()), reason=user_namespaces_refused() or "none"),
]


@pytest.fixture(scope="module")
def runtime_program(base):
    """Where ordinary users can reach it."""
    for part in ("bin", "libexec"):
        shutil.copytree(PROGRAM.parent.parent / part, base / "runtime-fail" / part)
    return base / "runtime-fail/bin/mydocker-runtime"


@pytest.fixture(scope="module")
def make_runtime_walkers(base, make_rootfs, runtime_program):
    """make_runtime_walkers(step): two for each kind of user, made once."""
    made = {}
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # init dies by a fault

    def make(step):
        if step.user not in made:
            where = Path(tempfile.mkdtemp(prefix="runtime-walkers-", dir=base))
            where.chmod(0o755)
            made[step.user] = [RuntimeWalker(where / f"r{i}-{Path(where).name[-8:]}", make_rootfs, runtime_program, USER if step.user else None) for i in range(2)]
        return made[step.user]

    yield make
    for w in sum(made.values(), []):
        w.close()
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture(scope="module")
def recorded_steps(make_runtime_walkers):
    """The points of each step, when they are first asked for."""
    known = {}

    def points(step):
        if step.name not in known:
            known[step.name] = record_step(make_runtime_walkers(step)[0], step)
        return known[step.name]

    return points


def damage_of(n, how):
    """Which file is damaged after the n-th point: after a death mostly one, each in turn."""
    return EVERY_DAMAGE[n % len(EVERY_DAMAGE)] if how != "fail" and n % (len(EVERY_DAMAGE) + 1) < len(EVERY_DAMAGE) else None


def walk_all(make_runtime_walkers, recorded_steps, step, choose, damages):
    points = recorded_steps(step)
    jobs = [partial(try_step, step=step, point=p, how=how, last=has_said_all(points, p, how), damaged=d)
            for n, (p, how) in enumerate((p, how) for p in choose(points) for how in p.hows()) for d in damages(n, how)]
    wrong = walk(make_runtime_walkers(step), jobs)
    assert not wrong, f"{len(wrong)} of {len(jobs)}:\n" + "\n".join(wrong[:20])


SAMPLED = ("create", "start", "exec", "delete")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", [s for s in STEPS if s.name in SAMPLED], ids=lambda step: step.name)
def test_a_sample_of_points(make_runtime_walkers, recorded_steps, step):
    walk_all(make_runtime_walkers, recorded_steps, step, lambda points: [p for p in points if p.kind != "OWN"][::15], lambda n, how: [damage_of(n, how)])


@pytest.mark.full
@pytest.mark.timeout(1200)
@each_step
def test_each_kind_of_runtime_point(make_runtime_walkers, recorded_steps, step):
    before = [recorded_steps(other) for other in STEPS[: STEPS.index(step)]]
    walk_all(make_runtime_walkers, recorded_steps, step, lambda points: first_of_their_kind(points, *before), lambda n, how: [damage_of(n, how)])


@pytest.mark.full
@every_point
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("step", [s for s in STEPS if s.name in SAMPLED], ids=lambda step: step.name)
def test_every_runtime_point(make_runtime_walkers, recorded_steps, step):
    walk_all(make_runtime_walkers, recorded_steps, step, list, lambda n, how: [damage_of(n, how)])


@pytest.mark.full
@every_point
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["create-full", "start", "exec", "delete"])
def test_every_damage_after_a_death(make_runtime_walkers, recorded_steps, name):
    """Each file in each way, after each death beside what is outside."""
    step = next(s for s in STEPS if s.name == name)
    walk_all(make_runtime_walkers, recorded_steps, step, lambda points: [p for p in points if p.kind == "OUT"], lambda n, how: EVERY_DAMAGE if how == "die-after" else [])


# Calls with an effect that no step passes, by function, or by program (runtime, init) and function.
UNREACHED = {
    "link_copy": "a copied folder with something in it: test_fail_points.py",
    "below_copy": "the same",
    "content_make": "the same",
    "entry_copy": "the same",
    "upper_set": "a layer over the root: mydocker",
    "overlay_mount": "the same",
    "overlay_make_in_scratch": "the same",
    "empty_root_make": "the same",
    "privileges_reduce": "the reaper of --init: mydocker",
    "reaper_leave": "the same",
    "settle": "the same",
    "filter_load": "the same",
    "reaper": "the same",
    "reap": "the same",
    "leave": "the same",
    "names_lock": "names: mydocker",
    "names_unlock": "the same",
    "name_remove": "the same",
    "grant_to_owner": "what goes with a layer: mydocker",
    "move_up": "the same",
    "first_level": "the same",
    "label_write": "a host with SELinux or AppArmor",
    "label_put": "the same",
    "limit_set": "a limit that is above the caller's",
    "limit_try": "the same",
    "runtime_limits_raise": "the same, in a user namespace",
    "complain": "init, started by a stranger",
    "sync_fail": "what cannot go on says so; the failures themselves are walked",
    "search_exec": "a command that is found at the end alone",
    "slave_set": "the size of a terminal: a caller that has one",
    "streams_give": "pipes for a command that is not root",
    "tty_make_raw": "run in the foreground with a terminal: test_fail_points.py",
    "tty_restore": "the same",
    "tty_make_raw_again": "the same",
    "tty_copy_size": "the same",
    "stop_ourselves": "^Z",
    "begin": "the width of a terminal",
    "timeline_now": "--debug: what it took",
    "timeline_make": "the same",
    "become": "after its own failure",
    "child_main": "the same",
    "become_ps": "the same",
    "wait_signals_block": "the same",
    "init process_signal": "a hook that does not end in time",
    "init process_has_ended": "the same",
    "mount_fs_change": "the option remount",
    "mount_fs_set_pair": "after `mounts add` of a file system with more than these options",
    "mount_fs_set": "the same",
    "mount_idmap": "id-mapped mounts",
    "make_last": "a mount point that only the parent makes",
    "walk_make": "the same",
    "oom_await": "events without --stats end with the container",
    "follow": "the same",
    "loopback_up": "a restored network namespace",
    "file_remove": "damaged files: they are damaged after the point",
    "host_root_remove": "a root that is mounted for all to see",
    "try": "sources that init cannot reach",
    "reply_read": "groups by systemd: a host that it runs",
    "request": "the same",
    "helper_exec": "the same; newuidmap: who has subordinate ids",
    "stay": "a user namespace that is joined",
    "remove_below": "groups in a container's group",
    "cgroup_remove": "the same",
    "cgroup_make": "after its own failure",
    "cgroup_freeze": "a freezer that takes a moment",
    "cgroup_v2_give": "cgroup v2 alone",
    "device_filter_attach": "cgroup v2 alone",
    "memfd_seal": "a descriptor that is busy for a moment",
    "file_write": "resctrl: a host that has such groups",
    "resctrl_make": "the same",
    "resctrl_remove": "the same",
    "signalfd_set": "a signal while it starts",
    "out_of_memory": "the last words",
    "line": "the writing of a warning",
}


@pytest.mark.full
@pytest.mark.timeout(600)
def test_every_call_of_the_runtime_with_an_effect_is_passed(make_runtime_walkers, recorded_steps):
    """A new call, or a new way to an old one, needs a step that passes it."""
    assert_effects_are_passed(make_runtime_walkers(STEPS[0])[0].places, [p for step in STEPS for p in recorded_steps(step)], UNREACHED)
