"""What bench/start --user runs as an ordinary user, who is made for it: a name, ids and folders of his own.

The user exists in the mount namespace of the bench alone, where files of ours are mounted over /etc/passwd, /etc/subuid and /etc/subgid.
Commands of his begin with "user:" in the names of bench/start.
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess

USER = 48124  # nobody on a usual host has this number
RANGES = {"/etc/subuid": f"{USER}:300000:65536\n", "/etc/subgid": f"{USER}:400000:65536\n"}
NAMES = "user:floor0 user:mydocker user:mydocker:1 user:bwrap user:unshare user:unshare:auto user:crun user:runc user:podman".split()
SHOWN = {
    "user:floor0": "floor level 0, as the user",
    "user:mydocker": "`mydocker run --rootfs DIR`, ranges of ids",
    "user:mydocker:1": "`mydocker run --uidmap 0:UID:1 --gidmap 0:UID:1 --rootfs DIR`, one id",
    "user:bwrap": "`bwrap`, one id",
    "user:unshare": "`unshare --map-root-user`, one id",
    "user:unshare:auto": "`unshare --map-root-user --map-auto`, ranges of ids",
    "user:crun": "`crun`, ranges of ids",
    "user:runc": "`runc`, ranges of ids",
    "user:podman": "`podman run --rootfs DIR`, ranges of ids",
}

# What podman has to be told depends on the host: the first of these that runs is taken. Raising a limit, which some versions do, takes
# CAP_SYS_RESOURCE; and crun does not run where the v2 tree of a hybrid host has a controller.
PODMAN = ["podman", "--log-level", "error", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
PODMAN_RUN = ["run", "--rm", "--network", "none"]
LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
PODMAN_WAYS = [(runtime, limits) for runtime in ([], ["--runtime", "runc"]) for limits in ([], LIMITS)]


def mount_over(work, path, text):
    """A new file is not made: the host's folder is no business of ours."""
    if os.path.exists(path):
        own = work / path.replace("/", "_")
        own.write_text(text)
        subprocess.run(["mount", "--bind", own, path], check=True)


def own(path, mode=0o755):
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    os.chown(path, USER, USER)
    return path


def prepare(work, root, mydocker):
    """The user, the product where he can reach it, and the root directory as his. Returns the product's program."""
    for path, text in RANGES.items():
        mount_over(work, path, text)
    home = own(work / "home")
    mount_over(work, "/etc/passwd", pathlib.Path("/etc/passwd").read_text() + f"bench:x:{USER}:{USER}::{home}:/bin/sh\n")
    os.environ |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(own(work / "home/run", 0o700)), "XDG_DATA_HOME": str(own(work / "home/share", 0o700))}
    for path in [root, *root.rglob("*")]:
        os.chown(path, USER, USER)
    for part in ("bin/mydocker", "libexec/mydocker/init"):
        (work / "installed" / part).parent.mkdir(parents=True)
        shutil.copy(mydocker.parent.parent / part, work / "installed" / part)
    return work / "installed/bin/mydocker"


def as_user(argv):
    """The end of a command that the user runs: a CompletedProcess."""
    return subprocess.run([str(a) for a in argv], user=USER, group=USER, extra_groups=[], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)


def bundle(work, plain):
    """The plain bundle as `runc spec --rootless` would have it, but with ranges: a user namespace, and nothing that takes privilege."""
    config = json.loads((plain / "config.json").read_text())
    linux = config["linux"]
    linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "cgroup"] + [{"type": "user"}]
    for kind, path in (("uidMappings", "/etc/subuid"), ("gidMappings", "/etc/subgid")):
        _, first, count = RANGES[path].split(":")
        linux[kind] = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": int(first), "size": int(count)}]
    linux.pop("resources", None)
    config["process"].pop("rlimits", None)
    config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    folder = work / "user-bundle"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def podman(work, root):
    way = lambda extra, limits: [*PODMAN, *extra, "--root", work / "home/share/podman", "--runroot", work / "home/run/podman", "--storage-driver", "vfs", *PODMAN_RUN, *limits, "--rootfs", root, "/bin/true"]
    ways = [way(*w) for w in PODMAN_WAYS]
    if not shutil.which("podman"):
        return ways[0]
    return next((w for w in ways if as_user(w).returncode == 0), ways[-1])


def commands(work, root, program, others, plain):
    """others: what root runs, by name; plain: the bundle of the runtimes, or None."""
    c = {"user:floor0": others["floor0"]}
    c["user:mydocker"] = [program, "run", "--rootfs", root, "/bin/true"]
    c["user:mydocker:1"] = [program, "run", "--uidmap", f"0:{USER}:1", "--gidmap", f"0:{USER}:1", "--rootfs", root, "/bin/true"]
    c["user:bwrap"] = others["bwrap"]
    c["user:unshare"] = ["unshare", "--map-root-user", *others["unshare"][1:]]
    c["user:unshare:auto"] = ["unshare", "--map-root-user", "--map-auto", *others["unshare"][1:]]
    if plain:
        b = bundle(work, plain)
        for peer in ("crun", "runc"):
            c[f"user:{peer}"] = [peer, "--root", work / "home/run" / peer, "run", "--bundle", b, f"bench-user-{os.getpid()}"]
    c["user:podman"] = podman(work, root)
    return {k: [str(x) for x in c[k]] for k in NAMES if k in c}


def told(all_):
    """What stands below the table: how podman ran."""
    argv = all_.get("user:podman", [])
    words = [a for i, a in enumerate(argv) if not a.startswith("/") and not argv[min(i + 1, len(argv) - 1)].startswith("/")]
    return [f"podman ran as `{shlex.join(words)} ...`."] if argv else []
