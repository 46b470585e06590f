"""Completion and manual pages as installed: what the shells offer, and that man finds and shows the pages."""
import json
import os
import shutil
import subprocess
import sys

import pytest

import completion
from harness import TOP

sys.path.insert(0, str(TOP / "tools"))
import cli_dump  # noqa: E402

SHARE = TOP / "out/start/share"
PROGRAM = TOP / "out/start/bin/mydocker"
SHELLS = ["bash", "zsh", "fish"]
ACCOUNTS = {"alice", "bob", "root"}

# (line, what is offered, what is not); ROOT is a root directory with the accounts and programs of the fixture
CASES = [
    ("mydocker ", {"run", "info", "help"}, {"__cli", "container run"}),
    ("mydocker in", {"info"}, {"run"}),
    ("mydocker --de", {"--debug"}, {"--root"}),
    ("mydocker --state /x --ro", {"--root"}, {"--rootfs"}),
    ("mydocker --no-default run.cap-", {"run.cap-add", "run.cap-drop"}, set()),
    ("mydocker container ", {"run"}, {"info"}),
    ("mydocker container run --net", {"--net", "--network"}, set()),
    ("mydocker system ", {"info"}, {"run"}),
    ("mydocker run --pi", {"--pid", "--pids-limit"}, {"--cpus"}),
    ("mydocker run --det", set(), {"--detach"}),
    ("mydocker run --pid ", {"host", "private"}, {"none"}),
    ("mydocker run --uts h", {"host"}, {"private"}),
    ("mydocker run -ti --cap-drop NET_", {"NET_ADMIN", "NET_RAW"}, {"CHOWN"}),
    ("mydocker run --ulimit no", {"nofile="}, {"cpu="}),
    ("mydocker run -e HOM", {"HOME"}, set()),
    ("mydocker run --rootfs ROOT -u ", ACCOUNTS, {"daemon"}),
    ("mydocker run --rootfs=ROOT:O -u al", {"alice"}, ACCOUNTS - {"alice"}),
    ("mydocker run --rootfs ROOT:O,idmap -u al", {"alice"}, {"root"}),
    ("mydocker run --rootfs=ROOT:idmap -u al", {"alice"}, {"root"}),
    ("mydocker run --rootfs ROOT --group-add w", {"wheel"}, {"users"}),
    ("mydocker run --rootfs ROOT ", {"probe", "busybox"}, {"passwd"}),
    ("mydocker run -tm 5 --rootfs ROOT pro", {"probe"}, {"busybox"}),
    ("mydocker run --rootfs ROOT probe --", set(), {"--rootfs", "--memory"}),
    ("mydocker explain run --cap-a", {"--cap-add"}, set()),
    ("mydocker unsh", {"unshare"}, {"run"}),
    ("mydocker unshare bas", {"bash"}, {"cat", "--rootfs"}),
    ("mydocker unshare --", {"--help"}, {"--rootless-netns"}),
    ("mydocker help ve", {"version"}, set()),
    ("mydocker run -v /a:/b:no", {"nosuid"}, {"ro"}),
    ("mydocker info --", {"--format", "--help"}, {"--memory"}),
    ("mydocker info --format ", {"json"}, set()),
]


def ask(shell, line, scratch):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    if not SHARE.is_dir():
        pytest.skip("out/start is not built")
    return getattr(completion, shell)(SHARE, line, scratch)


# bash starts quickest: ./check asks the others every third line.
@pytest.mark.parametrize("line, offered, hidden, shell", [
    pytest.param(*c, shell, id=f"{c[0].replace(' ', '_')}-{shell}", marks=[pytest.mark.full] if shell != "bash" and i % 5 else [])
    for i, c in enumerate(CASES) for shell in SHELLS])
def test_offers(shell, line, offered, hidden, shell_rootfs, scratch):
    got = ask(shell, line.replace("ROOT", str(shell_rootfs)), scratch)
    assert offered <= got and not hidden & got, sorted(got)[:50]


