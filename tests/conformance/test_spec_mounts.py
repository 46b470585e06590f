"""config.md, "Mounts", "Linux mount options", "POSIX-platform Mounts"."""
import json
import os
import re
import shutil
import subprocess

import pytest

from bundles import bad, bundle, command, good, run, runtime, write_config  # noqa: F401: one is a fixture
from statements import SPEC, prose
from test_spec_config import MAPS, refused

root_only = pytest.mark.root("the test mounts, or looks at devices")


def mount(where, **more):
    return {"destination": where} | more


def add(*given):
    return lambda c: (c["root"].update(readonly=False), c["mounts"].extend(given))


def mountinfo(text):
    """{mount point: (flags, optional fields, type, flags of the file system)}; of two at one place the upper."""
    found = {}
    for line in text.splitlines():
        left, right = line.split(" - ", 1)
        f, s = left.split(), right.split()
        found[f[4]] = (set(f[5].split(",")), f[6:], s[0], set(s[2].split(",")))
    return found


def seen(bundle, *given, before="", options=()):
    """mountinfo in a container with these mounts; `before` is done by a shell in a mount namespace of the test's own, in the bundle."""
    write_config(bundle, lambda c: (add(*given)(c), c["process"].update(args=["/bin/probe", "cat", "/proc/self/mountinfo"])))
    argv = list(map(str, command(bundle, *options)))
    if before:
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", f'cd "$0"; {before}\nexec "$@"', str(bundle), *argv]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, r
    return mountinfo(r.stdout)


# ---- entries ----


def test_mounts_are_made_in_the_listed_order(bundle):
    """What comes later covers what came before, and may lie in it."""
    given = [mount("/m", type="tmpfs", source="first"), mount("/m/sub", type="tmpfs", source="second"), mount("/n/sub", type="tmpfs", source="third"), mount("/n", type="tmpfs", source="fourth")]
    write_config(bundle, lambda c: (add(*given)(c), c["process"].update(args=["/bin/probe", "seq", "ls", "/m", ",", "ls", "/n"])))
    r = subprocess.run(command(bundle), capture_output=True, text=True, timeout=30)
    assert r.stdout == "ls=0\nls.sub=4\nls=0\n", r


@pytest.mark.parametrize("destination", ["/rel/x", "rel/x", "./rel/x", "rel/./x/", "../rel/x"])
def test_mounts_destination_relative_is_below_the_root(bundle, destination):
    assert "/rel/x" in seen(bundle, mount(destination, type="tmpfs", source="x"))


def test_mounts_source_is_absolute_or_relative_to_the_bundle(bundle):
    (bundle / "data/f").write_text("x")
    for source in ("data", "./data", str(bundle / "data")):
        r = run(bundle, "cat /m/f", change=add(mount("/m", source=source, options=["bind"])), cwd="/")
        assert r.stdout == "x", (source, r)


@pytest.mark.parametrize("kind", [None, "none", "bind", "tmpfs"])
@pytest.mark.parametrize("option", ["bind", "rbind"])
def test_mounts_with_bind_are_bind_mounts_whatever_their_type(bundle, option, kind):
    (bundle / "data/f").write_text("x")
    r = run(bundle, "cat /m/f", change=add(mount("/m", source="data", options=[option]) | ({"type": kind} if kind else {})))
    assert r.stdout == "x", r


def test_mounts_of_a_type_that_the_kernel_lacks(bundle):
    refused(bundle, add(mount("/m", type="nosuchfs", source="x")), "nosuchfs")


# ---- options: name, how it is required, and what a mount shows that has it ----
# a tmpfs with these options: flags that it has, and flags that it has not, of the mount and of the file system together

