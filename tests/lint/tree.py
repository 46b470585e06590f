"""tree.py - what the lints share: the lists of files, calls without their strings and comments, and how a lint ends."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # the exit status of a lint that cannot be done here; the reason is its last line

_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def sources(*folders, suffixes=(".c", ".h")):
    """The C files below the folders (of src and tests when none is named), sorted."""
    return sorted(f for folder in folders or ("src", "tests") for f in (ROOT / folder).rglob("*") if f.suffix in suffixes)


def all_files():
    """Every file of the tree but what is built."""
    for f in sorted(ROOT.rglob("*")):
        parts = f.relative_to(ROOT).parts
        if parts[0] in ("out", ".git") or "__pycache__" in parts or ".pytest_cache" in parts or ".cache" in parts:
            continue
        if f.is_file() and not f.is_symlink():
            yield f


def name(path):
    return str(path.relative_to(ROOT))


def without_comments_and_strings(text):
    """The code alone; every character keeps its line."""
    return _TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def comments(text):
    """(line number, text) of every comment, of both kinds."""
    for m in _TOKEN.finditer(text):
        if m[0].startswith("/"):
            yield text.count("\n", 0, m.start()) + 1, m[0]


def layers():
    """folder -> the folders it may include from, as tools/layers has them."""
    table = {}
    for line in (ROOT / "tools/layers").read_text().splitlines():
        if line and not line.startswith("#"):
            folder, _, rest = line.partition(":")
            table[folder] = rest.split()
    return table


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def skip(reason):
    print(reason)
    sys.exit(SKIPPED)


def finish(findings):
    """Prints what was found and ends the lint."""
    for line in findings:
        print(line)
    sys.exit(1 if findings else 0)
