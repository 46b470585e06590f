"""mydocker unshare: a command in the user namespace that the user's containers have."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import USER
from harness import Terminal, chown, private_mounts, values
from id_files import host, lines, owner, root, user  # noqa: F401: three are fixtures

pytestmark = pytest.mark.userns

SHOW = 'id -u; id -g; cat /proc/self/uid_map; echo; cat /proc/self/gid_map; echo; cat /proc/self/setgroups; readlink /proc/self/ns/user; readlink /proc/self/ns/mnt'


def sh(engine, script, *args, **kw):
    return engine.call("unshare", "sh", "-c", script, "sh", *args, **kw)


def start(engine, *args, **kw):
    return subprocess.Popen(engine.argv("unshare", *args), env=engine.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def namespaces():
    return [os.readlink(f"/proc/self/ns/{n}") for n in ("user", "mnt")]


@pytest.fixture
def folder(user, base):
    path = base / f"theirs-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir()
    chown(path, USER, USER)
    yield path
    shutil.rmtree(path, ignore_errors=True)


# ---- ids and files ----


def test_the_user_is_root_and_has_his_ids(user):
    text = sh(user, SHOW).ok().out
    uid, gid, uid_map, gid_map, rest = re.fullmatch(r"(\d+)\n(\d+)\n((?: .*\n)+)\n((?: .*\n)+)\n((?:.*\n)+)", text).groups()
    assert (uid, gid) == ("0", "0")
    assert lines(uid_map) == [[0, USER, 1], [1, 300000, 65536]] and lines(gid_map) == [[0, USER, 1], [1, 400000, 65536]]
    setgroups, *own = rest.split()
    assert setgroups == "allow" and own[0] not in namespaces() and own[1] not in namespaces()


def test_the_same_ids_as_a_container(user):
    inside = user.run("", "probe show ids").ok().values
    here = values(user.call("unshare", str(user.rootfs / "bin/probe"), "show", "ids").ok().out)
    for key in ("uid", "gid", "uid_map", "gid_map"):
        assert here[f"ids.{key}"] == inside[f"ids.{key}"]


def test_files_of_containers_are_looked_at_given_away_and_removed(user, folder):
    work = user.rootfs / "work"
    user.run("", "probe seq mkdir /work/d , write /work/d/f text , chown /work/d/f 5 6 , chown /work/d 5 6").ok()
    (work / "d").chmod(0o700)
    assert owner(work / "d") == (300004, 400005)
    assert subprocess.run([*user.prefix, "rm", "-r", str(work / "d")], capture_output=True, env=user.env).returncode != 0, "not for the user himself"
    r = sh(user, 'stat -c %u:%g "$1/f"; cat "$1/f"; chown 7:8 "$1/f"', work / "d").ok()
    assert r.out == "5:6\ntext" and owner(work / "d/f") == (300006, 400007)
    sh(user, 'chown -R 0:0 "$1"', work / "d").ok()
    assert owner(work / "d/f") == (USER, USER)
    sh(user, 'chown -R 65536:65536 "$1"; rm -r "$1"', work / "d").ok()
    assert not (work / "d").exists()


def test_ids_that_are_not_his_stay_out_of_reach(user, folder):
    (folder / "f").write_text("x")
    chown(folder / "f", 0, 0)
    (folder / "f").chmod(0o600)
    r = sh(user, 'stat -c %u "$1"; cat "$1"; chown 0 "$1"; chown 70000 "$2"', folder / "f", folder)
    assert r.out == "65534\n" and r.code == 1 and r.err.count("\n") == 3, r
    assert owner(folder / "f") == (0, 0) and owner(folder) == (USER, USER)


def test_every_capability_and_no_more_than_before_otherwise(user):
    text = sh(user, "cat /proc/self/status").ok().out
    status = dict(x.split(":\t", 1) for x in text.splitlines() if ":\t" in x)
    known = (1 << (int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1)) - 1
    assert [int(status[f"Cap{n}"], 16) for n in ("Prm", "Eff", "Bnd", "Inh", "Amb")] == [known, known, known, 0, 0]
    assert status["NoNewPrivs"] == "0" and status["SigBlk"] == "0" * 16


def test_mounts_stay_inside(user, folder):
    r = sh(user, 'mount -t tmpfs t "$1" && touch "$1/inside" && ls "$1" && grep -c " shared:" /proc/self/mountinfo', folder)
    assert r.out == "inside\n0\n", r
    assert not list(folder.iterdir()) and str(folder) not in Path("/proc/self/mountinfo").read_text()


def test_what_no_namespace_is_made_of_stays(user):
    kinds = ("net", "pid", "ipc", "uts", "cgroup")
    r = sh(user, "; ".join(f"readlink /proc/self/ns/{n}" for n in kinds)).ok()
    assert r.out.split() == [os.readlink(f"/proc/self/ns/{n}") for n in kinds]


# ---- without ranges ----


def test_without_ranges_there_is_one_id(user):
    for f in ("/etc/subuid", "/etc/subgid"):
        user.host.file(f, "somebody:1:2\n")
    r = sh(user, SHOW).ok()
    assert [x.split() for x in r.out.splitlines() if x.startswith(" ")] == [["0", str(USER), "1"]] * 2 and "deny" in r.out and not r.err, r


def test_a_range_that_cannot_be_had_is_a_warning(user):
    user.host.file("/etc/subgid", "somebody:1:2\n")
    r = sh(user, "cat /proc/self/uid_map").ok()
    assert lines(r.out) == [[0, USER, 1]]
    assert r.err == "mydocker: warning: only your own id is mapped: /etc/subgid has no line for 'tester'; add one, such as 'tester:100000:65536'\n"


@pytest.mark.parametrize("text, words", [("tester:1:2:3\n", "is not of the form"), (f"tester:{USER}:5\n", "contain the own id")], ids=["form", "own"])
def test_ranges_that_make_no_sense(user, text, words):
    user.host.file("/etc/subuid", text)
    user.call("unshare", "true").failed(125, "/etc/subuid", words)


def test_newuidmap_has_the_last_word(user):
    """It reads files other than those we have read."""
    program = user.host.file("/usr/bin/newuidmap", "#!/bin/sh\necho newuidmap: not today >&2\nexit 1\n")
    program.chmod(0o4755)
    user.prefix = [*user.host.prefix(), *user.as_user]
    user.call("unshare", "true").failed(125, "newuidmap: not today")


def test_the_one_who_writes_the_maps_is_killed(user):
    """By its parent's hand, as somebody short of memory would."""
    program = user.host.file("/usr/bin/newgidmap", "#!/bin/sh\nread -r _ _ _ parent _ </proc/$$/stat\nkill -9 $parent\n")
    program.chmod(0o4755)
    user.prefix = [*user.host.prefix(), *user.as_user]
    user.call("unshare", "true").failed(125, "the process that writes the id maps was ended by SIGKILL")


