"""Members of archives, honest and other ones."""

import gzip
import io
import stat
import tarfile
import zipfile

import pytest

from vesselbench.config import UserError
from vesselbench.datasets.fetch import archive_folder, read_members

FILE, NOISE = tarfile.REGTYPE, bytes(i * i % 251 for i in range(5000))
UNSAFE = [(name, FILE) for name in ("/etc/passwd", "../up.txt", "a/../../up.txt", "..\\up.txt", "C:\\up.txt")]
UNSAFE += [("a.txt", kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)]


def pack(path, members, kind=FILE):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, data in members.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG if kind == FILE else stat.S_IFLNK) << 16
                packed.writestr(info, data)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as packed:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.type, info.size, info.linkname = kind, len(data), "elsewhere"
                packed.addfile(info, io.BytesIO(data))
    return path


def refused(path):
    with pytest.raises(UserError) as error:
        list(read_members(path, "fetch it again"))
    return str(error.value)


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_members_of_every_kind_of_archive(tmp_path, name):
    path = pack(tmp_path / name, {"a/b.txt": b"1", "c.ppm.gz": gzip.compress(b"2")})
    assert list(read_members(path, "")) == [("a/b.txt", b"1"), ("c.ppm.gz", b"2")]  # those packed singly come unpacked


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
def test_archives_in_an_archive_and_what_a_mac_adds(tmp_path, name):
    inner = pack(tmp_path / "inner.zip", {"test/c.ppm.gz": gzip.compress(b"2")})
    fork = dict.fromkeys(("__MACOSX/a.ppm.gz", "._a.ppm.gz", "a/.DS_Store"), b"\0\5\x16\7")
    path = pack(tmp_path / name, {**fork, "test.ZIP": inner.read_bytes(), "a.ppm.gz": gzip.compress(b"1")})
    assert list(read_members(path, "")) == [("test/c.ppm.gz", b"2"), ("a.ppm.gz", b"1")]
    middle = pack(tmp_path / "y.zip", {"i.zip": inner.read_bytes()}).read_bytes()
    deeper = pack(tmp_path / "deeper.zip", {"x.zip": middle})
    assert [member for member, _ in read_members(deeper, "")] == ["i.zip"], "one level deep"
    unsafe = pack(tmp_path / "unsafe.tar", {"../up.txt": b""}).read_bytes()
    path = pack(tmp_path / name, {"a.txt": b"1", "in.tar": unsafe})
    assert refused(path).startswith(f"{path}: member '../up.txt' points outside its folder, or is a link or a device; ")


@pytest.mark.parametrize("archive", ["x.tar", "x.zip"])
@pytest.mark.parametrize(("name", "kind"), UNSAFE)
def test_unsafe_members(tmp_path, archive, name, kind):
    path = pack(tmp_path / archive, {name: b""}, kind)
    what = "points outside its folder, or is a link or a device"
    assert refused(path) == f"{path}: member '{name}' {what}; refused; fetch the archive from its owner"


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "packed.tar", "empty.zip", "empty.tar", "flipped.zip"])
def test_damaged_archive(tmp_path, name):
    path = tmp_path / name
    if name == "packed.tar":  # a whole tar of a cut gz, as in STARE's
        pack(path, {"a.ppm.gz": gzip.compress(NOISE)[:-20]})
    elif name == "flipped.zip":
        path.write_bytes(pack(path, {"a.txt": b"vessel"}).read_bytes().replace(b"vessel", b"wessel"))
    else:
        whole = pack(path, {"a.txt": NOISE, "b.txt": NOISE}).read_bytes()
        path.write_bytes(whole[: 0 if name.startswith("empty") else 3000 if name == "x.tar" else len(whole) // 2])
    message = refused(path)
    assert message.startswith(f"{path}: damaged or cut short (")
    assert message.endswith("); fetch it again")
    assert name != "flipped.zip" or "Bad CRC-32 for file 'a.txt'" in message


def test_folder_of_archives(tmp_path, monkeypatch):
    for value, folder in (("", "data/archives"), (str(tmp_path), str(tmp_path))):
        monkeypatch.setenv("VESSELBENCH_ARCHIVES", value)
        assert str(archive_folder()) == folder
    for value in ("archives", str(tmp_path / "none")):
        monkeypatch.setenv("VESSELBENCH_ARCHIVES", value)
        with pytest.raises(UserError, match=f"'{value}'; it must be the absolute path of a folder that exists"):
            archive_folder()
