"""What reaches the command: arguments, environment, directory, user, host name."""
import os
import platform
import re

import pytest

from harness import HEX64, mknod, netstrings

ODD = [
    "a b", "", " ", "line\nbreak", "\n", "\ttab", "'quote'", '"double"', "back\\slash", "$HOME `id` $(id)", "-x", "--", "--rootfs",
    "*", "?", "\x7f\x01", "ü€😀", "%s%n", "=", "",
]


def args_of(result):
    return netstrings(result.ok().stdout)


def test_arguments_byte_for_byte(md):
    got = args_of(md.run("", ["probe", "args", *ODD]))
    assert got == [a.encode() for a in ODD]


def test_arguments_that_are_no_utf8(md):
    raw = [b"\xff\xfe", b"\x80", b"a\xc3"]
    assert args_of(md.run("", [b"/bin/probe", b"args", *raw])) == raw


def test_longest_argument(md):
    longest = "x" * (128 * 1024 - 1)
    assert args_of(md.run("", ["probe", "args", longest])) == [longest.encode()]


def test_one_mebibyte_of_arguments(md):
    many = [f"{i:07d}" * 146 for i in range(1024)]  # 1022 bytes each
    many += ["y" * 60000]
    got = args_of(md.run("", ["probe", "args", *many]))
    assert sum(map(len, got)) >= 1 << 20
    assert got == [a.encode() for a in many]


def test_many_small_arguments(md):
    many = ["", "z"] * 20000
    assert args_of(md.run("", ["probe", "args", *many])) == [a.encode() for a in many]


def test_options_end_at_the_command(md):
    assert args_of(md.run("", "probe args --name x -m 1 --help -h")) == [b"--name", b"x", b"-m", b"1", b"--help", b"-h"]


# ---- environment ----


def env_of(result):
    pairs = [e.decode().split("=", 1) for e in netstrings(result.ok().stdout)]
    assert len({k for k, _ in pairs}) == len(pairs), f"a name twice: {pairs}"
    return dict(pairs)


def test_environment_is_docker_s_and_nothing_of_the_host(md):
    env = env_of(md.run("--hostname box", "probe env", env={"SECRET": "leak", "LD_PRELOAD": "", "TERM": "host"}))
    assert env.pop("PATH") == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert env.pop("HOME") == "/root"
    assert env.pop("HOSTNAME") == "box"
    assert env == {}


def test_environment_options(md):
    opts = ["-e", "A=1", "--env", "B=two words\nand a line", "-e", "FROM_HOST", "-e", "MISSING", "-e", "EMPTY=", "-e", "A=3", "-e", "EQ=a=b"]
    env = env_of(md.run(opts, "probe env", env={"FROM_HOST": "here it is"}))
    assert env["A"] == "3" and env["B"] == "two words\nand a line" and env["FROM_HOST"] == "here it is"
    assert "MISSING" not in env and env["EMPTY"] == "" and env["EQ"] == "a=b"


def test_environment_replaces_defaults(md):
    env = env_of(md.run("-e PATH=/bin -e HOME=/x -e HOSTNAME=y", "probe env"))
    assert (env["PATH"], env["HOME"], env["HOSTNAME"]) == ("/bin", "/x", "y")


def test_env_file(md, scratch):
    f = scratch / "env"
    f.write_text("# a comment\n\nA=from file\nB=\"kept quotes\"\nFROM_HOST\nNOT_THERE\n  # indented comment\nC=x # no comment\nA2=a=b\n")
    env = env_of(md.run(["--env-file", f, "-e", "A=option wins"], "probe env", env={"FROM_HOST": "h"}))
    assert env["A"] == "option wins" and env["B"] == '"kept quotes"' and env["FROM_HOST"] == "h"
    assert env["C"] == "x # no comment" and env["A2"] == "a=b" and "NOT_THERE" not in env


def test_env_file_missing(md):
    md.run("--env-file /nowhere/at/all", "probe env").failed(125, "/nowhere/at/all")