FLAGS = {
    "async": (["sync", "async"], "", "sync"), "atime": (["noatime", "atime"], "", "noatime"), "defaults": (["ro", "nosuid", "nodev", "noexec", "defaults"], "", ""),
    "dev": (["nodev", "dev"], "", "nodev"), "diratime": (["nodiratime", "diratime"], "", "nodiratime"), "dirsync": (["dirsync"], "dirsync", ""),
    "exec": (["noexec", "exec"], "", "noexec"), "iversion": (["iversion"], "", ""), "lazytime": (["lazytime"], "lazytime", ""), "loud": (["silent", "loud"], "", ""),
    "mand": (["mand"], "", ""), "noatime": (["noatime"], "noatime", ""), "nodev": (["nodev"], "nodev", ""), "nodiratime": (["nodiratime"], "nodiratime", ""),
    "noexec": (["noexec"], "noexec", ""), "noiversion": (["iversion", "noiversion"], "", ""), "nolazytime": (["lazytime", "nolazytime"], "", "lazytime"), "nomand": (["mand", "nomand"], "", "mand"),
    "norelatime": (["norelatime"], "", "noatime"), "nostrictatime": (["strictatime", "nostrictatime"], "relatime", ""), "nosuid": (["nosuid"], "nosuid", ""),
    "nosymfollow": (["nosymfollow"], "nosymfollow", ""), "relatime": (["noatime", "relatime"], "relatime", "noatime"), "ro": (["ro"], "ro", "rw"), "rw": (["ro", "rw"], "rw", "ro"),
    "silent": (["silent"], "", ""), "strictatime": (["strictatime"], "", "relatime noatime"), "suid": (["nosuid", "suid"], "", "nosuid"),
    "symfollow": (["nosymfollow", "symfollow"], "", "nosymfollow"), "sync": (["sync"], "sync", ""),
}
# a recursive bind mount with another mount below it, both before with the flags in brackets: flags that both have, and have not
RECURSIVE = {
    "ratime": ("noatime", "ratime", "", "noatime"), "rdev": ("nodev", "rdev", "", "nodev"), "rdiratime": ("nodiratime", "rdiratime", "", "nodiratime"), "rexec": ("noexec", "rexec", "", "noexec"),
    "rnoatime": ("", "rnoatime", "noatime", ""), "rnodiratime": ("", "rnodiratime", "nodiratime", ""), "rnoexec": ("", "rnoexec", "noexec", ""),
    "rnorelatime": ("", "rnorelatime", "", "noatime"), "rnostrictatime": ("strictatime", "rnostrictatime", "relatime", ""), "rnosuid": ("", "rnosuid", "nosuid", ""), "rnosymfollow": ("", "rnosymfollow", "nosymfollow", ""),
    "rrelatime": ("strictatime", "rrelatime", "relatime", ""), "rro": ("", "rro", "ro", "rw"), "rrw": ("ro", "rrw", "rw", "ro"), "rstrictatime": ("noatime", "rstrictatime", "", "noatime relatime"),
    "rsuid": ("nosuid", "rsuid", "", "nosuid"), "rsymfollow": ("nosymfollow", "rsymfollow", "", "nosymfollow"),
}
# a bind mount of a shared mount: what the optional fields of /m and of /m/sub begin with
PROPAGATION = {
    "private": (None, "master"), "rprivate": (None, None), "shared": ("shared", "master"), "rshared": ("shared", "shared"), "slave": ("master", "master"), "rslave": ("master", "master"),
    "unbindable": ("unbindable", "master"), "runbindable": ("unbindable", "unbindable"),
}
OTHERS = {"bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"}


def required():
    """{option: MUST, SHOULD or MAY} as the table of the specification has it."""
    if not (SPEC / "runtime-spec/config.md").exists():
        pytest.skip(f"the specification is not at {SPEC}")
    rows = (re.match(r"\s*`(\w+)\s*`\s*\|\s*(MUST|SHOULD|MAY)\s*\|", line) for heading, line in prose(SPEC / "runtime-spec/config.md") if heading == "Linux mount options")
    return {m[1]: m[2] for m in rows if m}


def test_mount_options_are_all_tried_here():
    assert set(required()) == set(FLAGS) | set(RECURSIVE) | set(PROPAGATION) | OTHERS


@pytest.mark.parametrize("option", FLAGS)
def test_mount_options_flags(bundle, option):
    given, has, has_not = FLAGS[option]
    flags, _, _, fs = seen(bundle, mount("/m", type="tmpfs", source="x", options=given))["/m"]
    together = flags | (fs - {"rw", "ro"})
    assert set(has.split()) <= together and not set(has_not.split()) & together, (flags, fs)


@pytest.mark.parametrize("option", [o for o in FLAGS if o not in ("sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand", "iversion", "noiversion", "silent", "loud")])
def test_mount_options_flags_of_bind_mounts(bundle, option):
    given, has, has_not = FLAGS[option]
    if os.geteuid() != 0 and "atime" in option + has:
        pytest.skip("needs root: in a user namespace the kernel changes no times of the host's mounts")
    flags = seen(bundle, mount("/m", source="data", options=["bind", *given]))["/m"][0]
    assert set(has.split()) <= flags and not set(has_not.split()) & flags, flags


