"""A host whose ranges of subordinate ids are the test's own: the product runs in a mount namespace in which other files are mounted over
/etc/subuid, /etc/subgid and /etc/passwd."""
import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from conftest import USER
from harness import need_root

UIDS = f"root:100000:65536\ncontainers:1000000:4000\nother:700000:50\ntester:300000:65536\n{USER + 1}:5000:5\n"
GIDS = f"root:200000:65536\ncontainers:2000000:4000\nother:800000:60\ntester:400000:65536\n{USER + 1}:5000:5\n"


class Host:
    """The files of ids, and what else is mounted over the host's before the product is executed."""

    def __init__(self, where):
        need_root("it mounts files of its own over /etc/subuid")
        if not (os.path.exists("/etc/subuid") and os.path.exists("/etc/subgid")):
            pytest.skip("/etc/subuid and /etc/subgid do not exist: nothing to mount over")
        self.where, self.mounts = Path(where), {}
        self.where.mkdir()
        self.file("/etc/subuid", UIDS)
        self.file("/etc/subgid", GIDS)
        self.file("/etc/passwd", Path("/etc/passwd").read_text() + f"tester:x:{USER}:{USER}::/:/bin/sh\n")

    def file(self, path, text):
        p = self.where / path.replace("/", "_")
        p.write_text(text)
        self.mounts[path] = p
        return p

    def prefix(self, before=""):
        """A command line to be put in front of one that is to see these files. `before` is shell."""
        binds = "".join(f"mount --bind '{source}' '{path}'; " for path, source in self.mounts.items())
        return ["unshare", "--mount", "--", "sh", "-ec", f'{binds}{before}\nexec "$@"', "sh"]


def need_helpers():
    p = shutil.which("newuidmap", path="/usr/bin:/bin")
    if not p or not os.stat(p).st_mode & stat.S_ISUID:
        pytest.skip("newuidmap is not there or not set-user-ID (package uidmap)")


def lines(text):
    """Maps as [[inside, outside, count], ...]"""
    n = [int(x) for x in text.split()]
    return [n[i : i + 3] for i in range(0, len(n), 3)]


def outer_id(text, inner):
    """What an id of a container is to the host, by the text of one of its maps."""
    return next(outer + inner - first for first, outer, count in lines(text) if first <= inner < first + count)


def owner(path):
    s = os.lstat(path)
    return s.st_uid, s.st_gid


@pytest.fixture
def host(base):
    path = base / f"host-{os.getpid()}-{time.monotonic_ns()}"
    yield Host(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def root(md, host):
    """As root, with ranges."""
    md.host = host
    md.prefix = host.prefix()
    return md


@pytest.fixture
def user(user_md, host):
    """As an ordinary user with a name, with ranges."""
    need_helpers()
    user_md.as_user = user_md.prefix
    user_md.host = host
    user_md.prefix = [*host.prefix(), *user_md.as_user]
    return user_md
