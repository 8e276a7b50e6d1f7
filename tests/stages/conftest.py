"""A tiny project that has been run once, from the drawing of phantoms to the table."""

import shutil

import pytest
from repository import Repository, copy_repository
from tiny_project import STAGES, run_stage, write_params


@pytest.fixture(autouse=True, scope="session")
def _no_settings_of_the_person_at_hand():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VESSELBENCH_CHECKPOINTS", raising=False)
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Folder of the project after all stages; to be read only."""
    folder = tmp_path_factory.mktemp("finished")
    write_params(folder)
    for command in STAGES:
        run_stage(folder, command)
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished project, to be spoilt, as the working folder."""
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="session")
def tabled(tmp_path_factory):
    """A Git repository where DVC made the table of one network; two commits, before and after. To be read only."""
    repository = Repository(tmp_path_factory.mktemp("tabled"), tmp_path_factory.mktemp("private"))
    copy_repository(repository.folder, {"run": {"modes": ["whole"]}})
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.sign()
    repository.commit("start")
    repository("repro", "--quiet")
    repository.commit("results")
    return repository
