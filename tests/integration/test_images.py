"""pull, images, tag and rmi: from layouts and registries into the store, which others can read; what is wrong is refused and changes nothing."""
import contextlib
import gzip
import io
import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import time

import pytest

from harness import MYDOCKER, PATIENCE, tree
from layouts import BASE, TOP, Layout, archive, digest
from registries import registry

pytestmark = pytest.mark.root("layers hold files of others")
class Images:
    def __init__(self, root):
        self.root = root

    def argv(self, *words):
        return [MYDOCKER, "--root", self.root, *map(str, words)]

    def __call__(self, *words):
        r = subprocess.run(self.argv(*words), capture_output=True, text=True, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL)
        assert r.returncode >= 0, r
        return r

    def ok(self, *words):
        r = self(*words)
        assert r.returncode == 0 and not r.stderr, r
        return r.stdout

    def failed(self, *words, says):
        r = self(*words)
        assert r.returncode == 1 and r.stderr.count("\n") == 1 and all(w in r.stderr for w in says), r

    def rows(self):
        return [line.split() for line in self.ok("images").splitlines()[1:]]

    def layers(self):
        return sorted("sha256:" + p.name for p in self.root.glob("layers/sha256/*"))

    def blobs(self):
        return sorted("sha256:" + p.name for p in self.root.glob("blobs/sha256/*"))

    def garbage(self):
        return [p for d in ("staging", "trash") for p in (self.root / d).iterdir()]


@pytest.fixture
def images(scratch):
    yield Images(scratch / "store")
    assert not [line for line in open("/proc/self/mountinfo") if str(scratch) in line]


@pytest.fixture
def layout(scratch):
    return Layout(scratch / "tools")


def test_from_a_layout(images, layout):
    entry, manifest = layout.image(BASE, TOP)
    out = images.ok("pull", f"oci:{layout.path}:v1")
    assert out.splitlines()[-3:] == [f"Digest: {entry['digest']}", "Status: Downloaded newer image for tools:v1", "docker.io/library/tools:v1"]
    assert out.count("Pull complete") == 2
    assert images.rows() == [["tools", "v1", layout.id[7:19], "2", "years", "ago", "300kB"]]
    assert images.layers() == sorted([digest(BASE), digest(TOP)])
    assert images.blobs() == sorted([entry["digest"], layout.id, *(x["digest"] for x in manifest["layers"])])
    top = images.root / "layers/sha256" / digest(TOP)[7:] / "tree"
    assert (top / "new").read_text() == "new\n" and (top / "etc/os-release").stat().st_rdev == 0 and not (top / "etc/os-release").is_file()
    again = images.ok("pull", f"oci:{layout.path}:v1")
    assert "Status: Image is up to date for tools:v1" in again and "Pull complete" not in again
    assert images.ok("pull", "-q", f"oci:{layout.path}") == "docker.io/library/tools:latest\n"
    assert not images.garbage()


def test_others_read_the_store(images, layout, scratch):
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    entry, _ = layout.image(BASE, TOP)
    images.ok("pull", f"oci:{layout.path}:v1")
    copied = scratch / "copied"
    subprocess.run(["skopeo", "copy", "--quiet", f"oci:{images.root}:docker.io/library/tools:v1", f"oci:{copied}:x"], check=True)
    assert (copied / "blobs/sha256" / entry["digest"][7:]).read_bytes() == layout.place(entry["digest"]).read_bytes()


def test_the_platform_is_chosen(images, layout):
    entries = [layout.image(archive((arch, b"")), name=None, arch=arch)[0] for arch in ("arm64", "amd64")]
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    layout.add({"mediaType": index["mediaType"], **layout.blob(json.dumps(index).encode())}, "many")
    for options, arch in (([], "amd64"), (["--platform", "linux/arm64"], "arm64"), (["--platform", "linux/amd64"], "amd64")):
        images.ok("pull", *options, f"oci:{layout.path}:many")
        assert json.loads((images.root / "index.json").read_text())["manifests"][0]["digest"] == entries[["arm64", "amd64"].index(arch)]["digest"]
    images.failed("pull", "--platform", "linux/s390x", f"oci:{layout.path}:many", says=["no matching manifest for linux/s390x in the manifest list entries"])


