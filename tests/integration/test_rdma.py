"""linux.resources.rdma: config-linux.md "RDMA". On groups of ordinary files, with the runtime linked with what gives new groups theirs (tests/fake); what a kernel
makes of the values is not tried."""
import json
import subprocess
from pathlib import Path

import pytest

from bundles import GROUPS, RUNTIME, Lifecycle, bad, bundle, good, run  # noqa: F401: one is a fixture
from harness import cgroup_mounts

FAKE = RUNTIME.parents[1] / "tests/fake/bin/mydocker-runtime"
V1 = [p for p, kind, _ in cgroup_mounts() if kind == "cgroup"]
V2 = [p for p, kind, _ in cgroup_mounts() if kind == "cgroup2"]
DEVICES = {"mlx5_0": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe1": {"hcaObjects": 0}, "rxe2": {"hcaHandles": 7}}
LINES = ["mlx5_0 hca_handle=3 hca_object=10000", "rxe1 hca_object=0", "rxe2 hca_handle=7"]
pytestmark = pytest.mark.root("groups of any hierarchy are made")
fake = pytest.mark.skipif(not FAKE.exists(), reason="the fake runtime is not built (tests/fake)")


class Rdma(Lifecycle):
    """A container of the fake runtime, which finds the controller in one version."""

    def __init__(self, where, version):
        super().__init__(where)
        self.top, self.more = where / "rdma", []
        self.top.mkdir()
        own = Path("/proc/self/cgroup").read_text()
        if version == 1:
            self.file = self.top / GROUPS / "c1/rdma.max"
            (where / "mountinfo").write_text(Path("/proc/self/mountinfo").read_text() + f"999 20 0:99 / {self.top} rw,relatime - cgroup cgroup rw,rdma\n")
            (where / "cgroup").write_text("99:rdma:/\n" + own)
            self.fakes = {"FAKE_RDMA": self.top, "FAKE_MOUNTINFO": where / "mountinfo", "FAKE_CGROUP": where / "cgroup"}
        else:
            self.file = self.top / "rdma.max"
            for name in ("cgroup.controllers", "cgroup.subtree_control"):
                (self.top / name).write_text((V2[0] / "cgroup.controllers").read_text().strip() + " rdma\n")
            self.file.touch()
            self.fakes = {"FAKE_RDMA_V2": self.top}

    def argv(self, *args):
        return ["env", *self.more, *(f"{k}={v}" for k, v in self.fakes.items()), FAKE, "--root", self.state_dir, *args]

    def call(self, *args, **kw):
        return subprocess.run([*map(str, self.argv(*args))], capture_output=True, text=True, timeout=30, **kw)

    def make(self, devices):
        return self.create("sleep", "100000", change=lambda c: c["linux"].update(resources={"rdma": devices}))


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.skipif(not V1, reason="no cgroup v1 here")), pytest.param(2, marks=pytest.mark.skipif(not V2, reason="no cgroup v2 here"))])
def rdma(bundle, request):  # noqa: F811
    one = Rdma(bundle, request.param)
    yield one
    assert one.call("delete", "--force", "c1").returncode == 0
    assert not (one.top / GROUPS).exists()


@fake
def test_each_device_has_its_line(rdma):
    good(rdma.make(DEVICES))
    assert rdma.file.read_text() == "".join(LINES)
    good(rdma.call("start", "c1"))
    assert rdma.status() == "running"
    if rdma.file.parent != rdma.top:
        assert (rdma.file.parent / "tasks").read_text() == "0"  # who writes it is meant


@fake
def test_nothing_given_nothing_written(rdma):
    good(rdma.make({}))
    assert not rdma.file.exists() or rdma.file.read_text() == ""


@fake
def test_what_the_kernel_refuses_names_the_device(rdma):
    rdma.more = ["FAKE_REFUSE=1"]
    bad(rdma.make(DEVICES), "limit of RDMA devices", "no such RDMA device", "mlx5_0")


@fake
def test_an_update(rdma):
    good(rdma.make({"rxe2": {"hcaHandles": 7}}))
    rdma.file.write_text("")
    good(rdma.call("update", "--resources", "-", "c1", input=json.dumps({"rdma": {"rxe2": {"hcaHandles": 9, "hcaObjects": 4294967295}}})))
    assert rdma.file.read_text() == "rxe2 hca_handle=9 hca_object=4294967295"
    bad(rdma.call("update", "--resources", "-", "c1", input=json.dumps({"rdma": {"rxe2": {}}})), "rdma.rxe2")
    assert rdma.file.read_text() == "rxe2 hca_handle=9 hca_object=4294967295"


@pytest.mark.skipif("rdma" in Path("/proc/cgroups").read_text() or any("rdma" in (p / "cgroup.controllers").read_text() for p in V2), reason="this host has the controller")
def test_without_the_controller_it_is_refused(bundle):  # noqa: F811
    bad(run(bundle, "exit 0", change=lambda c: c["linux"].update(resources={"rdma": DEVICES})), "no cgroup controller 'rdma' for the limit of RDMA devices")


@pytest.mark.parametrize("devices, words", [
    ({"mlx5_0": {}}, "linux.resources.rdma.mlx5_0 must have hcaHandles, hcaObjects or both"), ({"mlx5_0": {"hcaHandles": -1}}, "linux.resources.rdma.mlx5_0.hcaHandles"),
    ({"mlx5_0": {"hcaObjects": 2**32}}, "linux.resources.rdma.mlx5_0.hcaObjects"), ({"mlx5_0": []}, "linux.resources.rdma.mlx5_0"),
])
def test_values_that_are_none(bundle, devices, words):  # noqa: F811
    bad(run(bundle, "exit 0", change=lambda c: c["linux"].update(resources={"rdma": devices})), words)


def test_features_have_it():
    features = json.loads(subprocess.run([RUNTIME, "features"], capture_output=True, text=True, timeout=30, check=True).stdout)
    assert features["linux"]["cgroup"]["rdma"] is True
