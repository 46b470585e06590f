"""--security-opt: filters from files, masks, options of /proc, labels; and --cap-add, --ulimit, --sysctl gone wrong."""
import json
import os
import platform
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from harness import KERNEL, errno_of

PODMAN_PROFILE = Path("/usr/share/containers/seccomp.json")
NR = {"x86_64": dict(getpid=39, mount=165, umount2=166, reboot=169, personality=135, unshare=272, keyctl=250, mkdir=83),
      "aarch64": dict(getpid=172, mount=40, umount2=39, reboot=142, personality=92, unshare=97, keyctl=219, mkdir=34)}.get(platform.machine())
pytestmark = pytest.mark.skipif(NR is None, reason="no numbers of system calls for this machine")


def rule(name, action="SCMP_ACT_ERRNO", **more):
    return {"names": [name] if isinstance(name, str) else name, "action": action, **more}


@pytest.fixture
def profile(scratch):
    """profile(rule, ...): a file with these rules, in which all else is allowed."""
    count = [0]

    def make(*rules, **top):
        count[0] += 1
        path = scratch / f"profile{count[0]}.json"
        path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(rules), **top}, indent=1))
        return path

    return make


def sec(*words):
    return [x for w in words for x in ("--security-opt", str(w))]


def call(md, opts, name, *args):
    """What one system call gives in a container."""
    return md.run(opts, ["probe", "sys", str(NR[name]), *map(str, args)]).ok().values["sys"]


# ---- filters ----


def test_a_call_is_refused_with_the_number_of_the_profile(md, profile):
    p = profile(rule("personality", errnoRet=95))
    assert call(md, sec(f"seccomp={p}"), "personality", 0xFFFFFFFF) == "-1 errno=95"
    assert call(md, sec(f"seccomp={p}"), "getpid") == "1"
    p = profile(rule("personality", errno="EMLINK"))
    assert call(md, sec(f"seccomp:{p}"), "personality", 0xFFFFFFFF) == "-1 errno=31"


@pytest.mark.parametrize("action, code", [("SCMP_ACT_KILL_PROCESS", 128 + signal.SIGSYS), ("SCMP_ACT_KILL", 128 + signal.SIGSYS), ("SCMP_ACT_TRAP", 128 + signal.SIGSYS)])
def test_a_call_kills(md, profile, action, code):
    p = profile(rule("personality", action))
    r = md.run(sec(f"seccomp={p}"), ["probe", "sys", str(NR["personality"]), "0"])
    assert r.code == code and r.out == "", r


