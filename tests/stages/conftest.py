"""A tiny project that has been run once, from the drawing of phantoms to the summary."""

import shutil

import pytest
from tiny_project import pipeline, run_stage, write_params


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Folder of the project after all stages; to be read only."""
    folder = tmp_path_factory.mktemp("finished")
    write_params(folder)
    for stage in pipeline(folder):
        run_stage(folder, stage)
    return folder


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    """A copy of the finished project, to be spoilt, as the working folder."""
    folder = shutil.copytree(finished, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VESSELBENCH_CHECKPOINTS", raising=False)  # of the person at hand
    return folder
