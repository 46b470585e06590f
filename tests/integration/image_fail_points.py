"""The fail points of images: the same walk as in fail_points.py, of commands that fill and empty a store."""
import json
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import pytest

import harness
from fail_points import DIES, SOMETIMES, WARNING, Line, Walker, report, walk
from layouts import BASE, TOP, Layout, digest
from registries import registry

PROGRAM = harness.MYDOCKER.parent.parent / "tests/fail/bin/mydocker"
# What no command fails for: what is removed later is garbage until then.
TOLERATED = ("stage_throw_away", "one_sweep", "all_sweep", "stage_sweep", "tree_remove_at", "remove_entry", "empty_dir", "first_level", "second_level", "move_up", "store_throw_away", "cpus", "line")
LINES = [
    Line("pull", "-q oci:{layout}:v1", verb="pull", command="", code=0),
    Line("pull-registry", "-q {registry}/tools:v1", verb="pull", command="", code=0),
    Line("pull-again", "-q oci:{layout}:v1", verb="pull", command="", code=0),
    Line("tag", "tools:v1 other:v2", verb="tag", command="", code=0),
    Line("login", "-u me -p secret --authfile {base}/auth.json {registry}", verb="login", command="", code=0),
    Line("images", "", verb="images", command="", code=0),
    Line("rmi", "tools:v1", verb="rmi", command="", code=0),
]
PULL, REGISTRY, *_, IMAGES, RMI = LINES


class ImageWalker(Walker):
    def __init__(self, *args, registry):
        super().__init__(*args)
        self.layout, self.registry = self.base / "tools", registry
        made = Layout(self.layout)
        self.entry, self.manifest = made.image(BASE, TOP)
        self.id = made.id
        self.pristine_store = self.base / "pulled"
        assert self.plain(PULL).code == 0
        shutil.move(self.engine.root, self.pristine_store)

    def plain(self, line):
        return self.call(line.argv(self))

    def prepare(self, line):
        """The store as it is before: empty for a pull, and for all else with the image, and with what others have not finished."""
        shutil.rmtree(self.engine.root, ignore_errors=True)
        (self.base / "auth.json").unlink(missing_ok=True)
        if line not in (PULL, REGISTRY):
            shutil.copytree(self.pristine_store, self.engine.root, symlinks=True, copy_function=shutil.copy2, ignore=lambda d, names: [n for n in names if n == "os-release" and "tree" in d])
            (self.engine.root / "staging/dead/layer0").mkdir(parents=True)
            (self.engine.root / "staging/blob.1").write_text("half")
            (self.engine.root / "trash/old").mkdir()

    def names(self, folder):
        return {p.name for p in (self.engine.root / folder / "sha256").glob("*")}

    def wrong_in_the_store(self, line):
        """After the command that made it good."""
        gone = line is RMI
        layers = set() if gone else {digest(x)[7:] for x in (BASE, TOP)}
        blobs = set() if gone else {d[7:] for d in (self.entry["digest"], self.id, *(x["digest"] for x in self.manifest["layers"]))}
        found = [f"layers {self.names('layers')}"] if self.names("layers") != layers else []
        found += [f"blobs {self.names('blobs')}"] if self.names("blobs") != blobs else []
        kept = self.base / "auth.json"
        found += [f"kept: {kept.read_text()}"] if kept.exists() and list(json.loads(kept.read_text())["auths"]) != [self.registry] else []
        found += [f"left behind: {p}" for d in ("staging", "trash") for p in (self.engine.root / d).iterdir()]
        listed = self.plain(IMAGES)
        names = {"pull": [f"{self.registry}/tools:v1" if line is REGISTRY else "tools:v1"], "tag": ["other:v2", "tools:v1"], "rmi": []}.get(line.verb, ["tools:v1"])
        if listed.code or listed.err or [":".join(row.split()[:2]) for row in listed.out.splitlines()[1:]] != names:
            found.append(f"listed: {listed!r}")
        return found


@pytest.fixture(scope="module")
def image_walkers(base, make_rootfs):
    where = Path(tempfile.mkdtemp(prefix="image-points-", dir=base))
    for part in ("bin", "libexec"):
        shutil.copytree(PROGRAM.parent.parent / part, where / part)
    for name in ("unpack", "fetch"):
        shutil.copy(harness.MYDOCKER.parent.parent / "libexec/mydocker" / name, where / "libexec/mydocker" / name)
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed")
    with registry(where / "registry") as host:
        made = [ImageWalker(where / f"walker{i}", make_rootfs, where / "bin/mydocker", registry=host) for i in range(2)]
        subprocess.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{made[0].layout}:v1", f"docker://{host}/tools:v1"], check=True)
        yield made
        for w in made:
            w.close()


@pytest.fixture(scope="module")
def image_points(image_walkers):
    """The points that each line always passes."""
    return {line.name: record(image_walkers[0], line) for line in LINES}


def record(w, line):
    runs = []
    for _ in range(3):
        w.prepare(line)
        runs.append(w.plain(line))
        assert runs[-1].code == 0 and not errors_of(runs[-1]), runs[-1]
    always = set.intersection(*(set(r.log.points) for r in runs))
    return [p for p in runs[-1].log.points if p in always]


def errors_of(r):
    return [line for line in r.err.splitlines() if not line.startswith(WARNING)]


def how_it_ended(w, point, how, r):
    function = w.places.function(point)
    lines, errors = r.err.splitlines(), errors_of(r)
    if r.hangs:
        return "it hung and had to be killed"
    if r.log.hit is None:
        return None if function in SOMETIMES else "the point was not reached"
    if how in DIES and point.process == "parent":
        return None if r.code == -9 else "the parent did not die"
    if point.call in ("calloc", "realloc") and r.code == -6:
        return None if len(errors) == 1 else "no memory, and it did not say so"
    if r.code == 0:
        swallowed = point.kind != "OWN" and not lines and function not in TOLERATED
        return "its failure was swallowed" if swallowed and not w.places.tolerates(point, PULL) else None
    return None if r.code == 1 and len(errors) == 1 else "neither success nor one line of error"


def try_image_point(w, line, point, how):
    w.prepare(line)
    r = w.settle(w.call(line.argv(w), how, point.target))
    wrong = [how_it_ended(w, point, how, r)]
    after = w.plain(line)
    if not (after.code == 0 and not errors_of(after)) and not (line is RMI and "No such image" in after.err):
        wrong.append(f"the next command: {after!r}")
    if line is RMI:  # what is not needed any more goes with the next image that is removed
        assert w.plain(PULL).code == 0 and w.plain(RMI).code == 0
    elif line not in (PULL, REGISTRY):
        assert w.plain(PULL).code == 0
    wrong += w.wrong_in_the_store(line)
    return report(w, how, point, list(filter(None, wrong)), r) if any(wrong) else None


def walk_points(walkers, line, points):
    wrong = walk(walkers, [partial(try_image_point, line=line, point=p, how=how) for p in points for how in p.hows()])
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])
