"""What the specifications say, statement by statement, and what `index` says of each.

A statement is a keyword of RFC 2119 in a file of the runtime specification, or a row, bullet or line of the command line's description
(runtime-cli.md). It is named by its file, its section and its ordinal there: the texts themselves are no part of this tree.
"""
import ast
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SPEC = TOP.parent / "shared/spec"
FILES = ("bundle.md", "runtime.md", "runtime-linux.md", "config.md", "config-linux.md", "features.md", "features-linux.md")
CLI = "runtime-cli.md"
KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|SHALL NOT|SHALL|NOT RECOMMENDED|RECOMMENDED|MAY NOT|MAY|REQUIRED)\b")
PROSE = re.compile(r"Example|Summary|Rationale")  # headings whose text belongs to the section before them


def prose(path):
    """(heading, line) of all lines outside of code."""
    heading, code = "", False
    for line in path.read_text().splitlines():
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and (m := re.match(r"#+\s*(?:<a name=\"[^\"]*\"\s*/>)?\s*(.+)", line)):
            heading = heading if PROSE.match(m[1]) else m[1].strip()
        elif not code:
            yield heading, line


def in_spec(name, root=SPEC):
    """{section: [keyword, ...]} of one file of the specification."""
    found = {}
    for heading, line in prose(root / "runtime-spec" / name):
        words = KEYWORD.findall(line)
        if words:
            found.setdefault(heading, []).extend(words)
    return found


def in_cli(root=SPEC):
    """{section: [kind, ...]}: "row" for one of a table, but its heads; "bullet"; "line" for the rest."""
    found, head = {}, True
    for heading, line in prose(root / CLI):
        row = line.startswith("|")
        if row and re.fullmatch(r"[|\s:-]+", line):
            head = False
            continue
        if not row:
            head = True
        if not heading or not line.strip() or (row and head):
            continue
        found.setdefault(re.sub(r"^(\d+)\..*", r"\1", heading), []).append("row" if row else "bullet" if line.startswith("- ") else "line")
    return found


class Entry:
    """What the index says of some statements of one section: where the proof is, or why there is none to give."""

    def __init__(self, where, numbers, kind, what, proofs, reason):
        self.where, self.numbers, self.kind, self.what, self.proofs, self.reason = where, numbers, kind, what, proofs, reason


def numbers_of(text):
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def read_index(path=HERE / "index"):
    """Entries in order. A line that is neither a section nor an entry nor a remark is an error."""
    found, where = [], None
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if m := re.fullmatch(r"\[(\S+)(?: (.+))?\]", line):
            where = (m[1], m[2] or "")
            continue
        m = re.fullmatch(r"\s*([\d,-]+|also)(?:\s+([A-Z*a-z ]+?))?\s*\|\s*(.*?)\s*\|\s*(.+?)\s*", line)
        assert m and where, f"index:{n}: {line}"
        reason = m[4][2:] if m[4].startswith("- ") else None
        found.append(Entry(where, [] if m[1] == "also" else numbers_of(m[1]), m[2], m[3], [] if reason else m[4].split(), reason))
    return found


def names_of_tests(path):
    """The names of a file's tests."""
    return {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}
