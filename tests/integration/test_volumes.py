"""-v and --mount in full, tmpfs that copies up, time zones: what the command sees, and what becomes of the host's files."""
import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from conftest import USER
from harness import chown, private_mounts, tree
from id_files import outer_id
from test_mounts import mounts_in, points

CONTAINER_USER = "1000:1000"


def sh(md, script, **kw):
    """A script in a mount namespace of its own, whose mounts are private to begin with."""
    r = subprocess.run(private_mounts(["bash", "-euc", script]), capture_output=True, env=md.env, timeout=60, stdin=subprocess.DEVNULL, **kw)
    r.out, r.err = r.stdout.decode(), r.stderr.decode()
    return r


def run_line(md, opts, cmd):
    return shlex.join(md.run_argv(opts, cmd))


# ---- options of -v ----


def test_what_forbids_is_about_all_below(md, scratch, probe):
    (scratch / "sub").mkdir()
    argv = run_line(md, ["-v", f"{scratch}:/vol:ro,noexec,nosuid,nodev"], "probe cat /proc/self/mountinfo")
    r = sh(md, f"mount -t tmpfs t {scratch}/sub; {argv}")
    assert r.returncode == 0, r
    m = points(r.out)
    for place in ("/vol", "/vol/sub"):
        assert {"ro", "noexec", "nosuid", "nodev"} <= m[place][1], (place, m[place])


def test_noexec(md, scratch, probe):
    shutil.copy(probe, scratch / "program")
    assert md.run(["-v", f"{scratch}:/vol"], ["/vol/program", "exit", "3"]).code == 3
    md.run(["-v", f"{scratch}:/vol:noexec"], ["/vol/program", "exit", "3"]).failed(126, "/vol/program")


def test_rw_does_not_undo_what_the_host_forbids(md, scratch):
    argv = run_line(md, ["-v", f"{scratch}:/vol:rw"], "probe write /vol/x y")
    r = sh(md, f"mount --bind {scratch} {scratch}; mount -o remount,bind,ro {scratch}; {argv}")
    assert r.out == "write=-1 errno=30\n", r


def test_without_mounts_below(md, scratch):
    (scratch / "sub").mkdir()
    for opts in (["-v", f"{scratch}:/vol:bind"], ["--mount", f"type=bind,src={scratch},dst=/vol,bind-recursive=disabled"]):
        r = sh(md, f"mount -t tmpfs t {scratch}/sub; touch {scratch}/sub/f; {run_line(md, opts, 'probe seq ls /vol , ls /vol/sub')}")
        assert r.out.splitlines() == ["ls=0", "ls.sub=4", "ls=0"], r


def test_read_only_but_not_below(md, scratch):
    (scratch / "sub").mkdir()
    argv = run_line(md, ["--mount", f"type=bind,src={scratch},dst=/vol,ro,bind-recursive=writable"], "probe seq write /vol/x y , write /vol/sub/x y")
    r = sh(md, f"mount -t tmpfs t {scratch}/sub; {argv}")
    assert r.out.splitlines() == ["write=-1 errno=30", "write=0"], r


def test_a_relative_source(md, scratch):
    (scratch / "here").mkdir()
    (scratch / "here/f").write_text("found")
    for opts in (["-v", "./here:/vol"], ["--mount", "type=bind,src=./here,dst=/vol"], ["-v", "../" + scratch.name + "/here:/vol"]):
        assert md.run(opts, "probe cat /vol/f", cwd=scratch).ok().out == "found"


# ---- U ----


@pytest.fixture
def chown_tree(scratch):
    """A tree to be given away, with links that lead out of it."""
    vol = scratch / "vol"
    (vol / "a/b").mkdir(parents=True)
    (vol / "f").write_text("x")
    (vol / "a/b/g").write_text("y")
    (scratch / "outside").mkdir()
    (scratch / "outside/secret").write_text("z")
    os.symlink(scratch / "outside/secret", vol / "link")
    os.symlink(scratch / "outside", vol / "a/dir")
    return vol


def owners(top):
    return {(s.st_uid, s.st_gid) for d, dirs, files in os.walk(top) for n in [".", *dirs, *files] for s in [os.lstat(os.path.join(d, n))]}