def test_arguments_are_looked_at(md, profile):
    p = profile(rule("personality", errnoRet=5, args=[{"index": 0, "value": 8, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]))
    for value, want in ((8, "-1 errno=5"), (0x20008, "-1 errno=5"), (0x20000, "0"), (0, "0")):
        assert call(md, sec(f"seccomp={p}"), "personality", value) == want, value


def test_rules_by_capability(md, profile):
    """The container's own capabilities decide, whatever ours are."""
    p = profile(
        rule("personality", errnoRet=5, includes={"caps": ["CAP_SYS_CHROOT"]}),
        rule("reboot", errnoRet=6, excludes={"caps": ["CAP_SYS_CHROOT"]}),
    )
    with_it, without = sec(f"seccomp={p}"), sec(f"seccomp={p}") + ["--cap-drop", "SYS_CHROOT"]
    assert call(md, with_it, "personality", 0xFFFFFFFF) == "-1 errno=5"
    assert call(md, with_it, "reboot", 0) == "-1 errno=1"  # the kernel's own
    assert call(md, without, "personality", 0xFFFFFFFF) == "0"
    assert call(md, without, "reboot", 0) == "-1 errno=6"


def test_rules_by_kernel_and_architecture(md, profile):
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    now, later = "%d.%d" % KERNEL, "%d.%d" % (KERNEL[0], KERNEL[1] + 1)
    for condition, counts in [
        ({"includes": {"minKernel": now}}, True), ({"includes": {"minKernel": later}}, False),
        ({"excludes": {"minKernel": now}}, False), ({"excludes": {"minKernel": later}}, True),
        ({"includes": {"arches": [arch]}}, True), ({"includes": {"arches": ["s390x"]}}, False),
        ({"excludes": {"arches": ["s390x", arch]}}, False),
    ]:
        p = profile(rule("personality", errnoRet=5, **condition))
        assert call(md, sec(f"seccomp={p}"), "personality", 0xFFFFFFFF) == ("-1 errno=5" if counts else "0"), condition


def test_no_new_privileges_with_a_filter_that_allows_little(md, profile):
    """With no_new_privs the filter comes last: it may forbid nearly all that a start needs."""
    p = profile(rule(["capset", "prctl", "close_range", "setresuid", "setgroups", "sendmsg", "openat2", "pivot_root", "mount_setattr"]))
    assert md.run(sec(f"seccomp={p}", "no-new-privileges"), "probe exit 3").code == 3
    assert call(md, sec(f"seccomp={p}", "no-new-privileges"), "getpid") == "1"


def test_builtin_unconfined_and_the_last_one_wins(md, profile):
    p = profile(rule("personality", errnoRet=5))
    assert call(md, sec(f"seccomp={p}", "seccomp=builtin"), "personality", 0xFFFFFFFF) == "0"
    assert call(md, sec("seccomp=unconfined", "seccomp=builtin"), "keyctl", 0) == "-1 errno=1"
    assert md.run(sec(f"seccomp={p}", "seccomp=unconfined"), "probe show security").ok().values["security.seccomp"] == "0"


def test_a_filter_that_is_named_holds_with_privileged(md, profile):
    p = profile(rule("personality", errnoRet=5))
    assert call(md, ["--privileged", *sec(f"seccomp={p}")], "personality", 0xFFFFFFFF) == "-1 errno=5"
    assert call(md, ["--privileged", *sec("seccomp=builtin")], "keyctl", 0) == "-1 errno=1"
    assert md.run("--privileged", "probe show security").ok().values["security.seccomp"] == "0"


def test_flags_are_honoured(md, profile):
    """The kernel takes no unknown bits: a filter with flags loads."""
    p = profile(rule("personality", errnoRet=5), flags=["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
    assert call(md, sec(f"seccomp={p}"), "personality", 0xFFFFFFFF) == "-1 errno=5"
    r = md.run(sec(f"seccomp={p}"), "probe exit 0", rootfs=md.rootfs)
    assert r.code == 0
    debug = md.call("-D", "run", *sec(f"seccomp={p}"), "--rootfs", str(md.rootfs), "/bin/probe", "exit", "0")
    assert "plan: seccomp filter flags 0x6" in debug.err, debug


def test_a_relative_path(md, profile):
    p = profile(rule("personality", errnoRet=5))
    r = md.run(sec(f"seccomp={p.name}"), ["probe", "sys", str(NR["personality"]), "0"], cwd=p.parent)
    assert r.ok().values["sys"] == "-1 errno=5"


@pytest.mark.skipif(not PODMAN_PROFILE.exists(), reason=f"{PODMAN_PROFILE} is not installed (package golang-github-containers-common)")
def test_podman_s_own_profile(md):
    o = sec(f"seccomp={PODMAN_PROFILE}")
    assert md.run(o, "probe show security").ok().values["security.seccomp"] == "2"
    assert call(md, o, "getpid") == "1"
    assert call(md, o, "mount", 0, 0, 0, 0, 0) == "-1 errno=14"  # the filter lets it through: the kernel's own EFAULT
    assert call(md, o, "reboot", 0) == "-1 errno=1"
    assert md.run(o, ["probe", "sys", "1000"]).ok().values["sys"] == "-1 errno=38"
    others = ["--uidmap 0:100000:1000"] if os.geteuid() == 0 else []  # ids that are not an ordinary user's to map
    for what in ("-u 1000", "--cap-add SYS_ADMIN", "--cap-drop ALL", "--privileged", *others):
        assert md.run([*what.split(), *o], "probe exit 3").code == 3, what


def test_ordinary_users_bring_filters_too(user_md, profile):
    p = profile(rule("personality", errnoRet=5))
    assert call(user_md, sec(f"seccomp={p}"), "personality", 0xFFFFFFFF) == "-1 errno=5"


def test_a_fifo_does_not_block(md, scratch):
    """Nor is it opened: a writer that waits for a reader would see one."""
    os.mkfifo(scratch / "fifo")
    seen = []

    def writer():
        with open(scratch / "fifo", "w") as f:
            seen.append(f)

    t = threading.Thread(target=writer, daemon=True)
    t.start()
    md.run(sec(f"seccomp={scratch}/fifo"), "probe exit 0", timeout=10).failed(125, f"seccomp profile '{scratch}/fifo' is not a regular file")
    assert not seen
    with open(scratch / "fifo"):
        t.join(10)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "line 1, column 1"),
        ("{}", "defaultAction is missing (line 1)"),
        ('{"defaultAction": "SCMP_ACT_ALLOW",\n"syscalls": [{"name": "read", "action": "deny"}]}', "syscalls[0].action must be an action such as SCMP_ACT_ERRNO, not 'deny' (line 2)"),
        ('{"defaultAction": "SCMP_ACT_ALLOW",\n"syscalls": [\n{"name": "read", "action": "SCMP_ACT_NOTIFY"}]}', "syscalls[0] has the action SCMP_ACT_NOTIFY, which is not supported yet (line 3)"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}', "listenerPath is not supported yet"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "Syscalls": []}', "the profile has the unknown key 'Syscalls'"),
    ],
)
def test_a_wrong_profile_is_named(md, scratch, text, words):
    (scratch / "p.json").write_text(text)
    md.run(sec(f"seccomp={scratch}/p.json"), "probe exit 0").failed(125, f"seccomp profile '{scratch}/p.json': ", words)


