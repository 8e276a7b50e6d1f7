import errno

import pytest

from vesselbench.files import whole_file, whole_folder


def test_a_folder_replaces_the_one_before(tmp_path):
    target = tmp_path / "deep" / "out"
    for text in ("one", "two"):
        with whole_folder(target) as folder:
            (folder / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_on_a_full_disk_what_was_there_stays_and_nothing_is_left_over(tmp_path):
    target = tmp_path / "out"
    with whole_folder(target) as folder:
        (folder / "old").write_text("old")

    def fill_the_disk():
        with whole_folder(target) as folder:
            (folder / "new").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fill_the_disk()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_a_file_is_whole_or_as_before(tmp_path):
    target = tmp_path / "deep" / "table.csv"
    with whole_file(target) as path:
        assert path.suffix == ".csv"
        path.write_text("old")

    def interrupted():
        with whole_file(target) as path:
            path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]