@pytest.mark.parametrize("how", ["-v", "--mount"])
def test_a_volume_is_given_to_the_user(md, chown_tree, how):
    before = tree(chown_tree.parent / "outside")
    value = f"{chown_tree}:/vol:U" if how == "-v" else f"type=bind,src={chown_tree},dst=/vol,chown=true"
    r = md.run([how, value, "-u", CONTAINER_USER], "probe seq write /vol/a/b/new x , stat /vol/f").ok()
    assert r.values["write"] == "0" and "1000:1000" in r.values["stat./vol/f"]
    ids = md.run("", "probe show ids").ok().values
    assert owners(chown_tree) == {(outer_id(ids["ids.uid_map"], 1000), outer_id(ids["ids.gid_map"], 1000))}
    md.run(f"-v {chown_tree}:/vol:U", "probe exit 0").ok()
    assert owners(chown_tree) == {(os.geteuid(), os.getegid())}
    assert tree(chown_tree.parent / "outside") == before


def test_a_volume_is_given_to_the_user_of_the_map_uidmap(md, chown_tree):
    for d in ("proc", "sys", "dev"):  # what is 0:0 inside cannot make them
        (md.rootfs / d).mkdir()
    for f in ("hosts", "hostname", "resolv.conf"):
        (md.rootfs / "etc" / f).touch()
    r = md.run(["--uidmap", "0:100000:65536", "-v", f"{chown_tree}:/work:U", "-u", "7:8"], "probe stat /work/f").ok()
    assert " 7:8 " in r.values["stat./work/f"]
    assert owners(chown_tree) == {(100007, 100008)}


def test_the_system_is_not_given_away(md, scratch):
    for source in ("/", "/etc", "/usr", "/var/lib", "/proc/self/root"):
        md.run(["-v", f"{source}:/vol:U", "-u", CONTAINER_USER], "probe exit 0").failed(125, "'U' would give", "which is the system's")
    os.symlink("/usr", scratch / "link")
    md.run(["-v", f"{scratch}/link:/vol:U", "-u", CONTAINER_USER], "probe exit 0").failed(125, "/usr, which is the system's")
    assert os.stat("/usr").st_uid == 0


# ---- throw-away layers ----


@pytest.mark.parametrize("opts", [[], ["--uidmap", "0:0:65536"]], ids=["root", "uidmap"])
@pytest.mark.parametrize("layer", ["", ":O"], ids=["plain", "overlay"])
def test_a_throw_away_layer(md, scratch, opts, layer):
    (scratch / "f").write_text("old")
    (scratch / "d").mkdir()
    before = tree(scratch)
    cmds = "cat /vol/f , write /vol/f new , write /vol/d/g x , unlink /vol/f , mkdir /vol/e , ls /vol"
    for _ in range(2):  # each time anew
        r = md.run([*opts, "-v", f"{scratch}:/vol:O"], f"probe seq {cmds}", rootfs=f"{md.rootfs}{layer}").ok()
        assert r.out.splitlines()[0] == "oldwrite=0" and r.out.splitlines()[1:4] == ["write=0", "unlink=0", "mkdir=0"], r
        assert {k for k in r.values if k.startswith("ls.")} == {"ls.d", "ls.e"}
    assert tree(scratch) == before


def test_a_layer_of_one_s_own_stays(md, scratch):
    for d in ("low", "up", "work"):
        (scratch / d).mkdir()
    (scratch / "low/f").write_text("old")
    opts = ["-v", f"{scratch}/low:/vol:O,upperdir={scratch}/up,workdir={scratch}/work"]
    md.run(opts, "probe write /vol/new text").ok()
    assert md.run(opts, "probe seq cat /vol/f , cat /vol/new").ok().out == "oldtext"
    assert os.listdir(scratch / "low") == ["f"] and os.listdir(scratch / "up") == ["new"]


def test_layers_that_make_no_sense(md, scratch):
    (scratch / "f").write_text("x")
    md.run(["-v", f"{scratch}/f:/vol:O"], "probe exit 0").failed(125, "/vol", "not a folder")
    md.run(["-v", f"{scratch}:/vol:O,ro"], "probe exit 0").failed(125, "'ro' and 'O' exclude each other")
    md.run(["-v", f"{scratch}:/vol:O,upperdir={scratch}"], "probe exit 0").failed(125, "'upperdir' and 'workdir' need each other")
    md.run(["-v", f"{scratch}:/vol:upperdir={scratch},workdir={scratch}"], "probe exit 0").failed(125, "needs 'O'")
    md.run(["-v", f"{scratch}:/vol:O,upperdir=/no/such,workdir={scratch}"], "probe exit 0").failed(125, "/vol", "upperdir=/no/such: No such file")
    md.run(["-v", f"{scratch}:/vol:O,upperdir={scratch},workdir=/no/such"], "probe exit 0").failed(125, "/vol", "workdir=/no/such: No such file")


