"""Model cards, docstrings told to readers, and recipes in words."""

from dataclasses import replace

import pytest

from vesselbench.reports.cards import NO_DEVICE, Trained, card
from vesselbench.reports.docstrings import data_sheet, method_of
from vesselbench.reports.recipes import recipe_notes

RECIPE = {
    "steps": 6200,
    "batch": 32,
    "patch": 128,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "cycles": 1,
    "warmup": 0,
    "weight_decay": 0.0,
    "sgd": {"from_step": 0},
    "validation": 0,
    "keep": "lowest_training_loss",
    "augmentation": {
        "rotation": {"amount": 180.0, "probability": 0.5},
        "zoom": {"amount": 0.2, "probability": 0.0},
        "flip_probability": 0.0,
        "labels": "soft",
    },
}
MADE = {"mode": "whole", "patch": 0, "stride": 0, "training_stride": 0, "output": 0, "recipe": RECIPE}


@pytest.fixture
def trained(new_run):
    return Trained(
        dataset="drive",
        model="unet",
        seed=2,
        mode="whole",
        about={
            "network": "smp",
            "preprocess": "rgb",
            "arguments": {"architecture": "Unet", "encoder_name": "vgg13_bn"},
            "recipe": RECIPE,
            "training_ids": ["21", "22", "23"],
        },
        network={"parameters": 1234567},
        made=MADE | {"hardware": {"precision": "32-true"}},
        run=new_run(0.8),
        method="A network.",
        sheet={"": "DRIVE: eyes.", "Photographs": "40, of adults.", "Labels": "Two.", "Licence": "Ask the owner."},
        page="https://example.org/",
    )


def changed(trained, **recipe):
    """The same network by another recipe."""
    return replace(trained, about=trained.about | {"recipe": RECIPE | recipe})


def section(trained, heading):
    """Lines below a heading of the card."""
    return card(trained).split(f"## {heading}\n\n")[1].split("\n\n## ")[0].splitlines()


def test_it_opens_with_what_it_is_and_that_it_is_no_medical_device(trained):
    assert card(trained).startswith(f"# drive-unet-2\n\nUNet, trained on DRIVE, seed 2. {NO_DEVICE}\n\n## What it is\n")
    assert NO_DEVICE.startswith("**Not a medical device.**")
    assert section(trained, "What it is") == [
        "A network.",
        "",
        '- Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.',
        "- Network `smp`; arguments: architecture Unet, encoder_name vgg13_bn.",
        "- 1,234,567 trainable parameters.",
        "- It is given the photograph as `rgb` (`vesselbench.data.preprocess`), and gives the probability of vessel of "
        "every pixel.",
    ]


def test_a_network_without_arguments(trained):
    plain = replace(trained, about=trained.about | {"network": "wnet", "arguments": {}})
    assert section(plain, "What it is")[2] == "- Network `wnet`; arguments: none."


def test_training_data(trained):
    assert section(trained, "What it learned from") == [
        "DRIVE: eyes.",
        "",
        "- Photographs: 40, of adults.",
        "- Labels: Two.",
        "- Split (`data/splits/drive.csv`): 3 images train, 2 test.",
        "- Trained on 21, 22, 23.",
        "- Tested on 01, 02.",
    ]
    watched = section(changed(trained, validation=2), "What it learned from")
    assert watched[-1] == "- Of the former, 22, 23 held out, to watch the training by."


def test_recipe(trained):
    assert section(trained, "How it was trained") == [
        "- Training: 6,200 steps of 32 patches of 128 x 128 pixels, **a reduced budget**: 50 % of the pixels of the "
        "paper's 12,400 steps of 32 patches of 128 x 128.",
        "- Adam, learning rate 0.001, schedule constant, 0 steps of warm-up, weight decay 0.",
        "- Weights of the epoch of lowest training loss.",
        "- Augmentation: rotation 180 degrees (probability 0.5).",
        "- Every value is in `model.json` beside the weights.",
    ]


