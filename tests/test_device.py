from contextlib import contextmanager

import pytest
import torch
from torch import nn

from vesselbench.config import UserError, build, overlay, read_params
from vesselbench.device import Hardware, first_process

DEFAULT = read_params("train.default.hardware")[0]


def hardware(**changes):
    return build(Hardware, overlay(DEFAULT, changes), "train.default.hardware")


def test_training_and_prediction_start_from_the_same_hardware():
    assert read_params("predict.default.hardware")[0] == DEFAULT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accelerator": "tpu"}, "accelerator is 'tpu'; choose one of 'auto', 'cpu', 'cuda'"),
        ({"precision": "16-true"}, "precision is '16-true'; choose one of '32-true', 'bf16-mixed'"),
        ({"compile": "fast"}, "compile is 'fast'; choose one of '', 'default', 'reduce-overhead', 'max-autotune'"),
        ({"devices": 0}, "devices 0, nodes 1, threads 0: the first two must be at least 1"),
        ({"devices": "auto"}, "devices is 'auto'; it must be of type int"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        hardware(**change)


@pytest.mark.parametrize(("accelerator", "devices", "found"), [("cuda", 1, 0), ("cuda", 3, 2), ("auto", 3, 2)])
def test_devices_that_are_not_there_are_said(monkeypatch, accelerator, devices, found):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: found)
    with pytest.raises(UserError, match=f"hardware.devices {devices}, but PyTorch finds {found} CUDA devices"):
        hardware(accelerator=accelerator, devices=devices).launch()


def test_auto_takes_the_cpu_where_there_is_no_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert hardware().launch().device == torch.device("cpu")


def test_networks_are_laid_out_as_said():
    weight = hardware().arrange(nn.Conv2d(3, 4, 3)).weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert hardware(channels_last=False).arrange(nn.Conv2d(3, 4, 3)).weight.is_contiguous()


def test_the_first_process_guards_the_block():
    fabric, events = hardware(accelerator="cpu").launch(), []

    @contextmanager
    def guard():
        events.append("in")
        yield "value"
        events.append("out")

    with first_process(fabric, guard()) as value:
        events.append(value)
    assert events == ["in", "value", "out"]


def test_a_refusal_of_the_first_process_is_everyones():
    @contextmanager
    def guard():
        raise UserError("taken")
        yield

    with pytest.raises(UserError, match="taken"), first_process(hardware(accelerator="cpu").launch(), guard()):
        pytest.fail("the block must not run")
