"""Outputs are whole or absent; progress is lines where there is no terminal."""

import errno

import pytest

from vesselbench.files import progress, whole_file, whole_folder


def test_a_folder_replaces_the_one_before(tmp_path):
    target = tmp_path / "deep" / "out"
    for text in ("one", "two"):
        with whole_folder(target) as folder:
            (folder / text).write_text(text)
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in target.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("whole", [whole_folder, whole_file])
@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_what_stops_half_way_leaves_what_was_there_and_nothing_else(tmp_path, whole, stop):
    target = tmp_path / "deep" / "table.csv"

    def write(text, *error):
        with whole(target) as path:
            (path if whole is whole_file else path / "inside").write_text(text)
            if error:
                raise stop(*error)

    write("first")
    with pytest.raises(stop) as error:
        write("half", errno.ENOSPC, "No space left on device")
    assert getattr(error.value, "filename", str(target)) == str(target), "a full disk is told with the file"
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]
    assert (target if whole is whole_file else target / "inside").read_text() == "first"


def test_progress_prints_lines_where_there_is_no_terminal(capsys):
    assert list(progress(range(3), desc="train", unit=" patch")) == [0, 1, 2]
    text = capsys.readouterr().err
    assert text.splitlines()[-1].startswith("train 3/3 [00:00<00:00")
    assert "\r" not in text
