"""Outputs are whole or absent, what is read is what it should be, progress is lines where there is no terminal."""

import errno
import re

import pytest

from vesselbench.config import UserError
from vesselbench.files import progress, read_json, read_table, whole_file, whole_folder


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


@pytest.mark.parametrize(("kind", "content", "fault"), [
    ("json", None, "no such file"),
    ("json", "", r"empty, .* \(Expecting value: .*\)"),
    ("json", '{"id": {}', r".* \(Expecting ',' delimiter: .*\)"),
    ("json", "\xff", ".*codec can't decode .*"),
    ("json", '{"model": 1}', r".* \(it must have id, f1; it has model\)"),
    ("json", "3", ".* not iterable.*"),
    ("csv", None, "no such file"),
    ("csv", "", r"empty, .* \(No columns to parse from file\)"),
    ("csv", "id;f1\n1;2\n", r".* \(it must have id, f1; it has id;f1\)"),  # as Excel writes it in Europe
    ("csv", '"a\nb",f1\n1,2\n', r".* it has a b, f1\)"),
    ("csv", "id,f1\n1,2,3\n", ".*Length of header or names does not match length of data.*"),
    ("csv", "id,f1\n1,high\n", ".*could not convert string to float: 'high'.*"),
])  # fmt: skip
def test_a_file_is_read_or_refused_in_one_line(tmp_path, kind, content, fault):
    path = tmp_path / f"own.{kind}"
    how = {"json": lambda: read_json(path, "run it again", ["id", "f1"])}
    how["csv"] = lambda: read_table(path, ["id", "f1"], "run it again", dtype={"id": str, "f1": float})
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError) as error:
        how[kind]()
    assert re.fullmatch(f"{path}: {fault}; run it again", str(error.value))
    path.write_bytes(b"\xef\xbb\xbf" + {"json": b'{"f1": [0.5], "id": ["01"]}', "csv": b"f1,id\n.5,01\n"}[kind])
    assert {name: list(values) for name, values in how[kind]().items()} == {"f1": [0.5], "id": ["01"]}