@root_only
@pytest.mark.parametrize("option", RECURSIVE)
def test_mount_options_recursive(bundle, option):
    before, given, has, has_not = RECURSIVE[option]
    flag = f"-o remount,bind,{before}" if before else ""
    make = "mount -t tmpfs x data; mkdir data/sub; mount -t tmpfs x data/sub\n"
    make += f"for d in data data/sub; do mount {flag} x $d; done" if flag else ""
    found = seen(bundle, mount("/m", source="data", options=["rbind", given]), before=make)
    for place in ("/m", "/m/sub"):
        flags = found[place][0]
        assert set(has.split()) <= flags and not set(has_not.split()) & flags, (place, flags)


@root_only
@pytest.mark.parametrize("option", ["ro", "nosuid", "nodev", "noexec", "noatime"])
def test_mount_options_without_the_r_are_of_the_one_mount(bundle, option):
    found = seen(bundle, mount("/m", source="data", options=["rbind", option]), before="mkdir data/sub; mount -t tmpfs x data/sub")
    assert option in found["/m"][0] and option not in found["/m/sub"][0], found


@root_only
@pytest.mark.parametrize("option", PROPAGATION)
def test_mount_options_propagation(bundle, option):
    upper, lower = PROPAGATION[option]
    found = seen(bundle, mount("/m", source="data", options=["rbind", option]), before="mount --bind data data; mount --make-shared data; mkdir data/sub; mount -t tmpfs x data/sub; mount --make-shared data/sub")
    for place, want in (("/m", upper), ("/m/sub", lower)):
        fields = [f.split(":")[0] for f in found[place][1] if not f.startswith("propagate_from")]
        if want is None:
            assert fields == [], (place, found[place])
        elif place == "/m/sub" and option in ("private", "shared", "slave", "unbindable"):
            assert "unbindable" not in fields, (place, found[place])  # not said: it is whatever a copy of the host's is
        else:
            assert want in fields, (place, found[place])


@root_only
def test_mount_options_bind_is_of_one_mount_and_rbind_of_all_below(bundle):
    for option in ("bind", "rbind"):
        found = seen(bundle, mount("/m", source="data", options=[option]), before="mkdir -p data/sub; mount -t tmpfs x data/sub")
        assert ("/m/sub" in found) == (option == "rbind"), found


def test_mount_options_remount(bundle):
    found = seen(bundle, mount("/m", type="tmpfs", source="x"), mount("/m", type="tmpfs", source="x", options=["remount", "ro", "noexec"]))
    assert {"ro", "noexec"} <= found["/m"][0], found["/m"]


@root_only
def test_mount_options_tmpcopyup(bundle):
    (bundle / "root/etc/sub").mkdir()
    (bundle / "root/etc/sub/f").write_text("copied")
    r = run(bundle, "seq cat /etc/sub/f , write /etc/sub/g x", change=lambda c: (add(mount("/etc", type="tmpfs", source="x", options=["tmpcopyup"]))(c), c["process"].update(user={"uid": 0, "gid": 0}, capabilities={k: ["CAP_DAC_OVERRIDE"] for k in ("bounding", "effective", "permitted")})))
    assert r.stdout == "copiedwrite=0\n" and not (bundle / "root/etc/sub/g").exists(), r


# ---- id-mapped mounts ----

ID_MAPS = {"uidMappings": [{"containerID": 0, "hostID": 7000, "size": 100}], "gidMappings": [{"containerID": 0, "hostID": 7000, "size": 100}]}


def user_namespace(c):
    c["process"]["user"] = {"uid": 0, "gid": 0}
    c["linux"]["namespaces"].append({"type": "user"})
    c["linux"] |= {"uidMappings": MAPS, "gidMappings": MAPS}


def owners(bundle, options, more, change=lambda c: None, before=":"):
    """Who owns /m/f and /m/sub/f, as the container sees it; both are 0:0 on the host."""
    os.chmod(bundle, 0o755)
    (bundle / "data/f").write_text("x")
    os.chown(bundle / "root", *((100000, 100000) if change is user_namespace else (0, 0)))
    write_config(bundle, lambda c: (add(mount("/m", type="none", source="data", options=options, **more))(c), c["process"].update(args=["/bin/probe", "stat", "/m/f", "/m/sub/f"]), change(c)))
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", f'cd "$0"; {before}\nexec "$@"', str(bundle), *map(str, command(bundle))]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30)


def ids_of(r):
    assert r.returncode == 0, r
    return dict(re.findall(r"stat\.(\S+)=\d+ (\d+:\d+)", r.stdout))


