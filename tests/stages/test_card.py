"""Stage ``card``: from the files of a finished run to the text about it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_project import refused, run_stage

from vesselbench.models.build import load_network, save_network

COMMAND = "card phantom iternet 0 whole"
CARD = Path("docs/models/phantom-iternet-0.md")


@pytest.fixture(autouse=True)
def weights(project):
    run_stage(project, "weights phantom iternet 0")


def test_weights_to_pass_on_are_of_half_the_size(project):
    trained, passed_on = (
        load_file(f"data/{kind}/phantom/iternet/0/weights.safetensors") for kind in ("models", "weights")
    )
    assert passed_on.keys() == trained.keys()
    for name, tensor in passed_on.items():
        assert tensor.dtype == (torch.float16 if tensor.dim() > 1 else torch.float32)
        assert torch.equal(tensor, trained[name].to(tensor.dtype))
    about = [
        json.loads(Path(f"data/{kind}/phantom/iternet/0/model.json").read_text()) for kind in ("models", "weights")
    ]
    assert about[0] == about[1]
    load_network(Path("data/weights/phantom/iternet/0"))


def test_a_kernel_beyond_half_precision_is_passed_on_as_it_is(project):
    folder = Path("data/models/phantom/iternet/0")
    network, entry = load_network(folder)
    kernel = next(parameter for parameter in network.parameters() if parameter.dim() > 1)
    kernel.data.fill_(70000.5)
    about = json.loads((folder / "model.json").read_text())
    save_network(folder, network, entry, **{name: about[name] for name in ("recipe", "seed", "training_ids")})
    run_stage(project, "weights phantom iternet 0")
    passed_on = next(p for p in load_network(Path("data/weights/phantom/iternet/0"))[0].parameters() if p.dim() > 1)
    assert torch.equal(passed_on, kernel)


def test_a_card_tells_of_the_run(project):
    run_stage(project, COMMAND)
    text = CARD.read_text()
    parameters = json.loads(Path("data/networks/iternet.json").read_text())["parameters"]
    scores = json.loads(Path("data/scores/phantom/iternet/0/whole/scores.json").read_text())["scores"]
    found = scores["fov-pooled-native-fixed"]["auc"]
    auc = f"{found['value']:.4f} | {found['low']:.4f} to {found['high']:.4f} |".replace(" 0.", " .")
    assert text.startswith("# phantom-iternet-0\n\nIterNet, trained on Phantom, seed 0. **Not a medical device.** ")
    for part in (
        'Nakashima, Nagahara, Kawasaki, "IterNet: Retinal Image Segmentation Utilizing Structural Redundancy',
        f"- {parameters:,} trainable parameters.\n",
        "\n\nphantom: synthetic fundus photographs, drawn by this project from a seed, for demonstrations and tests.\n",
        "- Split (`data/splits/phantom.csv`): 3 images train, 2 test.\n- Trained on p01, p02, p03.\n",
        "- Tested on p04, p05.\n",
        "- Training: 4 steps of 2 patches of 32 x 32 pixels.\n",
        auc,
        "- Mode whole: each image in one pass; precision 32-true.\n",
        "vesselbench segment photograph.jpg --weights phantom-iternet-0 ",
        "- The data set has its own terms: That of this project.\n",
    ):
        assert part in text
    assert str(project) not in text


def test_a_card_repeats_byte_by_byte(project):
    run_stage(project, COMMAND)
    first = CARD.read_bytes()
    run_stage(project, COMMAND)
    assert CARD.read_bytes() == first


def test_missing_files_are_named_with_the_stage_that_makes_them(project, monkeypatch):
    for path in (
        "data/splits/phantom.csv",
        "data/scores/phantom/iternet/0/whole/scores.json",
        "data/predictions/phantom/iternet/0/whole/prediction.json",
        "data/networks/iternet.json",
        "data/weights/phantom/iternet/0/model.json",
    ):
        Path(path).unlink()
        assert refused(COMMAND, monkeypatch) == (
            f"error: {path}: no such file; run 'dvc repro card@phantom-iternet-0-whole' first"
        )


def test_a_split_that_has_changed_since(project, monkeypatch):
    split = Path("data/splits/phantom.csv")
    before = split.read_text()
    split.write_text(before.replace("p03,train", "p03,test"))
    assert refused(COMMAND, monkeypatch) == (
        "error: data/weights/phantom/iternet/0: made with other train images than data/splits/phantom.csv lists; run "
        "'dvc repro card@phantom-iternet-0-whole' to make it anew"
    )
    split.write_text(before.replace("p05,test\n", ""))
    assert refused(COMMAND, monkeypatch) == (
        "error: data/scores/phantom/iternet/0/whole: made with other test images than data/splits/phantom.csv lists; "
        "run 'dvc repro card@phantom-iternet-0-whole' to make it anew"
    )


def test_what_learned_nothing_has_no_card(project, monkeypatch):
    path = Path("data/weights/phantom/iternet/0/model.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"recipe": None}))
    assert refused(COMMAND, monkeypatch) == (
        "error: data/weights/phantom/iternet/0: iternet learned nothing, so there are no weights to tell of; leave it "
        "out"
    )
