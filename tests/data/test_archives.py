import gzip
import io
import stat
import tarfile
import zipfile

import pytest

from vesselbench.config import UserError
from vesselbench.data.archives import archive_folder, read_members

NOISE = bytes(i * i % 251 for i in range(5000))


def tar(path, members, mode="w", kind=tarfile.REGTYPE):
    with tarfile.open(path, mode) as packed:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data), "elsewhere"
            packed.addfile(info, io.BytesIO(data))
    return path


def zipped(path, members, attributes=stat.S_IFREG):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes << 16
            packed.writestr(info, data)
    return path


def test_members_of_every_kind_of_archive(tmp_path):
    members = {"a/b.txt": b"1", "c.ppm.gz": gzip.compress(b"2")}
    expected = [("a/b.txt", b"1"), ("c.ppm.gz", b"2")]  # single files packed with gzip come unpacked
    assert list(read_members(zipped(tmp_path / "x.zip", members), "")) == expected
    assert list(read_members(tar(tmp_path / "x.tar", members), "")) == expected
    assert list(read_members(tar(tmp_path / "x.tar.gz", members, "w:gz"), "")) == expected


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.txt", "a/../../up.txt", "..\\up.txt", "C:\\up.txt"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_names_that_point_outside(tmp_path, name, pack):
    path = pack(tmp_path / ("x.zip" if pack is zipped else "x.tar"), {name: b"1"})
    with pytest.raises(UserError) as error:
        list(read_members(path, ""))
    assert str(error.value) == (
        f"{path}: member '{name}' points outside its folder; refused; fetch the archive from its owner"
    )


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(tmp_path, kind):
    path = tar(tmp_path / "x.tar", {"a.txt": b""}, kind=kind)
    with pytest.raises(UserError) as error:
        list(read_members(path, ""))
    assert str(error.value) == (
        f"{path}: member 'a.txt' is a link or a device; refused; fetch the archive from its owner"
    )


def test_link_in_a_zip(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.txt": b"/etc/passwd"}, stat.S_IFLNK)
    with pytest.raises(UserError, match="member 'a.txt' is a link or a device; refused"):
        list(read_members(path, ""))


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "packed.tar"])
def test_archive_cut_short(tmp_path, name):
    if name == "packed.tar":  # a whole tar of a cut gz, as in STARE's
        path = tar(tmp_path / name, {"a.ppm.gz": gzip.compress(NOISE)[:-20]})
    else:
        path = tmp_path / name
        members = {"a.txt": NOISE, "b.txt": NOISE}
        zipped(path, members) if name == "x.zip" else tar(path, members, "w:gz" if name[-1] == "z" else "w")
        whole = path.read_bytes()
        path.write_bytes(whole[: 3000 if name == "x.tar" else len(whole) // 2])
    with pytest.raises(UserError, match=rf"{name}: damaged or cut short \(.+\); fetch it again from the owner$"):
        list(read_members(path, "the owner"))


def test_flipped_byte_in_a_zip_is_named(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.txt", b"vessel")
    path.write_bytes(path.read_bytes().replace(b"vessel", b"wessel"))
    with pytest.raises(UserError, match=r"Bad CRC-32 for file 'a.txt'"):
        list(read_members(path, "the owner"))


def test_empty_file_is_no_archive(tmp_path):
    for name in ("x.zip", "x.tar"):
        (tmp_path / name).touch()
        with pytest.raises(UserError, match="damaged or cut short"):
            list(read_members(tmp_path / name, "the owner"))


def test_folder_of_archives(tmp_path, monkeypatch):
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    assert str(archive_folder()) == "data/archives"
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", str(tmp_path))
    assert archive_folder() == tmp_path
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", "archives")
    with pytest.raises(UserError) as error:
        archive_folder()
    assert str(error.value) == ("$VESSELBENCH_ARCHIVES is 'archives'; it must be an absolute path; start it with /")
    monkeypatch.setenv("VESSELBENCH_ARCHIVES", str(tmp_path / "none"))
    with pytest.raises(UserError, match="where there is no folder; correct or unset it"):
        archive_folder()
