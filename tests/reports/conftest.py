"""Small data sets of runs, for every test of the reports."""

import json

import pytest
from small_runs import Project

from vesselbench.reports.ablations import main_results
from vesselbench.reports.pages import write_tables


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def one_seed(project):
    """IterNet and UNet on DRIVE, patched, and the second observer."""
    return project.add("iternet", f1=0.8).add("unet", f1=0.7).observe(f1=0.79)


@pytest.fixture
def two_seeds(one_seed):
    return one_seed.add("iternet", seed=1, f1=0.82).add("unet", seed=1, f1=0.74)


@pytest.fixture
def written(tmp_path):
    """Write the table of a project; return its text and its numbers."""

    def write(project):
        channels = project.channels()
        write_tables(tmp_path, channels, main_results(channels["vessel"]), project.observers())
        text, numbers = ((tmp_path / f"{project.data}.{suffix}").read_text() for suffix in ("md", "json"))
        return text, json.loads(numbers)

    return write
