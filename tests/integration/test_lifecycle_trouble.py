"""mydocker-runtime when much happens at once, when it is killed, and when its files are damaged."""
import json
import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bundles import GROUPS, RUNTIME, bundle, good, life, runtime, write_config  # noqa: F401: some are fixtures
from harness import cgroup_mounts, wait_until


def groups(name):
    return [p / GROUPS / name for p, _, _ in cgroup_mounts() if (p / GROUPS / name).exists()]


def bundle_of(life, name):
    """One of many bundles with the same root."""
    where = life.bundle / name
    where.mkdir()
    config = json.loads((life.bundle / "config.json").read_text())
    config["root"]["path"] = str(life.bundle / "root")
    config["mounts"][1]["source"] = str(life.bundle / "data")
    config["linux"]["cgroupsPath"] = f"/{GROUPS}/{name}"
    (where / "config.json").write_text(json.dumps(config))
    return where


def cycle(life, n):
    """create, start, exec, kill and delete of one of many; what failed, or ""."""
    name = f"many{n}"
    where = bundle_of(life, name)
    for words in (["create", "-b", where, name], ["start", name], ["exec", name, "/bin/probe", "exit", "0"], ["kill", name, "KILL"]):
        with open(where / "said", "w+b") as said:
            r = subprocess.run([*map(str, life.argv(*words))], stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=60)
            if r.returncode:
                said.seek(0)
                return f"{words}: {said.read().decode()}"
    try:
        wait_until(lambda: json.loads(life.call("state", name).stdout)["status"] == "stopped", seconds=30)
    except AssertionError:
        return f"{name} does not stop"
    r = life.call("delete", name)
    return r.stderr if r.returncode else ""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.full)])
def test_many_cycles_at_once(life, count):  # noqa: F811
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    with ThreadPoolExecutor(count) as pool:
        wrong = [w for w in pool.map(lambda n: cycle(life, n), range(count)) if w]
    assert not wrong, wrong[:5]
    assert not [p for p, _, _ in cgroup_mounts() if (p / GROUPS).exists()]


FILES = ("record.json", "process.json", "oci.json", "config.json")
DAMAGES = {"empty": lambda text: "", "cut": lambda text: text[: len(text) // 2], "garbled": lambda text: "\x00\xff" + text[2:], "other": lambda text: '{"version":99}', "absent": None}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("state", ["created", "running"])
def test_delete_takes_a_damaged_one_away(life, file, damage, state):  # noqa: F811
    good(life.create("sleep", "60000"))
    if state == "running":
        good(life.call("start", "c1"))
    pid = life.state()["pid"]
    path = life.state_dir / "containers/c1" / file
    if DAMAGES[damage]:
        path.write_text(DAMAGES[damage](path.read_text()), encoding="latin-1")
    else:
        path.unlink()
    r = life.call("delete", "--force", "c1")
    assert r.returncode == 0, r
    assert not groups("c1") and not (life.state_dir / "containers/c1").exists(), r
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat", encoding="utf-8").read().split(")")[-1].split()[0] == "Z")
    for p, _, _ in cgroup_mounts():  # those above it are not known from a record that is damaged
        if (p / GROUPS).exists():
            (p / GROUPS).rmdir()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("rounds", [10, pytest.param(80, marks=pytest.mark.full)])
def test_killed_at_any_moment(life, rounds):  # noqa: F811
    """Whatever command dies: one `delete --force` and nothing is left."""
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", "60000"]))
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    for _ in range(rounds):
        for words in (["create", "-b", life.bundle, "c1"], ["start", "c1"], ["exec", "c1", "/bin/probe", "sleep", "60000"], ["delete", "-f", "c1"]):
            p = subprocess.Popen([*map(str, life.argv(*words))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.004)
            p.send_signal(signal.SIGKILL)
            p.wait()
        r = life.call("delete", "--force", "c1")
        assert r.returncode == 0 and not groups("c1") and not (life.state_dir / "containers/c1").exists(), (seed, r)


MARK = f"{60000 + os.getpid()}"  # in the arguments of processes that are nobody else's


def storm(life, n, rounds, seed):
    """One of many whose commands are killed at random moments, and whose files are damaged then; what is wrong, or ""."""
    name, chance = f"storm{n}", random.Random(seed + n)
    where = bundle_of(life, name)
    kept = life.state_dir / "containers" / name
    for turn in range(rounds):
        for words in (["create", "-b", where, name], ["start", name], ["exec", name, "/bin/probe", "sleep", MARK], ["delete", "-f", name]):
            p = subprocess.Popen([*map(str, life.argv(*words))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if chance.random() < 0.7:
                time.sleep(chance.random() * 0.03)
                p.kill()
            elif words[0] == "exec":
                time.sleep(0.05)
                p.kill()
            p.wait(60)
            if words[0] != "delete" and chance.random() < 0.2:
                break
        damaged = chance.choice(FILES)
        if chance.random() < 0.5 and (kept / damaged).exists():
            text = DAMAGES[chance.choice(["empty", "cut", "garbled"])]((kept / damaged).read_text(encoding="latin-1"))
            (kept / damaged).write_text(text, encoding="latin-1")
        r = life.call("delete", "--force", name)
        if r.returncode or kept.exists() or groups(name):
            return f"turn {turn}, seed {seed}: {r}, {groups(name)}, {kept.exists()}"
    return ""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count,rounds", [(8, 2), pytest.param(100, 10, marks=pytest.mark.full)])
def test_many_are_killed_and_damaged_at_once(life, count, rounds):  # noqa: F811
    """One `delete --force` each, and nothing is left: no group, no directory, no process."""
    write_config(life.bundle, lambda c: c["process"].update(args=["/bin/probe", "sleep", MARK]))
    seed = random.randrange(1 << 30)
    with ThreadPoolExecutor(count) as pool:
        wrong = [w for w in pool.map(lambda n: storm(life, n, rounds, seed), range(count)) if w]
    assert not wrong, wrong[:5]
    wait_until(lambda: not subprocess.run(["pgrep", "-f", f"^/bin/probe sleep {MARK}$"], capture_output=True, check=False).stdout)
    for p, _, _ in cgroup_mounts():  # not known from a record that is damaged
        if (p / GROUPS).exists():
            (p / GROUPS).rmdir()