# ---- propagation ----

SHARED = "mkdir -p {s}/m; mount -t tmpfs t {s}/m; mount --make-shared {s}/m; mkdir {s}/m/in {s}/m/out; "


def propagate(md, scratch, opts, host, inside, after=""):
    """Starts a shell inside that waits until the host has done its part, and then does its own."""
    argv = run_line(md, ["-i", *opts], ["/bin/sh", "-c", f"echo ready; read go; {inside}"])
    return sh(md, SHARED.format(s=scratch) + f"""
        mkfifo {scratch}/to {scratch}/from
        {argv} <{scratch}/to >{scratch}/from & exec 3>{scratch}/to 4<{scratch}/from
        read ready <&4
        {host}
        echo go >&3
        cat <&4
        wait $!
        {after}""")


@pytest.mark.parametrize("word", ["rshared", "shared", "rslave", "slave"])
@pytest.mark.parametrize("layer", ["", ":O"], ids=["plain", "overlay"])
def test_mounts_of_the_host_come_in(md, shell_rootfs, scratch, word, layer):
    argv = ["-v", f"{scratch}/m:/vol:{word}", "--rootfs", f"{shell_rootfs}{layer}"]
    r = propagate(md, scratch, argv, f"mount -t tmpfs t {scratch}/m/in; echo text >{scratch}/m/in/f", "cat /vol/in/f")
    assert r.returncode == 0 and r.out == "text\n", r


def test_mounts_of_the_host_come_into_a_user_namespace_uidmap(md, shell_rootfs, scratch):
    opts = ["--uidmap", "0:0:65536", "-v", f"{scratch}/m:/vol:ro,rslave"]
    r = propagate(md, scratch, opts, f"mount -t tmpfs t {scratch}/m/in; echo text >{scratch}/m/in/f", "cat /vol/in/f; echo x >/vol/x || echo read-only")
    assert r.out == "text\nread-only\n", r


def test_mounts_of_the_host_stay_out_of_a_private_volume(md, shell_rootfs, scratch):
    for word in ("rprivate", "private"):
        r = propagate(md, scratch, ["-v", f"{scratch}/m:/vol:{word}"], f"mount -t tmpfs t {scratch}/m/in; touch {scratch}/m/in/f", "ls /vol/in; echo end")
        assert r.out == "end\n", r
        os.unlink(scratch / "to"), os.unlink(scratch / "from")


def test_the_whole_host_as_a_slave(md, shell_rootfs, scratch):
    """What monitoring agents ask for: -v /:/host:ro,rslave."""
    host = f"mount -t tmpfs t {scratch}/m/in; echo text >{scratch}/m/in/f"
    script = SHARED.format(s=scratch)
    argv = run_line(md, ["-i", "-v", "/:/host:ro,rslave"], ["/bin/sh", "-c", f"echo ready; read go; cat /host{scratch}/m/in/f"])
    r = sh(md, f"""mount --make-rshared /; {script}
        mkfifo {scratch}/to {scratch}/from
        {argv} <{scratch}/to >{scratch}/from & exec 3>{scratch}/to 4<{scratch}/from
        read ready <&4; {host}; echo go >&3; cat <&4; wait $!""")
    assert r.out == "text\n", r


@pytest.mark.parametrize("word,out", [("rshared", True), ("shared", True), ("rslave", False), ("rprivate", False)])
def test_mounts_of_the_container_go_out_or_stay(md, scratch, word, out):
    argv = run_line(md, ["--privileged", "-v", f"{scratch}/m:/vol:{word}"], "probe mount t /vol/out tmpfs 0")
    r = sh(md, SHARED.format(s=scratch) + f"{argv}; grep -c ' {scratch}/m/out ' /proc/self/mountinfo || true")
    assert r.out.splitlines() == ["mount=0", "1" if out else "0"], r


