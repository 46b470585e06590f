"""Capabilities, system call filter, no_new_privs, descriptors: what a container must not have."""
import os
import platform
import resource
import signal
import subprocess

import pytest

from harness import errno_of, parse_signal_mask

CAPS = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK "
    "IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE "
    "AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
DEFAULT = set("CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL".split())
X86 = platform.machine() == "x86_64"


def names(mask):
    return {c for i, c in enumerate(CAPS) if int(mask, 16) >> i & 1}


def own_caps():
    """What we can give: root of an ordinary user's container has all that his user namespace has."""
    if os.geteuid() != 0:
        return set(CAPS)
    line = [x for x in open("/proc/self/status") if x.startswith("CapPrm")][0]
    return names(line.split()[1])


def caps(md, opts=""):
    v = md.run(opts, "probe show caps").ok().values
    return {k[5:]: names(x) for k, x in v.items() if k.startswith("caps.")}


def test_eleven_capabilities(md):
    c = caps(md)
    assert c["prm"] == c["eff"] == c["bnd"] == DEFAULT & own_caps() and c["inh"] == c["amb"] == set()
    assert len(DEFAULT) == 11


@pytest.mark.parametrize(
    "opts, want",
    [
        ("--cap-drop ALL", set()),
        ("--cap-drop all --cap-add CHOWN", {"CHOWN"}),
        ("--cap-drop CAP_KILL --cap-drop setuid", DEFAULT - {"KILL", "SETUID"}),
        ("--cap-add NET_RAW --cap-add cap_mknod", DEFAULT | {"NET_RAW", "MKNOD"}),
        ("--cap-add ALL", set(CAPS)),
        ("--cap-add ALL --cap-drop SYS_ADMIN", set(CAPS) - {"SYS_ADMIN"}),
        ("--privileged", set(CAPS)),
    ],
)
def test_capability_options(md, opts, want):
    v = md.run(opts, "probe show caps").ok().values
    assert names(v["caps.eff"]) == names(v["caps.bnd"]) == want & own_caps()
    assert names(v["caps.inh"]) == names(v["caps.amb"]) == set()


def test_a_capability_that_we_do_not_hold(md):
    missing = set(CAPS) - own_caps()
    if not missing:
        pytest.skip("this process holds every capability")
    r = md.run(["--cap-add", sorted(missing)[0]], "probe exit 0")
    assert r.code == 125 and sorted(missing)[0] in r.err, r


def test_an_ordinary_user_has_none(md):
    c = caps(md, "-u 1000")
    assert c["eff"] == c["prm"] == c["inh"] == c["amb"] == set() and c["bnd"] == DEFAULT & own_caps()


def test_set_user_id_works_and_is_bounded(md, rootfs):
    target = rootfs / "bin/suid"
    target.write_bytes((rootfs / "bin/probe").read_bytes())
    target.chmod(0o4755)
    v = md.run("-u 1000", "probe exec /bin/suid show ids caps").values
    assert v == {} or v["ids.uid"] == "1000,0,0"
    v = md.run("-u 1000", ["/bin/suid", "show", "ids", "caps"]).ok().values
    assert v["ids.uid"] == "1000,0,0" and names(v["caps.eff"]) == DEFAULT & own_caps()
    v = md.run("-u 1000 --security-opt no-new-privileges", ["/bin/suid", "show", "ids", "caps"]).ok().values
    assert v["ids.uid"] == "1000,1000,1000" and names(v["caps.eff"]) == set()


def test_no_new_privs_only_when_asked(md):
    assert md.run("", "probe show security").ok().values["security.nnp"] == "0"
    for opt in ("no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"):
        assert md.run(f"--security-opt {opt}", "probe show security").ok().values["security.nnp"] == "1"
    assert md.run("--security-opt no-new-privileges=false", "probe show security").ok().values["security.nnp"] == "0"


def test_filter_is_on_unless_unconfined(md):
    assert md.run("", "probe show security").ok().values["security.seccomp"] == "2"
    assert md.run("--security-opt seccomp=unconfined", "probe show security").ok().values["security.seccomp"] == "0"
    assert md.run("--privileged", "probe show security").ok().values["security.seccomp"] == "0"
    assert md.run("-u 1000 --cap-drop ALL", "probe show security").ok().values["security.seccomp"] == "2"
    assert md.run("--security-opt no-new-privileges", "probe show security").ok().values["security.seccomp"] == "2"


def test_no_death_signal_for_others_to_see(md):
    v = md.run("", "probe show security").ok().values
    assert v["security.securebits"] == "0" and v["security.dumpable"] == "1"


