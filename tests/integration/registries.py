"""Registries for the tests: Debian's docker-registry on a free port of this host, and Hostile, which answers as a test says and writes down
what it was asked. Driver runs the engine's calls (tests/registry/driver.c) in a prefix of its own."""
import contextlib
import hashlib
import http.server
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import MYDOCKER, PATIENCE, TOP

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Said:
    """What a driver has printed."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def values(self):
        return dict(line.split("=", 1) for line in self.out.splitlines() if "=" in line)

    def all(self, name):
        return [line.split("=", 1)[1] for line in self.out.splitlines() if line.startswith(name + "=")]

    @property
    def ends(self):
        """number -> {status, done, digest, there, error}"""
        found = {}
        for line in self.all("end"):
            m = re.match(r"(\d+) status=(\d+) done=(\d+) digest=(\S*) there=(\d) error=(.*)", line)
            found[int(m[1])] = {"status": int(m[2]), "done": int(m[3]), "digest": m[4], "there": m[5] == "1", "error": m[6]}
        return found

    def ok(self):
        assert self.code == 0, self
        return self

    def failed(self, *words):
        assert self.code == 1 and self.err.count("\n") == 1, self
        for w in words:
            assert w in self.err, (w, self)
        return self

    def __repr__(self):
        return f"<exit {self.code}\n out {self.out[-3000:]}\n err {self.err[-2000:]}>"


class Driver:
    def __init__(self, folder):
        built = Path(os.environ.get("MYDOCKER_REGISTRY_DRIVER", TOP / "out/start/tests/registry/registry-driver"))
        programs = [MYDOCKER.parent.parent / "libexec/mydocker/fetch", TOP / "out/libexec/libexec/mydocker/fetch"]
        fetch = next((p for p in programs if p.exists()), None)
        if not built.exists() or not fetch:
            pytest.skip("the driver of registries or libexec/mydocker/fetch is not built")
        self.folder = Path(folder)
        self.program = self.folder / "bin/driver"
        (self.folder / "libexec/mydocker").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        shutil.copy(built, self.program)
        shutil.copy(fetch, self.folder / "libexec/mydocker/fetch")
        (self.folder / "home").mkdir()
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder / "home")}

    def argv(self, *argv, backoff=20):
        return [str(self.program), "--backoff", str(backoff), *map(str, argv)]

    def __call__(self, *argv, env=None, stdin=b"", backoff=20, timeout=60):
        r = subprocess.run(self.argv(*argv, backoff=backoff), input=stdin, capture_output=True, timeout=timeout * PATIENCE,
                           env={**self.env, **(env or {})})
        return Said(r.returncode, r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace"))

    def auth(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


# ---- Debian's registry ----


@contextlib.contextmanager
def registry(folder, http="", auth=""):
    """docker-registry with these lines in its configuration; gives its HOST:PORT."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("docker-registry is not installed")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "config.yml").write_text(
        "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n  secret: x\n{http}{auth}")
    with open(folder / "log", "wb") as log:
        p = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert p.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        p.kill()
        p.wait()


def authority(folder, name="test authority"):
    """An authority of our own, a certificate for 127.0.0.1 and localhost, and one for a client. All below folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for role, extra in (("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / f"{role}.ext").write_text(extra)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{role}.key", "-out", f"{role}.csr", "-subj", f"/CN={role}")
        openssl("x509", "-req", "-in", f"{role}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{role}.pem", "-days", "2",
                "-extfile", f"{role}.ext")
    return folder


# ---- one that answers as it is told ----


class Asked:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def __repr__(self):
        return f"{self.method} {self.path}"


class Hostile:
    """answer: a function that gets an Answer and an Asked. Runs until the with statement ends."""

    def __init__(self, answer, tls=None, address="127.0.0.1"):
        self.asked, self.answer, self.lock = [], answer, threading.Lock()
        hostile = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any(self):
                size = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, self.headers, self.rfile.read(size) if size else b"")
                with hostile.lock:
                    hostile.asked.append(asked)
                hostile.answer(self, asked)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = any

            def log_message(self, *_):
                pass

            def say(self, status, body=b"", headers=(), length=None):
                """An answer; length: what Content-Length says, if not the truth."""
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers.items() if isinstance(headers, dict) else headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                if self.command != "HEAD":
                    with contextlib.suppress(OSError):
                        self.wfile.write(body)

            def hang_up(self):
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self.server = Server((address, 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None
        self.host = f"{f'[{address}]' if ':' in address else address}:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def paths(self, method=None):
        with self.lock:
            return [a.path for a in self.asked if not method or a.method == method]

    def count(self, part):
        return sum(part in p for p in self.paths())
