import pytest
import torch

from vesselbench.config import UserError
from vesselbench.device import choose_accelerator


@pytest.mark.parametrize(("there", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_cuda_where_there_is_a_device(monkeypatch, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_accelerator("auto") == expected
    assert choose_accelerator("cpu") == "cpu"


def test_what_cannot_be_had_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="PyTorch finds no CUDA device; take auto or cpu"):
        choose_accelerator("cuda")
    with pytest.raises(UserError, match="accelerator is 'tpu'; choose one of auto, cpu, cuda"):
        choose_accelerator("tpu")
