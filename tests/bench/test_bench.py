"""The quick run from the command line to its files, and the parts that need no clock. No timing is asserted."""

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from vesselbench.bench import measure
from vesselbench.bench.__main__ import main
from vesselbench.bench.measure import best_seconds, forward_gflop, slug
from vesselbench.bench.prediction import measure_prediction, naive
from vesselbench.bench.report import write_results
from vesselbench.bench.sizes import QUICK, QUICK_ARGUMENTS
from vesselbench.bench.table import markdown
from vesselbench.bench.targets import judge
from vesselbench.bench.training import plain_dropout
from vesselbench.config import build, overlay, read_params
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.models.iternet import Dropout
from vesselbench.prediction.infer import patched

CPU = torch.device("cpu")
PARAMS = read_params("models.iternet")[0]
TINY = NetworkEntry.from_params(overlay(PARAMS, QUICK_ARGUMENTS), "models.iternet")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Two that wait for each other at every layer of a tiny network are slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """What a quick run prints, and the folder of its files."""
    folder, printed = tmp_path_factory.mktemp("project") / "new" / "bench", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", ["bench", "--quick", "--folder", str(folder)])
        main()
    return printed.getvalue(), folder


@pytest.fixture
def results(quick):
    (path,) = quick[1].glob("*.json")
    return json.loads(path.read_text())


def test_the_quick_run_ends_with_the_table_and_the_paths(quick):
    printed, folder = quick
    table, data = sorted(folder.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert (table.suffix, data.suffix, table.stem) == (".md", ".json", data.stem)
    assert table.stem.endswith("_quick")
    assert printed.endswith(f"{table.read_text()}\n{data}\n{table}\n")
    assert "the figures mean nothing" in table.read_text()
    assert ": met" not in table.read_text()
    for path in folder.iterdir():
        assert not any(str(place) in path.read_text() for place in (folder, Path.cwd(), Path.home()))


def test_the_figures_agree_with_each_other(results):
    training, prediction, peak = results["training"], results["prediction"], results["peak"]
    last, batch = training["steps"][-1], results["settings"]["training"]["batch"]
    for step in training["steps"]:
        assert step["patches_per_second"] == pytest.approx(batch / step["seconds"], rel=1e-3)
        assert step["ratio"] == pytest.approx(training["steps"][0]["seconds"] / step["seconds"], rel=1e-3)
    assert training["drawing"]["share"] == pytest.approx(training["drawing"]["seconds"] / last["seconds"], rel=1e-3)
    for way in ("product", "naive"):
        rate = prediction["patches"] / prediction[way]["seconds"]
        assert prediction[way]["patches_per_second"] == pytest.approx(rate, rel=1e-3)
    ratio = prediction["naive"]["seconds"] / prediction["product"]["seconds"]
    assert prediction["ratio"] == pytest.approx(ratio, rel=1e-3)
    share = prediction["product"]["patches_per_second"] * peak["forward_gflop"] / peak["gflops"]["bf16"]
    assert peak["shares"]["prediction"] == pytest.approx(share, rel=1e-3)
    share = 3 * last["patches_per_second"] * peak["forward_gflop"] / peak["gflops"]["bf16"]
    assert peak["shares"]["training"] == pytest.approx(share, rel=1e-3)


def test_it_says_what_it_measured(results):
    assert results["quick"] is True
    assert [image["patches"] for image in results["prediction"]["images"]] == [169, 49, 16, 1]  # of 128 x 121 pixels
    assert set(results["evaluation"]) == {"images", "draws", "seconds", "bytes", "segments"}
    settings = {"device", "slug", "threads", "vesselbench", "torch", "python", "network", "image", "patch"}
    assert settings | {"training", "prediction", "baselines"} < set(results["settings"])
    if results["memory"]:
        assert results["memory"]["bytes"] > 0


def test_figures_are_held_to_the_targets_of_their_device(results, tmp_path):
    results["quick"], results["settings"]["slug"], results["memory"] = False, "cpu", {"bytes": 700_000_000, "rows": 3}
    results["training"]["drawing"]["share"], results["training"]["steps"][-1]["ratio"] = 0.05, 2.6
    targets = judge(results)
    assert targets["memory_megabytes"] == {"figure": 700.0, "target": "<= 700 MB", "met": True}
    assert targets["drawing_percent"] == {"figure": 5.0, "target": "< 5 %", "met": False}
    text = write_results(tmp_path, results)
    assert "| < 5 %: missed " in text
    assert "| 2.60  | >= 2.5: met " in text
    assert {path.name for path in tmp_path.iterdir()} == {"cpu.json", "cpu.md"}


def test_what_was_not_measured_is_held_to_nothing(results):
    results["quick"], results["settings"]["slug"], results["memory"] = False, "nvidia_h200", None
    results["prediction"]["images"][0] |= {"computed": True, "seconds": 2.0}
    targets = judge(results)
    assert set(targets) == {"drawing_percent", "training_patches_per_second", "prediction_patches_per_second"} | {
        "evaluation_seconds",
        "evaluation_megabytes",
    }
    text = markdown(results | {"targets": targets})
    assert "| 2.0 s, computed " in text
    assert "| not measured " in text


def test_an_image_that_takes_too_long_is_computed():
    hardware = build(Hardware, overlay(read_params("predict.default.hardware")[0], {"accelerator": "cpu"}), "hardware")
    sizes = replace(QUICK, longest=0.0, strides=(16,))
    found = measure_prediction(TINY, hardware, sizes, torch.rand(3, 64, 70))
    assert found["patches"] == 2 * 4
    image = found["images"][0]
    assert (image["patches"], image["computed"]) == (3 * 4, True)
    assert image["seconds"] == pytest.approx(12 / found["product"]["patches_per_second"])


def test_both_predictions_give_the_same_map():
    network, image = build_network(TINY).eval(), torch.rand(3, 40, 45)
    expected = patched(network, image, patch=32, stride=8, batch=3)
    torch.testing.assert_close(naive(network, image, patch=32, stride=8), expected)


def test_work_of_the_network():
    assert forward_gflop(NetworkEntry.from_params(PARAMS, "models.iternet"), 128) == pytest.approx(16.709, abs=1e-3)


def test_the_baseline_has_torchs_own_dropout():
    network = plain_dropout(build_network(TINY))
    kinds = [type(module) for module in network.modules() if isinstance(module, nn.Dropout)]
    assert set(kinds) == {nn.Dropout}
    quick = [module for module in build_network(TINY).modules() if isinstance(module, Dropout)]
    assert len(kinds) == len(quick)


def test_the_quickest_call_after_the_first_counts(monkeypatch):
    clock, calls = iter([0.0, 3.0, 10.0, 12.0, 20.0, 25.0]), []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    assert best_seconds(lambda: calls.append(1), CPU, repeats=3, warm_up=2) == 2.0
    assert len(calls) == 5


def test_device_names_become_file_names():
    assert slug("NVIDIA H200") == "nvidia_h200"
    assert slug("NVIDIA A100-SXM4 (80GB)") == "nvidia_a100_sxm4_80gb"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--fast"], 2),
        (["--folder", "README.md"], "error: README.md: cannot be written (File exists); make it writable"),
    ],
)
def test_bad_input_is_refused_at_once(monkeypatch, words, status):
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert str(stop.value.code).startswith(str(status))
