"""libexec/mydocker/fetch: registries as they are, and as they should not be."""
import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest
from harness import PATIENCE, SANITIZED
from registries import OCI_INDEX, OCI_MANIFEST, Driver, Hostile, authority, digest, registry

MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"digest": digest(b"x"), "size": 1}, "layers": []}).encode()
BLOB = bytes(i * 7 % 251 for i in range(300000))


@pytest.fixture
def driver(tmp_path):
    return Driver(tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls"))


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def auths(driver, **hosts):
    """An auth file for HOST: (user, password) or a whole entry."""
    entries = {h: v if isinstance(v, dict) else {"auth": base64.b64encode(":".join(v).encode()).decode()} for h, v in hosts.items()}
    return driver.auth("auth.json", json.dumps({"auths": entries}))


# ---- a real registry ----


def push(driver, host, name, data):
    f = driver.folder / "push"
    f.write_bytes(data)
    driver("upload", f"{host}/{name}", digest(data), len(data), f).ok()


def test_blobs_and_manifests_come_back_as_they_went(driver, plain):
    data, got = os.urandom(3_000_000), driver.folder / "got"
    name = f"{plain}/there/back"
    assert driver("exists", name, digest(data)).ok().values["exists"] == "0"
    push(driver, plain, "there/back", data)
    assert driver("exists", name, digest(data)).ok().values["exists"] == "1"
    r = driver("blob", name, digest(data), len(data), 0, got).ok()
    assert got.read_bytes() == data and r.ends[1]["done"] == len(data)
    push(driver, plain, "there/back", b"x")
    (driver.folder / "manifest").write_bytes(MANIFEST)
    driver("put", name + ":one", OCI_MANIFEST, driver.folder / "manifest").ok()
    r = driver("manifest", name + ":one").ok()
    assert r.values["digest"] == digest(MANIFEST) and r.values["media"] == OCI_MANIFEST and r.values["text"].encode() == MANIFEST
    assert driver("manifest", f"{name}@{digest(MANIFEST)}").ok().values["text"].encode() == MANIFEST
    r = driver("head", name + ":one").ok()
    assert r.values["digest"] == digest(MANIFEST) and r.values["size"] == str(len(MANIFEST)) and "text" not in r.values
    assert driver("tags", name).ok().all("tag") == ["one"]


def test_what_is_not_there_is_told_in_dockers_words(driver, plain):
    push(driver, plain, "some/thing", b"x")
    driver("manifest", f"{plain}/some/thing:none").failed(f"manifest for {plain}/some/thing:none not found: manifest unknown")
    driver("tags", f"{plain}/no/such").failed("name unknown: repository name not known to registry")
    d = digest(b"nowhere")
    r = driver("blob", f"{plain}/some/thing", d, 7, 0, driver.folder / "got").failed("blob unknown", d)
    assert r.ends[1]["status"] == 404


def test_a_blob_goes_on_at_an_offset(driver, plain):
    data, got = os.urandom(500_000), driver.folder / "got"
    push(driver, plain, "offset", data)
    got.write_bytes(data[:123_456])
    r = driver("blob", f"{plain}/offset", digest(data), len(data), 123_456, got).ok()
    assert got.read_bytes() == data and r.ends[1]["status"] == 206
    r = driver("blob", f"{plain}/offset", digest(data), len(data), len(data), got).ok()
    assert r.ends[1] == {"status": 0, "done": len(data), "digest": digest(data), "there": False, "error": ""}
    driver("blob", f"{plain}/offset", digest(data), len(data) - 1, 0, driver.folder / "other").failed(f"the registry has {len(data)} bytes")


def test_several_blobs_at_once(driver, plain):
    parts = [os.urandom(n) for n in (1, 2_000_000, 70_000, 700_000)]
    words = []
    for i, data in enumerate(parts):
        push(driver, plain, "several", data)
        words += [digest(data), len(data), 0, driver.folder / f"got{i}"]
    r = driver("blob", f"{plain}/several", *words, digest(b"gone"), 4, 0, driver.folder / "gone")
    r.failed("blob unknown")
    assert [(driver.folder / f"got{i}").read_bytes() for i in range(4)] == parts
    assert sorted(r.ends) == [1, 2, 3, 4, 5] and r.ends[5]["status"] == 404


def test_a_slow_reader_holds_up_none_but_his_own(driver, plain):
    slow, fast = os.urandom(3_000_000), os.urandom(1_000_000)
    push(driver, plain, "pipe", slow)
    push(driver, plain, "pipe", fast)
    p = subprocess.Popen(driver.argv("blob", f"{plain}/pipe", digest(slow), len(slow), 0, "-", digest(fast), len(fast), 0, driver.folder / "fast"),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=driver.env)
    try:
        deadline = time.monotonic() + 20 * PATIENCE
        while not (driver.folder / "fast").exists() or (driver.folder / "fast").stat().st_size < len(fast):
            assert time.monotonic() < deadline and p.poll() is None
            time.sleep(0.02)
        time.sleep(0.2)
        out, err = p.communicate(timeout=30 * PATIENCE)
        assert out == slow and (driver.folder / "fast").read_bytes() == fast, err
    finally:
        p.kill()
        p.wait()


def test_nobody_reads_any_more(driver, plain):
    data = os.urandom(3_000_000)
    push(driver, plain, "closed", data)
    p = subprocess.Popen(driver.argv("blob", f"{plain}/closed", digest(data), len(data), 0, "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=driver.env)
    p.stdout.read(1000)
    p.stdout.close()
    err = p.stderr.read().decode()
    p.stderr.close()
    assert p.wait(20 * PATIENCE) == 1 and "nobody reads the blob any more" in err


def test_an_upload_of_unknown_length(driver, plain):
    data = os.urandom(9_000_000)
    r = driver("upload", f"{plain}/stream", "-", "-", "-", stdin=data).ok()
    assert r.ends[1]["digest"] == digest(data) and r.ends[1]["done"] == len(data)
    assert driver("exists", f"{plain}/stream", digest(data)).ok().values["exists"] == "1"
    assert driver("upload", f"{plain}/stream", "-", "-", "-", stdin=b"").ok().ends[1]["digest"] == digest(b"")
    driver("upload", f"{plain}/stream", digest(data), len(data), "-", stdin=data[1:]).failed(f"has {len(data) - 1} bytes, not {len(data)}")
    driver("upload", f"{plain}/stream", digest(b"other"), "-", "-", stdin=b"content").failed("digest")


def test_a_mount_from_another_repository(driver, plain):
    data = os.urandom(1000)
    push(driver, plain, "from/here", data)
    r = driver("upload", f"{plain}/to/there", digest(data), len(data), "none", "from/here").ok()
    assert r.ends[1]["there"] and r.ends[1]["status"] == 201
    assert driver("exists", f"{plain}/to/there", digest(data)).ok().values["exists"] == "1"
    other = os.urandom(1000)
    f = driver.folder / "other"
    f.write_bytes(other)
    r = driver("upload", f"{plain}/to/there", digest(other), len(other), "none", "from/here").ok()
    assert not r.ends[1]["there"] and driver("exists", f"{plain}/to/there", digest(other)).values["exists"] == "0"
    r = driver("upload", f"{plain}/to/there", digest(other), len(other), f, "from/here").ok()
    assert not r.ends[1]["there"] and driver("exists", f"{plain}/to/there", digest(other)).values["exists"] == "1"


def test_name_and_password(driver, tmp_path):
    passwords = tmp_path / "passwords"
    line = subprocess.run(["htpasswd", "-Bbn", "me", "se:cret"], capture_output=True, text=True)
    passwords.write_text(line.stdout)
    with registry(tmp_path / "registry", auth=f"auth: {{htpasswd: {{realm: x, path: {passwords}}}}}\n") as host:
        good = auths(driver, **{host: ("me", "se:cret")})
        driver("check", host + "/x").failed("no basic auth credentials")
        driver("manifest", host + "/x").failed(f"pull access denied for {host}/x, repository does not exist or may require 'docker login'")
        driver("--authfile", good, "check", host + "/x").ok()
        f = tmp_path / "data"
        f.write_bytes(BLOB)
        driver("--authfile", good, "upload", host + "/x", digest(BLOB), len(BLOB), f).ok()
        driver("--authfile", good, "blob", host + "/x", digest(BLOB), len(BLOB), 0, tmp_path / "got").ok()
        wrong = auths(driver, **{host: ("me", "wrong")})
        driver("--authfile", wrong, "check", host + "/x").failed("unauthorized: authentication required")
        driver("--authfile", wrong, "upload", host + "/x", digest(BLOB), len(BLOB), f).failed("unauthorized: authentication required")


def test_a_login_is_kept_when_the_registry_takes_it(driver, tmp_path):
    passwords, kept = tmp_path / "passwords", driver.folder / "home/.docker/config.json"
    passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, text=True).stdout)
    with registry(tmp_path / "registry", auth=f"auth: {{htpasswd: {{realm: x, path: {passwords}}}}}\n") as host:
        driver("enter", host, "me", "wrong").failed(f"login to {host}: unauthorized: authentication required")
        assert not kept.exists()
        driver("enter", host, "me", "secret").ok()
        assert list(json.loads(kept.read_text())["auths"]) == [host]
        driver("check", host + "/x").ok()
        before = kept.read_bytes()
        driver("enter", host, "me", "wrong").failed("unauthorized")
        assert kept.read_bytes() == before
        driver("logout", host).ok()
        driver("check", host + "/x").failed("no basic auth credentials")


def test_tls_with_an_authority_of_its_own(driver, tls, tmp_path):
    certs = tmp_path / "certs"
    certs.mkdir()
    with registry(tmp_path / "registry", http=f"  tls: {{certificate: {tls}/server.pem, key: {tls}/server.key}}\n") as host:
        driver("check", host + "/x").failed("cannot be trusted", "certs.d")
        driver("--tls-verify", "check", host + "/x").failed("cannot be trusted")
        driver("--no-tls-verify", "check", host + "/x").ok()
        (certs / "ca.crt").write_bytes((tls / "ca.crt").read_bytes())
        driver("--certs", certs, "check", host + "/x").ok()
        driver("--certs", certs, "--tls-verify", "check", "localhost:" + host.split(":")[1] + "/x").ok()


def test_tls_asks_for_our_certificate(driver, tls, tmp_path):
    certs = tmp_path / "certs"
    certs.mkdir()
    (certs / "ca.crt").write_bytes((tls / "ca.crt").read_bytes())
    with registry(tmp_path / "registry", http=f"  tls: {{certificate: {tls}/server.pem, key: {tls}/server.key, clientcas: [{tls}/ca.crt]}}\n") as host:
        driver("--certs", certs, "check", host + "/x").failed(host)
        (certs / "client.cert").write_bytes((tls / "client.pem").read_bytes())
        driver("--certs", certs, "check", host + "/x").failed("there is no client.key for this certificate")
        (certs / "client.key").write_bytes((tls / "client.key").read_bytes())
        driver("--certs", certs, "check", host + "/x").ok()


@pytest.mark.root("another /etc/ssl/certs")
@pytest.mark.parametrize("hashed", [True, False])
def test_the_systems_authorities(driver, tls, tmp_path, hashed):
    """Looked up by their hashes, or all of one file where there are none; what is configured comes on top."""
    system, certs = tmp_path / "system", tmp_path / "certs"
    system.mkdir()
    certs.mkdir()
    (system / ("ca.crt" if hashed else "ca-certificates.crt")).write_bytes((tls / "ca.crt").read_bytes())
    if hashed:
        subprocess.run(["openssl", "rehash", system], check=True)
    other = authority(tmp_path / "other", "another one")
    (certs / "ca.crt").write_bytes((other / "ca.crt").read_bytes())
    with Hostile(lambda h, a: h.say(200), tls=tls) as s:
        for words in (["check"], ["--certs", str(certs), "check"]):
            argv = ["unshare", "-m", "sh", "-c", f"mount --bind {system} /etc/ssl/certs && exec \"$@\"", "sh", *driver.argv(*words, s.host + "/x")]
            r = subprocess.run(argv, env=driver.env, capture_output=True, text=True, timeout=30 * PATIENCE)
            assert r.returncode == 0, r
        driver("--certs", certs, "check", s.host + "/x").failed("cannot be trusted")


def test_http_only_where_it_is_allowed(driver, plain):
    driver("check", plain + "/x").ok()
    driver("--no-tls-verify", "check", plain + "/x").ok()
    driver("--tls-verify", "check", plain + "/x").failed(f"https://{plain}/v2/")


def test_it_is_shut_in(driver):
    """The program, while it waits: no capabilities, a filter, nothing that others could read."""
    waiting = threading.Event()

    def answer(h, asked):
        waiting.wait(20)
        h.hang_up()

    with Hostile(answer) as s:
        p = subprocess.Popen(driver.argv("--no-tls-verify", "check", s.host + "/x"), env=driver.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 10 * PATIENCE
            while not s.asked:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            child = Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()[0]
            status = dict(re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{child}/status").read_text(), re.M))
            assert (SANITIZED or status["Seccomp"] == "2") and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
            if os.geteuid() != 0:
                with pytest.raises(PermissionError):
                    os.listdir(f"/proc/{child}/fd")
            p.kill()
            p.wait()
            while Path(f"/proc/{child}").exists() and "State:\tZ" not in Path(f"/proc/{child}/status").read_text():
                assert time.monotonic() < deadline  # it ends with who has started it
                time.sleep(0.02)
        finally:
            waiting.set()
            p.kill()
            p.wait()


def test_podman_reads_our_login_and_we_read_its(driver, tmp_path):
    passwords, ours, theirs = tmp_path / "passwords", tmp_path / "ours.json", tmp_path / "theirs.json"
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    passwords.write_text(subprocess.run(["htpasswd", "-Bbn", "me", "secret"], capture_output=True, text=True).stdout)
    with registry(tmp_path / "registry", auth=f"auth: {{htpasswd: {{realm: x, path: {passwords}}}}}\n") as host:
        driver("--authfile", ours, "login", host, "me", "secret").ok()
        r = subprocess.run(["podman", "login", "--get-login", "--authfile", ours, host], capture_output=True, text=True)
        assert r.stdout == "me\n", r
        r = subprocess.run(["podman", "login", "--tls-verify=false", "--authfile", theirs, "-u", "me", "-p", "secret", host], capture_output=True, text=True)
        assert r.returncode == 0, r
        driver("--authfile", theirs, "check", host + "/x").ok()
        driver("--authfile", theirs, "logout", host).ok()
        r = subprocess.run(["podman", "login", "--get-login", "--authfile", theirs, host], capture_output=True, text=True)
        assert r.returncode != 0 and "not logged" in r.stderr, r


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment(driver, variable):
    with Hostile(lambda h, a: say_manifest(h, a)) as proxy, Hostile(say_manifest) as s:
        config = driver.folder / "registries.json"
        config.write_text(json.dumps({"registry-mirrors": ["http://registry.invalid:5000"]}))
        env = {variable: f"http://{proxy.host}"}
        driver("--config", config, "manifest", "alpine", env=env).ok()
        assert proxy.paths() == ["http://registry.invalid:5000/v2/library/alpine/manifests/latest"]
        config.write_text(json.dumps({"registry-mirrors": [f"http://{s.host}"]}))
        driver("--config", config, "manifest", "alpine", env={**env, "no_proxy": "127.0.0.0/8"}).ok()
        assert len(s.asked) == 1 and len(proxy.asked) == 1


def test_a_registry_by_its_ipv6_address(driver):
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("this host has no ::1")
    with Hostile(say_manifest, address="::1") as s:
        r = driver("manifest", s.host + "/x").ok()
        assert r.values["digest"] == digest(MANIFEST) and s.asked[0].headers["Host"] == s.host


def test_it_is_killed(driver):
    waiting = threading.Event()
    with Hostile(lambda h, a: waiting.wait(20) and h.hang_up()) as s:
        p = subprocess.Popen(driver.argv("--no-tls-verify", "check", s.host + "/x"), env=driver.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 10 * PATIENCE
            while not s.asked:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            os.kill(int(Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()[0]), signal.SIGTERM)
            _, err = p.communicate(timeout=10 * PATIENCE)
            assert p.returncode == 1 and b"libexec/mydocker/fetch was ended by signal SIGTERM" in err
        finally:
            waiting.set()
            p.kill()
            p.wait()
    (driver.folder / "libexec/mydocker/fetch").unlink()
    driver("check", "127.0.0.1:1/x").failed("libexec/mydocker/fetch, which belongs beside this program", "No such file")
    (driver.folder / "libexec/mydocker/fetch").write_text("#!/bin/sh\nexit 7\n")
    (driver.folder / "libexec/mydocker/fetch").chmod(0o755)
    driver("check", "127.0.0.1:1/x").failed("libexec/mydocker/fetch ended with 7 and without a word")


def talk(driver, build, *packets):
    """What fetch itself says to these packets: kind and text of each reply's error; and how it ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        p = subprocess.Popen([driver.folder / "libexec/mydocker/fetch", build], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        theirs.close()
        said = []
        try:
            for packet in packets:
                with contextlib.suppress(OSError):
                    ours.send(packet)
                for _ in range(2):  # what ended with a packet unread is told of first, and what it has said comes then
                    with contextlib.suppress(ConnectionError):
                        reply = ours.recv(4096)
                        break
                else:
                    reply = b""
                if reply:
                    said.append((int.from_bytes(reply[:2], "little"), reply[32:512].split(b"\0")[0].decode()))
            ours.close()
            return said, p.wait(10 * PATIENCE)
        finally:
            p.kill()
            p.wait()


def build_id(driver):
    data = (driver.folder / "libexec/mydocker/fetch").read_bytes()
    ids = [m for m in set(re.findall(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", data)) if m in driver.program.read_bytes()]
    assert len(ids) == 1
    return ids[0].decode()


def request(verb, number=1, domain=b"r.example", path=b"x", reference=b"latest", size=1):
    return struct.pack("=II272s256s256s136s256sQQ", verb, number, domain, path, b"", reference, b"", size, 0)


def test_its_conversation(driver):
    build = build_id(driver)
    hello = json.dumps({"registries": [{"domain": "r.example", "endpoints": [{"url": "https://r.example"}]}]}).encode()
    assert talk(driver, "0" * 32, hello)[0][0][1].endswith("of another build than this program")
    assert talk(driver, build, hello) == ([(0, "")], 0)
    for wrong in (b"", b"{", b"[]", b'{"registries":[{"domain":"x"}]}', b'{"registries":[{"domain":"x","endpoints":[{"url":"ftp://x"}]}]}',
                  b'{"registries":[{"domain":"x","endpoints":[{"url":"https://x","mirror":true}]}]}', b'{"registries":1}', b'{"backoff":-1}'):
        said, code = talk(driver, build, wrong)
        assert (said == [(0, "")] if wrong == b"[]" else len(said) == 1 and said[0][0] != 0 and code == 1), (wrong, said)
    assert talk(driver, build, hello, b"short") == ([(0, "")], 1)

    for packet, words in ((request(99), "there is no request 99"), (request(1, number=0), "not of its form"), (request(1, path=b"a/../b"), "not of its form"), (request(1, reference=b"a b"), "not of its form"),
                          (request(1, path=b"x?y"), "not of its form"), (request(1, domain=b"d" * 272), "not of its form"), (request(1, domain=b"other.example"), "nothing was said of the registry 'other.example'"),
                          (request(3, reference=b"sha256:" + b"0" * 64), "a blob without a descriptor"), (request(6), "an upload of nothing"), (request(7), "a manifest without a file")):
        said, code = talk(driver, build, hello, packet)
        assert code == 0 and len(said) == 2 and words in said[1][1], (words, said, code)


@pytest.mark.full  # seven seconds of silence
def test_a_connection_that_falls_silent_is_broken(driver):
    """A minute is long: so by fetch's own conversation, which says how long."""
    build, stuck = build_id(driver), threading.Event()

    def answer(h, asked):
        if asked.headers.get("Range"):
            serve_blob(h, asked)
            return
        h.send_response(200)
        h.send_header("Content-Length", str(len(BLOB)))
        h.end_headers()
        h.wfile.write(BLOB[:5000])
        h.wfile.flush()
        stuck.wait(30)
        h.hang_up()

    with Hostile(answer) as s, open(driver.folder / "got", "w+b") as got:
        hello = {"backoff": 10, "silence": 1, "registries": [{"domain": "r.example", "endpoints": [{"url": f"http://{s.host}"}]}]}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            p = subprocess.Popen([driver.folder / "libexec/mydocker/fetch", build], stdin=theirs, stdout=theirs)
            theirs.close()
            try:
                ours.settimeout(30 * PATIENCE)
                ours.send(json.dumps(hello).encode())
                assert ours.recv(4096)[:2] == b"\0\0"
                socket.send_fds(ours, [request(3, reference=digest(BLOB).encode(), size=len(BLOB))], [got.fileno()])
                begin = time.monotonic()
                while True:
                    reply = ours.recv(4096)
                    if reply[518]:  # is_end
                        break
                assert reply[:2] == b"\0\0" and 1 <= time.monotonic() - begin < 15 * PATIENCE
                assert (driver.folder / "got").read_bytes() == BLOB and [a.headers.get("Range") for a in s.asked] == [None, "bytes=5000-"]
            finally:
                stuck.set()
                p.kill()
                p.wait()


def test_a_token_that_ends_during_an_upload(driver):
    def trouble(h, asked, u):
        if asked.method == "PUT" and t.given == 1:
            t.good.clear()
            h.say(401, headers={"WWW-Authenticate": f'Bearer realm="http://{asked.headers["Host"]}/token"'})
            return True
        return False
    u = Uploads(trouble)
    t = TokenServer(answer=u)
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(t) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f).ok()
        assert u.data == BLOB and t.given == 2 and [len(a.body) for a in s.asked if a.method == "PUT"] == [len(BLOB)] * 2


# ---- redirects ----


def serve_blob(h, asked, data=BLOB):
    m = re.match(r"bytes=(\d+)-$", asked.headers.get("Range", ""))
    if m:
        first = int(m[1])
        h.say(206, data[first:], {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"})
    else:
        h.say(200, data)


def with_basic(h, asked, then):
    """Whoever asks must show who he is."""
    if not asked.headers.get("Authorization"):
        h.say(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    else:
        then(h, asked)


def blob_words(host, got, size=len(BLOB), offset=0):
    return ["blob", host + "/x", digest(BLOB), size, offset, got]


def test_a_redirect_to_another_host_does_not_get_our_password(driver):
    with Hostile(serve_blob) as cdn:
        def answer(h, asked):
            with_basic(h, asked, lambda h, a: h.say(307, headers={"Location": f"http://{cdn.host}/blob?signature=1"}))
        with Hostile(answer) as s:
            got = driver.folder / "got"
            got.write_bytes(BLOB[:1000])
            driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), *blob_words(s.host, got, offset=1000)).ok()
            assert got.read_bytes() == BLOB
            assert [a.headers.get("Authorization") for a in s.asked] == [None, basic("me", "secret")]
            assert [(a.path, a.headers.get("Authorization"), a.headers.get("Range"), a.headers.get("Accept-Encoding")) for a in cdn.asked] == [
                ("/blob?signature=1", None, "bytes=1000-", "identity")]


def test_a_redirect_within_a_host_keeps_it(driver):
    def answer(h, asked):
        with_basic(h, asked, lambda h, a: serve_blob(h, a) if "elsewhere" in a.path else h.say(302, headers={"Location": "../../elsewhere"}))
    with Hostile(answer) as s:
        driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), *blob_words(s.host, driver.folder / "got")).ok()
        assert s.asked[-1].path == "/v2/elsewhere" and s.asked[-1].headers["Authorization"] == basic("me", "secret")


def test_another_host_that_asks_for_a_password_gets_none(driver):
    with Hostile(lambda h, a: h.say(401, headers={"WWW-Authenticate": f'Basic realm="x", Bearer realm="http://{h.headers["Host"]}/token"'})) as thief:
        def answer(h, asked):
            with_basic(h, asked, lambda h, a: h.say(307, headers={"Location": f"http://{thief.host}/blob"}))
        with Hostile(answer) as s:
            driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), *blob_words(s.host, driver.folder / "got")).failed("pull access denied")
        assert [a.path for a in thief.asked] == ["/blob"] and not thief.asked[0].headers.get("Authorization")