def test_from_a_registry(images, layout, scratch):
    """What skopeo has pushed comes back with the same digests; a layer that is there is not asked for."""
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    entry, manifest = layout.image(BASE, TOP)
    with registry(scratch / "registry") as host:
        subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout.path}:v1", f"docker://{host}/a/tools:v1"], check=True)
        images.ok("pull", f"{host}/a/tools:v1")
        assert images.blobs() == sorted([entry["digest"], layout.id, *(x["digest"] for x in manifest["layers"])])
        assert images.layers() == sorted([digest(BASE), digest(TOP)]) and images.rows()[0][:2] == [f"{host}/a/tools", "v1"]
        assert "up to date" in images.ok("pull", f"{host}/a/tools:v1")
        images.ok("pull", f"{host}/a/tools@{entry['digest']}")
        images.failed("pull", f"{host}/a/tools:v2", says=["manifest unknown"])
        images.failed("pull", f"{host}/a/tools@sha256:" + "0" * 64, says=["manifest unknown"])
        images.failed("pull", f"{host}/nothing", says=[f"{host}/nothing"])
    assert not images.garbage()


# ---- what is wrong ----


def damage(name, content):
    def do(layout, manifest):
        (layout.place(manifest["layers"][1]["digest"]) if name == "layer" else layout.place(layout.id)).write_bytes(content)
    return do


@pytest.mark.parametrize("change, spoil, words", [
    (None, lambda o, m: o.place(m["layers"][1]["digest"]).unlink(), ["No such file"]),
    (None, damage("layer", gzip.compress(archive(("other", b"")))), ["bytes"]),
    (None, damage("layer", b"\x1f\x8b" + bytes(50)), ["layer 1"]),
    (None, damage("config", b"{}"), ["bytes"]),
    (lambda m, c: c["rootfs"]["diff_ids"].reverse(), None, ["the layer has the digest"]),
    (lambda m, c: c["rootfs"]["diff_ids"].pop(), None, ["2 layers and tells of 1"]),
    (lambda m, c: m["layers"][0].update(size=m["layers"][0]["size"] - 1), None, ["larger"]),
    (lambda m, c: m["layers"][0].update(digest="sha256:" + "../" * 21 + "x"), None, ["layers[0].digest"]),
    (lambda m, c: m.update(mediaType="application/vnd.docker.distribution.manifest.v1+json"), None, ["docker.distribution.manifest.v1+json"]),
], ids=range(9))
def test_refused(images, layout, scratch, change, spoil, words):
    """The layer that was good stays; no name is given, and nothing is half there."""
    good = Layout(scratch / "good")
    good.image(archive(("good", b"")))
    images.ok("pull", f"oci:{good.path}:v1")
    before = images.rows()
    _, manifest = layout.image(BASE, TOP, change=change or (lambda m, c: None))
    if spoil:
        spoil(layout, manifest)
    images.failed("pull", f"oci:{layout.path}:v1", says=words)
    assert images.rows() == before and set(images.layers()) <= {digest(archive(("good", b""))), digest(BASE), digest(TOP)} and not images.garbage()
    for layer in images.layers():
        assert json.loads((images.root / "layers/sha256" / layer[7:] / "layer.json").read_text())["diff_id"] == layer


def test_a_layer_that_leads_out_of_the_store(images, layout, canary):
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as t:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(canary / "dir")
        t.addfile(link)
        t.addfile(tarfile.TarInfo("link/evil"))
    layout.image(evil.getvalue())
    images.failed("pull", f"oci:{layout.path}:v1", says=["link/evil", "symbolic link"])
    assert not images.layers() and not images.rows()


@pytest.mark.parametrize("name", ["oci:/no/such/place", "127.0.0.1:1/x"])
def test_what_is_no_image(images, name):
    images.failed("pull", name, says=[name.removeprefix("oci:").removesuffix("/x")])


def test_what_is_no_name(images):
    r = images("pull", "UPPER")
    assert r.returncode == 125 and "invalid reference format: repository name must be lowercase" in r.stderr, r


# ---- names ----


def test_names_and_what_they_keep(images, layout, scratch):
    layout.image(BASE, TOP)
    other = Layout(scratch / "other")
    other.image(BASE)
    images.ok("pull", f"oci:{layout.path}:v1")
    images.ok("pull", f"oci:{other.path}:v1")
    images.ok("tag", "tools:v1", "localhost:5000/x:2")
    images.ok("tag", layout.id[7:15], "y")
    assert sorted(r[0] + ":" + r[1] for r in images.rows()) == ["localhost:5000/x:2", "other:v1", "tools:v1", "y:latest"]
    assert len(images.ok("images", "-q").split()) == 2 and images.ok("images", "y").count("\n") == 2
    images.failed("rmi", layout.id[7:19], says=["must be forced"])
    assert images.ok("rmi", "tools:v1", "y") == "Untagged: tools:v1\nUntagged: y:latest\n"
    assert images.ok("rmi", "--force", layout.id[7:19]) == f"Untagged: localhost:5000/x:2\nDeleted: {digest(TOP)}\n"
    assert images.layers() == [digest(BASE)]
    images.failed("rmi", "tools:v1", says=["No such image: tools:v1"])
    images.failed("tag", "nothing", "x", says=["No such image: nothing"])
    images.ok("rmi", "other:v1")
    assert not images.layers() and not images.blobs() and not images.garbage()
    assert json.loads((images.root / "index.json").read_text())["manifests"] == []


