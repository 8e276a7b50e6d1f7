"""Small data sets of runs, for every test of the reports."""

import pytest
from small_runs import Project


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
