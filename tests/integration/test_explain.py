"""`explain` tells the truth: what it says is what strace(1) sees of the same start, and it does nothing itself."""
import json
import re
import shlex
import subprocess

import pytest

import harness
from harness import SANITIZED, strace

# Calls with an effect whose names and order must agree. Mounts are compared by their targets instead.
COMPARED = "mkdir mkdirat mknodat symlinkat clone3 execve execveat unshare sethostname setsid keyctl pivot_root umount2 setgroups setresgid setresuid seccomp rmdir flock memfd_create socketpair close_range".split()


def explain(md, opts, cmd):
    r = md.call("explain", "--format", "json", *md.run_argv(opts, cmd)[len(md.argv()):])
    return json.loads(r.ok().out)


def steps(story, *stages):
    return [s["call"] for stage in story["stages"] if not stages or stage["name"] in stages for s in stage["steps"]]


def trace(md, scratch, opts, cmd):
    """One list of lines for each process, unfinished calls joined; descriptors with their paths."""
    if SANITIZED:
        pytest.skip("the sanitizers' own calls")
    md.run(opts, cmd).ok()  # the folders that all containers share are there from now on
    p = subprocess.run([*strace("-ff", "-y", "-s", "4096", "-o", str(scratch / "trace")), *md.run_argv(opts, cmd)], capture_output=True, env=md.env, timeout=60, stdin=subprocess.DEVNULL)
    assert p.returncode == 0, p
    processes = sorted(scratch.glob("trace.*"), key=lambda f: int(f.suffix[1:]))
    return [[line for line in f.read_text(errors="replace").splitlines() if " = -1 E" not in line] for f in processes]


def names(lines, wanted):
    return [m[1] for line in lines if (m := re.match(r"(\w+)\(", line)) and m[1] in wanted]


def calls_of(texts, wanted):
    return [n for t in texts for n in re.findall(r"\b([a-z_0-9]+)\(", t) if n in wanted]


CASES = ["", "-m 64m --cpus 1 --name explained", "--uidmap 0:0:65536", "-u 1000:1000 --read-only --tmpfs /mnt", "--security-opt no-new-privileges --cap-drop ALL", "--network host --pid host --uts host --ipc host", "--tmpfs /work:tmpcopyup -v /etc:/v:ro,noexec --device /dev/null:/dev/x --device /dev/null:/y --mount type=devpts,dst=/p"]


def told_by(story, *sides):
    return [s["call"] for stage in story["stages"] if stage["side"] in sides for s in stage["steps"]]


@pytest.mark.parametrize("opts", CASES)
def test_the_calls_are_those_that_are_made(md, scratch, opts):
    story = explain(md, opts, "probe exit 0")
    parent, init = trace(md, scratch, opts, "probe exit 0")
    told = calls_of(told_by(story, "parent", "end"), COMPARED)
    told.remove("execveat")  # told with clone3, made by the new process
    assert told == names(parent[1:], COMPARED)
    wanted = set(COMPARED) - {"mkdirat"}  # mount points that the root lacks are made on the way
    told = ["execveat", *calls_of(told_by(story, "init"), wanted)]
    last = next(i for i, line in enumerate(init) if line.startswith("execve("))
    assert told == names(init[: last + 1], wanted)


@pytest.mark.parametrize("opts", CASES)
def test_mounts_are_those_that_are_made(md, scratch, rootfs, opts):
    story = explain(md, opts, "probe exit 0")
    _, init = trace(md, scratch, opts, "probe exit 0")
    seen = [m[1] for line in init if (m := re.match(r'move_mount\(.*?, "", \d+<(.*?)>,', line))]
    seen = [s.removeprefix(str(rootfs)) or "/" for s in seen]
    told = [m[1] for t in steps(story, "ROOT", "MOUNTS", "DEVICES", "TERMINAL", "MASKS") if (m := re.search(r'move_mount\((?:"[^"]*" -> )?"([^"]*)"\)', t))]
    told = [t.removeprefix(str(rootfs)) or "/" for t in told]
    masks = [t for t in steps(story, "MASKS") if "move_mount" in t]
    optional = [m[1] for t in masks if (m := re.search(r'"([^"]*)"', t))]
    told = [t for t in told if t not in optional or t in seen]
    assert told == seen


def test_it_does_nothing(md):
    md.call("explain", *md.run_argv("-m 64m --name nothing", "probe exit 0")[len(md.argv()):]).ok()
    assert not md.state.exists() and not md.root.exists()
    assert not [g for g in harness.all_groups() if md.state.name in g]