def test_as_json(images, layout):
    layout.image(BASE)
    images.ok("pull", f"oci:{layout.path}:v1")
    said = json.loads(images.ok("images", "--format", "json", "--no-trunc"))
    assert said["ID"] == layout.id and (said["Repository"], said["Tag"]) == ("tools", "v1") and said["CreatedAt"] == "2024-05-01T12:00:00Z"


def test_a_damaged_image_is_told_of(images, layout, scratch):
    layout.image(BASE)
    images.ok("pull", f"oci:{layout.path}:v1")
    (images.root / "blobs/sha256" / layout.id[7:]).write_text("{}")
    r = images("images")
    assert r.returncode == 0 and "tools:v1 is damaged" in r.stderr and r.stdout.count("\n") == 1
    images.failed("rmi", "tools:v1", says=["No such"]) if not list(images.root.glob("images/*")) else images.ok("rmi", "tools:v1")
    assert not images.layers()


def test_what_cannot_be_read_may_need_anything(images, layout, scratch):
    """An image is removed beside one whose record is damaged: its layers stay, for they may be the other's, too."""
    layout.image(BASE, TOP)
    other = Layout(scratch / "other")
    other.image(BASE)
    images.ok("pull", f"oci:{layout.path}:v1")
    images.ok("pull", f"oci:{other.path}:v1")
    record = next(p for p in images.root.glob("images/[0-9a-f]*") if "library/tools:v1" in p.read_text())
    text = record.read_text()
    record.write_text(text[:20])
    r = images("rmi", "other:v1")
    assert r.returncode == 1 and "cannot be read" in r.stderr and "its layers stay" in r.stderr, r
    record.write_text(text)
    assert images.rows()[0][:2] == ["tools", "v1"] and len(images.rows()) == 1
    assert images.layers() == sorted([digest(BASE), digest(TOP)])
    images.ok("rmi", "tools:v1")
    assert not images.layers() and not images.blobs()


# ---- many at once, and sudden deaths ----


@pytest.mark.parametrize("turn", range(5))
def test_the_same_image_at_once(images, layout, turn):
    """Into a store that is not there yet, which all of them make."""
    layout.image(BASE, TOP)
    started = [subprocess.Popen(images.argv("pull", "-q", f"oci:{layout.path}:v1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
    for p in started:
        out, err = p.communicate(timeout=60 * PATIENCE)
        assert (p.returncode, out, err) == (0, b"docker.io/library/tools:v1\n", b"")
    assert images.layers() == sorted([digest(BASE), digest(TOP)]) and not images.garbage()


def test_killed_while_it_pulls(images, layout):
    """Whenever that is: no name without its layers, and the next pull makes it good and cleans up."""
    big = archive(*((f"d{i % 40}/f{i}", random.Random(i).randbytes(2000)) for i in range(500)))
    layout.image(BASE, big, TOP)
    begin = time.monotonic()
    images.ok("pull", f"oci:{layout.path}:v1")
    took = time.monotonic() - begin
    expected = tree(images.root / "layers/sha256" / digest(big)[7:] / "tree").keys()
    dice = random.Random(5)
    for _ in range(6):
        images.ok("rmi", "tools:v1")
        p = subprocess.Popen(images.argv("pull", f"oci:{layout.path}:v1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * took)
        with contextlib.suppress(ProcessLookupError):
            os.kill(p.pid, signal.SIGKILL)
        p.wait()
        named = bool(list(images.root.glob("images/[0-9a-f]*")))
        assert not named or set(images.layers()) == {digest(BASE), digest(big), digest(TOP)}
        images.ok("pull", "-q", f"oci:{layout.path}:v1")
        assert tree(images.root / "layers/sha256" / digest(big)[7:] / "tree").keys() == expected and len(images.rows()) == 1
    assert not images.garbage()