def test_redirects_have_an_end(driver):
    with Hostile(lambda h, a: h.say(307, headers={"Location": a.path + "x"})) as s:
        driver(*blob_words(s.host, driver.folder / "got")).failed("more than 5 redirects")
        assert len(s.asked) == 6
    for where in ("file:///etc/passwd", "gopher://x/", "http://user:password@127.0.0.1/", "http://a b/", ""):
        with Hostile(lambda h, a, to=where: h.say(307, headers={"Location": to} if to else {})) as s:
            driver(*blob_words(s.host, driver.folder / "got")).failed(s.host)
            assert len(s.asked) == 1


def test_from_https_to_http_nobody_goes(driver, tls):
    with Hostile(serve_blob) as cdn, Hostile(lambda h, a: h.say(307, headers={"Location": f"http://{cdn.host}/blob"}), tls=tls) as s:
        driver("--no-tls-verify", *blob_words(s.host, driver.folder / "got")).failed("not encrypted")
        assert not cdn.asked


def test_a_signed_place_that_is_too_old_is_asked_for_anew(driver):
    def cdn_answer(h, asked):
        if "old" in asked.path:
            h.say(403, "<Error>expired</Error>")
        else:
            serve_blob(h, asked)
    with Hostile(cdn_answer) as cdn:
        signed = iter(["old", "new"])
        with Hostile(lambda h, a: h.say(307, headers={"Location": f"http://{cdn.host}/{next(signed)}"})) as s:
            driver(*blob_words(s.host, driver.folder / "got")).ok()
            assert cdn.paths() == ["/old", "/new"] and len(s.asked) == 2


