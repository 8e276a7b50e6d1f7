"""Model cards: what a trained network is, what it learned from, how well it does, and what it was not tried on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.averages import average
from vesselbench.reports.collect import Key, Run
from vesselbench.reports.layout import COLUMNS, align, score_name
from vesselbench.reports.notes import REDUCED, budget_notes, prediction_notes, protocol_notes
from vesselbench.reports.ours import INTERVAL, interval_cell, value_cell
from vesselbench.reports.recipes import recipe_notes
from vesselbench.reports.style import display_name

SCORES = (*COLUMNS, "cldice")
LOGGED = "Every value is in `model.json` beside the weights."
NO_DEVICE = (
    "**Not a medical device.** Made for research, validated in no clinic; not for diagnosis, screening or treatment."
)
LIBRARY = {  # papers of architectures that come from segmentation_models_pytorch
    "Unet": 'Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015'
}
USE = """In a clone of this repository, where the first command fetches the weights:

```sh
dvc pull data/weights/{dataset}/{model}/{seed}
vesselbench segment photograph.jpg --weights {name}     # writes vessels/photograph.png
```

```python
from pathlib import Path

from vesselbench.data.images import read_image
from vesselbench.segmenting.command import segment
from vesselbench.segmenting.load import load

network, entry = load("{name}")
probability = segment(network, entry, read_image(Path("photograph.jpg")))     # float32 (H, W)
```"""


@dataclass(frozen=True)
class Trained:
    """What a card is written from.

    Attributes
    ----------
    dataset, model, seed, mode
        Name the run.
    about, network, made
        Content of ``model.json``, of ``data/networks/<model>.json`` and of the maps' ``prediction.json``.
    run
        Its scores on the test images.
    method
        What the network is, and the paper that it is from.
    sheet
        Section -> text of the data set's data sheet; ``""`` is its title.
    page
        Where its owner publishes it; empty for one that is drawn.
    """

    dataset: str
    model: str
    seed: int
    mode: str
    about: Mapping[str, Any]
    network: Mapping[str, Any]
    made: Mapping[str, Any]
    run: Run
    method: str
    sheet: Mapping[str, str]
    page: str

    @property
    def name(self) -> str:
        """As ``vesselbench segment`` calls it."""
        return f"{self.dataset}-{self.model}-{self.seed}"

    @property
    def key(self) -> Key:
        """As the other reports call the run."""
        return self.model, self.mode, self.seed

    @property
    def budget(self) -> str:
        """How long it was trained, against the paper's schedule."""
        return budget_notes(self.dataset, {self.key: {"recipe": self.about["recipe"]}})[0]


def card(trained: Trained) -> str:
    """Write a model card as Markdown; the same files give the same text."""
    names = {"dataset": trained.dataset, "model": trained.model, "seed": trained.seed, "name": trained.name}
    sections = {
        "What it is": what(trained),
        "What it learned from": learned_from(trained),
        "How it was trained": bullets([trained.budget, *recipe_notes(trained.about["recipe"]), LOGGED]),
        "How well it does": scores(trained),
        "How to use it": [USE.format_map(names)],
        "Limits": bullets(limits(trained)),
        "Licence": bullets(licence(trained)),
    }
    title = f"{display_name(trained.model)}, trained on {display_name(trained.dataset)}, seed {trained.seed}"
    text = [f"# {trained.name}", "", f"{title}. {NO_DEVICE}"]
    for heading, lines in sections.items():
        text += ["", f"## {heading}", "", *lines]
    return "\n".join(text) + "\n"


def what(trained: Trained) -> list[str]:
    """Say what network it is."""
    arguments = trained.about["arguments"]
    paper = LIBRARY.get(arguments.get("architecture"))
    given = ", ".join(f"{name} {value}" for name, value in arguments.items()) or "none"
    facts = [
        f"Network `{trained.about['network']}`; arguments: {given}.",
        f"{trained.network['parameters']:,} trainable parameters.",
        f"It is given the photograph as `{trained.about['preprocess']}` (`vesselbench.data.preprocess`), and gives the "
        "probability of vessel of every pixel.",
    ]
    return [trained.method, "", *bullets([f"{paper}."] if paper else []), *bullets(facts)]


def learned_from(trained: Trained) -> list[str]:
    """Name data set, split and images."""
    train, test = trained.about["training_ids"], trained.run.scores["images"]
    facts = [f"{name}: {trained.sheet[name]}" for name in ("Photographs", "Labels") if name in trained.sheet]
    facts += [
        f"Split (`data/splits/{trained.dataset}.csv`): {len(train)} images train, {len(test)} test.",
        f"Trained on {', '.join(train)}.",
        f"Tested on {', '.join(test)}.",
    ]
    held_out = trained.about["recipe"]["validation"]
    if held_out:
        facts.append(f"Of the former, {', '.join(train[-held_out:])} held out, to watch the training by.")
    return [trained.sheet[""], "", *bullets(facts)]


def scores(trained: Trained) -> list[str]:
    """Lay out the scores on the test images, and how they came about."""
    rows = [["Score", "Value", INTERVAL]]
    for score in SCORES:
        found = average({trained.seed: trained.run}, HEADLINE["fov"], score)
        rows.append([score_name(score), value_cell(found, score), interval_cell(found, score)])
    notes = [*protocol_notes(trained.run.scores, 1), *prediction_notes({trained.key: trained.made})]
    images = len(trained.run.scores["images"])
    intro = f"{images} test images, none of which trained it; inside the field of view (`{HEADLINE['fov']}`)."
    return [intro, "", *align(rows), "", *bullets(notes)]


def limits(trained: Trained) -> list[str]:
    """Say what the scores do not tell."""
    facts = [
        f"It learned from the {len(trained.about['training_ids'])} photographs named above, of one data set, and from "
        "one observer's labels. Cameras, fields of view, resolutions, ages and diseases that are not among them are "
        "untried.",
        "It looks for vessels as wide as those in these photographs: bring others to their size first.",
        f"The scores are of {len(trained.run.scores['images'])} images of the same data set; expect less elsewhere.",
        "Kernels are stored in half precision; the scores are those of the network before that.",
        "The intervals are over test images, not over seeds: this is one training, and another one differs.",
    ]
    if REDUCED in trained.budget:
        facts.append("Trained on a reduced budget, it is no measure of what the method can do.")
    return [*facts, NO_DEVICE]


def licence(trained: Trained) -> list[str]:
    """Say under which terms weights and data stand."""
    facts = ["Weights: MIT, as this repository (`LICENSE`)."]
    facts += [f"The data set has its own terms: {trained.sheet['Licence']}"] if "Licence" in trained.sheet else []
    return [*facts, f"Its owner's page: {trained.page}."] if trained.page else facts


def bullets(sentences: Iterable[str]) -> list[str]:
    """Write a list."""
    return [f"- {sentence}" for sentence in sentences]