def test_a_missing_profile_is_named(md):
    md.run(sec("seccomp=/nonexistent/p.json"), "probe exit 0").failed(125, "open seccomp profile '/nonexistent/p.json'", "No such file")


# ---- masks ----


def lines(md, opts, cmd):
    return md.run(opts, cmd).ok().out.splitlines()


def test_paths_are_masked(md, rootfs):
    (rootfs / "work/file").write_text("secret")
    (rootfs / "work/dir").mkdir()
    (rootfs / "work/dir/inner").write_text("secret")
    o = sec("mask=/work/file:/work/dir/:/nothing", "mask=/home/../proc/self/status")
    assert md.run(o, ["probe", "seq", "cat", "/work/file", ",", "ls", "/work/dir", ",", "say", "end"]).ok().out == "ls=0\nend\n"
    assert md.run([*o, "--privileged"], ["probe", "seq", "cat", "/work/file", ",", "say", "end"]).ok().out == "end\n"
    assert (rootfs / "work/file").read_text() == "secret"


def test_a_mask_holds_for_a_volume(md, scratch):
    (scratch / "token").write_text("secret")
    r = md.run([*sec("mask=/v/token"), "-v", f"{scratch}:/v"], ["probe", "seq", "cat", "/v/token", ",", "say", "end"])
    assert r.ok().out == "end\n"


def mounts_of(md, opts):
    return [x.split()[4:6] for x in lines(md, opts, "probe cat /proc/self/mountinfo")]


def test_unmask(md):
    default = {m[0] for m in mounts_of(md, [])}
    masked = "/proc/keys" if "/proc/keys" in default else "/proc/interrupts"  # not every kernel has keys
    assert {"/proc/sys", masked} <= default
    pattern = {m[0] for m in mounts_of(md, sec("unmask=/proc/*"))}
    assert not {p for p in pattern if p.startswith("/proc/")} and {p for p in default if p.startswith("/sys/")} <= pattern
    one = {m[0] for m in mounts_of(md, sec(f"unmask={masked}"))}
    assert default - one == {masked}
    for opts in (sec("unmask=ALL"), sec("systempaths=unconfined")):
        left = {m[0] for m in mounts_of(md, opts)}
        assert not {p for p in left if p.startswith("/proc/") or (p.startswith("/sys/") and not p.startswith("/sys/fs/cgroup"))}
        # The file is the host's root's, who has no id in an ordinary user's container.
        assert md.run(opts, "probe open /proc/sys/kernel/domainname w").ok().values["open"] == ("0" if os.geteuid() == 0 else "-1 errno=13")
    both = {m[0] for m in mounts_of(md, sec("systempaths=unconfined", f"mask={masked}:/proc/version"))}
    assert {p for p in both if p.startswith("/proc/")} == {masked, "/proc/version"}