BELOW = "mkdir -p data/sub; mount -t tmpfs x data/sub; touch data/sub/f"


@root_only
@pytest.mark.parametrize("option", ["idmap", "ridmap"])
def test_mount_options_idmap_uses_the_mappings_of_the_mount(bundle, option):
    """Of one mount, or of all below it, too."""
    maps = {k: [{"containerID": 0, "hostID": 7000, "size": 100}] for k in ("uidMappings", "gidMappings")}
    got = ids_of(owners(bundle, ["rbind", option], maps, before=BELOW))
    assert got["/m/f"] == "7000:7000", got
    assert got["/m/sub/f"] == ("7000:7000" if option == "ridmap" else "0:0"), got


@root_only
@pytest.mark.parametrize("option", ["idmap", "ridmap"])
def test_mount_options_idmap_may_use_the_mappings_of_the_container(bundle, option):
    """The host's 0 is the container's 0 there, where without it nobody owned the file."""
    got = ids_of(owners(bundle, ["rbind", option], {}, change=user_namespace))
    assert got["/m/f"] == "0:0", got
    got = ids_of(owners(bundle, ["rbind"], {}, change=user_namespace))
    assert got["/m/f"] == "65534:65534", got


@pytest.mark.parametrize("option", ["idmap", "ridmap"])
@root_only
def test_mount_options_idmap_without_any_mappings(bundle, option):
    refused(bundle, add(mount("/m", source="data", options=["bind", option])), "/m", "idmap", "needs a user namespace")


@pytest.mark.parametrize("have, lack", [("uidMappings", "gidMappings"), ("gidMappings", "uidMappings")])
def test_posix_mounts_have_both_mappings(bundle, have, lack):
    refused(bundle, add(mount("/m", source="data", options=["bind", "idmap"], **{have: MAPS})), "uidMappings", "gidMappings")


@root_only
def test_posix_mounts_mappings_without_an_option_hold_as_well(bundle):
    """The option should be there; without it the mappings must not be ignored silently."""
    got = owners(bundle, ["rbind"], ID_MAPS)
    assert got.returncode != 0 or ids_of(got)["/m/f"] == "7000:7000", got


@root_only
def test_mount_options_idmap_is_made_by_mount_setattr(bundle):
    """And not handed to mount(2), which would refuse it."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    write_config(bundle, add(mount("/m", source="data", options=["bind", "idmap"], **ID_MAPS)))
    r = subprocess.run(["strace", "-f", "-e", "trace=mount,mount_setattr,fsconfig", "-o", bundle / "trace", *map(str, command(bundle))], capture_output=True, text=True, timeout=60)
    text = (bundle / "trace").read_text()
    assert r.returncode == 0 and re.search(r"mount_setattr\(.*MOUNT_ATTR_IDMAP.*= 0", text) and '"idmap"' not in text, (r, text)


# ---- options that the table lacks ----


@pytest.mark.parametrize("option, type_, ok", [("size=64k", "tmpfs", True), ("nr_inodes=5", "tmpfs", True), ("mode=0711", "tmpfs", True), ("bogus", "tmpfs", False), ("bogus=1", "tmpfs", False), ("hidepid=2", "proc", True)])
def test_mount_options_that_are_unknown_are_the_file_systems(bundle, option, type_, ok):
    write_config(bundle, lambda c: (add(mount("/m", type=type_, source="x", options=[option]))(c), c["process"].update(args=["/bin/probe", "seq", "statfs", "/m", ",", "stat", "/m"])))
    r = subprocess.run(command(bundle), capture_output=True, text=True, timeout=30)
    assert (r.returncode == 0) == ok, r
    if not ok:
        assert option.split("=")[0] in r.stderr or "Invalid argument" in r.stderr, r
    if option.startswith("size"):
        assert "statfs.bytes=65536" in r.stdout, r
    if option.startswith("mode"):
        assert "stat./m=040711" in r.stdout, r


def test_mount_options_that_mount_8_knows_are_as_there(bundle):
    """What `features` has beyond the table: rnodev, which the table forgot. Others would have to be compared with mount(8) here."""
    more = set(json.loads(good(runtime("features")).stdout)["mountOptions"]) - set(required())
    assert more <= {"rnodev"}, more
    if more and os.geteuid() == 0:
        found = seen(bundle, mount("/m", source="data", options=["rbind", "rnodev"]), before="mkdir data/sub; mount -t tmpfs x data/sub")
        assert all("nodev" in found[place][0] for place in ("/m", "/m/sub")), found
