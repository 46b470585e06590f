"""Configuration files: defaults of options, whose files count, and what is wrong with them."""
import json
import os
import shutil
import subprocess

import pytest

from conftest import USER
from harness import SANITIZED, chown, errno_of, netstrings, private_mounts, strace

SYSTEM = "/etc/mydocker/config.json"


def own_file(engine, content, mode=0o644):
    """The user's own configuration file."""
    path = engine.base / "config/mydocker/config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def files_of(engine, *options, **kw):
    return json.loads(engine.call(*options, "info", "--format", "json", **kw).ok().out)["ConfigurationFiles"]


@pytest.fixture
def system_file(md, scratch):
    """system_file(content): md sees an /etc of its own, with this configuration in it."""
    etc = scratch / "etc"
    (etc / "mydocker").mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", etc / name)

    def make(content, mode=0o644):
        path = etc / "mydocker/config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        inside = f'mount --bind {etc} /etc && exec "$0" "$@"'
        md.prefix = private_mounts(["sh", "-c", inside])
        return path

    return make


def hostname(result):
    return result.ok().values["host.name"]


def variables(result):
    return [v for v in netstrings(result.ok().stdout) if v.startswith((b"A=", b"B=", b"C="))]


# ---- what counts ----


def test_defaults_reach_the_container(md):
    own_file(md, {"run": {"hostname": "box", "read-only": True, "workdir": "/work", "env": ["A=from file"]}})
    v = md.run("", "probe show host").ok().values
    assert v["host.name"] == "box" and v["host.cwd"] == "/work"
    assert b"A=from file" in variables(md.run("", "probe env"))
    assert errno_of(md.run("", "probe write /new x").out) == "EROFS"
    assert errno_of(md.run("--read-only=false", "probe write /new x").ok().out) is None


def test_the_command_line_wins_and_lists_collect(md):
    own_file(md, {"run": {"hostname": "box", "env": ["A=1", "B=1"]}})
    assert hostname(md.run("-h other", "probe show host")) == "other"
    assert variables(md.run("-e A=2 -e C=3", "probe env")) == [b"A=2", b"B=1", b"C=3"]


def test_even_the_root_can_have_a_default(md):
    own_file(md, {"run": {"rootfs": str(md.rootfs)}})
    r = md.call("run", "/bin/probe", "exit", "7")
    assert r.code == 7


def test_the_users_file_counts_more_than_the_systems(md, system_file):
    path = system_file({"run": {"hostname": "system", "workdir": "/work", "env": ["A=1"]}})
    own = own_file(md, {"run": {"hostname": "own", "env": ["B=2"]}})
    v = md.run("", "probe show host").ok().values
    assert v["host.name"] == "own" and v["host.cwd"] == "/work"
    assert variables(md.run("", "probe env")) == [b"A=1", b"B=2"]
    assert files_of(md) == [SYSTEM, str(own)]
    own_file(md, {"run": {"env": None}})
    assert variables(md.run("", "probe env")) == []
    assert path.exists()


def test_config_replaces_both(md, system_file, scratch):
    system_file({"run": {"hostname": "system"}})
    own_file(md, {"run": {"hostname": "own"}})
    (scratch / "third.json").write_text('{"run": {"workdir": "/work"}}')
    assert files_of(md, "--config", str(scratch / "third.json")) == [str(scratch / "third.json")]
    assert files_of(md, "--config", "") == []
    real = md.argv
    md.argv = lambda *args: real("--config", str(scratch / "third.json"), *args)
    v = md.run("", "probe show host").ok().values
    assert v["host.cwd"] == "/work" and v["host.name"] not in ("system", "own")


def test_a_default_can_be_left_out(md):
    own_file(md, {"run": {"hostname": "box", "cap-drop": ["ALL"], "memory": "nonsense"}})
    real = md.argv
    md.argv = lambda *args: real("--no-default", "run.cap-drop", "--no-default=run.memory", *args)
    assert int(md.run("", "probe show caps").ok().values["caps.eff"], 16) != 0
    assert hostname(md.run("", "probe show host")) == "box"


def test_explain_knows_the_defaults_of_run(md):
    own_file(md, {"run": {"hostname": "box"}})
    args = ["--rootfs", str(md.rootfs), "/bin/probe", "exit", "0"]
    assert 'sethostname("box")' in md.call("explain", "run", *args).ok().out
    assert 'sethostname("box")' not in md.call("--no-default", "run", "explain", "run", *args).ok().out
    path = own_file(md, {"run": {"memory": "1m"}})
    md.call("explain", "run", *args).failed(125, f"'{path}', line 1: --memory is too small")


def test_global_options_have_defaults_too(md, scratch):
    md.own_dirs = False
    own_file(md, {"state": str(scratch / "state"), "root": str(scratch / "root")})
    v = json.loads(md.call("info", "--format", "json").ok().out)
    assert (v["StateDir"], v["DockerRootDir"]) == (str(scratch / "state"), str(scratch / "root"))
    v = json.loads(md.call("--state", str(scratch / "other"), "info", "--format", "json").ok().out)
    assert v["StateDir"] == str(scratch / "other")


def test_info_names_the_files(md):
    assert "configuration file:" in md.call("info").ok().out
    path = own_file(md, {})
    assert str(path) in md.call("info").ok().out
    assert files_of(md) == [str(path)]


def test_help_and_version_work_whatever_the_files_hold(md):
    own_file(md, "{")
    for words in (["--help"], ["--version"], ["help"], ["help", "run"], ["run", "--help"], ["info", "--help"]):
        md.call(*words).ok()
    md.call("--config", "", "version").ok()
    md.call("version").failed(1, "configuration file")