def test_the_source_must_be_shared(md, scratch):
    (scratch / "m").mkdir()
    for how in (["-v", f"{scratch}/m:/vol:rshared"], ["--mount", f"type=bind,src={scratch}/m,dst=/vol,bind-propagation=shared"]):
        r = sh(md, f"mount -t tmpfs t {scratch}/m; {run_line(md, how, 'probe exit 0')} || echo $?")
        assert r.out == "125\n" and f"'{scratch}/m' is on {scratch}/m, which is not a shared mount; 'mount --make-shared {scratch}/m' makes it one" in r.err, r
    slave = run_line(md, ["-v", f"{scratch}/m:/vol:rslave"], "probe exit 0")
    r = sh(md, f"mount -t tmpfs t {scratch}/m; {slave} || echo $?")
    assert r.out == "125\n" and "which is not a shared or slave mount" in r.err, r
    shared = run_line(md, ["-v", f"{scratch}/m:/vol:rshared"], "probe exit 0")
    r = sh(md, f"mount -t tmpfs t {scratch}/m; mount --make-shared {scratch}/m; unshare -m --propagation slave bash -c {shlex.quote(slave + ' && ' + shared)} || echo $?")
    assert r.out == "125\n" and "which is not a shared mount" in r.err, r


def test_nothing_goes_out_of_a_user_namespace_uidmap(md, scratch):
    md.run(["--uidmap", "0:0:65536", "-v", f"{scratch}:/vol:rshared"], "probe exit 0").failed(125, "lets no mount out of a user namespace", "rslave")


def test_nothing_of_ours_stays_in_a_shared_volume(md, rootfs, scratch):
    os.symlink("/vol", rootfs / "link")
    for inner, error in ((["--tmpfs", "/vol/in"], "mount on /vol/in: it would appear on the host"),
                         (["--tmpfs", "/link/in"], "leads into the shared mount on /vol"),
                         (["-v", f"{scratch}:/link/in"], "leads into the shared mount on /vol")):
        for layer in ("", ":O"):
            argv = shlex.join(md.run_argv(["-v", f"{scratch}/m:/vol:rshared", *inner], "probe exit 0", rootfs=f"{rootfs}{layer}"))
            r = sh(md, SHARED.format(s=scratch) + f"{argv} || echo $?; grep -c ' {scratch}/m/' /proc/self/mountinfo || true")
            assert r.out.splitlines() == ["125", "0"] and error in r.err, r


# ---- --mount ----


def test_mount_bind(md, scratch):
    odd = scratch / 'a,b "c"'
    odd.mkdir()
    (odd / "f").write_text("found")
    quoted = str(odd).replace('"', '""')
    r = md.run(["--mount", f'type=bind,"source={quoted}",destination=/vol,readonly'], "probe seq cat /vol/f , write /vol/x y").ok()
    assert r.out == "foundwrite=-1 errno=30\n"


def test_mount_tmpfs(md):
    opts = ["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=0710"]
    r = md.run(opts, "probe seq statfs /t , stat /t").ok()
    assert r.values["statfs.bytes"] == str(2 << 20) and r.values["stat./t"].startswith("040710 0:0")
    assert {"nosuid", "nodev", "noexec"} <= mounts_in(md, opts)["/t"][1]
    assert md.run(["--mount", "type=tmpfs,dst=/t,ro"], "probe write /t/x y").ok().values["write"] == "-1 errno=30"
    assert md.run(["--mount", "type=tmpfs,dst=/t,U", "-u", "12:34"], "probe stat /t").ok().values["stat./t"].split()[1] == "12:34"


def test_mount_ramfs_and_devpts(md):
    m = mounts_in(md, ["--mount", "type=ramfs,dst=/r", "--mount", "type=devpts,dst=/pts,mode=600,gid=7,max=3"])
    assert m["/r"][0] == "ramfs" and m["/pts"][0] == "devpts" and {"mode=600", "max=3"} <= m["/pts"][1]
    if os.geteuid() == 0:  # else the kernel shows the id as the host knows it
        assert "gid=7" in m["/pts"][1]
    r = md.run(["--mount", "type=ramfs,dst=/r", "--mount", "type=devpts,dst=/pts"], "probe seq write /r/x y , ls /pts").ok()
    assert r.out.splitlines() == ["write=0", "ls=0", "ls.ptmx=2"]