# ---- lengths ----


@pytest.mark.parametrize("difference", [-1, 1, 5000])
def test_a_length_that_is_not_the_descriptors(driver, difference):
    data = BLOB + bytes(5000)
    with Hostile(lambda h, a: h.say(200, data[:len(BLOB) + difference])) as s:
        driver(*blob_words(s.host, driver.folder / "got")).failed(f"the registry has {len(BLOB) + difference} bytes")
        assert len(s.asked) == 1 and (driver.folder / "got").stat().st_size == 0


def test_more_than_was_said_is_not_read(driver):
    def answer(h, asked):
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for piece in (BLOB, BLOB, BLOB):
            try:
                h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            except OSError:
                return
        h.hang_up()
    with Hostile(answer) as s:
        driver(*blob_words(s.host, driver.folder / "got")).failed(f"longer than {len(BLOB)} bytes")
        assert (driver.folder / "got").stat().st_size <= len(BLOB) and len(s.asked) == 1


def test_a_blob_that_always_ends_too_early(driver):
    def answer(h, asked):
        h.send_response(200)
        h.end_headers()  # no length: it ends where the connection does
        h.wfile.write(BLOB[:100])
        h.hang_up()
    with Hostile(answer) as s:
        driver(*blob_words(s.host, driver.folder / "got")).failed("ends after 100 of 300000 bytes")
        assert len(s.asked) == 5 and [a.headers.get("Range") for a in s.asked] == [None] + ["bytes=100-"] * 4