def test_unmasked_groups_can_be_written(md):
    def group_options(opts):
        return [set(m[1].split(",")) for m in mounts_of(md, opts) if m[0].startswith("/sys/fs/cgroup")]

    found = group_options([])
    if not found:
        pytest.skip("no cgroups here")
    assert all("ro" in o for o in found)
    assert all("ro" in o for o in group_options(sec("systempaths=unconfined")))
    assert all("rw" in o for o in group_options(sec("unmask=/sys/fs/cgroup")))


# ---- /proc ----


def test_options_of_proc(md):
    o = sec("proc-opts=hidepid=2,subset=pid")
    names = {x.split("=")[0][3:] for x in lines(md, o, "probe ls /proc") if x.startswith("ls.")}
    assert names == {"1", "self", "thread-self"}
    mount = [x for x in lines(md, o, "probe cat /proc/self/mounts") if x.split()[1] == "/proc"]
    assert len(mount) == 1 and "subset=pid" in mount[0] and "hidepid=" in mount[0] and "noexec" in mount[0], mount
    assert md.run([*o, "--sysctl", "net.ipv4.ip_forward=1"], "probe exit 3").code == 3  # set by another procfs


def test_hidepid_hides_from_others(md):
    script = ["probe", "child", "as", "1000", "1000", "ls", "/proc/1/"]
    assert "ls.status" in md.run("", script).out
    assert errno_of(md.run(sec("proc-opts=hidepid=2"), script).out) == "ENOENT"
    assert errno_of(md.run(sec("proc-opts=hidepid=noaccess"), script).out) == "EPERM"
    assert "ls.status" in md.run(sec("proc-opts=hidepid=2,gid=1000"), script).out


def test_proc_read_only(md):
    assert errno_of(md.run(sec("proc-opts=ro"), "probe open /proc/self/comm w").ok().out) == "EROFS"
    assert md.run("", "probe open /proc/self/comm w").ok().values["open"] == "0"


# ---- labels ----


def has_apparmor():
    p = Path("/sys/module/apparmor/parameters/enabled")
    return p.exists() and p.read_text().startswith("Y")


def has_selinux():
    return Path("/sys/fs/selinux/enforce").exists()


def test_what_asks_for_no_label_is_accepted_anywhere(md):
    o = sec("apparmor=unconfined", "label=disable", "label=type:spc_t", "label=nested")
    assert md.run(o, "probe exit 3").code == 3


@pytest.mark.skipif(has_apparmor(), reason="this host has AppArmor")
def test_a_profile_without_apparmor(md):
    md.run(sec("apparmor=docker-default"), "probe exit 0").failed(125, "AppArmor profile 'docker-default': AppArmor is not enabled on this host")


@pytest.mark.skipif(has_selinux(), reason="this host has SELinux")
def test_a_label_without_selinux(md):
    for label in ("type:spc_t", "nested", "level:s0:c1,c2"):
        md.run(sec(f"label={label}"), "probe exit 0").failed(125, f"--security-opt label={label}: SELinux is not enabled on this host")


@pytest.mark.skipif(not has_apparmor(), reason="this host has no AppArmor")
def test_a_profile_that_is_not_loaded(md):
    md.run(sec("apparmor=no-such-profile"), "probe exit 0").failed(125, "label 'no-such-profile': no such AppArmor profile is loaded into the kernel")


