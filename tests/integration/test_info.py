"""version and info: for people and for programs."""
import json
import os
import re

import pytest

from harness import HERE, SANITIZED, TOP


def test_version(md):
    r = md.call("version").ok()
    assert re.search(r"\d+\.\d+\.\d+", r.out)
    v = json.loads(md.call("version", "--format", "json").ok().out)
    assert any(re.fullmatch(r"\d+\.\d+\.\d+.*", str(x)) for x in str(v).replace("'", " ").replace(",", " ").split()), v
    assert md.call("--version").ok().out


def test_info_json(md):
    r = md.call("info", "--format", "json").ok()
    v = json.loads(r.out)
    text = json.dumps(v).lower()
    for word in ("cgroup", "seccomp", "rootless", "kernel", "memory", "pids"):
        assert word in text, word
    assert r.out.endswith("\n") and r.err == ""


def test_info_text(md):
    r = md.call("info").ok()
    for word in ("cgroup", "seccomp", "rootless"):
        assert word in r.out.lower(), word
    assert not re.search(r"\x1b\[", r.out)  # no colours into a pipe


def test_a_wrong_format_is_named(md):
    r = md.call("info", "--format", "xml")
    assert r.code != 0 and "xml" in r.err


def test_help(md):
    r = md.call("--help").ok()
    assert "run" in r.out and "info" in r.out and r.err == ""
    r = md.call("run", "--help").ok()
    for option in ("--memory", "--rootfs", "--cap-add", "--network", "--uidmap", "--cpuset-mems", "--entrypoint"):
        assert option in r.out, option
    assert md.call("help", "run").out == r.out


def test_help_of_every_command(md):
    """Of those without an option, too."""
    for c in json.loads(md.call("__cli").ok().out)["commands"]:
        out = md.call(c["name"], "--help").ok().out
        assert out.startswith(f"Usage:  mydocker {c['name']} [OPTIONS]") and "Show this help" in out
        assert max(map(len, out.splitlines())) < 200, c["name"]


def test_no_command_at_all(md):
    r = md.call()
    assert "run" in r.out + r.err


def test_debug_goes_to_standard_error(md):
    r = md.call("--debug", "run", "--rootfs", str(md.rootfs), "/bin/probe", "say", "out").ok()
    assert r.out == "out\n" and r.err != ""


def test_every_option_of_run_is_used_by_some_test(md):
    """Drift: an option that no test names."""
    told = set(re.findall(r"(?<!\S)--([a-z][a-z-]+)", md.call("run", "--help").ok().out))
    texts = "".join(f.read_text() for f in HERE.glob("test_*.py"))
    missing = {o for o in told if f"--{o}" not in texts and f'"{o}"' not in texts}
    assert not missing - {"help"}, missing


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_output_that_cannot_be_written(md):
    with open("/dev/full", "wb") as full:
        assert md.call("info", stdout=full).code != 0


def test_starts_from_anywhere(md, scratch):
    """Helpers are found from where the program stands, also through a link and with another name."""
    if SANITIZED and not TOP.exists():
        pytest.skip("")
    link = scratch / "md"
    link.symlink_to(md.program)
    md.program, old = link, md.program
    try:
        assert md.run("", "probe exit 3", cwd="/").code == 3
    finally:
        md.program = old
    env = {"PATH": f"{md.program.parent}:{os.environ['PATH']}"}
    e = type(md)(md.base, md.rootfs, program=md.program.name, env=env)
    assert e.run("", "probe exit 3", cwd="/").code == 3