# ---- broken and slow ----


def breaking(pieces, ranges=True):
    """Sends so many bytes, then hangs up; the last answer is whole."""
    left = list(pieces)

    def answer(h, asked):
        m = re.match(r"bytes=(\d+)-$", asked.headers.get("Range", ""))
        first = int(m[1]) if m and ranges else 0
        data = BLOB[first:]
        if not left:
            serve_blob(h, asked) if ranges else h.say(200, BLOB)
            return
        n = left.pop(0)
        headers = {"Content-Range": f"bytes {first}-{len(BLOB) - 1}/{len(BLOB)}"} if m and ranges else {}
        h.say(206 if headers else 200, data[:n], headers, length=len(data))
        h.hang_up()
    return answer


def test_a_broken_connection_goes_on_where_it_broke(driver):
    with Hostile(breaking([1000, 70000, 1])) as s:
        r = driver(*blob_words(s.host, driver.folder / "got")).ok()
        assert (driver.folder / "got").read_bytes() == BLOB and r.ends[1]["status"] == 206
        assert [a.headers.get("Range") for a in s.asked] == [None, "bytes=1000-", "bytes=71000-", "bytes=71001-"]


def test_a_registry_without_ranges_is_read_again_but_not_written_twice(driver):
    with Hostile(breaking([1000, 70000, 5], ranges=False)) as s:
        driver(*blob_words(s.host, driver.folder / "got")).ok()
        assert (driver.folder / "got").read_bytes() == BLOB and len(s.asked) == 4
    with Hostile(lambda h, a: h.say(200, BLOB)) as s:
        got = driver.folder / "later"
        got.write_bytes(BLOB[:250_000])
        driver(*blob_words(s.host, got, offset=250_000)).ok()
        assert got.read_bytes() == BLOB


