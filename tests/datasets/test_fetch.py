"""Obtaining a data set: whole, or one clear line with path, rule and fix, and what was there before stays."""

import hashlib
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from vesselbench.config import UserError
from vesselbench.data.sample import read_samples
from vesselbench.datasets import drive
from vesselbench.datasets.fetch import check, mirror_archive, obtain

TARGET = Path("data/raw/toy")
ARCHIVE = Path("data/archives/toy.zip")
OWN, MIRROR = {"fov": "official", "mirror": False}, {"fov": "official"}
ADVICE = "fetch toy.zip from https://owner.example/ and put into data/archives"
AGAIN = "fetch it again from https://owner.example/"
MAKE = "run 'dvc repro download@toy'"
MATCH = "of 5 files match the manifest"
ALTERED = hashlib.sha256(b"altered").hexdigest()
ABSENT = f"{TARGET}: not there; {MAKE}"
LESS = f"4 {MATCH}; the pipeline runs without the others, of second_observer"


def refused(parameters=OWN):
    with pytest.raises(UserError) as error:
        obtain("toy", parameters, TARGET)
    assert [path.name for path in TARGET.parent.rglob("*")] == ["toy", "old"]  # what was there, nothing half-written
    assert "\n" not in str(error.value)
    return str(error.value)


def checked():
    (title, *lines), all_well = check("toy", ARCHIVE.parent, TARGET)
    assert title == "toy: Toy, 5 files"
    return [line.removeprefix("  ") for line in lines], all_well


@pytest.mark.parametrize("folder", ["", "elsewhere"])  # the usual one, or named by the environment
def test_owners_archive(toy, tmp_path, monkeypatch, folder):
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", folder and str(tmp_path / folder))
    toy.pack(tmp_path / folder / "toy.zip" if folder else ARCHIVE)
    toy.files.append(replace(toy.files[0], path="fov/b.png", member="toy/another.png"))
    obtain("toy", OWN, TARGET)
    a, b = read_samples(TARGET)
    assert (a.id, a.truth, a.second_observer) == ("a", TARGET / "labels/a.png", TARGET / "second_observer/a.png")
    assert (b.id, b.image, b.second_observer) == ("b", TARGET / "images/b.png", None)
    assert a.image.read_bytes() == b.fov.read_bytes() == toy.members["toy/a_images.png"]  # files of equal bytes: both
    assert not (TARGET / "old").exists()


def test_archives_missing(toy):
    assert refused({**OWN, "miror": True}).startswith("params.yaml: sources.toy.miror is unknown; sources.toy takes ")
    assert refused({"fov": "none"}).startswith("params.yaml: sources.toy.fov is 'none': ")
    start = f"{ARCHIVE}: no such file; {ADVICE}"
    assert refused() == f"{start}, or set sources.toy.mirror to true to use the public mirror"
    toy.change(mirror="")
    assert refused(MIRROR) == start
    toy.pack(ARCHIVE)
    toy.change(archives=("toy.zip", "labels.zip"), mirror="http://mirror.example/")
    start = start.replace("toy.zip", "labels.zip")
    assert refused(MIRROR) == f"{start}, or take the others away to use the public mirror"


@pytest.mark.parametrize("place", [2, 3])  # one that is optional, one that is not
def test_altered_file(toy, place):
    file = toy.files[place]
    toy.pack(ARCHIVE, **{Path(file.member).stem: b"altered"})
    line = f"{ARCHIVE}: 4 {MATCH}; {file.member} differs (sha256 expected {file.sha256}, found {ALTERED}); {AGAIN}"
    assert refused() == line
    assert checked() == ([line, ABSENT], False)


def test_missing_and_cut(toy):
    toy.pack(ARCHIVE, a_labels=None, b_labels=None)
    assert refused() == f"{ARCHIVE}: 3 {MATCH}; toy/a_labels.png is missing, and 1 more; {AGAIN}"
    ARCHIVE.write_bytes(ARCHIVE.read_bytes()[:-30])
    line = f"{ARCHIVE}: damaged or cut short (File is not a zip file); {AGAIN}"
    assert refused() == line
    assert checked() == ([line, ABSENT], False)