# ---- the command ----


@pytest.mark.parametrize("script, code", [("exit 0", 0), ("exit 7", 7), ("exit 125", 125)])
def test_exit_codes(user, script, code):
    r = sh(user, script)
    assert r.code == code and not r.err


def test_a_signal_is_the_command_s_end(user):
    """Nobody stands between it and the caller, who sees the signal itself: a shell makes 137 of it."""
    assert sh(user, "kill -9 $$").code == -signal.SIGKILL
    line = user.argv("unshare", "sh", "-c", "kill -9 $$")
    assert subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *line], env=user.env, capture_output=True).returncode == 137


@pytest.mark.parametrize(
    "command, code, words",
    [
        ("nosuch", 127, 'exec: "nosuch": executable file not found in $PATH'),
        ("/no/such", 127, 'exec: "/no/such": stat /no/such: no such file or directory'),
        ("", 127, "the name of the command is empty"),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied: it is not marked as executable'),
        ("/etc", 126, "it is a directory"),
    ],
)
def test_what_cannot_be_executed(user, command, code, words):
    user.call("unshare", command).failed(code, words)


def test_a_missing_interpreter(user, folder):
    (folder / "script").write_text("#!/no/such/interpreter\n")
    (folder / "script").chmod(0o755)
    r = user.call("unshare", str(folder / "script")).failed(127, 'its interpreter "/no/such/interpreter" does not exist')
    assert "container" not in r.err


def test_usage(user):
    user.call("unshare", "--what", "true").failed(125, "--what", "mydocker unshare --help")
    user.call("unshare", "--rootless-netns", "true").failed(125, "--rootless-netns", "not there yet")
    assert "[COMMAND [ARG...]]" in user.call("unshare", "--help").ok().out


def test_options_behind_the_command_are_its_own(user):
    assert user.call("unshare", "echo", "--help", "-D").ok().out == "--help -D\n"
    assert user.call("unshare", "--", "echo", "--", "x").ok().out == "-- x\n"