@pytest.mark.parametrize("header", ["bytes 0-299999/300000", "bytes 999-299999/300000", "bytes 1000-299999/400000", "bytes x", "", None])
def test_another_part_than_was_asked_for(driver, header):
    with Hostile(lambda h, a: h.say(206, BLOB[1000:], {"Content-Range": header} if header is not None else {})) as s:
        got = driver.folder / "got"
        got.write_bytes(BLOB[:1000])
        driver(*blob_words(s.host, got, offset=1000)).failed("bytes" if header and "400000" in header else "another part")
        assert got.read_bytes() == BLOB[:1000]


def test_a_connection_that_gives_nothing(driver):
    with Hostile(lambda h, a: h.hang_up()) as s:
        driver("--no-tls-verify", "manifest", s.host + "/x").failed(s.host)
        assert s.count("manifests") == 5
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        host = f"127.0.0.1:{nobody.getsockname()[1]}"
        begin = time.monotonic()
        driver("manifest", host + "/x").failed("Connection refused")
        assert time.monotonic() - begin < 5 * PATIENCE


def test_progress_is_told_at_most_ten_times_a_second(driver):
    def answer(h, asked):
        h.send_response(200)
        h.send_header("Content-Length", str(len(BLOB)))
        h.end_headers()
        for at in range(0, len(BLOB), 3000):
            h.wfile.write(BLOB[at:at + 3000])
            h.wfile.flush()
            time.sleep(0.01)
    with Hostile(answer) as s:
        begin = time.monotonic()
        r = driver(*blob_words(s.host, driver.folder / "got")).ok()
        seconds = time.monotonic() - begin
        told = [int(line.split()[1]) for line in r.all("progress")]
        assert told == sorted(told) and 3 <= len(told) <= 10 * seconds + 1 and told[-1] < len(BLOB)


# ---- busy registries ----


def first_then(first, count, then):
    left = [count]
    lock = threading.Lock()

    def answer(h, asked):
        with lock:
            left[0] -= 1
            refused = left[0] >= 0
        (first if refused else then)(h, asked)
    return answer


def say_manifest(h, asked, data=MANIFEST, media=OCI_MANIFEST, headers=()):
    h.say(200, data, [("Content-Type", media), *headers])


def test_retry_after_is_waited_for(driver):
    with Hostile(first_then(lambda h, a: h.say(429, headers={"Retry-After": "1"}), 1, say_manifest)) as s:
        begin = time.monotonic()
        driver("manifest", s.host + "/x").ok()
        assert time.monotonic() - begin >= 1 and len(s.asked) == 2
    with Hostile(lambda h, a: h.say(429, '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}', {"Retry-After": "3600"})) as s:
        driver("manifest", s.host + "/x").failed("busy for another 3600 seconds", "toomanyrequests: You have reached your pull rate limit")
        assert len(s.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_errors_that_pass(driver, status):
    with Hostile(first_then(lambda h, a: h.say(status), 2, say_manifest)) as s:
        driver("manifest", s.host + "/x").ok()
        assert len(s.asked) == 3
    with Hostile(lambda h, a: h.say(status)) as s:
        driver("manifest", s.host + "/x").failed("too many" if status == 429 else str(status))
        assert len(s.asked) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_errors_that_do_not_pass(driver, status):
    with Hostile(lambda h, a: h.say(status)) as s:
        driver("manifest", s.host + "/x").failed()
        assert len(s.asked) == 1


def test_an_errors_words_cannot_do_harm(driver):
    text = json.dumps({"errors": [{"code": "BAD\x1b[31m", "message": "a\nb" + "x" * 100_000}]})
    with Hostile(lambda h, a: h.say(400, text)) as s:
        r = driver("manifest", s.host + "/x").failed("bad?[31m: a?b")
        assert len(r.err) < 600 and "\x1b" not in r.err


# ---- tokens ----


class TokenServer:
    """A registry with a token server on the same port. what: how that answers."""

    def __init__(self, answer=say_manifest, name="token", lives=300, challenge=None, posts=False, user=None):
        self.answer, self.name, self.lives, self.challenge, self.posts, self.user = answer, name, lives, challenge, posts, user
        self.given, self.good = 0, set()

    def __call__(self, h, asked):
        if asked.path.startswith("/token"):
            self.token(h, asked)
            return
        bearer = asked.headers.get("Authorization", "")
        if bearer.startswith("Bearer ") and bearer[7:] in self.good:
            self.answer(h, asked)
            return
        realm = f'Bearer realm="http://{asked.headers["Host"]}/token",service="the, \\"service\\"",scope="repository:x:pull"'
        for_all = self.challenge or [realm]
        h.say(401, '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', [("WWW-Authenticate", c.replace("REALM", realm)) for c in for_all])

    def token(self, h, asked):
        if asked.method == "POST" and not self.posts:
            h.say(405)
            return
        if self.user and asked.method == "GET" and asked.headers.get("Authorization") != basic(*self.user):
            h.say(401, '{"details":"incorrect username or password"}')
            return
        self.given += 1
        token = f"t{self.given}"
        self.good.add(token)
        h.say(200, json.dumps({self.name: token, "expires_in": self.lives}))


@pytest.mark.parametrize("name", ["token", "access_token"])
@pytest.mark.parametrize("challenge", [None, ["Basic realm=\"a, b\"", "REALM"], ["Negotiate YWJj==, REALM, Basic realm=x"], ["Digest a=1, b=\"x, y\"", "Basic", "REALM,error=\"invalid\""]])
def test_tokens(driver, name, challenge):
    t = TokenServer(name=name, challenge=challenge)
    with Hostile(t) as s:
        driver("manifest", s.host + "/x").ok()
        assert s.paths() == ["/v2/x/manifests/latest", "/token?service=the%2C%20%22service%22&scope=repository%3Ax%3Apull", "/v2/x/manifests/latest"]
        assert [a.headers.get("Authorization") for a in s.asked] == [None, None, "Bearer t1"]


def test_a_token_is_for_the_registry_and_the_password_for_the_token_server(driver):
    t = TokenServer(user=("me", "secret"))
    with Hostile(t) as s:
        driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), "manifest", s.host + "/x").ok()
        assert [a.headers.get("Authorization") for a in s.asked] == [None, basic("me", "secret"), "Bearer t1"]
        assert "account=me" in s.paths()[1]
    with Hostile(t) as s:
        driver("--authfile", auths(driver, **{s.host: ("me", "wrong")}), "manifest", s.host + "/x").failed(
            f"pull access denied for {s.host}/x, repository does not exist or may require 'docker login'", "incorrect username or password")
        assert s.count("/token") == 1


