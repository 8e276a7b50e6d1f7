"""Packs keep every byte, in pieces too, and what is damaged is found."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.offsite.manifest import Manifest, digests
from vesselbench.offsite.pack import check_pack, find_packs, pieces, read_manifest, unpack, write_pack

PACK = Path("packs/train.a-0.tar")
MANIFEST = Manifest(
    stage="train@a-0",
    command="train a",
    params={"run.budget": "full"},
    inputs={},
    revision="c0ffee",
    clean=True,
    device="CPU",
    torch="2.11",
    started="2026-01-01T00:00:00+00:00",
)
AGAIN = "copy it here again with all its pieces"


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out/below").mkdir(parents=True)
    Path("out/a.txt").write_bytes(b"a" * 3000)
    Path("out/below/b.txt").write_bytes(b"b" * 3000)
    Path("one.csv").write_bytes(b"1,2\n")
    return {name: Path(name) for name in ("one.csv", "out/a.txt", "out/below/b.txt")}


def write(files, piece):
    manifest = replace(MANIFEST, outs=digests(files))
    size = write_pack(PACK, manifest, files, piece)
    assert size == sum(file.stat().st_size for file in pieces(PACK))
    return manifest


def refused(work, text):
    with pytest.raises(UserError, match=f"^{re.escape(text)}$"):
        work()


@pytest.mark.parametrize(("piece", "names"), [(10**6, ["train.a-0.tar"]), (12000, None)])
def test_there_and_back(files, piece, names):
    manifest = write(files, piece)
    names = names or ["train.a-0.tar.000", "train.a-0.tar.001"]
    assert sorted(file.name for file in PACK.parent.iterdir()) == names
    assert find_packs(PACK.parent) == [PACK]
    assert read_manifest(PACK) == check_pack(PACK) == manifest
    Path("new").mkdir()
    Path("new/old.txt").touch()  # is replaced
    unpack(PACK, "out", Path("new"))
    unpack(PACK, "one.csv", Path("deep/er/one.csv"))
    assert {path.relative_to("new").as_posix() for path in Path("new").rglob("*") if path.is_file()} == {
        "a.txt",
        "below/b.txt",
    }
    assert Path("new/below/b.txt").read_bytes() == b"b" * 3000
    assert Path("deep/er/one.csv").read_bytes() == b"1,2\n"


def test_the_same_files_make_the_same_bytes_and_leave_no_pieces_of_before(files):
    write(files, 1000)
    assert len(pieces(PACK)) > 9
    write(files, 10**6)
    first = PACK.read_bytes()
    write(files, 10**6)
    assert [file.name for file in PACK.parent.iterdir()] == [PACK.name]
    assert PACK.read_bytes() == first


def test_a_piece_that_did_not_come(files):
    write(files, 4000)
    whole = pieces(PACK)
    whole[1].rename("kept")
    refused(lambda: check_pack(PACK), f"{whole[1]}: this piece is missing; {AGAIN}")
    Path("kept").rename(whole[1])
    check_pack(PACK)
    for last in whole[2:]:
        last.unlink()
    refused(lambda: check_pack(PACK), f"{PACK}: it cannot be read (unexpected end of data); {AGAIN}")


def test_a_file_that_is_not_the_one(files):
    said = write(files, 10**6).outs["out/a.txt"]
    PACK.write_bytes(PACK.read_bytes().replace(b"aaaa", b"aaba", 1))
    Path("out/a.txt").write_bytes(b"aaba" + b"a" * 2996)
    held = digests(["out/a.txt"])["out/a.txt"]
    message = f"the manifest says {said[:12]}, the pack holds {held[:12]}"
    refused(lambda: check_pack(PACK), f"{PACK}: out/a.txt: {message}; {AGAIN}")


def test_a_file_that_the_manifest_does_not_list(files):
    write_pack(PACK, replace(MANIFEST, outs=digests(["one.csv"])), files, 10**6)
    held = digests(["out/a.txt"])["out/a.txt"]
    refused(
        lambda: check_pack(PACK),
        f"{PACK}: out/a.txt: the manifest says nothing, the pack holds {held[:12]}; {AGAIN}",
    )


def test_what_dvc_ignores_is_no_input(files):
    Path(".dvcignore").write_text("# comment\n__pycache__/\n*.py[cod]\n")
    Path("out/__pycache__").mkdir()
    for name in ("out/__pycache__/a.txt", "out/a.pyc"):
        Path(name).write_text("x")
    assert list(digests(["out", "absent", "out/a.txt"])) == ["out/a.txt", "out/below/b.txt"]
