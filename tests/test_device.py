"""The device that is there, and how networks are laid out on it."""

import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from vesselbench.config import UserError
from vesselbench.device import prepare_network, start_fabric


def test_without_a_gpu_it_is_the_cpu_with_the_threads_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert start_fabric("32-true", 3).device == torch.device("cpu")
    start_fabric("bf16-mixed", 0)  # all there are: left as it is
    assert asked == [3]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone can be told so")
def test_memory_that_was_freed_is_used_again_without_asking_the_kernel():
    code = """
import resource, torch
from vesselbench.device import keep_memory
keep_memory()
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [torch.ones(7_000_000) for _ in range(4)]  # 28 MB each: 28,000 pages where the kernel is asked anew
    del maps
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert int(shown.stdout) < 100


def test_networks_are_laid_out_channels_last_and_compiled_only_if_asked():
    network = nn.Conv2d(3, 4, 3)
    assert prepare_network(network) is network
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    with pytest.raises(UserError, match="compile is 'fast'; choose one of '', 'default', 'reduce-overhead', 'max-auto"):
        prepare_network(network, "fast")