# ---- what is wrong ----


def test_errors_name_file_line_and_key(md):
    path = own_file(md, '{\n  "run": {\n    "memroy": "1g"\n  }\n}\n')
    md.run("", "probe exit 0").failed(125, f"configuration file '{path}', line 3: ", "run.memroy", "did you mean run.memory")
    own_file(md, '{\n  "run": {\n    "memory": "1x"\n  }\n}\n')
    md.run("-m 64m", "probe exit 0").failed(125, f"'{path}', line 3: invalid value '1x' for run.memory")
    md.call("info").failed(1, f"'{path}', line 3: invalid value '1x' for run.memory")
    own_file(md, '{"run": {"detach": true}}')
    md.run("", "probe exit 0").failed(125, f"'{path}', line 1: option run.detach is not there yet")
    own_file(md, '{"run": {}')
    md.run("", "probe exit 0").failed(125, f"'{path}': line 1, column 11: expected")


def test_later_checks_name_the_file(md):
    path = own_file(md, '{"run": {\n"memory": "1m",\n"volume": ["/nowhere:relative"]}}')
    md.run("", "probe exit 0").failed(125, f"'{path}', line 2: --memory is too small")
    md.run("-m 64m", "probe exit 0").failed(125, f"'{path}', line 3: volume '/nowhere:relative'")
    r = md.run("-m 2m", "probe exit 0").failed(125, "--memory is too small")
    assert str(path) not in r.err


def test_wrong_keys_of_no_default(md):
    for key in ("run.memroy", "memory", ""):
        md.call("--no-default", key, "info").failed(125, "--no-default", f"'{key}'")


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "huge", "endless"])
def test_files_that_are_none_neither_hang_nor_count(md, kind):
    path = own_file(md, "{}")
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "huge":
        with open(path, "w") as f:
            f.truncate(64 << 30)
    else:
        path.symlink_to("/proc/self/mem")
    r = md.run("", "probe exit 0", timeout=20)
    assert r.code == 125 and f"configuration file '{path}'" in r.err, r


def test_a_file_that_config_names_must_be_there(md):
    md.call("--config", "/nowhere/at/all.json", "info").failed(1, "/nowhere/at/all.json")
    md.call("--config", "/tmp", "info").failed(1, "'/tmp' is not a regular file")


# ---- whose files ----


def test_root_reads_nothing_that_others_can_write(md, system_file):
    path = system_file({}, mode=0o666)
    md.run("", "probe exit 0").failed(125, f"'{SYSTEM}' can be written by others (mode 0666)", "chmod go-w")
    path.chmod(0o644)
    chown(path, USER, 0)
    md.run("", "probe exit 0").failed(125, f"'{SYSTEM}' belongs to user {USER}, not to root")
    chown(path, 0, 0)
    assert md.run("", "probe exit 3").code == 3


@pytest.mark.root("it is about root")
def test_sudo_with_the_callers_home(md):
    """HOME is an ordinary user's, we are root: that user must not choose what root's containers may do."""
    path = own_file(md, {"run": {"privileged": True}})
    chown(path, USER, USER)
    md.run("", "probe exit 0").failed(125, f"'{path}' belongs to user {USER}, not to root", "--config FILE")
    assert files_of(md, "--config", str(path)) == [str(path)]


def test_an_ordinary_users_files(user_md):
    user_md.env["XDG_CONFIG_HOME"] = str(user_md.base / "config")
    path = own_file(user_md, {"run": {"hostname": "mine"}})
    assert files_of(user_md) == [str(path)]  # root's is as good
    chown(path, USER, USER)
    assert files_of(user_md) == [str(path)]
    chown(path, USER + 1, USER)
    user_md.call("info").failed(1, f"'{path}' belongs to user {USER + 1}, not to root or you")
    chown(path, USER, USER)
    path.chmod(0o664)
    user_md.call("info").failed(1, f"'{path}' can be written by others")
    path.chmod(0o000)
    user_md.call("info").failed(1, f"open configuration file '{path}': permission denied")


def test_a_home_out_of_reach_is_no_error(user_md, scratch):
    scratch.chmod(0o700)  # root's: as after `su` that keeps HOME=/root
    user_md.env["XDG_CONFIG_HOME"] = str(scratch)
    assert files_of(user_md) == []


@pytest.mark.root("the program is root's")
def test_a_set_user_id_program_does_not_believe_the_environment(user_md):
    if SANITIZED:
        pytest.skip("sanitizers refuse set-user-id programs")
    copy = user_md.base / "suid"
    for part in ("bin", "libexec"):
        shutil.copytree(user_md.program.parent.parent / part, copy / part, symlinks=True)
    user_md.env["XDG_CONFIG_HOME"] = str(user_md.base / "config")
    path = own_file(user_md, {})
    assert files_of(user_md) == [str(path)]
    user_md.program = copy / "bin" / user_md.program.name
    user_md.program.chmod(0o4755)
    args = ["--state", str(user_md.base / "s"), "--root", str(user_md.base / "r")]
    assert files_of(user_md, *args) == []


# ---- cost ----


def test_two_failed_opens_and_nothing_else(md, scratch):
    out = scratch / "trace"
    argv = [*strace("-f", "-o", str(out), "-e", "trace=file"), *md.run_argv("", "probe exit 0")]
    subprocess.run(argv, check=True, env=md.env, timeout=60, stdin=subprocess.DEVNULL)
    lines = [line for line in out.read_text().splitlines() if "mydocker/config.json" in line]
    if os.path.exists(SYSTEM):
        pytest.skip("this host has a configuration file of its own")
    assert len(lines) == 2 and all("openat(" in line and "ENOENT" in line for line in lines), lines