def test_another_devpts_is_not_the_terminal_s(md):
    """Ours in /dev/pts stays the one of /dev/console, wherever else one is mounted."""
    t = md.terminal(["-ti", "--mount", "type=devpts,dst=/a"], "probe seq ls /a , ls /dev/pts")
    assert t.wait() == 0
    here, usual = t.text.split("ls=0\n")[1:]
    assert here.split() == ["ls.ptmx=2"] and sorted(usual.split()) == ["ls.0=2", "ls.ptmx=2"], t.text


def test_a_missing_source_is_made_on_demand(md, scratch):
    where = scratch / "new/deep"
    md.run(["--mount", f"type=bind,src={where},dst=/vol"], "probe exit 0").failed(125, str(where))
    assert not (scratch / "new").exists()
    md.run(["--mount", f"type=bind,src={where},dst=/vol,bind-create-src"], "probe write /vol/f x").ok()
    assert (where / "f").exists() and stat.S_IMODE(where.stat().st_mode) == 0o755


@pytest.mark.parametrize("text,error", [
    ("type=volume,src=x,dst=/v", "type=volume"), ("type=image,src=x,dst=/v", "type=image"), ("type=npipe,dst=/v", "type=npipe"),
    ("type=cluster,dst=/v", "type=cluster"), ("src=/a,dst=/v", "'type' is missing"), ("type=bind,dst=/v", "'source' is missing"),
    ("type=bind,src=/a", "'target' is missing"), ("type=bind,src=/a,dst=/v,dst=/w", "'dst' is there twice"), ("type=tmpfs,dst=/v,bogus=1", "'bogus'"),
])
def test_mounts_that_are_refused(md, text, error):
    md.run(["--mount", text], "probe exit 0").failed(125, f"--mount '{text}'", error)


# ---- tmpfs ----


def test_a_tmpfs_has_the_mode_of_what_it_covers(md, rootfs):
    (rootfs / "private").mkdir(mode=0o700)
    (rootfs / "sticky").mkdir()
    (rootfs / "sticky").chmod(0o1770)
    r = md.run("--tmpfs /private --tmpfs /sticky --tmpfs /none --tmpfs /work:mode=0711", "probe stat /private /sticky /none /work").ok()
    assert {k: v.split()[0] for k, v in r.values.items()} == {"stat./private": "040700", "stat./sticky": "041770", "stat./none": "041777", "stat./work": "040711"}


@pytest.mark.parametrize("layer", ["", ":O"], ids=["plain", "overlay"])
@pytest.mark.parametrize("opt", [["--tmpfs", "/data:tmpcopyup"], ["--mount", "type=tmpfs,dst=/data,tmpcopyup"]], ids=["tmpfs", "mount"])
def test_content_is_copied_up(md, rootfs, opt, layer):
    data = rootfs / "data"
    (data / "sub").mkdir(parents=True)
    (data / "f").write_text("content")
    (data / "sub/g").write_bytes(os.urandom(300000))
    os.symlink("../f", data / "sub/link")
    chown(data / "f", 12, 34)
    (data / "f").chmod(0o640)
    data.chmod(0o750)
    chown(data, 5, 6)
    before = tree(data)
    r = md.run(opt, "probe seq cat /data/f , stat /data /data/f /data/sub/g /data/sub/link , unlink /data/f , write /data/new x", rootfs=f"{rootfs}{layer}").ok()
    assert r.out.startswith("contentstat./data=")
    v = {k.removeprefix("content"): text for k, text in r.values.items()}
    assert v["unlink"] == "0" and v["write"] == "0"
    assert v["stat./data"].startswith("040750 5:6 ") and v["stat./data/f"].startswith("100640 12:34 ")
    assert " size=300000 " in v["stat./data/sub/g"] and v["stat./data/sub/link"].endswith("link=../f")
    assert tree(data) == before


def test_without_being_asked_nothing_is_copied_up(md, rootfs):
    (rootfs / "data").mkdir()
    (rootfs / "data/f").write_text("x")
    for opt in ("--tmpfs /data", "--tmpfs /data:notmpcopyup", "--mount type=tmpfs,dst=/data,notmpcopyup"):
        assert md.run(opt, "probe ls /data").ok().out == "ls=0\n"


def test_what_is_copied_up_must_fit(md, rootfs):
    (rootfs / "data").mkdir()
    (rootfs / "data/large").write_bytes(b"x" * 100000)
    md.run("--tmpfs /data:tmpcopyup,size=8k", "probe exit 0").failed(125, "mount tmpfs on /data", "copy up large", "no space left")