def test_the_check_of_a_login_asks_for_a_token(driver):
    t = TokenServer(answer=lambda h, a: h.say(200, "{}"), user=("me", "secret"))
    with Hostile(t) as s:
        driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), "check", s.host + "/x").ok()
        assert [p.split("?")[0] for p in s.paths()] == ["/v2/", "/token", "/v2/"]
        driver("--authfile", auths(driver, **{s.host: ("me", "wrong")}), "check", s.host + "/x").failed("incorrect username or password")


def test_one_token_for_many_blobs(driver):
    t = TokenServer(answer=serve_blob)
    with Hostile(t) as s:
        words = [w for i in range(6) for w in (digest(BLOB), len(BLOB), 0, driver.folder / f"got{i}")]
        driver("blob", s.host + "/x", *words).ok()
        assert t.given == 1 and s.count("/token") == 1
        assert all((driver.folder / f"got{i}").read_bytes() == BLOB for i in range(6))


def test_a_token_that_is_not_good_any_more_is_asked_for_once_more(driver):
    calls = []

    def answer(h, asked):
        calls.append(asked)
        if len(calls) == 1:
            t.good.clear()  # what comes next is refused
            h.say(200, BLOB[:1000], length=len(BLOB))
            h.hang_up()
        else:
            serve_blob(h, asked)
    t = TokenServer(answer=answer)
    with Hostile(t) as s:
        driver(*blob_words(s.host, driver.folder / "got")).ok()
        assert (driver.folder / "got").read_bytes() == BLOB and t.given == 2


def test_a_token_that_is_never_good(driver):
    t = TokenServer()
    t.good = type("Nothing", (set,), {"__contains__": lambda *_: False})()
    with Hostile(t) as s:
        driver("manifest", s.host + "/x").failed("pull access denied", "unauthorized: authentication required")
        assert s.count("/token") <= 2 and len(s.asked) <= 5


def test_an_identity_token(driver):
    entry = {"identitytoken": "id&entity"}
    t = TokenServer(posts=True)
    with Hostile(t) as s:
        driver("--authfile", auths(driver, **{s.host: entry}), "manifest", s.host + "/x").ok()
        asked = s.asked[1]
        assert asked.method == "POST" and asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert asked.body.decode() == "grant_type=refresh_token&service=the%2C%20%22service%22&client_id=mydocker&scope=repository%3Ax%3Apull&refresh_token=id%26entity"
    t = TokenServer(posts=False, user=("me", "secret"))
    with Hostile(t) as s:
        entry["auth"] = base64.b64encode(b"me:secret").decode()
        driver("--authfile", auths(driver, **{s.host: entry}), "manifest", s.host + "/x").ok()
        assert [a.method for a in s.asked] == ["GET", "POST", "GET", "GET"]


def test_a_token_server_that_sends_us_elsewhere_does_not_pass_on_our_secrets(driver):
    with Hostile(lambda h, a: h.say(200, '{"token":"t1"}')) as thief:
        class Elsewhere(TokenServer):
            def token(self, h, asked):
                h.say(307, headers={"Location": f"http://{thief.host}/steal"})
        t = Elsewhere()
        t.good.add("t1")
        with Hostile(t) as s:
            driver("--authfile", auths(driver, **{s.host: {"identitytoken": "identity"}}), "manifest", s.host + "/x").failed("sends us elsewhere with a secret")
            assert not thief.asked
            driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), "manifest", s.host + "/x").ok()
            assert thief.paths() == ["/steal"] and not thief.asked[0].headers.get("Authorization")


def test_a_registry_token_is_sent_at_once(driver):
    t = TokenServer()
    t.good.add("given")
    with Hostile(t) as s:
        driver("--authfile", auths(driver, **{s.host: {"registrytoken": "given"}}), "manifest", s.host + "/x").ok()
        assert [a.headers.get("Authorization") for a in s.asked] == ["Bearer given"]