def test_recipes_that_differ():
    own = {"schedule": "cosine", "cycles": 20, "warmup": 10, "sgd": {"from_step": 151}, "keep": "last"}
    none = {"zoom": {"amount": 0.2, "probability": 0.0}, "flip_probability": 0.0}
    assert recipe_notes(RECIPE | own | {"augmentation": none}) == [
        "Adam, learning rate 0.001, schedule cosine in 20 cycles, 10 steps of warm-up, weight decay 0; "
        "SGD from step 151.",
        "Weights of the last epoch.",
        "Augmentation: none.",
    ]
    flips = {"zoom": {"amount": 0.2, "probability": 0.05}, "flip_probability": 0.5}
    assert recipe_notes(RECIPE | {"augmentation": flips})[2] == (
        "Augmentation: zoom 0.2 (probability 0.05), flips (probability 0.5)."
    )


def test_scores_stand_with_their_intervals_and_protocol(trained):
    lines = section(trained, "How well it does")
    assert lines[:12] == [
        "2 test images, none of which trained it; inside the field of view (`fov-pooled-native-fixed`).",
        "",
        "| Score        |  Value |   95 % interval |",
        "| ------------ | -----: | --------------: |",
        "| Connectivity | 0.5000 |  .4620 to .5380 |",
        "| F1           | 0.8000 |  .7620 to .8380 |",
        "| Sensitivity  | 0.7000 |  .6620 to .7380 |",
        "| Specificity  | 0.9800 | .9420 to 1.0180 |",
        "| Accuracy     | 0.9500 |  .9120 to .9880 |",
        "| AUC          | 0.9000 |  .8620 to .9380 |",
        "| clDice       | 0.6000 |  .5620 to .6380 |",
        "",
    ]
    assert "- Intervals: 95 %, percentiles of 101 bootstrap draws of the test images." in lines
    assert lines[-1] == "- Mode whole: each image in one pass; precision 32-true."


def test_it_shows_how_to_use_it(trained):
    lines = section(trained, "How to use it")
    assert "dvc pull data/weights/drive/unet/2" in lines
    assert "vesselbench segment photograph.jpg --weights drive-unet-2     # writes vessels/photograph.png" in lines
    code = "\n".join(lines).split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert 'load("drive-unet-2")' in code


def test_limits(trained):
    reduced = "- Trained on a reduced budget, it is no measure of what the method can do."
    lines = section(trained, "Limits")
    assert lines[0].startswith("- It learned from the 3 photographs named above, of one data set, and from one ")
    assert "- The scores are of 2 images of the same data set; expect less elsewhere." in lines
    assert lines[-2:] == [reduced, f"- {NO_DEVICE}"]
    assert reduced not in section(changed(trained, steps=12400), "Limits")


def test_licences(trained):
    assert section(trained, "Licence") == [
        "- Weights: MIT, as this repository (`LICENSE`).",
        "- The data set has its own terms: Ask the owner.",
        "- Its owner's page: https://example.org/.",
    ]
    assert section(replace(trained, page="", sheet={"": "Drawn."}), "Licence") == [
        "- Weights: MIT, as this repository (`LICENSE`)."
    ]


def test_data_sheets_are_read_by_section():
    sheet = data_sheet("chase_db1")
    assert list(sheet) == ["", "Photographs", "Labels", "FoV", "Archive", "Licence", "Traps"]
    assert sheet[""] == "CHASE_DB1: Child Heart and Health Study in England (Fraz et al., IEEE TBME 59(9), 2012)."
    assert sheet["Licence"] == "CC BY 4.0, as the owner's page says."
    assert "of 14 children (Nidek NM-200-D)" in sheet["Photographs"]
    assert "the first (`_1stHO`) is the usual truth" in sheet["Labels"]
    assert data_sheet("phantom")[""].endswith("drawn by this project from a seed, for demonstrations and tests.")


def test_a_networks_source_is_told():
    title, source = method_of("wnet").split("\n\n")
    assert title == "W-Net: two small UNets in a row, the second fed with the image and the first one's map."
    assert source.startswith("Galdran, Anjos, Dolz, Chakor, Lombaert, Ben Ayed, ")