def test_env_file_with_a_bad_name(md, scratch):
    (scratch / "env").write_text("A B=1\n")
    md.run(["--env-file", scratch / "env"], "probe env").failed(125, "A B")


def test_home_follows_the_user(md):
    assert env_of(md.run("-u alice", "probe env"))["HOME"] == "/home/alice"
    assert env_of(md.run("-u 4711", "probe env"))["HOME"] == "/"


def test_a_terminal_adds_term(md):
    t = md.terminal("-t", "probe env")
    assert t.wait() == 0
    assert "TERM=xterm" in t.text


# ---- directory, user, names ----


def test_working_directory(md, rootfs):
    assert md.run("", "probe show host").ok().values["host.cwd"] == "/"
    assert md.run("-w /work", "probe show host").ok().values["host.cwd"] == "/work"
    assert md.run("--workdir=/new/deep", "probe show host").ok().values["host.cwd"] == "/new/deep"


def test_working_directory_must_be_absolute(md):
    md.run("-w relative", "probe show host").failed(125, "relative")


def test_working_directory_that_is_a_file(md):
    r = md.run("-w /etc/passwd", "probe show host")
    assert r.code in (125, 126, 127) and r.err.startswith("mydocker: ") and "/etc/passwd" in r.err


def test_working_directory_relative_command(md):
    assert md.run("-w /bin", ["./probe", "exit", "7"]).code == 7


@pytest.mark.parametrize(
    "user, uid, gid, groups",
    [
        (None, 0, 0, {0}),
        ("0", 0, 0, {0}),
        ("root", 0, 0, {0}),
        ("alice", 1000, 1000, {10, 29, 1000}),
        ("bob", 1001, 100, {10, 100}),
        ("1000", 1000, 1000, {10, 29, 1000}),
        ("alice:users", 1000, 100, {100}),
        ("alice:0", 1000, 0, {0}),
        ("1234", 1234, 0, {0}),
        ("1234:5678", 1234, 5678, {5678}),
        (":5678", 0, 5678, {5678}),
        pytest.param("4294967294:4294967294", 4294967294, 4294967294, {4294967294}, marks=pytest.mark.root("nobody else has so many ids")),
    ],
)
def test_user(md, user, uid, gid, groups):
    v = md.run(["-u", user] if user is not None else "", "probe show ids groups").ok().values
    assert v["ids.uid"] == f"{uid},{uid},{uid}" and v["ids.gid"] == f"{gid},{gid},{gid}"
    assert {int(g) for g in v["groups"].split(",") if g} | {gid} == groups


@pytest.mark.parametrize("user", ["nobody-here", "alice:nogroup", "4294967295", "4294967296", "-1", "1:4294967295", "0x10", "1000 ", "1:2:3", "99999999999999999999"])
def test_user_refused(md, user):
    r = md.run(["-u", user], "probe show ids")
    assert r.code == 125 and r.err.startswith("mydocker: ") and r.stdout == b"", r


def test_a_numeric_user_that_is_also_a_name(md, rootfs):
    with open(rootfs / "etc/passwd", "a") as f:
        f.write("1:x:0:0:a trap:/:/bin/sh\n")
    v = md.run("-u 1", "probe show ids").ok().values
    assert v["ids.uid"] == "1,1,1"  # CVE-2016-3697


@pytest.mark.parametrize("kind", ["fifo", "symlink", "huge", "directory", "missing", "device"])
def test_hostile_passwd_neither_hangs_nor_leads_out(md, rootfs, scratch, kind):
    p = rootfs / "etc/passwd"
    p.unlink()
    if kind == "fifo":
        os.mkfifo(p)
    elif kind == "symlink":
        (scratch / "passwd").write_text("alice:x:0:0::/:\n")
        p.symlink_to(scratch / "passwd")
    elif kind == "huge":
        with open(p, "w") as f:
            f.truncate(64 << 30)
    elif kind == "directory":
        p.mkdir()
    elif kind == "device":
        mknod(p, 0o20666, 1, 5)
    r = md.run("-u alice", "probe show ids", timeout=20)
    assert r.code in (125, 126) and r.err.startswith("mydocker: ") and r.stdout == b"", r
    r = md.run("-u 1000:1000", "probe show ids", timeout=20)
    if r.code == 0:
        assert r.values["ids.uid"] == "1000,1000,1000"
    else:
        r.failed(125, "/etc/passwd")


