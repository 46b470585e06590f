"""That no statement of the specifications is without a test, or a reason why it needs none, and no test here without a statement."""
import pytest

from statements import CLI, FILES, HERE, SPEC, in_cli, in_spec, read_index, names_of_tests

INDEX = read_index()
FOLDERS = (HERE, HERE.parent / "integration")


def found(name):
    if not (SPEC / "runtime-spec" / FILES[0]).exists():
        pytest.skip(f"the specification is not at {SPEC}")
    return in_cli() if name == CLI else in_spec(name)


@pytest.mark.parametrize("name", [*FILES, CLI])
def test_every_statement_has_one_entry(name):
    statements = {(section, i): word for section, words in found(name).items() for i, word in enumerate(words, 1) if section in "123" or name != CLI}
    entries = [(e.where[1], n, e.kind) for e in INDEX if e.where[0] == name for n in e.numbers]
    assert not [x for x in entries if entries.count(x) > 1]
    have = {(section, n): kind for section, n, kind in entries}
    assert sorted(set(statements) - set(have)) == [], "without an entry"
    assert sorted(set(have) - set(statements)) == [], "not in the specification"
    assert {k: (v, have[k]) for k, v in statements.items() if have[k] not in (v, "*")} == {}, "another keyword"


def test_every_file_of_the_index_is_one_of_the_specification():
    assert {e.where[0] for e in INDEX} == {*FILES, CLI}


def test_every_entry_has_a_proof_or_a_reason():
    bad = [(e.where, e.numbers, p) for e in INDEX for p in e.proofs if "::" not in p]
    assert not bad and all(e.proofs or (e.reason and len(e.reason) > 5) for e in INDEX)


def test_every_proof_is_a_test():
    known = {}
    for proof in {p for e in INDEX for p in e.proofs}:
        file, name = proof.split("::")
        paths = [f / f"test_{file}.py" for f in FOLDERS if (f / f"test_{file}.py").exists()]
        assert len(paths) == 1, proof
        if file not in known:
            known[file] = names_of_tests(paths[0])
        assert f"test_{name}" in known[file], proof


def test_every_test_proves_a_statement():
    """One of what a section says without a keyword of RFC 2119 stands beside those of its section, in an entry without ordinals."""
    named = {p.split("::")[1] for e in INDEX for p in e.proofs}
    here = {n.removeprefix("test_"): f.name for f in sorted(HERE.glob("test_spec_*.py")) + sorted(HERE.glob("test_cli_*.py")) for n in names_of_tests(f)}
    assert sorted((f, n) for n, f in here.items() if n not in named) == []
