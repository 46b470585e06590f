"""clang_tidy.py - clang-tidy with the allow list of .clang-tidy on the commands of clang's build, for the lints that take a part of it.
What was clean is not looked at again until it, a header or the list changes."""
import concurrent.futures
import hashlib
import os
import subprocess

import tree

DATABASE = tree.ROOT / "out/clang-host"


def files():
    if not (DATABASE / "compile_commands.json").exists():
        tree.skip("out/clang-host is not built")
    known = (DATABASE / "compile_commands.json").read_text()
    return [f for f in tree.sources("src", suffixes=(".c",)) if f"{f.parent.name}/{f.name}" in known]


def finish(checks):
    """Ends the lint. checks: what to add to the list, as --checks of clang-tidy has it."""
    clean = tree.ROOT / "out/tidy-clean"
    clean.mkdir(exist_ok=True)
    shared = hashlib.sha256((tree.ROOT / ".clang-tidy").read_bytes() + checks.encode())
    for header in tree.sources("src", suffixes=(".h",)):
        shared.update(header.read_bytes())

    def check(f):
        key = shared.copy()
        key.update(tree.name(f).encode() + b"\0" + f.read_bytes())
        stamp = clean / key.hexdigest()
        if stamp.exists():
            return ""
        r = subprocess.run(["clang-tidy", "--quiet", "--warnings-as-errors=*", f"--checks={checks}", "-p", str(DATABASE), str(f)],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if r.returncode == 0:
            stamp.touch()
            return ""
        return r.stdout.strip().replace(str(tree.ROOT) + "/", "") or f"{tree.name(f)}: clang-tidy failed"

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        tree.finish([text for text in pool.map(check, files()) if text])