def test_host_name_is_the_short_id(md):
    r = md.start("", "probe seq show host , sleep 20000")
    name = r.read_until("host.name=")[-1].split("=")[1]
    assert re.fullmatch("[0-9a-f]{12}", name)
    assert HEX64.match(r.id) and r.id.startswith(name)
    r.signal(9)
    r.wait()
    md.sweep()


def test_host_name_given(md):
    v = md.run("--hostname some.host-1", "probe show host").ok().values
    assert v["host.name"] == "some.host-1"
    assert platform.node() != "some.host-1"


@pytest.mark.parametrize("name", ["x" * 65, "a/b", "a b"])
def test_host_name_refused(md, name):
    md.run(f"--hostname={name!r}", "probe show host").failed(125)


def test_etc_files(md):
    hosts = md.run("--hostname box", "probe cat /etc/hosts").ok().out
    assert re.search(r"^127\.0\.0\.1\s+localhost", hosts, re.M) and re.search(r"^\S+\s+.*\bbox\b", hosts, re.M)
    assert md.run("--hostname box", "probe cat /etc/hostname").ok().out == "box\n"
    md.run("", "probe stat /etc/resolv.conf").ok()
    assert "errno" not in md.run("", "probe stat /etc/resolv.conf").out


def test_etc_files_of_the_root_stay_as_they_are(md, rootfs):
    (rootfs / "etc/hosts").write_text("1.2.3.4 mine\n")
    md.run("", "probe write /etc/hosts changed").ok()
    assert (rootfs / "etc/hosts").read_text() == "1.2.3.4 mine\n"


def test_resolv_conf_is_the_host_s_with_its_network(md):
    host = open("/etc/resolv.conf").read() if os.path.exists("/etc/resolv.conf") else ""
    inside = md.run("--network host", "probe cat /etc/resolv.conf").ok().out
    names = [line for line in host.splitlines() if line.startswith("nameserver")]
    assert [line for line in inside.splitlines() if line.startswith("nameserver")] == names


# ---- entry point and command ----


def test_entrypoint(md):
    r = md.run("--entrypoint /bin/probe", ["args", "a", "b"]).ok()
    assert netstrings(r.stdout) == [b"a", b"b"]
    assert md.run(["--entrypoint", ""], "probe exit 4").code == 4


def test_command_is_searched_in_the_container_s_path(md, rootfs):
    (rootfs / "opt").mkdir()
    os.link(rootfs / "bin/probe", rootfs / "opt/only-here")
    assert md.run("-e PATH=/nowhere:/opt", ["only-here", "exit", "9"]).code == 9
    md.run("", ["only-here", "exit", "9"]).failed(127, "only-here")


def test_no_command(md):
    r = md.run("", [])
    assert r.code == 125 and r.err.startswith("mydocker: ") and len(r.err.strip().splitlines()) <= 2


def test_no_rootfs(md):
    r = md.call("run", "true")
    assert r.code == 125 and r.err.startswith("mydocker: ")


def test_env_host(md, scratch):
    (scratch / "env").write_text("FROM_FILE=file\nCALLER=file\n")
    env = env_of(md.run(f"--env-host --env-file {scratch}/env -e LAST=option", "probe env",
                        env={"CALLER": "caller", "LAST": "caller", "HOME": "/caller", "ODD": "a=b c"}))
    assert env["ODD"] == "a=b c" and env["HOME"] == "/caller"
    assert env["CALLER"] == "file" and env["FROM_FILE"] == "file" and env["LAST"] == "option"


def test_unsetenv(md):
    env = env_of(md.run("--unsetenv PATH --unsetenv HOME -e HOSTNAME=mine", "/bin/probe env"))
    assert env == {"HOSTNAME": "mine"}
    env = env_of(md.run("--unsetenv-all -e A=1 -e PATH=/bin", "/bin/probe env"))
    assert env == {"A": "1", "PATH": "/bin"}


