"""OCI image layouts for tests, written by hand."""
import gzip
import hashlib
import io
import json
import random
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def archive(*files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


BASE = archive(("etc/os-release", b"ID=test\n"), ("bin/tool", random.Random(3).randbytes(300000)))
TOP = archive(("etc/.wh.os-release", b""), ("new", b"new\n"))


class Layout:
    """An OCI layout, written by hand."""

    def __init__(self, path):
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.manifests = []

    def blob(self, data):
        self.place(digest(data)).write_bytes(data)
        return {"digest": digest(data), "size": len(data)}

    def place(self, of):
        return self.path / "blobs/sha256" / of.split(":")[1]

    def image(self, *layers, name="v1", arch="amd64", change=lambda manifest, config: None):
        config = {"created": "2024-05-01T12:00:00Z", "architecture": arch, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [{"mediaType": LAYER, **self.blob(gzip.compress(layer, mtime=0))} for layer in layers]}
        change(manifest, config)
        manifest.setdefault("config", {"mediaType": "application/vnd.oci.image.config.v1+json", **self.blob(json.dumps(config).encode())})
        entry = {"mediaType": manifest["mediaType"], **self.blob(json.dumps(manifest).encode()), "platform": {"os": "linux", "architecture": arch}}
        if name:
            self.add(entry, name)
        self.id = manifest["config"]["digest"]
        return entry, manifest

    def add(self, entry, name):
        self.manifests.append({**entry, "annotations": {"org.opencontainers.image.ref.name": name}})
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))
