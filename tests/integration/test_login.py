"""login and logout: what a registry takes is kept where docker and podman look for it, and nothing else."""
import contextlib
import json
import os
import subprocess
import termios

import pytest

from harness import MYDOCKER, PATIENCE, Terminal
from registries import registry


class Cli:
    def __init__(self, folder):
        self.home = folder / "home"
        self.home.mkdir()
        self.env = {**{k: v for k, v in os.environ.items() if k not in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR")}, "HOME": str(self.home)}
        self.kept = self.home / ".docker/config.json"

    def argv(self, *words):
        return [str(MYDOCKER), "--root", str(self.home / "store"), *map(str, words)]

    def __call__(self, *words, text=None):
        given = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(self.argv(*words), capture_output=True, text=True, env=self.env, timeout=60 * PATIENCE, **given)

    def ok(self, *words, text=None):
        r = self(*words, text=text)
        assert r.returncode == 0 and not r.stderr, r
        return r.stdout

    def failed(self, *words, says, code=1, text=None):
        r = self(*words, text=text)
        assert r.returncode == code and not r.stdout and says in r.stderr and "secret" not in r.stderr, r

    @contextlib.contextmanager
    def terminal(self, *words):
        t = Terminal(self.argv(*words), self.env)
        try:
            yield t
        finally:
            t.close()

    @property
    def servers(self):
        return sorted(json.loads(self.kept.read_text())["auths"]) if self.kept.exists() else []


@pytest.fixture
def cli(scratch):
    return Cli(scratch)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    where = tmp_path_factory.mktemp("registry")
    made = subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, text=True)
    (where / "passwords").write_text(made.stdout)
    with registry(where / "registry", auth=f"auth: {{htpasswd: {{realm: x, path: {where}/passwords}}}}\n") as name:
        yield name


def test_from_login_to_logout(cli, host):
    cli.failed("login", "-u", "me", "--password-stdin", host, text="wrong\n", says="unauthorized")
    assert not cli.kept.exists()
    assert cli.ok("login", "-u", "me", "--password-stdin", host, text="secret\n") == "Login Succeeded\n"
    assert cli.servers == [host] and cli.kept.stat().st_mode & 0o777 == 0o600
    assert cli.ok("login", "--get-login", host) == "me\n" and cli.ok("login", host) == "Login Succeeded\n"
    cli.failed("pull", f"{host}/none", says="none")
    assert cli.ok("logout", f"https://{host}/v2/") == f"Removing login credentials for {host}\n"
    assert cli.servers == [] and cli.ok("logout", host) == f"Not logged in to {host}\n"
    cli.failed("login", "--get-login", host, says=f"not logged into {host}")


def test_a_password_among_the_arguments(cli, host):
    r = cli("login", "-u", "me", "-p", "secret", host)
    assert (r.returncode, r.stdout) == (0, "Login Succeeded\n") and "Using --password via the CLI is insecure. Use --password-stdin." in r.stderr
    assert cli.servers == [host]


def test_a_file_of_its_own(cli, host, scratch):
    there = scratch / "auth.json"
    cli.ok("login", "--authfile", there, "-u", "me", "--password-stdin", host, text="secret")
    assert list(json.loads(there.read_text())["auths"]) == [host] and not cli.kept.exists()
    cli.ok("logout", "--authfile", there, host)
    assert json.loads(there.read_text())["auths"] == {}


def test_at_a_terminal(cli, host):
    """What is typed as a password does not show; the terminal is as it was."""
    with cli.terminal("login", host) as t:
        t.expect("Username: ")
        t.send("me\n")
        t.expect("Password: ")
        t.send("secret\n")
        t.expect("Login Succeeded")
        assert t.wait() == 0 and "secret" not in t.text and termios.tcgetattr(t.slave) == t.before, t.text
    assert cli.servers == [host]


def test_an_empty_name_is_the_one_that_is_kept(cli, host):
    cli.ok("login", "-u", "me", "--password-stdin", host, text="secret")
    text = json.loads(cli.kept.read_text())
    text["auths"][host]["auth"] = "bWU6d3Jvbmc="  # me:wrong
    cli.kept.write_text(json.dumps(text))
    cli.failed("login", host, says="unauthorized")
    with cli.terminal("login", host) as t:
        t.expect("Username (me): ")
        t.send("\n")
        t.expect("Password: ")
        t.send("secret\n")
        t.expect("Login Succeeded")
        assert t.wait() == 0


def test_interrupted_at_the_password(cli, host):
    with cli.terminal("login", "-u", "me", host) as t:
        t.expect("Password: ")
        t.send(b"\x03")
        assert t.wait() == 1 and termios.tcgetattr(t.slave) == t.before, t.text
    assert not cli.kept.exists()


@pytest.mark.parametrize("words, says, code", [
    (["-p", "x", "--password-stdin"], "--password and --password-stdin are mutually exclusive", 125),
    (["--password-stdin"], "Must provide --username with --password-stdin", 125),
    ([], "Cannot perform an interactive login from a non TTY device", 125),
    (["-u", "me"], "Cannot perform an interactive login from a non TTY device", 125),
    (["-u", "me", "--password-stdin"], "Username and Password are required", 125),
    (["--tls-verify=maybe"], "--tls-verify is true or false, not 'maybe'", 125),
])
def test_refused(cli, words, says, code):
    cli.failed("login", *words, "registry.example", says=says, code=code, text="")


@pytest.mark.parametrize("server", ["a b", "-x.example", "/", "x:y"])
def test_what_is_no_registry(cli, server):
    cli.failed("logout", "--", server, says="does not name a registry", code=125)