@pytest.mark.skipif(not has_apparmor() or not shutil.which("apparmor_parser"), reason="needs AppArmor and apparmor_parser")
@pytest.mark.root("it loads a profile")
def test_a_profile_confines(md, rootfs, scratch):
    """The command has it, whoever it is, and the profile's rules hold."""
    name = f"mydocker-test-{os.getpid()}"
    text = f"profile {name} flags=(attach_disconnected,mediate_deleted) {{ file, capability, network, mount, umount, signal, ptrace, deny /work/secret r, }}\n"
    (scratch / "aa").write_text(text)
    (rootfs / "work/secret").write_text("secret")
    subprocess.run(["apparmor_parser", "-r", "-K", str(scratch / "aa")], check=True)
    try:
        for opts in ([], ["-u", "1000"], ["--privileged"], sec("no-new-privileges"), ["--uidmap", "0:100000:1000"]):
            o = [*sec(f"apparmor={name}"), *opts]
            assert md.run(o, "probe cat /proc/self/attr/current").ok().out.strip() == f"{name} (enforce)", opts
        assert "errno=13" in md.run(sec(f"apparmor={name}"), "probe cat /work/secret").out
        assert md.run("", "probe cat /proc/self/attr/current").ok().out.strip() == Path("/proc/self/attr/current").read_text().strip()
    finally:
        subprocess.run(["apparmor_parser", "-R", str(scratch / "aa")], check=True)


# ---- mistakes ----


@pytest.mark.parametrize(
    "opts, words",
    [
        (["--security-opt", "secomp=x"], "unknown --security-opt 'secomp=x', did you mean seccomp?"),
        (["--security-opt", ""], "unknown --security-opt ''"),
        (["--security-opt", "seccomp"], "--security-opt seccomp has no value"),
        (["--security-opt", "mask=proc"], "--security-opt mask: 'proc' is no absolute path"),
        (["--security-opt", "mask=/"], "the root itself cannot be masked"),
        (["--security-opt", "unmask=some"], "--security-opt unmask: 'some' is no absolute path"),
        (["--security-opt", "systempaths=all"], "--security-opt systempaths takes unconfined, not 'all'"),
        (["--security-opt", "proc-opts=hidepid=9"], "--security-opt proc-opts: 'hidepid=9' is none of"),
        (["--security-opt", "label=x"], "--security-opt label takes disable, nested,"),
        (["--security-opt", "no-new-privileges=maybe"], "--security-opt no-new-privileges takes true or false, not 'maybe'"),
        (["--cap-add", "net_admn"], "--cap-add: unknown capability 'net_admn', did you mean NET_ADMIN?"),
        (["--cap-drop", "CAP_CHOWM"], "--cap-drop: unknown capability 'CAP_CHOWM', did you mean CAP_CHOWN?"),
        (["--cap-add", ""], "--cap-add: unknown capability ''"),
        (["--cap-add", "NET_ADMIN,NET_RAW"], "--cap-add: unknown capability 'NET_ADMIN,NET_RAW'"),
        (["--ulimit", "nofil=5"], "ulimit 'nofil': no such limit, did you mean nofile?"),
        (["--ulimit", "nofile"], "ulimit 'nofile': not of the form NAME=SOFT[:HARD]"),
        (["--ulimit", "nofile=6:5"], "ulimit 'nofile': the soft limit is above the hard limit"),
        (["--ulimit", "nofile=x"], "ulimit 'nofile': 'x' is not SOFT[:HARD], whole numbers or -1"),
        (["--sysctl", "net.ipv4.ip_forward"], "sysctl 'net.ipv4.ip_forward': not of the form KEY=VALUE"),
        (["--sysctl", "=1"], "sysctl '=1': not of the form KEY=VALUE"),
        (["--sysctl", "kernel.panic=1"], "sysctl 'kernel.panic': belongs to the host, not to a namespace"),
        (["--sysctl", "net..x=1"], "sysctl 'net..x': not the name of a kernel parameter"),
        (["--sysctl", "net.ipv4.no_such=1"], "sysctl net/ipv4/no_such: open it"),
        (["--sysctl", "net.ipv4.ip_forward=many"], "sysctl net/ipv4/ip_forward: write 'many'"),
    ],
)
def test_mistakes_are_one_line(md, opts, words):
    md.run(opts, "probe exit 0").failed(125, words)
