"""Archives that will not do: one clear line with path, rule and fix, and what was there before stays."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from tiny_project import refused, run_stage, write_params

from vesselbench.data import download
from vesselbench.data.manifest import RawFile, find_source
from vesselbench.data.sample import read_samples

ARCHIVE = Path("data/archives/DRIVE.zip")
OWNER = "https://drive.grand-challenge.org/ (with a login; see the data sheet on what it lacks today)"
MEMBERS = {
    f"DRIVE/{member}": member.encode()
    for member in (
        "test/1st_manual/01_manual1.gif",
        "test/images/01_test.tif",
        "test/mask/01_test_mask.gif",
        "training/1st_manual/21_manual1.gif",
        "training/images/21_training.tif",
        "training/mask/21_training_mask.gif",
    )
}
NO_MIRROR = {"datasets": {"drive": {"source": {"mirror": False}}}}


@pytest.fixture
def drive(project, monkeypatch):
    """DRIVE with one image to train on and one to test on, obtained once; returns what packs its archive anew."""

    def pack(**changes):
        ARCHIVE.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(ARCHIVE, "w") as packed:
            for member, data in MEMBERS.items():
                data = changes.get(Path(member).stem, data)
                if data is not None:
                    packed.writestr(member, data)

    place = find_source("drive").place
    files = [RawFile(place(m), hashlib.sha256(d).hexdigest(), 2, 2, "DRIVE.zip", m) for m, d in MEMBERS.items()]
    monkeypatch.setattr(download, "read_manifest", lambda dataset: files)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    write_params(project, NO_MIRROR)
    pack()
    run_stage(project, "download drive")
    assert [sample.id for sample in read_samples(Path("data/raw/drive"))] == ["01", "21"]
    return pack


def test_archive_missing(drive, monkeypatch):
    ARCHIVE.unlink()
    assert refused("download drive", monkeypatch) == (
        f"error: {ARCHIVE}: no such file; fetch DRIVE.zip from {OWNER} and put into data/archives, "
        "or set datasets.drive.source.mirror to true to use the public mirror"
    )


def test_archive_truncated(drive, monkeypatch):
    ARCHIVE.write_bytes(ARCHIVE.read_bytes()[:-30])
    line = refused("download drive", monkeypatch)
    assert line.startswith(f"error: {ARCHIVE}: damaged or cut short (")
    assert line.endswith(f"); fetch it again from {OWNER}")


def test_one_image_altered_by_a_byte(drive, monkeypatch):
    whole = MEMBERS["DRIVE/training/images/21_training.tif"]
    altered = bytes([whole[0] ^ 1]) + whole[1:]
    drive(**{"21_training": altered})
    expected, found = (hashlib.sha256(data).hexdigest() for data in (whole, altered))
    assert refused("download drive", monkeypatch) == (
        f"error: {ARCHIVE}: 5 of 6 files match the manifest; DRIVE/training/images/21_training.tif differs "
        f"(sha256 expected {expected}, found {found}); fetch the archive again from {OWNER}"
    )


def test_drive_without_the_labels_of_the_test_images(drive, monkeypatch):
    drive(**{"01_manual1": None})
    assert refused("download drive", monkeypatch) == (
        f"error: {ARCHIVE}: 5 of 6 files match the manifest; it lacks the first observer's labels of 1 test "
        "photographs, as the official download does since DRIVE moved to the challenge site; use an older DRIVE.zip; "
        "or the mirror, which has them: take this archive away and set datasets.drive.source.mirror to true"
    )


@pytest.mark.archives
@pytest.mark.parametrize("spoil", ["cut", "byte"])
def test_the_real_archive_spoilt(archives, project, monkeypatch, spoil):
    write_params(project, NO_MIRROR)
    ARCHIVE.parent.mkdir()
    with zipfile.ZipFile(archives / "DRIVE.zip") as whole, zipfile.ZipFile(ARCHIVE, "w") as packed:
        for name in whole.namelist():
            data = bytearray(whole.read(name))
            if name.endswith("27_training.tif"):
                data[1000] ^= 1
            packed.writestr(name, bytes(data))
    if spoil == "cut":
        with ARCHIVE.open("r+b") as stream:
            stream.truncate(1_000_000)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES")
    line = refused("download drive", monkeypatch)
    what = {
        "cut": "damaged or cut short (",
        "byte": "139 of 140 files match the manifest; DRIVE/training/images/27_training.tif differs (sha256 expected ",
    }
    assert line.startswith(f"error: {ARCHIVE}: {what[spoil]}")