def test_drive_without_the_labels_of_the_test_images(toy):
    toy.change(explain=drive.explain)
    toy.files[1] = replace(toy.files[1], path="labels/01.gif")
    toy.pack(ARCHIVE, a_labels=None)
    line = refused()
    assert line.startswith(f"{ARCHIVE}: 4 {MATCH}; it lacks the first observer's labels of 1 test photographs, as the ")
    assert line.endswith("or the mirror, which has them: take this archive away and set sources.drive.mirror to true")
    assert drive.explain(["labels/20.gif", "labels/21.gif"]) == drive.explain(["labels/20.gif", "images/20.tif"]) == ""


def test_second_observer_may_be_missing(toy, capsys):
    toy.pack(ARCHIVE, a_second_observer=None)
    obtain("toy", OWN, TARGET)
    assert [sample.second_observer for sample in read_samples(TARGET)] == [None, None]
    assert capsys.readouterr().err == f"warning: {ARCHIVE}: {LESS}\n"
    assert checked() == ([f"{ARCHIVE}: {LESS}", f"{TARGET}: {LESS}"], True)


def test_full_disk(toy, monkeypatch):
    toy.pack(ARCHIVE)
    monkeypatch.setattr(Path, "write_bytes", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        obtain("toy", OWN, TARGET)
    assert [path.name for path in TARGET.parent.rglob("*")] == ["toy", "old"]


def test_mirror_once_for_all(toy, mirror, capsys):
    toy.pack_mirror(mirror_archive(toy.source), a_images=b"other")
    fix = "remove it and run this again: it comes from the mirror"
    assert refused(MIRROR) == f"{mirror_archive(toy.source)}: 4 {MATCH}; toy/a_images.png is missing; {fix}"
    mirror_archive(toy.source).unlink()
    obtain("toy", MIRROR, TARGET)
    assert list(Path("data/archives").iterdir()) == [mirror_archive(toy.source)]
    assert f"{ARCHIVE}: no such file; turning to the mirror {toy.source.mirror}\n" in capsys.readouterr().err
    mirror.unlink()
    obtain("toy", MIRROR, TARGET)
    assert checked() == ([f"{mirror_archive(toy.source)}: 5 {MATCH}", f"{TARGET}: 5 {MATCH}"], True)


@pytest.mark.filterwarnings("ignore:unclosed")
@pytest.mark.parametrize("reason", ["HTTPError: 404 ", "EOFError: ", "BadGzipFile: ", "ConnectionError: "])
def test_mirror_that_sends_no_whole_archive(toy, mirror, reason):
    if reason.startswith("H"):
        mirror.unlink()
    elif reason.startswith("C"):
        toy.change(mirror="http://127.0.0.1:9/copy.tar.gz")
    else:
        mirror.write_bytes(mirror.read_bytes()[:-12] if reason.startswith("E") else b"<html>try later</html>")
    message = refused(MIRROR)
    assert message.startswith(f"{toy.source.mirror}: the mirror must send a whole .tar.gz file, but {reason}")
    assert message.endswith(f"; check the connection and try again, or {ADVICE}")
    assert not list(Path("data/archives").iterdir())


def test_check_before_and_after(toy):
    mirror = "without archives, the download takes the public mirror http://mirror.example/, if it may"
    assert checked() == ([f"{ARCHIVE}: not there; fetch it from https://owner.example/", mirror, ABSENT], False)
    toy.pack(ARCHIVE)
    assert checked() == ([f"{ARCHIVE}: 5 {MATCH}", ABSENT], True)
    obtain("toy", OWN, TARGET)
    (TARGET / "labels/b.png").unlink()
    fix = f"remove {TARGET} and {MAKE}"
    assert checked()[0][-1] == f"{TARGET}: 4 {MATCH}; labels/b.png is missing; {fix}"
    (TARGET / "images/a.png").write_bytes(b"altered")
    differs = f"images/a.png differs (sha256 expected {toy.files[0].sha256}, found {ALTERED})"
    assert (checked()[0][-1], checked()[1]) == (f"{TARGET}: 3 {MATCH}; {differs}; {fix}", False)
