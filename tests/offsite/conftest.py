"""Another machine: a copy of the repository in which stages of the tiny project have run without DVC."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "stages"))  # the tiny project is there
from machines import STAGES, Machine
from repository import copy_repository


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """The repository with nothing run in it; to be copied."""
    machine = Machine(tmp_path_factory.mktemp("empty") / "copy", tmp_path_factory.mktemp("private"))
    machine.folder.mkdir()
    copy_repository(machine.folder, {"run": {"modes": ["whole"]}})
    machine.git("init", "--quiet", "--initial-branch=main")
    machine.sign()
    machine.commit("start")
    return machine


@pytest.fixture(scope="session")
def away(empty, tmp_path_factory):
    """The machine where the stages have run, and what it printed; to be copied."""
    machine = empty.copy(tmp_path_factory.mktemp("away") / "copy")
    return machine, machine.offsite("run", *STAGES[::-1], "--out", "packs", "--at-once", "2")


@pytest.fixture
def there(away, tmp_path, monkeypatch):
    """A copy of that machine as the working folder, whose stages run its own code."""
    machine = away[0].copy(tmp_path / "there")
    monkeypatch.chdir(machine.folder)
    for name in ("PYTHONPATH", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, machine.environment[name])
    return machine


@pytest.fixture
def home(empty, away, tmp_path, monkeypatch):
    """The machine at home as the working folder: nothing has run there, and the packs of the other have come."""
    machine = empty.copy(tmp_path / "home")
    shutil.copytree(away[0].folder / "packs", tmp_path / "packs")
    monkeypatch.chdir(machine.folder)
    return machine
