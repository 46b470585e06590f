"""What is configured for registries: credentials and who keeps them, certificates, mirrors."""
import base64
import json
import os
import stat

import pytest
from registries import Driver

HUB = "https://index.docker.io/v1/"


@pytest.fixture
def driver(tmp_path):
    return Driver(tmp_path)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def config_of(driver):
    return driver.folder / "home/.docker/config.json"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def user(driver, *argv, **more):
    v = driver("find", *argv, **more).ok().values
    return v["username"], v["secret"]


# ---- login and logout ----


def test_login_writes_what_docker_reads(driver):
    r = driver("login", "r.example:5000", "me", "se:cr\"et").ok()
    path = config_of(driver)
    assert r.values["where"] == str(path)
    assert json.loads(path.read_text()) == {"auths": {"r.example:5000": {"auth": b64("me:se:cr\"et")}}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(path.parent) == ["config.json"]
    assert user(driver, "r.example:5000") == ("me", "se:cr\"et")
    driver("login", "docker.io", "hub", "x").ok()
    driver("login", "r.example:5000", "me", "new").ok()
    assert json.loads(path.read_text())["auths"] == {HUB: {"auth": b64("hub:x")}, "r.example:5000": {"auth": b64("me:new")}}
    assert driver("logout", "docker.io").ok().values["was"] == "1" and driver("logout", "docker.io").ok().values["was"] == "0"
    assert list(json.loads(path.read_text())["auths"]) == ["r.example:5000"]
    assert user(driver, "docker.io") == ("", "")


def test_what_else_stands_in_the_file_stays(driver):
    before = {"HttpHeaders": {"X": "y"}, "auths": {"a.example": {"auth": b64("a:b"), "email": None}}, "n": [1, -2, True, None, {"x": []}], "psFormat": "\u00e9\n"}
    path = write(config_of(driver), before)
    path.chmod(0o644)
    driver("login", "b.example", "<token>", "identity").ok()
    after = json.loads(path.read_text())
    assert after == {**before, "auths": {**before["auths"], "b.example": {"identitytoken": "identity"}}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    driver("logout", "b.example").ok()
    assert json.loads(path.read_text()) == before
    assert driver("find", "b.example").ok().values["identity"] == ""


def test_a_file_that_cannot_be_kept_is_left_alone(driver):
    for text, words in (('{"x": 1.5}', "a number"), ("{", "line 1"), ("[]", "object"), ('{"auths": {}, "auths": {}}', "auths")):
        path = write(config_of(driver), text)
        driver("login", "r.example", "me", "x").failed(words)
        assert path.read_text() == text and os.listdir(path.parent) == ["config.json"]


@pytest.mark.root("files of others")
def test_who_the_file_belongs_to_stays_so(driver):
    path = write(config_of(driver), {})
    os.chown(path, 48123, 48124)
    driver("login", "r.example", "me", "x").ok()
    st = path.stat()
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (48123, 48124, 0o600)


def test_a_link_stays_one(driver):
    real = write(driver.folder / "real/config.json", {})
    path = config_of(driver)
    path.parent.mkdir()
    path.symlink_to(real)
    driver("login", "r.example", "me", "x").ok()
    assert path.is_symlink() and json.loads(real.read_text())["auths"]


def test_a_login_that_cannot_be_written(driver):
    (driver.folder / "home/.docker").write_text("a file")
    driver("login", "r.example", "me", "x").failed(".docker")
    driver("login", "r.example", "me", "x", env={"HOME": ""}).failed("--authfile")


# ---- where they are looked for ----


def test_files_in_their_order(driver):
    run = driver.folder / "run"
    env = {"XDG_RUNTIME_DIR": str(run)}
    write(config_of(driver), {"auths": {"r.example": {"auth": b64("docker:1")}, "only.docker": {"auth": b64("docker:2")}}})
    write(run / "containers/auth.json", {"auths": {"r.example": {"auth": b64("podman:3")}}})
    named = write(driver.folder / "named.json", {"auths": {"r.example": {"auth": b64("named:4")}}})
    given = write(driver.folder / "given.json", {"auths": {"r.example": {"auth": b64("given:5")}}})
    assert user(driver, "r.example") == ("docker", "1")
    assert user(driver, "r.example", env=env) == ("podman", "3") and user(driver, "only.docker", env=env) == ("docker", "2")
    env["REGISTRY_AUTH_FILE"] = str(named)
    assert user(driver, "r.example", env=env) == ("named", "4") and user(driver, "only.docker", env=env) == ("", "")
    r = driver("--authfile", given, "find", "r.example", env=env).ok()
    assert r.values["username"] == "given"
    assert user(driver, "r.example", env={"DOCKER_CONFIG": str(run)}) == ("", "")
    r = driver("--authfile", driver.folder / "new.json", "login", "r.example", "me", "x").ok()
    assert r.values["where"] == str(driver.folder / "new.json") and not driver.folder.joinpath("home/.mydocker").exists()


@pytest.mark.parametrize("key", [HUB, "https://index.docker.io/v1", "index.docker.io", "docker.io", "registry-1.docker.io", "https://registry-1.docker.io/v2/"])
def test_names_of_dockers_registry(driver, key):
    write(config_of(driver), {"auths": {key: {"auth": b64("me:x")}, "other.docker.io": {"auth": b64("other:x")}}})
    assert user(driver, "docker.io") == ("me", "x")


def test_the_closest_repository(driver):
    write(config_of(driver), {"auths": {"https://r.example": {"auth": b64("all:1")}, "r.example/team": {"auth": b64("team:2")}, "r.example/team/one": {"auth": b64("one:3")},
                                        "r.example:5000": {"auth": b64("port:4")}}})
    for path, expected in (("x", "all"), ("team", "team"), ("team/two", "team"), ("team/one", "one"), ("teams", "all"), ("team/one/more", "one")):
        assert user(driver, "r.example", path)[0] == expected, path
    assert user(driver, "r.example:5000", "team/one")[0] == "port" and user(driver, "r.example:5001")[0] == "" and user(driver, "example")[0] == ""


@pytest.mark.parametrize("auth", ["!!!!", b64("nocolon"), b64(":x"), b64("a:b\0c"), "A"])
def test_an_auth_that_is_none(driver, auth):
    write(config_of(driver), {"auths": {"r.example": {"auth": auth}}})
    driver("find", "r.example").failed("auth is not base64", "r.example")
    assert user(driver, "other.example") == ("", "")


def test_other_kinds_of_entries(driver):
    write(config_of(driver), {"auths": {"id": {"auth": b64("00000000-0000-0000-0000-000000000000:"), "identitytoken": "i"}, "reg": {"registrytoken": "r"},
                                        "old": {"username": "me", "password": "x"}, "empty": {}, "null": {"auth": None, "identitytoken": ""}, "name": {"username": "me"}}})
    v = driver("find", "id").ok().values
    assert v["identity"] == "i" and v["username"].startswith("0000") and v["secret"] == ""
    assert driver("find", "reg").ok().values["registry"] == "r" and user(driver, "old") == ("me", "x")
    for domain in ("empty", "null", "name"):
        assert driver("find", domain).ok().values["username"] == ""


# ---- helpers ----

HELPER = """#!/bin/sh
dir={dir}
echo "$1" >>$dir/calls
read -r server || :
case $1 in
get)
	[ "$server" != broken ] || {{ echo "the safe is locked"; exit 1; }}
	[ -e "$dir/secret" ] || {{ echo "credentials not found in native keychain"; exit 1; }}
	cat "$dir/secret" ;;
store) echo "$server" >$dir/stored ;;
erase) echo "$server" >$dir/erased ;;
esac
"""


@pytest.fixture
def helper(driver):
    folder = driver.folder / "helper"
    folder.mkdir()
    program = folder / "docker-credential-safe"
    program.write_text(HELPER.format(dir=folder))
    program.chmod(0o755)
    driver.env["PATH"] += f":{folder}"
    return folder


def test_a_helper_is_asked(driver, helper):
    write(config_of(driver), {"credsStore": "safe", "auths": {"r.example": {}, "plain.example": {"auth": b64("plain:x")}}})
    assert user(driver, "r.example") == ("", "") and user(driver, "plain.example") == ("plain", "x")
    (helper / "secret").write_text('{"ServerURL":"r.example","Username":"me","Secret":"s\\u00e9cret"}')
    assert user(driver, "r.example") == ("me", "s\u00e9cret")
    (helper / "secret").write_text('{"ServerURL":"r.example","Username":"<token>","Secret":"identity"}')
    v = driver("find", "r.example").ok().values
    assert v["identity"] == "identity" and v["username"] == ""


def test_a_helper_for_one_registry(driver, helper):
    (helper / "secret").write_text('{"Username":"me","Secret":"x"}')
    write(config_of(driver), {"credHelpers": {"r.example": "safe"}, "auths": {"r.example": {"auth": b64("file:y")}, "other": {"auth": b64("file:z")}}})
    assert user(driver, "r.example", "some/repository") == ("me", "x") and user(driver, "other") == ("file", "z")
    assert (helper / "calls").read_text() == "get\n"


def test_a_helper_that_fails_is_warned_of(driver, helper):
    write(config_of(driver), {"credsStore": "safe"})
    r = driver("find", "broken").ok()
    assert r.values["username"] == "" and "docker-credential-safe ended with 1: the safe is locked" in r.err
    for name, words in (("none", "docker-credential-none is in no directory of PATH"), ("../x", "is no name")):
        write(config_of(driver), {"credsStore": name})
        r = driver("find", "r.example").ok()
        assert words in r.err and r.values["username"] == ""
    write(config_of(driver), {"credsStore": "safe"})
    (helper / "secret").write_text("no JSON")
    assert "line 1" in driver("find", "r.example").ok().err
    (helper / "docker-credential-safe").write_text("#!/bin/sh\nexec yes\n")
    assert "File too large" in driver("find", "r.example").ok().err
    (helper / "docker-credential-safe").write_text("#!/bin/sh\nkill -9 $$\n")
    assert "signal SIGKILL" in driver("find", "r.example").ok().err


def test_login_gives_to_the_helper(driver, helper):
    write(config_of(driver), {"credsStore": "safe"})
    driver("login", "docker.io", "me", "s\"x").ok()
    assert json.loads((helper / "stored").read_text()) == {"ServerURL": HUB, "Username": "me", "Secret": 's"x'}
    assert json.loads(config_of(driver).read_text()) == {"credsStore": "safe", "auths": {HUB: {}}}
    assert driver("logout", "docker.io").ok().values["was"] == "1"
    assert (helper / "erased").read_text() == HUB + "\n" and json.loads(config_of(driver).read_text()) == {"credsStore": "safe", "auths": {}}
    (helper / "docker-credential-safe").write_text("#!/bin/sh\necho no room\nexit 1\n")
    driver("login", "r.example", "me", "x").failed("no room")
    assert json.loads(config_of(driver).read_text()) == {"credsStore": "safe", "auths": {}}


# ---- places ----


def places(driver, *argv):
    found = []
    for line in driver(*argv).ok().all("place"):
        url, *rest = line.split(" ")
        found.append((url, dict(r.split("=", 1) for r in rest)))
    return found


@pytest.mark.parametrize("domain,fallback", [("localhost", 1), ("localhost:5000", 1), ("127.0.0.1:5000", 1), ("127.9.9.9", 1), ("[::1]:5000", 1), ("r.example", 0),
                                             ("128.0.0.1", 0), ("localhost.example", 0), ("127.0.0.1.example", 0), ("[::2]", 0)])
def test_who_may_speak_http(driver, domain, fallback):
    [(url, p)] = places(driver, "find", domain)
    assert url == f"https://{domain}" and p["fallback"] == str(fallback) and p["verify"] == "1"
    [(url, p)] = places(driver, "--tls-verify", "find", domain)
    assert p["fallback"] == "0" and p["verify"] == "1"
    [(url, p)] = places(driver, "--no-tls-verify", "find", domain)
    assert p["fallback"] == "1" and p["verify"] == "0"


def test_insecure_registries(driver):
    config = write(driver.folder / "registries.json", {"insecure-registries": ["r.example", "p.example:5000", "10.0.0.0/8", "fd00::/16"]})
    for domain, insecure in (("r.example", 1), ("r.example:5000", 1), ("p.example:5000", 1), ("p.example", 0), ("10.1.2.3:5000", 1), ("11.1.2.3", 0), ("[fd00::1]:5000", 1),
                             ("[fd01::1]", 0), ("docker.io", 0), ("10.example", 0)):
        [(_, p)] = places(driver, "--config", config, "find", domain)
        assert (p["verify"], p["fallback"]) == (str(1 - insecure), str(insecure)), domain
    [(_, p)] = places(driver, "--config", config, "--tls-verify", "find", "r.example")
    assert (p["verify"], p["fallback"]) == ("1", "0")


def test_mirrors_are_of_dockers_registry(driver):
    write(driver.folder / "home/.config/mydocker/registries.json", {"registry-mirrors": ["https://m.example:5000/", "http://n.example", "o.example/path"], "insecure-registries": ["o.example"]})
    write(config_of(driver), {"auths": {"m.example:5000": {"auth": b64("mirror:x")}, HUB: {"auth": b64("hub:y")}}})
    found = places(driver, "find", "docker.io")
    assert [(u, p["mirror"], p["verify"]) for u, p in found] == [("https://m.example:5000", "1", "1"), ("http://n.example", "1", "1"), ("https://o.example/path", "1", "0"),
                                                                ("https://registry-1.docker.io", "0", "1")]
    assert driver("find", "docker.io").ok().all("username") == ["mirror", "", "", "hub"]
    assert len(places(driver, "find", "r.example")) == 1


@pytest.mark.parametrize("value,words", [({"registry-mirror": []}, "'registry-mirror' is not known"), ({"registry-mirrors": "x"}, "registry-mirrors"), ({"insecure-registries": [1]}, "insecure-registries"),
                                         ({"registry-mirrors": ["ftp://x"]}, "no URL"), ({"registry-mirrors": ["https://me:x@y"]}, "no URL"), ({"registry-mirrors": ["https://"]}, "no URL"),
                                         ({"registry-mirrors": ["x"] * 17}, "more than 16 mirrors"), ("{", "line 1"), ([], "object")])
def test_a_configuration_that_is_wrong(driver, value, words):
    config = write(driver.folder / "registries.json", value)
    driver("--config", config, "find", "docker.io").failed(words)
    driver("--config", driver.folder / "none.json", "find", "docker.io").failed("none.json")


def test_a_configuration_that_others_can_write(driver):
    config = write(driver.folder / "home/.config/mydocker/registries.json", {"insecure-registries": ["r.example"]})
    config.chmod(0o666)
    driver("find", "r.example").failed("can be written by others")
    config.chmod(0o644)
    assert places(driver, "find", "r.example")[0][1]["verify"] == "0"
    if os.geteuid() == 0:
        os.chown(config, 48123, -1)
        driver("find", "r.example").failed("belongs to user 48123, not to root")
    config.unlink()
    os.mkfifo(config)
    config.chmod(0o600)
    driver("find", "r.example").failed("not a regular file")


def test_certificates_are_found_by_host_and_port(driver):
    home = driver.folder / "home/.config"
    for name in ("containers/certs.d/r.example:5000/ca.crt", "docker/certs.d/r.example:5000/b.crt", "docker/certs.d/r.example:5000/me.cert", "docker/certs.d/r.example:5000/me.key",
                 "docker/certs.d/r.example:5000/README", "docker/certs.d/r.example/other.crt"):
        write(home / name, "x")
    [(_, p)] = places(driver, "find", "r.example:5000")
    folder = home / "docker/certs.d/r.example:5000"
    assert (p["authorities"], p["certificate"], p["key"]) == ("2", f"{folder}/me.cert", f"{folder}/me.key")
    assert places(driver, "find", "r.example:5001")[0][1]["authorities"] == "0"
    (folder / "me.key").unlink()
    driver("find", "r.example:5000").failed("there is no me.key for this certificate")
