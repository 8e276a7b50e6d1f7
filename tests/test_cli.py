"""The command ``vesselbench data``, and what all commands do with mistakes."""

import pytest
from click.testing import CliRunner

from vesselbench.cli import main
from vesselbench.datasets.fetch import obtain


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Make an empty repository of the folder above the working one."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    return tmp_path


def run(*words):
    answer = CliRunner().invoke(main, words)
    return answer.exit_code, answer.output


def test_check_says_what_is_missing_and_where_to_get_it_and_which_data_sets_there_are(root):
    code, printed = run("data", "check", "drive")
    assert code == 1
    assert f"{root}/data/archives/DRIVE.zip: not there; fetch it from https://drive.grand-challenge.org/" in printed
    assert f"{root}/data/raw/drive: not there; run 'dvc repro download@drive'" in printed
    names = "chase_db1, drive, drive_av, hrf_av, les_av, phantom, phantom_av, stare"
    assert run("data", "check", "drvie") == (1, f"error: data set 'drvie' is unknown; choose one of: {names}\n")


def test_a_drawn_data_set_is_whole_and_can_be_looked_at(root, tmp_path):
    raw = root / "data/raw/phantom"
    obtain("phantom", {"fov": "official", "size": 128, "train": 1, "test": 1}, raw)
    title = "phantom: phantom, drawn by this project"
    assert run("data", "check", "phantom") == (0, f"{title}\n  {raw}: 10 of 10 files\n")
    assert run("data", "sheet", "phantom", "--out", str(tmp_path / "sheet.png")) == (0, f"{tmp_path}/sheet.png\n")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_usage():
    assert "no medical device, not for diagnosis" in " ".join(run("segment", "--help")[1].split())
    for words in ("score --predictions a", "score --predictions a --truth b --dataset drive", "segment"):
        code, printed = run(*words.split())
        assert (code, printed.startswith("Usage: ")) == (2, True)