def test_umask(md):
    assert md.run("", "probe show host").ok().values["host.umask"] == "0022"
    for mask, shown in (("0", "0000"), ("077", "0077"), ("0777", "0777")):
        assert md.run(f"--umask {mask}", "probe show host").ok().values["host.umask"] == shown
    for bad in ("8", "1777", "00022", "-1", "x"):
        md.run(f"--umask={bad}", "probe exit 0").failed(125, bad)


def test_group_add(md, rootfs):
    (rootfs / "etc").mkdir(exist_ok=True)
    (rootfs / "etc/group").write_text("wheel:x:10:\nstaff:x:50:\n")
    v = md.run("-u 1000:100 --group-add staff --group-add 77", "probe show groups").ok().values
    assert sorted(map(int, v["groups"].replace(",", " ").split())) == [50, 77, 100]
    md.run("--group-add nobody-knows-it", "probe exit 0").failed(125, "nobody-knows-it")
    md.run("--group-add 4294967295", "probe exit 0").failed(125, "4294967295")


def test_sysctl(md):
    cat = "probe seq cat /proc/sys/net/ipv4/ip_forward , cat /proc/sys/kernel/msgmax , cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
    r = md.run("--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=4096 --sysctl net.ipv4.ip_unprivileged_port_start=99", cat).ok()
    assert r.out.split() == ["1", "4096", "99"], r
    before = open("/proc/sys/kernel/panic").read()
    md.run("--sysctl kernel.panic=7", "probe exit 0").failed(125, "kernel.panic")
    assert open("/proc/sys/kernel/panic").read() == before
    md.run("--sysctl nothing", "probe exit 0").failed(125, "nothing")
    md.run("--network host --sysctl net.ipv4.ip_forward=1", "probe exit 0").failed(125, "net.ipv4.ip_forward")
    md.run("--sysctl net.ipv4.no_such_parameter=1", "probe exit 0").failed(125, "no_such_parameter")


def test_add_host(md):
    lines = [line.split() for line in md.run("--add-host db:10.0.0.7 --add-host six=[fe80::1] --add-host seven:fe80::2", "probe cat /etc/hosts").ok().out.splitlines()]
    for line in (["10.0.0.7", "db"], ["fe80::1", "six"], ["fe80::2", "seven"], ["127.0.0.1", "localhost"]):
        assert line in lines, lines
    for bad in ("db", "db:", "db:10.0.0", ":1.2.3.4", "a b:1.2.3.4", "db:host-gateway"):
        md.run(["--add-host", bad], "probe exit 0").failed(125, "--add-host")


def test_no_hosts(md, rootfs):
    (rootfs / "etc").mkdir(exist_ok=True)
    (rootfs / "etc/hosts").write_text("192.0.2.1 own\n")
    assert md.run("--no-hosts", "probe cat /etc/hosts").ok().out == "192.0.2.1 own\n"
    md.run("--no-hosts --add-host a:1.2.3.4", "probe exit 0").failed(125, "--no-hosts")


def test_dns(md):
    text = md.run("--dns 192.0.2.53 --dns 2001:db8::53 --dns-search a.example --dns-search b.example --dns-option ndots:2 --dns-opt rotate", "probe cat /etc/resolv.conf").ok().out
    kept = [line.split() for line in text.splitlines() if line.strip() and not line.startswith(("#", ";"))]
    assert [v[1] for v in kept if v[0] == "nameserver"] == ["192.0.2.53", "2001:db8::53"]
    assert ["search", "a.example", "b.example"] in kept and ["options", "ndots:2", "rotate"] in kept
    assert "search" not in md.run("--dns-search .", "probe cat /etc/resolv.conf").ok().out
    host = open("/etc/resolv.conf").read()
    assert md.run("", "probe cat /etc/resolv.conf").ok().out == host
    md.run("--dns nowhere", "probe exit 0").failed(125, "nowhere")
    md.run(["--dns-search", "a b"], "probe exit 0").failed(125, "a b")