def test_tmpfs_that_are_refused(md):
    for opts, error in (("x", "absolute"), ("/t:bogus", "'bogus'"), ("/t:tmpcopyup,notmpcopyup", "exclude"), ("/", "cannot be '/'")):
        md.run(["--tmpfs", opts], "probe exit 0").failed(125, f"tmpfs '{opts}'", error)
    md.run(["--tmpfs", "/t:size=much"], "probe exit 0").failed(125, "/t", "size=much")


def test_writable_places_of_a_read_only_root(md, rootfs):
    (rootfs / "run").mkdir()
    (rootfs / "run/kept").write_text("from the root")
    cmds = "write /x y , write /run/x y , write /tmp/x y , write /var/tmp/x y"
    r = md.run("--read-only", f"probe seq {cmds}").ok()
    assert r.out.splitlines() == ["write=-1 errno=30"] * 2 + ["write=-1 errno=2"] * 2, r  # the root has neither /tmp nor /var
    r = md.run("--read-only --read-only-tmpfs", f"probe seq cat /run/kept , {cmds} , stat /tmp /run").ok()
    assert r.out.startswith("from the rootwrite=-1 errno=30\nwrite=0\nwrite=0\nwrite=0\n"), r
    assert r.values["stat./tmp"].startswith("041777") and r.values["stat./run"].startswith("040755")
    assert not (rootfs / "run/x").exists()


# ---- where mounts may go ----


def test_targets_that_are_refused(md, scratch):
    (scratch / "f").write_text("x")
    for opts, error in ((["-v", f"{scratch}:/"], "cannot be '/'"), (["-v", f"{scratch}:vol"], "not an absolute path"),
                        (["-v", f"{scratch}:/proc/self"], "inside /proc"), (["-v", f"{scratch}:/proc/sys/kernel"], "inside /proc"),
                        (["--tmpfs", "/proc"], "only a proc file system"), (["-v", f"{scratch}:/proc"], "only a proc file system"),
                        (["-v", f"{scratch}:/v", "--mount", "type=tmpfs,dst=/v/"], "two mounts on /v"),
                        (["-v", f"{scratch}:/bin/probe"], "the source is a folder, the target is a file"),
                        (["-v", f"{scratch}/f:/bin"], "the source is a file, the target is a folder"),
                        (["-v", f"{scratch}:/bin/probe/x"], "/bin/probe/x")):
        md.run(opts, "probe exit 0").failed(125, error)


def test_files_that_inform_may_be_replaced_in_proc(md, scratch):
    (scratch / "meminfo").write_text("MemTotal: 1 kB\n")
    assert md.run(["-v", f"{scratch}/meminfo:/proc/meminfo:ro"], "probe cat /proc/meminfo").ok().out == "MemTotal: 1 kB\n"


def test_the_host_s_proc_may_be_mounted(md):
    assert md.run(["-v", "/proc:/proc"], "probe cat /proc/sys/kernel/ostype").ok().out == "Linux\n"


def test_a_target_that_is_a_link_is_resolved_in_the_root(md, rootfs, scratch):
    (scratch / "f").write_text("found")
    (rootfs / "real").mkdir()
    os.symlink("/real", rootfs / "absolute")
    os.symlink("../../../../../../real", rootfs / "up")
    os.symlink(scratch, rootfs / "out")
    for link in ("absolute", "up"):
        assert md.run(["-v", f"{scratch}:/{link}"], "probe cat /real/f").ok().out == "found"
    assert md.run(["-v", f"{scratch}:/out"], f"probe cat {scratch}/f").ok().out == "found"  # made inside the root


def test_a_mount_point_that_cannot_be_made(md, rootfs, scratch):
    (scratch / "ro").mkdir()
    md.run(["-v", f"{scratch}/ro:/v:ro", "-v", f"{scratch}:/v/new"], "probe exit 0").failed(125, "/v/new", "read-only file system")
    assert os.listdir(scratch / "ro") == []
    argv = run_line(md, ["-v", f"{scratch}:/new"], "probe exit 0")
    r = sh(md, f"mount --bind {rootfs} {rootfs}; mkdir -p {rootfs}/{{proc,sys,dev}}; mount -o remount,bind,ro {rootfs}; {argv} || echo $?")
    assert r.out == "125\n" and "'/new'" in r.err and "Read-only file system" in r.err and not (rootfs / "new").exists(), r