NR = {
    "x86_64": dict(mount=165, unshare=272, clone=56, clone3=435, setns=308, keyctl=250, add_key=248, request_key=249, io_uring_setup=425, bpf=321, ptrace=101,
                   perf_event_open=298, init_module=175, kexec_load=246, reboot=169, swapon=167, userfaultfd=323, open_by_handle_at=304, pivot_root=155, umount2=166,
                   settimeofday=164, acct=163, quotactl=179, syslog=103, ioctl=16, socket=41, personality=135, move_mount=429, open_tree=428, fsopen=430, iopl=172,
                   sethostname=170, getpid=39, process_vm_readv=310),
    "aarch64": dict(mount=40, unshare=97, clone=220, clone3=435, setns=268, keyctl=219, add_key=217, request_key=218, io_uring_setup=425, bpf=280, ptrace=117,
                    perf_event_open=241, init_module=105, kexec_load=104, reboot=142, swapon=224, userfaultfd=282, open_by_handle_at=265, pivot_root=41, umount2=39,
                    settimeofday=170, acct=89, quotactl=60, syslog=116, ioctl=29, socket=198, personality=92, move_mount=429, open_tree=428, fsopen=430,
                    sethostname=161, getpid=172, process_vm_readv=270),
}.get(platform.machine(), {})

FORBIDDEN = [
    "mount", "umount2", "setns 0 0", "keyctl 0 -3", "add_key", "request_key", "io_uring_setup 1 0", "bpf 0 0 0", "perf_event_open 0 0 0 0 0", "init_module 0 0 @",
    "kexec_load 0 0 0 0", "reboot 0 0 0 0", "swapon @/x 0", "userfaultfd 0", "open_by_handle_at 0 0 0", "pivot_root @/ @/", "settimeofday 0 0", "acct 0",
    "quotactl 0 0 0 0", "syslog 3 0 0", "move_mount 0 @ 0 @ 0", "open_tree 0 @ 0", "fsopen @tmpfs 0", "sethostname @x 1",
    "unshare 0x10000000", "unshare 0x20000", "unshare 0x40000000",
]


@pytest.mark.parametrize("call", FORBIDDEN)
def test_forbidden_calls(md, call):
    """EPERM from the filter, even where the kernel would say something else; with every capability so that only the filter speaks."""
    if not NR:
        pytest.skip("system call numbers of this machine are not in the table")
    name, *args = call.replace("-3", "0xfffffffffffffffd").split()
    r = md.run("", ["probe", "sys", str(NR[name]), *args]).ok()
    assert r.values["sys"] == "-1 errno=1", r


@pytest.mark.parametrize("call", [pytest.param("unshare 0x10000000", marks=pytest.mark.userns), "keyctl 0 0xfffffffffffffffd", "io_uring_setup 1 0"])
def test_forbidden_calls_are_forbidden_by_the_filter(md, call):
    """The other half: without the filter the same calls do not say EPERM (the kernel's own answer)."""
    name, *args = call.split()
    r = md.run("--security-opt seccomp=unconfined", ["probe", "sys", str(NR[name]), *args]).ok()
    if r.values["sys"] == "-1 errno=38":
        pytest.skip(f"this kernel has no {name}")
    assert r.values["sys"] != "-1 errno=1", r


def test_new_user_namespace_by_clone(md):
    v = md.run("", ["probe", "sys", str(NR["clone"]), "0x10000011"]).ok().values
    assert v["sys"] == "-1 errno=1"
    v = md.run("", ["probe", "sys", str(NR["clone3"]), "0", "0"]).ok().values
    assert v["sys"] == "-1 errno=38"  # glibc then falls back to clone, whose flags are looked at


def test_calls_by_capability(md):
    """The filter opens with the capability: the kernel's answer comes through."""
    v = md.run("--cap-add SYS_ADMIN", ["probe", "seq", "mount", "t", "/work", "tmpfs", "0", ",", "sys", str(NR["unshare"]), "0x4000000"]).ok()
    assert v.values["mount"] == "0" and v.values["sys"] == "0"
    v = md.run("--cap-add SYS_ADMIN", ["probe", "sys", str(NR["sethostname"]), "@new", "3"]).ok().values
    assert v["sys"] == "0"


@pytest.mark.parametrize("nr", [467 + 60, 1000, 5000, 0x3FFFFFFF, 0xFFFFFFFF])
def test_unknown_calls_do_not_exist(md, nr):
    assert md.run("", ["probe", "sys", str(nr)]).ok().values["sys"] == "-1 errno=38"


