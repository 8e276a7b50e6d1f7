"""A working folder with two trained networks, or what passes for it: weights as they were drawn."""

import pytest
import torch

from vesselbench.models.build import NetworkEntry, build_network, save_network

SMALL = NetworkEntry("iternet", "rgb", {"width": 4, "iterations": 2})


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Make ``data/weights`` hold phantom-small-0 and drive-small-3 below the working folder."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(5)
    for place in ("phantom/small/0", "drive/small/3"):
        folder = tmp_path / "data/weights" / place
        folder.mkdir(parents=True)
        save_network(folder, build_network(SMALL), SMALL, recipe=None)
    return tmp_path / "data"