def test_shell_is_the_default_command(user):
    assert user.call("unshare", input=b"id -u; echo $0\n", env={"SHELL": "/bin/sh"}).ok().out == "0\n/bin/sh\n"
    assert user.call("unshare", input=b"text", env={"SHELL": "/bin/cat"}).ok().out == "text"
    assert user.call("unshare", input=b"echo $0\n", env={"SHELL": ""}).ok().out == "/bin/sh\n"
    assert "SHELL" not in user.env and user.call("unshare", input=b"echo $0\n").ok().out == "/bin/sh\n"
    user.call("unshare", env={"SHELL": "/no/such"}).failed(127, "/no/such")


def test_environment(user, folder):
    text = user.call("unshare", "env", "-0", env={"A": "b\nc", "MYDOCKER_ROOT": "/old", "MYDOCKER_STATE": "/old"}).ok().out
    got = dict(x.split("=", 1) for x in text.split("\0") if x)
    want = {**user.env, "A": "b\nc", "MYDOCKER_ROOT": str(user.root), "MYDOCKER_STATE": str(user.state)}
    assert {k: got.get(k) for k in want} == want and text.count("MYDOCKER_") == 2
    r = user.call("--root", str(folder / "r"), "--state", str(folder / "s"), "unshare", "sh", "-c", "echo $MYDOCKER_ROOT $MYDOCKER_STATE").ok()
    assert r.out == f"{folder}/r {folder}/s\n"
    assert not list(folder.iterdir()), "nothing is made"


def test_directory_umask_and_groups_are_the_caller_s(user, folder):
    argv = ["sh", "-c", 'cd "$1"; umask 027; shift; exec "$@"', "sh", str(folder), *user.argv("unshare", "sh", "-c", "pwd; umask; id -G")]
    p = subprocess.run(argv, env=user.env, capture_output=True, text=True)
    assert p.stdout == f"{folder}\n0027\n0\n", p
    user.prefix = [("--groups=29" if w == "--clear-groups" else w) for w in user.prefix]
    assert sh(user, "id -G").ok().out == "0 65534\n", "kept, and without a name inside"


def test_standard_streams_pass(user):
    r = sh(user, "cat; echo error >&2", input=b"x" * 100000).ok()
    assert r.stdout == b"x" * 100000 and r.err == "error\n"


def test_descriptors(user):
    """The caller's are the command's; of ours there is none."""
    in_, out = os.pipe()
    try:
        r = sh(user, "ls /proc/$$/fd", pass_fds=[out]).ok()
        assert r.out.split() == sorted(["0", "1", "2", str(out)]), r
    finally:
        os.close(in_)
        os.close(out)


def test_closed_standard_streams(user):
    p = subprocess.run(["sh", "-c", '"$@" <&- 2>&-', "sh", *user.argv("unshare", "sh", "-c", "stat -Lc %t:%T /proc/self/fd/0 /proc/self/fd/2; ls /proc/$$/fd; exit")],
                       env=user.env, capture_output=True, text=True)
    assert p.returncode == 0 and p.stdout == "1:3\n1:3\n0\n1\n2\n", p


def test_no_process_of_ours_is_left(user):
    """The command is who was started, and has no children: nobody waits in between, none is to be awaited."""
    p = start(user, "sh", "-c", "echo $$; read x; exit 3")
    assert int(p.stdout.readline()) == p.pid
    assert Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text() == ""
    out, err = p.communicate(b"\n", timeout=20)
    assert p.returncode == 3 and not out and not err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN + 3])
def test_signals_reach_the_command(user, number):
    p = start(user, "sh", "-c", f"trap 'echo got; exit 9' {int(number)}; echo ready; while :; do sleep 0.05; done")
    assert p.stdout.readline() == b"ready\n"
    p.send_signal(number)
    assert p.communicate(timeout=20)[0] == b"got\n" and p.returncode == 9


def test_interrupted_from_the_terminal(user):
    t = Terminal(user.argv("unshare", "sh", "-c", "test -t 0 && echo ready; exec sleep 60"), user.env)
    try:
        t.expect("ready")
        t.send(b"\x03")
        assert t.wait() == -signal.SIGINT
    finally:
        t.close()