@pytest.mark.skipif(not X86, reason="x86 only")
def test_the_32_bit_entry_is_filtered_alike(md):
    """int $0x80 with i386 numbers: keyctl 288, mount 21, unshare 310; getpid 20 works."""
    r = md.run("", "probe sys32 20")
    if r.code == 128 + signal.SIGSEGV:
        pytest.skip("this kernel has no 32-bit entry")
    assert r.ok().values["sys32"] == "1"
    for nr, *args in ((288, 0, 0), (21,), (310, 0x10000000), (357,), (425, 1, 0)):
        v = md.run("", ["probe", "sys32", str(nr), *map(str, args)]).ok().values
        assert v["sys32"] == "-1 errno=1", (nr, v)
    assert md.run("", "probe sys32 9999").ok().values["sys32"] == "-1 errno=38"


@pytest.mark.skipif(not X86, reason="x86 only")
def test_the_x32_numbers_are_filtered_alike(md):
    for name in ("mount", "keyctl", "unshare"):
        v = md.run("", ["probe", "sys", str(0x40000000 | NR[name]), "0x10000000", "0"]).ok().values
        assert errno_of(v["sys"]) in ("EPERM", "ENOSYS"), (name, v)


@pytest.mark.parametrize("high", [0, 1 << 32])
@pytest.mark.parametrize("domain, name", [(38, "AF_ALG"), (40, "AF_VSOCK")])
def test_socket_families(md, domain, name, high):
    """The kernel looks at 32 bits of the argument: so does the filter."""
    v = md.run("", ["probe", "sys", str(NR["socket"]), str(high | domain), "1", "0"]).ok().values
    assert v["sys"] == "-1 errno=1", v
    for allowed in (1, 2, 10, 16, 39):
        v = md.run("", ["probe", "socket", str(allowed), "2" if allowed != 16 else "3", "0"]).ok().values
        assert errno_of(v["socket"]) != "EPERM", (allowed, v)


@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32])
def test_terminal_injection(md, request_):
    """TIOCSTI and TIOCLINUX."""
    v = md.run("", ["probe", "sys", str(NR["ioctl"]), "0", hex(request_), "@x"]).ok().values
    assert v["sys"] == "-1 errno=1", v
    v = md.run("", ["probe", "sys", str(NR["ioctl"]), "0", "0x5413", "@xxxxxxxx"]).ok().values
    assert v["sys"] == "-1 errno=25"  # another request: the kernel's own ENOTTY for the null device


def test_session_keyring_is_its_own(md):
    """Seen without the filter: a keyring id that is neither ours nor another container's."""
    opts = "--security-opt seccomp=unconfined"
    first, second = (md.run(opts, "probe show keyring").ok().values["keyring.id"] for _ in range(2))
    ours = subprocess.run([md.rootfs / "bin/probe", "show", "keyring"], capture_output=True, text=True).stdout.strip().split("=")[1]
    if "errno=38" in first:
        pytest.skip("this kernel has no keyrings")
    assert len({first, second, ours}) == 3 and "errno" not in first


# ---- what leaks in ----


def test_no_descriptor_leaks(md, scratch):
    fds = [os.open(scratch, os.O_RDONLY), os.open("/etc/passwd", os.O_RDONLY)] + [os.open("/", os.O_PATH) for _ in range(4)]
    high = os.dup2(fds[0], 900, inheritable=True)
    try:
        for fd in fds:
            os.set_inheritable(fd, True)
        r = md.run("", "probe show fds", pass_fds=[*fds, high]).ok()
        assert {k for k in r.values} == {"fds.0", "fds.1", "fds.2"}, r
        t = md.terminal("-t", "probe show fds", stdin=None)
        assert t.wait() == 0
        assert sorted(x.split("=")[0] for x in t.text.split()) == ["fds.0", "fds.1", "fds.2"], t.text
        bad = md.run("-w /proc/self/fd/900", "probe show host", pass_fds=[*fds, high])
        assert bad.code != 0 or bad.values["host.cwd"].startswith("/proc"), bad
        for n in range(3, 40):
            r = md.run(f"-w /proc/self/fd/{n}", "probe show host")
            assert r.code != 0 and not r.stdout, (n, r)
    finally:
        for fd in [*fds, high]:
            os.close(fd)


def test_the_working_directory_does_not_leak(md, scratch):
    assert md.run("", "probe show host", cwd=scratch).ok().values["host.cwd"] == "/"


def test_a_deleted_working_directory_of_the_caller(md, scratch):
    (scratch / "gone").mkdir()

    def go():
        os.chdir(scratch / "gone")
        os.rmdir(scratch / "gone")

    assert md.run("", "probe show host", preexec_fn=go).ok().values["host.cwd"] == "/"