def test_a_thousand_mounts(md, scratch):
    opts = []
    for i in range(1000):
        (scratch / str(i)).mkdir()
        opts += ["-v", f"{scratch}/{i}:/m/{i}" + (":ro" if i % 2 else "")]
    (scratch / "999/f").write_text("the last")
    r = md.run(opts, "probe cat /m/999/f", preexec_fn=few_descriptors).ok()
    assert r.out == "the last"
    md.run(opts + [w for i in range(25) for w in ("--tmpfs", f"/t/{i}")], "probe exit 0").failed(125, "more than 1024 mounts")


def few_descriptors():
    """The soft limit that most shells have, less than there are mounts."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


# ---- time zones ----

ZONES = Path("/usr/share/zoneinfo")


@pytest.mark.skipif(not (ZONES / "America/New_York").exists(), reason="this host has no time zones (package tzdata)")
def test_time_zone(md, rootfs):
    want = (ZONES / "America/New_York").read_bytes()
    r = md.run("--tz America/New_York", "probe seq cat /etc/localtime , write /etc/localtime x").ok()
    assert r.stdout == want + (b"write=-1 errno=30\n" if os.geteuid() == 0 else b"write=-1 errno=13\n")  # the file is the host's root's
    assert "TZ" not in md.run("--tz America/New_York", "probe env").ok().out
    (rootfs / "usr/share/zoneinfo").mkdir(parents=True)
    (rootfs / "usr/share/zoneinfo/UTC").write_text("the root's own")
    os.unlink(rootfs / "etc/localtime")
    os.symlink("../usr/share/zoneinfo/UTC", rootfs / "etc/localtime")
    assert md.run("--tz America/New_York", "probe cat /etc/localtime").ok().stdout == want


@pytest.mark.skipif(not os.path.exists("/etc/localtime"), reason="this host has no /etc/localtime")
def test_the_host_s_time_zone(md):
    assert md.run("--tz local", "probe cat /etc/localtime").ok().stdout == Path("/etc/localtime").read_bytes()


def test_time_zones_that_are_none(md):
    for zone in ("../../../etc/passwd", "/etc/passwd", "Europe/../../x"):
        md.run(["--tz", zone], "probe exit 0").failed(125, f"time zone '{zone}': not a name")
    md.run(["--tz", "Nowhere"], "probe exit 0").failed(125, "time zone 'Nowhere': the host has no")


@pytest.mark.skipif(not (ZONES / "America").is_dir(), reason="this host has no time zones (package tzdata)")
def test_a_directory_is_no_time_zone(md):
    md.run(["--tz", "America"], "probe exit 0").failed(125, "is no time zone's file")


# ---- ordinary users ----


def test_volumes_of_an_ordinary_user(user_md, scratch):
    chown(scratch, USER, USER)
    (scratch / "f").write_text("x")
    chown(scratch / "f", USER, USER)
    assert user_md.run(["-v", f"{scratch}:/vol:ro,noexec"], "probe write /vol/x y").ok().values["write"] == "-1 errno=30"
    assert user_md.run(["-v", f"{scratch}:/vol:U"], "probe stat /vol/f").ok().values["stat./vol/f"].split()[1] == "0:0"
    r = user_md.run(["--tmpfs", "/etc:tmpcopyup", "--mount", "type=tmpfs,dst=/t,tmpfs-mode=700"], "probe seq cat /etc/passwd , write /etc/passwd2 x").ok()
    assert r.out.startswith("root:") and r.out.endswith("write=0\n")
    r = user_md.run(["-v", f"{scratch}:/vol:rshared"], "probe exit 0")
    assert r.code == 125 and "lets no mount out of a user namespace" in r.err, r


@pytest.mark.root("makes a file of another user")
def test_an_ordinary_user_gives_nothing_of_others_away(user_md, scratch):
    (scratch / "root-s").write_text("x")
    chown(scratch, USER, USER)
    r = user_md.run(["-v", f"{scratch}:/vol:U"], "probe exit 0")
    assert r.code == 125 and f"mount on /vol: give {scratch} to {USER}:{USER}: root-s: change its owner: Operation not permitted" in r.err, r
    assert os.stat(scratch / "root-s").st_uid == 0
