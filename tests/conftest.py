"""Shared by all tests: one thread, and the folder of the real archives where there is one."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def archives() -> Path:
    """Folder of the owners' archives, from $VESSELBENCH_ARCHIVES; skips the test where it is not set."""
    if "VESSELBENCH_ARCHIVES" not in os.environ:
        pytest.skip("VESSELBENCH_ARCHIVES is not set: the real archives are not at hand")
    return Path(os.environ["VESSELBENCH_ARCHIVES"])