@pytest.mark.root("the caller gives itself groups")
def test_groups_umask_signals_and_nice_of_the_caller_do_not_leak(md):
    def odd():
        os.setgroups([4, 24, 4711])
        os.umask(0o077)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD])
        for s in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTTOU):
            signal.signal(s, signal.SIG_IGN)

    v = md.run("", "probe show groups host signals", preexec_fn=odd, restore_signals=False).ok().values
    assert v["groups"] in ("", "0") and v["host.umask"] == "0022"
    assert parse_signal_mask(v["signals.blocked"]) == set() and parse_signal_mask(v["signals.ignored"]) == set()


def test_files_are_made_by_the_engine_with_right_modes_whatever_the_umask(md, rootfs):
    v = md.run("--tmpfs /t", "probe stat /dev /dev/null /dev/pts /proc /etc/hosts", preexec_fn=lambda: os.umask(0o777)).ok().values
    assert v["stat./dev"].startswith("040755") and v["stat./dev/null"].startswith("020666") and v["stat./etc/hosts"].startswith("100644")


def test_ordinary_users_can_enter_whatever_the_umask(md):
    assert md.run("-u 1000", "probe cat /etc/hosts", preexec_fn=lambda: os.umask(0o077)).code == 0


def test_core_files_are_off_by_default(md):
    def grow():
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    assert md.run("", "probe show rlimits", preexec_fn=grow).ok().values["rlimit.core"].split(":")[0] == "0"


def test_devices_of_the_host_cannot_be_opened(md):
    v = md.run("--cap-add MKNOD", "probe seq mknod /work/mem 1 1 , open /work/mem rw , mknod /work/disk 7 0 , open /work/disk rw")
    if os.geteuid() != 0:
        assert [errno_of(x) for x in v.ok().out.splitlines()] == ["EPERM", "ENOENT"] * 2, v
        return
    for line in v.ok().out.splitlines():
        if line.startswith("open"):
            assert errno_of(line) in ("EPERM", "EACCES"), v
    v = md.run("", "probe mknod /work/null2 1 3").ok().values
    assert v["mknod"] == "-1 errno=1"


def test_init_is_not_reachable_from_inside(md):
    """Pid 1's program is the command itself; nothing of ours is mapped or open."""
    r = md.run("", "probe seq stat /proc/1/exe , cat /proc/1/maps").ok()
    assert r.values["stat./proc/1/exe"].endswith("link=/bin/probe")
    assert "mydocker" not in r.out and "memfd" not in r.out


def test_script_that_names_its_own_interpreter(md, rootfs):
    """#!/proc/self/exe must not start a program of ours."""
    (rootfs / "bin/evil").write_text("#!/proc/self/exe\n")
    (rootfs / "bin/evil").chmod(0o755)
    r = md.run("", ["/bin/evil"], timeout=20)
    assert r.code in (125, 126, 127) and r.out == "" and r.err.startswith("mydocker: "), r


def test_ld_preload_and_path_of_the_caller_have_no_say(md, scratch):
    (scratch / "init").write_text("#!/bin/sh\necho hijacked\n")
    (scratch / "init").chmod(0o755)
    r = md.run("", "probe exit 3", env={"PATH": str(scratch), "LD_PRELOAD": "/nonexistent.so" if os.environ.get("MYDOCKER_SANITIZED") != "1" else ""})
    assert r.code == 3 and "hijacked" not in r.out + r.err


def test_environment_of_the_parent_is_not_in_proc_1(md):
    r = md.run("", "probe cat /proc/1/environ", env={"SECRET_OF_THE_HOST": "leak"}).ok()
    assert "leak" not in r.out


def test_the_host_s_processes_are_seen_but_closed_with_pid_host(md):
    """--pid host shows the host's processes; their roots, descriptors and memory stay shut."""
    ours = os.getpid()
    r = md.run("--pid host", f"probe seq stat /proc/{ours}/status , cat /proc/{ours}/root/etc/hostname , open /proc/{ours}/fd/0 , ls /proc/1/cwd/ , open /proc/{ours}/mem")
    lines = r.out.splitlines()
    assert "errno" not in lines[0] and [errno_of(x) for x in lines[1:]] == ["EACCES"] * 4, r


def test_chroot_escape(md):
    """The classic: chroot with a directory fd kept; there is no outside to come to."""
    r = md.run("", "probe seq mkdir /jail , chroot /jail , stat ../../../../../etc/passwd")
    assert r.ok().values["chroot"] == "0"


def test_state_folders_are_private(md):
    md.run("", "probe exit 0").ok()
    for d in (md.state, md.root):
        if d.exists():
            assert d.stat().st_mode & 0o777 == 0o700, d
