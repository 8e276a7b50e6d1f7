"""Trained networks by name."""

from pathlib import Path

import pytest
import torch

from vesselbench.config import UserError
from vesselbench.models.build import load_network
from vesselbench.segmenting.load import load


def test_a_network_is_found_by_its_name(weights):
    network, entry = load("drive-small-3")
    expected, _ = load_network(weights / "weights/drive/small/3")
    image = torch.rand(1, 3, 32, 32)
    assert (entry.network, entry.preprocess, network.training) == ("iternet", "rgb", False)
    assert torch.equal(network(image)[-1], expected(image)[-1])
    assert not torch.equal(load("phantom-small-0")[0](image)[-1], expected(image)[-1])


def test_another_folder_of_networks(weights, tmp_path):
    weights.rename(tmp_path / "elsewhere")
    assert load("drive-small-3", tmp_path / "elsewhere")[1].network == "iternet"


@pytest.mark.parametrize("name", ["small", "drive-small", "drive-small-x", "drive-small-3-whole", "../drive-small-3"])
def test_a_name_of_another_form(weights, name):
    with pytest.raises(UserError) as error:
        load(name)
    assert str(error.value) == (
        f"weights {name!r}: a name is data set, model and seed joined by '-', such as drive-iternet-0; "
        "data holds drive-small-3, phantom-small-0"
    )


def test_a_network_that_is_not_there(weights):
    with pytest.raises(UserError) as error:
        load("drive-small-1")
    assert str(error.value) == (
        "data/weights/drive/small/1: no trained network; data holds drive-small-3, phantom-small-0; fetch it by "
        "'dvc pull data/weights/drive/small/1', or train it by 'dvc repro train@drive-small-1' "
        "(more_train@drive-small-1 if small stands in run.more)"
    )


def test_no_networks_at_all_and_one_without_weights(weights, tmp_path):
    with pytest.raises(UserError, match=r"no trained network; empty holds none; fetch it by 'dvc pull empty/weights/"):
        load("drive-small-3", Path("empty"))
    (weights / "weights/drive/small/3/weights.safetensors").unlink()
    with pytest.raises(UserError, match="data/weights/drive/small/3: no trained network"):
        load("drive-small-3")


def test_one_that_was_trained_here_and_is_not_published(weights):
    (weights / "weights").rename(weights / "models")
    assert load("drive-small-3")[1].network == "iternet"
