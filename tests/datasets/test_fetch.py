"""Obtaining a data set: whole, or one clear line with path, rule and fix, and what was there before stays."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.data.sample import read_samples
from vesselbench.datasets import drive
from vesselbench.datasets.fetch import check, mirror_archive, obtain

TARGET = Path("data/raw/toy")
ARCHIVE = Path("data/archives/toy.zip")
OWN, MIRROR = {"fov": "official", "mirror": False}, {"fov": "official"}
NOT_THERE = f"{ARCHIVE}: not there; fetch it from https://owner.example/"
AGAIN = "fetch it again from https://owner.example/, or take it away"
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
    assert refused() == f"{NOT_THERE}; or set sources.toy.mirror to true to use the public mirror"
    toy.change(mirror="")
    assert refused(MIRROR) == NOT_THERE


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


def test_second_observer_may_be_missing_and_masks_if_they_are_estimated(toy, capsys):
    toy.pack(ARCHIVE, a_second_observer=None)
    obtain("toy", OWN, TARGET)
    assert [sample.second_observer for sample in read_samples(TARGET)] == [None, None]
    assert capsys.readouterr().err == f"warning: {ARCHIVE}: {LESS}\n"
    assert checked() == ([f"{ARCHIVE}: {LESS}", f"{TARGET}: {LESS}"], True)
    toy.files[2] = replace(toy.files[2], path="fov/a.png")
    fov = LESS.replace("second_observer", "fov, where params.yaml has fov: estimated")
    assert checked() == ([f"{ARCHIVE}: {fov}", f"{TARGET}: {fov}"], True)


def test_mirror_once_for_all(toy, mirror, capsys):
    toy.pack_mirror(mirror_archive(toy.source), a_images=b"other")
    fix = "remove it and run this again: it comes from the mirror"
    assert refused(MIRROR) == f"{mirror_archive(toy.source)}: 4 {MATCH}; toy/a_images.png is missing; {fix}"
    mirror_archive(toy.source).unlink()
    obtain("toy", MIRROR, TARGET)
    assert list(Path("data/archives").iterdir()) == [mirror_archive(toy.source)]
    assert f"{NOT_THERE}; turning to the mirror {toy.source.mirror}\n" in capsys.readouterr().err
    mirror.unlink()
    obtain("toy", MIRROR, TARGET)
    assert checked() == ([f"{mirror_archive(toy.source)}: 5 {MATCH}", f"{TARGET}: 5 {MATCH}"], True)


def test_what_is_absent_beside_an_archive_comes_from_the_mirror(toy, mirror, capsys):
    toy.change(archives=("toy.zip", "labels.zip"))
    toy.files = [replace(file, archive="labels.zip") if "labels" in file.path else file for file in toy.files]
    toy.pack(ARCHIVE, a_labels=None, b_labels=None, b_images=b"altered")
    assert "toy/b_images.png differs" in refused(MIRROR), "what is there must be right"
    toy.pack(ARCHIVE, a_labels=None, b_labels=None)
    absent = NOT_THERE.replace("toy.zip", "labels.zip")
    assert refused() == f"{absent}; or set sources.toy.mirror to true to use the public mirror"
    obtain("toy", MIRROR, TARGET)
    assert f"{absent}; turning to the mirror {toy.source.mirror}\n" in capsys.readouterr().err
    assert all((TARGET / file.path).read_bytes() == toy.members[file.member] for file in toy.files)


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
    assert message.endswith(f"; check the connection and try again, or {NOT_THERE}")
    assert not list(Path("data/archives").iterdir())


def test_check_before_and_after(toy):
    mirror = "what is not there the download takes from the public mirror http://mirror.example/, if it may"
    assert checked() == ([NOT_THERE, mirror, ABSENT], False)
    toy.pack(ARCHIVE)
    assert checked() == ([f"{ARCHIVE}: 5 {MATCH}", ABSENT], True)
    obtain("toy", OWN, TARGET)
    (TARGET / "labels/b.png").unlink()
    fix = f"remove {TARGET} and {MAKE}"
    assert checked()[0][-1] == f"{TARGET}: 4 {MATCH}; labels/b.png is missing; {fix}"
    (TARGET / "images/a.png").write_bytes(b"altered")
    differs = f"images/a.png differs (sha256 expected {toy.files[0].sha256}, found {ALTERED})"
    assert (checked()[0][-1], checked()[1]) == (f"{TARGET}: 3 {MATCH}; {differs}; {fix}", False)


def unpack(toy, folder, wanted=""):
    for member, data in toy.members.items():
        if wanted in member:
            (folder / member).parent.mkdir(parents=True, exist_ok=True)
            (folder / member).write_bytes(data)


def nest(toy):
    toy.pack(Path("part.zip"))
    ARCHIVE.parent.mkdir(parents=True)
    with zipfile.ZipFile(ARCHIVE, "w") as packed:
        packed.write("part.zip")
        packed.writestr("__MACOSX/toy/._a_labels.png.gz", b"\0\5\x16\7")


def download_again(toy):
    toy.pack(ARCHIVE.with_name("toy (1).zip"))
    ARCHIVE.write_bytes(ARCHIVE.with_name("toy (1).zip").read_bytes()[:-30])


def unpack_in_part(toy):
    toy.pack(ARCHIVE.parent / "new/half.zip", b_images=None)
    unpack(toy, ARCHIVE.parent / "deep/er", "b_")
    (ARCHIVE.parent / "other.zip").write_bytes(b"of another data set")


@pytest.mark.parametrize(("bring", "places"), [
    (nest, "data/archives/toy.zip"),
    (download_again, "data/archives/toy (1).zip"),
    (lambda toy: unpack(toy, ARCHIVE.parent), "data/archives/toy"),
    (lambda toy: unpack(toy, ARCHIVE), "data/archives/toy.zip"),  # a folder of that name
    (unpack_in_part, "data/archives/new, data/archives/deep"),
])  # fmt: skip
def test_archives_as_they_come(toy, bring, places):
    bring(toy)
    assert checked() == ([f"{places}: 5 {MATCH}", ABSENT], True)
    obtain("toy", OWN, TARGET)
    assert [sample.id for sample in read_samples(TARGET)] == ["a", "b"]
    assert all((TARGET / file.path).read_bytes() == toy.members[file.member] for file in toy.files)


def test_what_was_brought_in_part_is_not_asked_for(toy):
    unpack(toy, ARCHIVE.parent, "_images")
    line = f"data/archives/toy: 2 {MATCH}; toy/a_labels.png is missing, and 1 more; {AGAIN}"
    assert refused(MIRROR) == line
    (ARCHIVE.parent / "toy/a_labels.png").write_bytes(b"altered")
    altered = f"toy/a_labels.png differs (sha256 expected {toy.files[1].sha256}, found {ALTERED})"
    assert refused(MIRROR) == f"data/archives/toy: 2 {MATCH}; {altered}; {AGAIN}"
    (ARCHIVE.parent / "toy (1).zip").write_bytes(b"<html>")
    unread = "; not read: data/archives/toy (1).zip: damaged or cut short (File is not a zip file); "
    assert refused(MIRROR).endswith(AGAIN + unread + AGAIN)


def test_an_unsafe_archive_gives_nothing_though_all_is_there(toy):
    toy.pack(ARCHIVE)
    with zipfile.ZipFile(ARCHIVE, "a") as packed:
        packed.writestr("../up.txt", b"")
    what = "member '../up.txt' points outside its folder, or is a link or a device; refused"
    refusal = f"{ARCHIVE}: {what}; fetch the archive from its owner"
    assert refused() == refusal
    assert checked() == ([refusal, ABSENT], False)