@pytest.mark.parametrize("handler", ["SIG_IGN", "SIG_DFL"])
def test_a_caller_that_ignores_its_children_s_end(user, handler):
    """We have one, and the command finds the signal as the caller had it."""
    script = f"import os, signal, sys; signal.signal(signal.SIGCHLD, signal.{handler}); os.execvp(sys.argv[1], sys.argv[1:])"
    argv = [*user.prefix, sys.executable, "-c", script, *user.argv("unshare", "grep", "SigIgn", "/proc/self/status")[len(user.prefix):]]
    p = subprocess.run(argv, env=user.env, capture_output=True, text=True)
    assert p.returncode == 0 and not p.stderr, p
    assert bool(int(p.stdout.split()[1], 16) & 1 << (signal.SIGCHLD - 1)) == (handler == "SIG_IGN")


# ---- itself, inside ----


def test_nested_it_stays_where_it_is(user):
    program = str(user.program)
    r = sh(user, 'readlink /proc/self/ns/user /proc/self/ns/mnt; "$1" unshare readlink /proc/self/ns/user /proc/self/ns/mnt; "$1" unshare id -u', program).ok()
    a, b, c, d, e = r.out.split()
    assert (a, b) == (c, d) and e == "0"


def test_the_engine_inside_has_the_user_s_folders(user):
    """Its root is no root of the host's: what it knows is not in /run/mydocker."""
    assert user.run("--name lost", "/no/such").code == 127
    assert "(lost)" in user.call("unshare", str(user.program), "why").ok().out
    r = user.call("unshare", "env", "-u", "MYDOCKER_STATE", str(user.program), "why")
    assert r.code == 1 and "(lost)" not in r.out, r


def test_ordinary_users_do_not_listen_to_these_variables(user, folder):
    user.run("", "probe exit 0", env={"MYDOCKER_STATE": str(folder / "s"), "MYDOCKER_ROOT": str(folder / "r")}).ok()
    assert not list(folder.iterdir())


def test_inside_another_user_namespace_without_mounts_of_its_own(user):
    argv = [*user.prefix, "unshare", "--user", "--map-root-user", *user.argv("unshare", "cat", "/proc/self/uid_map")[len(user.prefix):]]
    p = subprocess.run(argv, env=user.env, capture_output=True, text=True)
    assert p.returncode == 0 and lines(p.stdout) == [[0, 0, 1]], p


# ---- those for whom it is not ----


@pytest.mark.root("it is about root")
def test_root_has_no_use_for_it(root, scratch):
    for env in ({}, {"MYDOCKER_STATE": str(scratch / "s")}):
        root.call("unshare", "true", env=env).failed(125, "unshare is for ordinary users", "run the command itself")


@pytest.mark.root("it is about root")
def test_the_host_s_root_does_not_listen_to_these_variables(md, scratch):
    argv = [str(md.program), "why"]
    p = subprocess.run(argv, env={**md.env, "MYDOCKER_STATE": str(scratch / "s")}, capture_output=True, text=True)
    assert str(scratch) not in p.stderr + p.stdout


def test_no_user_namespaces(user):
    sysctl = Path("/proc/sys/user/max_user_namespaces")
    for f in ("/etc/subuid", "/etc/subgid"):
        user.host.file(f, "somebody:1:2\n")
    r = subprocess.run([*user.prefix, "unshare", "--user", "--map-root-user", "sh", "-ec", f'echo 0 >{sysctl}; exec "$@"', "sh", *user.argv("unshare", "true")[len(user.prefix):]],
                       env=user.env, capture_output=True, text=True)
    assert r.returncode == 125 and r.stderr == "mydocker: make namespaces: the sysctl user.max_user_namespaces is 0, which switches them off: No space left on device\n", r


@pytest.mark.parametrize("mode, code", [(0o644, 0), (0o666, 125)])
def test_the_host_s_configuration_is_read_inside(user, base, mode, code):
    """Its owner, the host's root, has no id there."""
    etc = base / f"etc-{os.getpid()}-{time.monotonic_ns()}"
    (etc / "mydocker").mkdir(parents=True)
    for name in ("passwd", "subuid", "subgid"):
        shutil.copy(user.host.mounts[f"/etc/{name}"], etc / name)
    config = etc / "mydocker/config.json"
    config.write_text('{"run": {"hostname": "from-the-host"}}')
    config.chmod(mode)
    user.prefix = private_mounts(["sh", "-c", f'mount --bind {etc} /etc && exec "$0" "$@"', *user.as_user])
    r = sh(user, '"$@"', str(user.program), "explain", "run", "--rootfs", str(user.rootfs), "true")
    shutil.rmtree(etc)
    assert r.code == code and ('sethostname("from-the-host")' in r.out) == (code == 0), r
    assert ("can be written by others" in r.err) == (code != 0), r