def test_options_of_the_container_are_told(md):
    story = explain(md, "-m 64m --pids-limit 77 -h here --sysctl net.ipv4.ip_forward=1", "probe exit 0")
    text = "\n".join(steps(story))
    for said in ('"67108864"', '"77"', 'sethostname("here")', 'write("/proc/sys/net/ipv4/ip_forward", "1")', 'execve("/bin/probe"'):
        assert said in text, said


def test_what_is_done_to_volumes_is_told(md, scratch):
    opts = ["-v", f"{scratch}:/v:U,ro,exec", "--mount", f"type=bind,src={scratch}/new,dst=/n,bind-create-src", "--tmpfs", "/t:tmpcopyup"]
    text = "\n".join(steps(explain(md, opts, "probe exit 0")))
    for said in (f'fchownat("{scratch}"), and all in it', f'mkdir("{scratch}/new")', "mount_setattr(RDONLY, RECURSIVE), mount_setattr(RDONLY, not NOEXEC), mount_setattr(PRIVATE|RECURSIVE), move_mount",
                 'the copy of what is there, fchownat(as what is there), fchmodat(as what is there), move_mount("/t")'):
        assert said in text, (said, text)
    assert not (scratch / "new").exists()


def test_a_shared_volume_is_opened_before_all_becomes_private(md, scratch):
    (scratch / "m").mkdir()
    argv = shlex.join(md.argv("explain", "--format", "json", *md.run_argv(["-v", f"{scratch}/m:/v:rslave"], "probe exit 0")[len(md.argv()):]))
    p = subprocess.run(harness.private_mounts(["sh", "-c", f"mount -t tmpfs t {scratch}/m && mount --make-shared {scratch}/m && {argv}"]), capture_output=True, env=md.env, timeout=40)
    opened = steps(json.loads(p.stdout), "OPEN")
    first = opened.index(f'open_tree("{scratch}/m", CLONE|RECURSIVE)')
    assert opened[first + 1] == 'mount("/", REC|PRIVATE)'


def test_the_story_is_for_people(md):
    text = md.call("explain", *md.run_argv("", "probe exit 0")[len(md.argv()):]).ok().out
    assert text.startswith("This is what would be done")
    for title in ("mydocker, on the host", "init, inside", "mydocker, while the command runs and after it"):
        assert f"\n{title}\n" in text
    assert "/mydocker/ID" in text


@pytest.mark.parametrize("words, message", [(["info"], "'info' cannot be explained, 'run' can"), (["nonsense"], "unknown command 'nonsense'")])
def test_only_run_is_explained(md, words, message):
    assert message in md.call("explain", *words).err


def test_mistakes_are_those_of_run(md):
    md.call("explain", "run", "--rootfs", "/nowhere", "x").failed(125, "/nowhere")
    md.call("run", "--explain=often", "--rootfs", "/", "x").failed(125, "--explain takes 'timed' or nothing, not 'often'")
    md.call("run", "--format", "json", "--rootfs", "/", "x").failed(125, "--format is for --explain")


TIMED = ["", "-m 64m --name timed", "--uidmap 0:0:65536", "--init"]


@pytest.mark.parametrize("opts", TIMED)
def test_a_timed_start_adds_up(md, opts):
    r = md.run(f"--explain=timed --format json {opts}", "probe exit 7")
    assert r.code == 7 and r.out == ""
    story = json.loads(r.err[r.err.index("{"):])
    took = {s["name"]: s["nanoseconds"] for s in story["stages"] if "nanoseconds" in s}
    parent = [s["nanoseconds"] for s in story["stages"] if s["side"] == "parent"]
    assert sum(parent) == story["nanoseconds"]  # one after the other, without a gap
    init = [s["nanoseconds"] for s in story["stages"] if s["side"] == "init"]
    assert sum(init) == sum(took[n] for n in ("SPAWN", "MAPPED", "FOLLOW"))  # from the clone to the exec, beside these three
    for name in ("LOOK", "RECORD", "GROUPS", "PROGRAM", "SPAWN", "FOLLOW", "START", "MOUNTS", "MASKS", "PIVOT", "PRIVILEGES", "EXEC"):
        assert took[name] > 0, name
    assert 0 < story["floor"]


def test_the_command_keeps_its_streams_when_timed(md):
    r = md.run("--explain=timed -i", "probe copy", input=b"through").ok()
    assert r.out == "through"
    assert "init, inside, while mydocker follows\n" in r.err and "the kernel's own floor" in r.err


def test_a_timed_start_that_fails_is_a_failed_start(md):
    md.run("--explain=timed", "/no/such/program").failed(127, "/no/such/program")
    assert md.left() == []
