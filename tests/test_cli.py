import sys

import pytest

from vesselbench import cli
from vesselbench.data.sample import write_samples
from vesselbench.data.sources.phantom.drawing import PhantomParameters, draw_dataset


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["vesselbench", *words])
    cli.main()


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    folder = root / "data/raw/phantom"
    write_samples(draw_dataset(PhantomParameters(size=128, train=1, test=1), folder), folder)
    return root


def test_check_says_what_is_missing_and_where_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESSELBENCH_ARCHIVES", raising=False)
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, "data", "check", "drive")
    assert stop.value.code == 1
    printed = capsys.readouterr().out
    assert "data/archives/DRIVE.zip: not there; fetch it from https://drive.grand-challenge.org/" in printed
    assert "data/raw/drive: not there; run 'dvc repro download@drive'" in printed


def test_check_is_content_with_a_drawn_data_set(phantom, monkeypatch, capsys):
    monkeypatch.chdir(phantom)
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, "data", "check", "phantom")
    assert stop.value.code == 0
    assert "2 images, 0 files missing" in capsys.readouterr().out


def test_an_unknown_data_set_is_answered_with_the_known_ones(monkeypatch):
    with pytest.raises(
        SystemExit, match="error: data set 'drvie' is unknown; choose one of: chase_db1, drive, phantom, stare"
    ):
        run(monkeypatch, "data", "check", "drvie")


def test_sheet_is_drawn(phantom, monkeypatch, tmp_path):
    monkeypatch.chdir(phantom)
    run(monkeypatch, "data", "sheet", "phantom", "--out", str(tmp_path / "sheet.png"))
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
