import hashlib
from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.data import check as module
from vesselbench.data.check import check
from vesselbench.data.download import obtain
from vesselbench.data.manifest import Source
from vesselbench.data.sample import Sample, write_samples

ARCHIVES = Path("data/archives")
RAW = Path("data/raw/toy")


def test_nothing_there(toy):
    assert check("toy", ARCHIVES, RAW) == (
        [
            "toy: Toy, 5 files",
            "  data/archives/toy.zip: not there; fetch it from https://owner.example/",
            "  without archives, the download takes the public mirror http://mirror.example/, if it may",
            "  data/raw/toy: not there; run 'dvc repro download@toy'",
        ],
        False,
    )


def test_archive_alone_will_do(toy):
    toy.pack(ARCHIVES / "toy.zip")
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert lines[1] == "  data/archives/toy.zip: 5 files match the manifest"
    assert all_well


def test_everything_there(toy):
    toy.pack(ARCHIVES / "toy.zip")
    obtain("toy", {}, RAW)
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert lines[2:] == ["  data/raw/toy: 5 of 5 files match the manifest"]
    assert all_well


def test_altered_and_missing_files(toy):
    toy.pack(ARCHIVES / "toy.zip")
    obtain("toy", {}, RAW)
    (RAW / "images/a.png").write_bytes(b"altered")
    (RAW / "labels/b.png").unlink()
    (RAW / "second_observer/a.png").unlink()
    lines, all_well = check("toy", ARCHIVES, RAW)
    found = hashlib.sha256(b"altered").hexdigest()
    assert lines[2:] == [
        "  data/raw/toy: 2 of 5 files match the manifest",
        f"  data/raw/toy/images/a.png: differs (sha256 expected {toy.files[0].sha256}, found {found})",
        "  data/raw/toy/second_observer/a.png: missing (the pipeline runs without it)",
        "  data/raw/toy/labels/b.png: missing",
        "  remove data/raw/toy and run 'dvc repro download@toy' to make it anew",
    ]
    assert not all_well


def test_optional_file_missing_is_well(toy):
    toy.pack(ARCHIVES / "toy.zip", a_second=None)
    obtain("toy", {}, RAW)
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert lines[-1] == "  data/raw/toy/second_observer/a.png: missing (the pipeline runs without it)"
    assert all_well


def test_faulty_archives(toy):
    toy.pack(ARCHIVES / "toy.zip", a_photo=b"altered")
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert "data/archives/toy.zip: 4 of 5 files match the manifest; toy/a_photo.png differs (sha256" in lines[1]
    assert not all_well
    (ARCHIVES / "toy.zip").write_bytes(b"PK")
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert lines[1] == (
        "  data/archives/toy.zip: damaged or cut short (File is not a zip file); "
        "fetch it again from https://owner.example/"
    )
    assert not all_well


def test_drawn_data_set(toy, monkeypatch):
    source = Source(title="Drawn", draw=lambda options, folder: [])
    monkeypatch.setattr(module, "find_source", lambda dataset: source)
    assert check("toy", ARCHIVES, RAW) == (
        [
            "toy: Drawn, drawn by this project",
            "  data/raw/toy: not there; run 'dvc repro download@toy' to draw it",
        ],
        True,
    )
    RAW.mkdir(parents=True)
    (RAW / "a.png").touch()
    write_samples([Sample("a", "a", "test", RAW / "a.png", RAW / "b.png")], RAW)
    lines, all_well = check("toy", ARCHIVES, RAW)
    assert lines[1:] == [
        "  data/raw/toy: 1 images, 1 files missing",
        "  data/raw/toy/b.png: missing; run 'dvc repro --force download@toy'",
    ]
    assert not all_well


def test_unknown_data_set():
    with pytest.raises(UserError) as error:
        check("drvie", ARCHIVES, RAW)
    assert str(error.value) == ("data set 'drvie' is unknown; choose one of: chase_db1, drive, phantom, stare")
