"""config-linux.md, "IntelRdt", as far as it shows without the hardware. With a tree that looks like resctrl's tests/integration/test_intel_rdt.py does the rest."""
import os
import subprocess
from pathlib import Path

import pytest

from bundles import bundle, command, run, write_config  # noqa: F401: one is a fixture
from harness import mounts
from test_spec_config import put, refused

MOUNTED = [p for p, kind, _ in mounts() if kind == "resctrl"]


@pytest.mark.skipif(bool(MOUNTED), reason="resctrl is mounted here")
@pytest.mark.parametrize("given", [{}, {"closID": "group"}, {"closID": "/"}, {"l3CacheSchema": "L3:0=f"}, {"schemata": ["L3:0=f"]}, {"enableMonitoring": True}])
def test_intel_rdt_without_resctrl_is_an_error(bundle, given):
    refused(bundle, put("linux.intelRdt", given), "intelRdt")


@pytest.mark.parametrize("given", [{"memBwSchema": "0=20"}, {"memBwSchema": "MB:0=20\nMB:1=20"}, {"schemata": ["L3:0=f\nL3:1=f"]}, {"l3CacheSchema": "L3:0=f\nMB:0=7"}, {"closID": "a/b"}, {"closID": ".."}, {"closID": "."}])
def test_intel_rdt_values_that_are_none(bundle, given):
    refused(bundle, put("linux.intelRdt", given), "intelRdt")


def test_intel_rdt_that_is_not_set_touches_nothing(bundle):
    """No file of resctrl is opened, or looked for."""
    if os.geteuid() != 0 or subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode:
        pytest.skip("needs root and strace")
    write_config(bundle, put("process.args", ["/bin/probe", "exit", "7"]))
    r = subprocess.run(["strace", "-f", "-e", "trace=file", "-o", bundle / "trace", *map(str, command(bundle))], capture_output=True, text=True, timeout=60)
    assert r.returncode == 7 and "resctrl" not in (bundle / "trace").read_text(), r


@pytest.mark.skipif(not MOUNTED, reason="no resctrl is mounted on this host: the kernel or the processor has none")
@pytest.mark.root("groups of resctrl")
def test_intel_rdt_group_of_the_container(bundle):
    top = Path(MOUNTED[0])
    r = run(bundle, "exit 7", change=put("linux.intelRdt", {}))
    assert r.returncode == 7 and not (top / "c1").exists(), r