def test_a_token_server_that_is_not_encrypted_gets_nothing(driver, tls):
    with Hostile(lambda h, a: h.say(200, '{"token":"x"}')) as server:
        with Hostile(lambda h, a: h.say(401, headers={"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'}), tls=tls) as s:
            driver("--no-tls-verify", "--authfile", auths(driver, **{s.host: ("me", "secret")}), "manifest", s.host + "/x").failed("not encrypted")
        assert not server.asked


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"token":"a b"}', '{"token":"a\\r\\nX: y"}', '{"token":5}', '{"token":"' + "x" * (2 << 20) + '"}'])
def test_what_is_no_token(driver, text):
    def answer(h, asked):
        if asked.path.startswith("/token"):
            h.say(200, text)
        else:
            h.say(401, headers={"WWW-Authenticate": f'Bearer realm="http://{asked.headers["Host"]}/token"'})
    with Hostile(answer) as s:
        driver("manifest", s.host + "/x").failed("/token")
        assert s.count("/token") == 1


# ---- manifests and tags that are not as they should be ----


def test_a_manifest_that_is_another(driver):
    with Hostile(lambda h, a: say_manifest(h, a, MANIFEST + b" ")) as s:
        driver("manifest", f"{s.host}/x@{digest(MANIFEST)}").failed("has the digest", digest(MANIFEST))
    with Hostile(lambda h, a: say_manifest(h, a, headers=[("Docker-Content-Digest", digest(b"other"))])) as s:
        driver("manifest", s.host + "/x").failed("has the digest", digest(b"other"))
    with Hostile(say_manifest) as s:
        driver("manifest", f"{s.host}/x@sha512:{'0' * 128}").failed("has the digest sha512:")
        other = "sha512:" + hashlib.sha512(MANIFEST).hexdigest()
        assert driver("manifest", f"{s.host}/x@{other}").ok().values["digest"] == other


def test_a_manifest_that_says_it_is_something_else(driver):
    with Hostile(lambda h, a: say_manifest(h, a, media=OCI_INDEX)) as s:
        driver("manifest", s.host + "/x").failed("says it is", OCI_INDEX, OCI_MANIFEST)
    for media in (OCI_MANIFEST + "; charset=utf-8", "application/json", "text/plain"):
        with Hostile(lambda h, a, media=media: say_manifest(h, a, media=media)) as s:
            assert driver("manifest", s.host + "/x").ok().values["media"] == OCI_MANIFEST
    with Hostile(lambda h, a: say_manifest(h, a, b"<html>")) as s:
        driver("manifest", s.host + "/x").failed("the manifest of")


def test_a_manifest_of_schema_1(driver):
    for media in ("application/vnd.docker.distribution.manifest.v1+prettyjws", "application/vnd.docker.distribution.manifest.v1+json"):
        with Hostile(lambda h, a, media=media: say_manifest(h, a, b'{"schemaVersion":1}', media, [("Docker-Content-Digest", digest(b"payload"))])) as s:
            driver("manifest", s.host + "/x").failed(f"{s.host}/x:latest has a manifest of docker's schema 1")


def test_what_is_too_large(driver):
    with Hostile(lambda h, a: say_manifest(h, a, MANIFEST + b" " * (4 << 20))) as s:
        driver("manifest", s.host + "/x").failed("the answer is too large")
        assert len(s.asked) == 1
    with Hostile(lambda h, a: say_manifest(h, a, MANIFEST + b" " * ((4 << 20) - len(MANIFEST)))) as s:
        driver("manifest", s.host + "/x").ok()
    with Hostile(lambda h, a: say_manifest(h, a, headers=[(f"X-{i}", "x" * 1000) for i in range(80)])) as s:
        driver("manifest", s.host + "/x").failed("the answer is too large")


def test_every_kind_of_manifest_is_asked_for(driver):
    with Hostile(say_manifest) as s:
        driver("manifest", s.host + "/x").ok()
        driver("head", s.host + "/x").ok()
        for asked in s.asked:
            for kind in (OCI_INDEX, OCI_MANIFEST, "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"):
                assert kind in asked.headers["Accept"]
        assert [a.method for a in s.asked] == ["GET", "HEAD"]


def test_tags_page_by_page(driver):
    def answer(h, asked):
        if "last=b" in asked.path:
            h.say(200, '{"name":"x","tags":["c","-bad","bad/one",7,"d"]}')
        elif "last=" in asked.path:
            h.say(200, '{"name":"x","tags":null}', {"Link": f'<http://{s.host}/v2/x/tags/list?last=b>; rel="next"'})
        else:
            h.say(200, '{"name":"x","tags":["a","b"]}', {"Link": '</v2/x/tags/list?last=a&n=2>; rel="next"'})
    with Hostile(answer) as s:
        assert driver("tags", s.host + "/x").ok().all("tag") == ["a", "b", "c", "d"]
        assert s.paths() == ["/v2/x/tags/list", "/v2/x/tags/list?last=a&n=2", "/v2/x/tags/list?last=b"]


def test_tags_that_have_no_end(driver):
    tags = json.dumps({"tags": ["x" * 120] * 20_000})
    with Hostile(lambda h, a: h.say(200, tags, {"Link": '</v2/x/tags/list?again>; rel="next"'})) as s:
        driver("tags", s.host + "/x").failed("more than 16777216 bytes")


def garbage(rng):
    """An answer in which something is wrong, most of the time."""
    headers = [b"HTTP/1.1 %d x" % rng.choice([200, 206, 204, 301, 307, 401, 404, 429, 500, 999]), b"Content-Length: %d" % rng.choice([0, 5, len(MANIFEST), 1 << 62]),
               b"Transfer-Encoding: chunked", b"Location: " + rng.choice([b"/", b"//", b"http://", b"%%%", b"/v2/x"]), b"Content-Range: bytes %d-%d/%d" % tuple(rng.randrange(9) for _ in "123"),
               b'WWW-Authenticate: Bearer realm="' + rng.choice([b"", b"/token", b"http://[::", b"x" * 5000]) + b'"', b"Content-Type: " + OCI_MANIFEST.encode(), b"Retry-After: -1",
               b"Content-Encoding: gzip", b"Docker-Content-Digest: sha256:" + b"0" * 64, b"Link: <>; rel=next"]
    picked = headers[:1] + [h for h in headers[1:] if rng.random() < 0.4]
    text = bytearray(b"\r\n".join(picked) + b"\r\n\r\n" + rng.choice([MANIFEST, b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"\0" * 100, b'{"tags":["a"],"token":"t","errors":[{}]}', b""]))
    for _ in range(rng.choice([0, 0, 1, 5])):
        text[rng.randrange(len(text))] = rng.randrange(256)
    return bytes(text[:rng.randrange(len(text))] if rng.random() < 0.2 else text)


def test_garbage_is_an_error_and_no_crash(driver):
    rng = random.Random(2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            while True:
                try:
                    s, _ = server.accept()
                except OSError:
                    return
                with s, contextlib.suppress(OSError):
                    s.settimeout(2)
                    if s.recv(65536)[:1] != b"\x16":  # TLS; who speaks http is answered
                        s.sendall(garbage(rng))
        threading.Thread(target=serve, daemon=True).start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        f = driver.folder / "data"
        f.write_bytes(BLOB)
        verbs = [["manifest", host + "/x"], ["head", host + "/x"], ["tags", host + "/x"], ["exists", host + "/x", digest(BLOB)], ["check", host + "/x"],
                 blob_words(host, driver.folder / "got"), ["upload", host + "/x", digest(BLOB), len(BLOB), f], ["put", host + "/x", OCI_MANIFEST, f]]
        failed = 0
        for i in range(48):
            r = driver("--no-tls-verify", *verbs[i % len(verbs)], backoff=1)
            failed += r.code
            assert r.code in (0, 1) and "libexec" not in r.err, r  # its own end would be told so
        assert 24 <= failed < 48
        server.shutdown(socket.SHUT_RDWR)


# ---- mirrors ----


def test_mirrors_are_tried_in_turn(driver):
    def closed(h, asked):
        h.say(500)
    with Hostile(closed) as broken, Hostile(lambda h, a: h.say(404)) as empty, \
            Hostile(lambda h, a: serve_blob(h, a) if "blobs" in a.path else say_manifest(h, a)) as good:
        config = driver.folder / "registries.json"
        config.write_text(json.dumps({"registry-mirrors": [f"http://{m.host}/" for m in (broken, empty, good)]}))
        r = driver("--config", config, "manifest", "alpine").ok()
        assert r.values["digest"] == digest(MANIFEST)
        assert broken.paths() == empty.paths() == good.paths() == ["/v2/library/alpine/manifests/latest"]
        driver("--config", config, "blob", "alpine", digest(BLOB), len(BLOB), 0, driver.folder / "got").ok()
        assert (driver.folder / "got").read_bytes() == BLOB


def test_a_mirror_that_breaks_off_is_followed_by_the_next(driver):
    with Hostile(breaking([1000])) as broken, Hostile(serve_blob) as good:
        config = driver.folder / "registries.json"
        config.write_text(json.dumps({"registry-mirrors": [f"http://{m.host}" for m in (broken, good)]}))
        driver("--config", config, "blob", "alpine", digest(BLOB), len(BLOB), 0, driver.folder / "got").ok()
        assert (driver.folder / "got").read_bytes() == BLOB and [a.headers.get("Range") for a in good.asked] == ["bytes=1000-"]


# ---- uploads that go wrong ----


class Uploads:
    """One upload session; `trouble` may answer a request in its place by returning True."""

    def __init__(self, trouble=lambda h, asked, u: False, post_headers=()):
        self.data, self.done, self.step, self.trouble, self.post_headers = b"", None, 0, trouble, post_headers

    def place(self):
        self.step += 1
        return f"/session/{self.step}?state=a%20b"

    def __call__(self, h, asked):
        if self.trouble(h, asked, self):
            return
        if asked.method == "POST":
            self.data = b""
            h.say(202, headers=[("Location", self.place()), *self.post_headers])
            return
        if asked.method == "DELETE":
            h.say(204)
            return
        assert asked.path.startswith(f"/session/{self.step}?state=a%20b"), (asked, self.step)
        if asked.method == "GET":
            h.say(204, headers={"Location": self.place(), "Range": f"0-{max(len(self.data) - 1, 0)}"})
        elif asked.method == "PATCH":
            first, last = map(int, asked.headers["Content-Range"].split("-"))
            if first != len(self.data):
                h.say(416)
                return
            assert last - first + 1 == len(asked.body)
            self.data += asked.body
            h.say(202, headers={"Location": self.place(), "Range": f"0-{len(self.data) - 1}"})
        else:
            self.data += asked.body
            self.done = re.search(r"&digest=(.*)$", asked.path)[1].replace("%3A", ":")
            h.say(201)


def test_an_upload_in_one_piece(driver):
    u = Uploads()
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(u) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f).ok()
        assert u.data == BLOB and u.done == digest(BLOB) and [a.method for a in s.asked] == ["POST", "PUT"]
        assert s.asked[0].headers["Content-Length"] == "0" and s.asked[1].headers["Content-Length"] == str(len(BLOB))


def test_an_upload_that_breaks_goes_on_in_chunks(driver):
    def trouble(h, asked, u):
        if asked.method == "PUT" and asked.body and not u.data:
            u.data = BLOB[:100_000]  # that much had come
            h.hang_up()
            return True
        return False
    u = Uploads(trouble)
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(u) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f).ok()
        assert u.data == BLOB and u.done == digest(BLOB)
        assert [a.method for a in s.asked] == ["POST", "PUT", "GET", "PATCH", "PUT"] and s.asked[3].headers["Content-Range"] == "100000-299999"


def test_a_session_that_is_gone_is_begun_anew(driver):
    def trouble(h, asked, u):
        if u.step == 1 and asked.method == "PUT":
            h.say(500)
            return True
        if u.step == 1 and asked.method == "GET":
            h.say(404)
            return True
        return False
    u = Uploads(trouble)
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(u) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f).ok()
        assert u.data == BLOB and [a.method for a in s.asked] == ["POST", "PUT", "GET", "POST", "PATCH", "PUT"]


