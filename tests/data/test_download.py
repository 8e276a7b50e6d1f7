import dataclasses
import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from vesselbench.config import UserError
from vesselbench.data import download
from vesselbench.data.download import obtain
from vesselbench.data.sample import read_samples

TARGET = Path("data/raw/toy")
ARCHIVE = Path("data/archives/toy.zip")


def refused(parameters=None):
    with pytest.raises(UserError) as error:
        obtain("toy", parameters or {"mirror": False}, TARGET)
    assert not TARGET.exists()
    assert not list(TARGET.parent.glob(".*"))  # nothing half-written
    return str(error.value)


def mirror_of(members):
    """The same files under other names, among others."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for number, data in enumerate([b"readme", *members.values()]):
            info = tarfile.TarInfo(f"copy-1234/data/{number}.bin")
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_owners_archive(toy):
    toy.pack(ARCHIVE)
    obtain("toy", {"mirror": False}, TARGET)
    a, b = read_samples(TARGET)
    assert (a.id, a.truth, a.second_observer) == (
        "a",
        TARGET / "labels/a.png",
        TARGET / "second_observer/a.png",
    )
    assert (b.id, b.image, b.second_observer) == ("b", TARGET / "images/b.png", None)
    assert a.image.read_bytes() == toy.members["toy/a_photo.png"]


def test_folder_named_by_the_environment(toy, tmp_path, monkeypatch):
    toy.pack(tmp_path / "elsewhere" / "toy.zip")
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", str(tmp_path / "elsewhere"))
    obtain("toy", {}, TARGET)
    assert len(read_samples(TARGET)) == 2


def test_no_archive(toy):
    assert refused() == (
        "data/archives/toy.zip: no such file; fetch toy.zip from https://owner.example/ and put into "
        "data/archives, or set datasets.toy.source.mirror to true to use the public mirror"
    )


def test_altered_file(toy):
    toy.pack(ARCHIVE, b_photo=b"altered")
    expected, found = toy.files[3].sha256, hashlib.sha256(b"altered").hexdigest()
    assert refused() == (
        "data/archives/toy.zip: 4 of 5 files match the manifest; toy/b_photo.png differs "
        f"(sha256 expected {expected}, found {found}); fetch the archive again from https://owner.example/"
    )


def test_altered_optional_file(toy):
    toy.pack(ARCHIVE, a_second=b"altered")
    assert "4 of 5 files match the manifest; toy/a_second.png differs" in refused()


def test_missing_files(toy):
    toy.pack(ARCHIVE, a_first=None, b_first=None)
    assert refused() == (
        "data/archives/toy.zip: 3 of 5 files match the manifest; toy/a_first.png is missing, and 1 more; "
        "fetch the archive again from https://owner.example/"
    )


def test_second_observer_may_be_missing(toy, capsys):
    toy.pack(ARCHIVE, a_second=None)
    obtain("toy", {}, TARGET)
    assert [sample.second_observer for sample in read_samples(TARGET)] == [None, None]
    assert capsys.readouterr().err == (
        "warning: data/archives/toy.zip: lacks 1 files of second_observer/; the tables will lack the second "
        "observer's row, or show it for fewer images\n"
    )


def test_failure_leaves_what_was_there(toy):
    toy.pack(ARCHIVE)
    obtain("toy", {}, TARGET)
    toy.pack(ARCHIVE, a_photo=b"altered")
    with pytest.raises(UserError):
        obtain("toy", {}, TARGET)
    assert len(read_samples(TARGET)) == 2


def test_mirror_once_for_all(toy, monkeypatch, capsys):
    requests = []

    def fetch(address, target):
        requests.append(address)
        target.parent.mkdir(parents=True)
        target.write_bytes(mirror_of(toy.members))

    monkeypatch.setattr(download, "fetch", fetch)
    for _ in range(2):
        obtain("toy", {"mirror": True}, TARGET)
        assert (TARGET / "images/b.png").read_bytes() == toy.members["toy/b_photo.png"]
    assert requests == ["http://mirror.example/"]
    message = "data/archives/toy.zip: no such file; turning to the mirror http://mirror.example/"
    assert message in capsys.readouterr().err


def test_mirror_that_does_not_answer(toy, monkeypatch):
    def fetch(address, target):
        raise UserError(f"{address}: 5 attempts failed")

    monkeypatch.setattr(download, "fetch", fetch)
    assert refused({"mirror": True}) == (
        "http://mirror.example/: 5 attempts failed; or fetch toy.zip from https://owner.example/ and put "
        "into data/archives"
    )


def test_mirror_that_changed(toy):
    Path("data/archives").mkdir(parents=True)
    Path("data/archives/mirror.tar.gz").write_bytes(mirror_of({**toy.members, "toy/a_photo.png": b"other"}))
    assert refused({"mirror": True}) == (
        "data/archives/mirror.tar.gz: 4 of 5 files match the manifest; toy/a_photo.png is missing; "
        "fetch the archive again from the mirror: remove it and run this again"
    )


def test_one_of_two_archives(toy, monkeypatch):
    source = dataclasses.replace(toy.source, archives=("toy.zip", "labels.zip"))
    monkeypatch.setattr(download, "find_source", lambda dataset: source)
    toy.pack(ARCHIVE)
    assert refused({"mirror": True}) == (
        "data/archives/labels.zip: no such file; fetch labels.zip from https://owner.example/ and put into "
        "data/archives, or take the others away to use the public mirror"
    )


def test_unknown_parameter(toy):
    assert refused({"miror": True}) == (
        "params.yaml: datasets.toy.source.miror is unknown; datasets.toy.source takes mirror"
    )


def test_full_disk(toy, monkeypatch):
    def write(path, data):
        raise OSError(28, "No space left on device", str(path))

    toy.pack(ARCHIVE)
    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space left"):
        obtain("toy", {}, TARGET)
    assert not TARGET.exists()
    assert not list(TARGET.parent.iterdir())


@pytest.mark.archives
def test_todays_drive_without_test_labels(archives, tmp_path, monkeypatch):
    with (
        zipfile.ZipFile(archives / "DRIVE.zip") as whole,
        zipfile.ZipFile(tmp_path / "DRIVE.zip", "w") as today,
    ):
        for name in whole.namelist():
            if not name.startswith(("DRIVE/test/1st_manual/", "DRIVE/test/2nd_manual/")):
                today.writestr(name, whole.read(name))
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", str(tmp_path))
    with pytest.raises(UserError) as error:
        obtain("drive", {}, tmp_path / "raw")
    assert str(error.value) == (
        f"{tmp_path}/DRIVE.zip: 100 of 140 files match the manifest; it lacks the first observer's labels of "
        "20 test photographs, as the official download does since DRIVE moved to the challenge site; use an "
        "older DRIVE.zip; or the mirror, which has them: take this archive away and set "
        "datasets.drive.source.mirror to true"
    )


@pytest.mark.archives
def test_mirror_layout_without_second_observer(archives, tmp_path, monkeypatch, capsys):
    with zipfile.ZipFile(archives / "DRIVE.zip") as whole:
        members = {name: whole.read(name) for name in whole.namelist() if "2nd_manual" not in name}
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES")
    Path("data/archives").mkdir(parents=True)
    Path("data/archives/mirror.tar.gz").write_bytes(mirror_of(members))
    obtain("drive", {"mirror": True}, TARGET)
    samples = read_samples(TARGET)
    assert len(samples) == 40
    assert all(sample.fov and not sample.second_observer for sample in samples)
    assert "mirror.tar.gz: lacks 20 files of second_observer/" in capsys.readouterr().err


@pytest.mark.archives
def test_cut_real_archive(archives, tmp_path, monkeypatch):
    for name in ("CHASEDB1.zip", "stare-images.tar", "labels-ah.tar", "labels-vk.tar"):
        shutil.copy(archives / name, tmp_path / name)
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", str(tmp_path))
    for dataset, name in (("chase_db1", "CHASEDB1.zip"), ("stare", "labels-ah.tar")):
        (tmp_path / name).chmod(0o644)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=rf"{name}: damaged or cut short \(.+\); fetch it again from https://"):
            obtain(dataset, {}, tmp_path / "raw")
        assert not (tmp_path / "raw").exists()