@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_a_hostile_root_are_not_run(shell, rootfs, scratch):
    """Files and accounts whose names a shell would take for more than names."""
    mark = scratch / "mark"
    for name in (f"$(touch {mark.name})", "`id`", "a b", "; id"):
        (rootfs / "bin" / name).write_text("")
        with open(rootfs / "etc/passwd", "a") as f:
            f.write(f"{name}:x:1:1::/:/\n")
    for line in (f"mydocker run --rootfs {rootfs} ", f"mydocker run --rootfs {rootfs} -u "):
        got = ask(shell, line, scratch)
        assert "probe" in got or "alice" in got
        if shell == "bash":  # the others quote what they insert
            assert not [g for g in got if set(g) & set("$`; ()")], got
    assert not mark.exists()


TAB = [
    ("mydocker run --pid=h", "mydocker run --pid=host "),
    ("mydocker run --pid h", "mydocker run --pid host "),
    ("mydocker run --ulimit=nof", "mydocker run --ulimit=nofile="),
    ("mydocker run --rootfs ROOT:O --user=alice:sou", "mydocker run --rootfs ROOT:O --user=alice:sound "),
    ("mydocker run -v ROOT:/x:nos", "mydocker run -v ROOT:/x:nosuid "),
    ("mydocker run -v ROOT:/x:ro,nos", "mydocker run -v ROOT:/x:ro,nosuid "),
    ("mydocker run --env-file ROOT/etc/gro", "mydocker run --env-file ROOT/etc/group "),
    ("mydocker run --env-file=ROOT/etc/gro", "mydocker run --env-file=ROOT/etc/group "),
    ("mydocker run -v ROOT/etc/gro", "mydocker run -v ROOT/etc/group"),
    ("mydocker run --rootfs ROOT/et", "mydocker run --rootfs ROOT/etc/"),
    ("mydocker run --rootfs ROOT probe ROOT/etc/gro", "mydocker run --rootfs ROOT probe ROOT/etc/group "),
    ("mydocker run --rootfs ROOT /bin/pro", "mydocker run --rootfs ROOT /bin/probe "),
    ("mydocker --no-default run.cap-d", "mydocker --no-default run.cap-drop "),
]


@pytest.mark.parametrize("line, becomes", TAB, ids=[t[0].replace(" ", "_") for t in TAB])
def test_the_tab_key_in_bash(line, becomes, rootfs, scratch):
    """Readline splits words at '=' and ':' and quotes files itself: only a real one tells whether the function gets along with it."""
    ask("bash", "mydocker ", scratch)
    assert completion.bash_line(SHARE, line.replace("ROOT", str(rootfs)), scratch) == becomes.replace("ROOT", str(rootfs))


def test_values_that_are_offered_are_taken(md):
    """No value that completion offers for an option of run is one that the program does not know."""
    run = next(c for c in cli_dump.Program(PROGRAM).commands if c.name == "run")
    for o in run.options:
        for word in o.value if isinstance(o.value, list) and o.name != "format" else []:
            not_here = word == "nomap" or word == "label=nested" and not os.path.exists("/sys/fs/selinux/enforce")  # for users; for SELinux
            if not not_here and not word.endswith(("=", ":", ",")):
                r = md.run([f"--{o.name}={word}"], "probe exit 0")
                assert "mydocker run --help" not in r.err, r


# ---- manual pages ----


def test_man_shows_every_page(md):
    if not shutil.which("man"):
        pytest.skip("man-db is not installed")
    dump = json.loads(md.call("__cli").ok().out)
    names = [f"mydocker-{c['name']}" for c in dump["commands"] if c["group"] != "hidden"]
    for name in ["mydocker", *names, "mydocker-container-run", "mydocker-config"]:
        r = subprocess.run(["man", "-M", str(SHARE / "man"), "-P", "cat", name], capture_output=True, text=True, env={**md.env, "MANWIDTH": "100"})
        assert r.returncode == 0 and "NAME" in r.stdout and "SEE ALSO" in r.stdout, (name, r)
        assert "\\f" not in r.stdout and "`" not in r.stdout, name


def test_the_page_of_run_has_its_options_by_group(md):
    if not shutil.which("man"):
        pytest.skip("man-db is not installed")
    env = {**md.env, "MANWIDTH": "100"}
    r = subprocess.run(["man", "-M", str(SHARE / "man"), "-P", "cat", "mydocker-run"], capture_output=True, text=True, env=env)
    at = [r.stdout.index(text) for text in ("SYNOPSIS", "--rootfs DIR", "\nOPTIONS", "Resources", "-m, --memory SIZE", "EXIT CODE")]
    assert at == sorted(at), at