def test_chunks_of_a_stream_are_kept_until_they_have_come(driver):
    data = os.urandom(10_000_000)
    broken = []

    def trouble(h, asked, u):
        if asked.method == "PATCH" and len(u.data) > 4_000_000 and not broken:
            broken.append(asked)
            u.data += asked.body[:12345]
            h.hang_up()
            return True
        return False
    u = Uploads(trouble)
    with Hostile(u) as s:
        r = driver("upload", s.host + "/x", "-", "-", "-", stdin=data).ok()
        assert u.data == data and u.done == digest(data) == r.ends[1]["digest"] and broken
    u = Uploads(post_headers=[("OCI-Chunk-Min-Length", str(6_000_000))])
    with Hostile(u) as s:
        driver("upload", s.host + "/x", "-", "-", "-", stdin=data).ok()
        assert u.data == data and [len(a.body) for a in s.asked if a.method == "PATCH"] == [6_000_000, 4_000_000]


def test_an_upload_that_never_works_ends_and_is_taken_back(driver):
    def trouble(h, asked, u):
        if asked.method in ("PUT", "PATCH"):
            h.say(500)
            return True
        return False
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(Uploads(trouble)) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f).failed("500")
        assert len(s.asked) < 30 and s.asked[-1].method == "DELETE"


def test_an_upload_needs_the_right_to_push(driver):
    t = TokenServer(answer=Uploads())
    f = driver.folder / "data"
    f.write_bytes(BLOB)
    with Hostile(t) as s:
        driver("upload", s.host + "/x", digest(BLOB), len(BLOB), f, "other/one").ok()
        asked = next(p for p in s.paths() if p.startswith("/token"))
        assert "scope=repository%3Ax%3Apull%2Cpush&scope=repository%3Aother%2Fone%3Apull" in asked


def test_an_upload_whose_place_is_on_another_host(driver):
    u = Uploads()
    with Hostile(u) as other:
        def answer(h, asked):
            with_basic(h, asked, lambda h, a: h.say(202, headers={"Location": f"http://{other.host}{u.place()}"}))
        f = driver.folder / "data"
        f.write_bytes(BLOB)
        with Hostile(answer) as s:
            driver("--authfile", auths(driver, **{s.host: ("me", "secret")}), "upload", s.host + "/x", digest(BLOB), len(BLOB), f).ok()
        assert u.data == BLOB and all(not a.headers.get("Authorization") for a in other.asked)
