"""Recipes of params.yaml, whole as they stand there; learning rates by hand; and what a recipe refuses."""

import math
import re

import pytest

from vesselbench.config import UserError, parse, read_params
from vesselbench.training.recipe import Recipe

RECIPES = read_params("train")[0]
SGD = {"from_step": 151, "learning_rate": 1e-4, "decay": 0.5, "momentum": 0.9}
HOLD = "but validation is 0: hold images out, or choose another"


def recipe(base="paper", **changes):
    """Make a recipe of params.yaml with some values changed."""
    return parse(Recipe, {**RECIPES[base], **changes}, f"train.{base}")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_what_stands_under_its_name_and_shares_nothing_with_others(name):
    assert recipe(name).model_dump(mode="json", exclude_unset=True) == RECIPES[name]
    shared = [other for other in RECIPES if RECIPES[other]["augmentation"] is RECIPES[name]["augmentation"]]
    assert shared == [name], "one alias for two: merge it anew, or to set one value sets both"


def test_the_rate_rises_falls_begins_again_in_every_cycle_and_is_another_for_sgd():
    warm = recipe(steps=100, schedule="cosine", warmup=3, learning_rate=1)
    assert [warm.rate(0), warm.rate(50), warm.rate(99)] == pytest.approx([0.25, 0.5, math.sin(math.pi / 200) ** 2])
    assert recipe().rate(0) == recipe().rate(12399) == 1e-3
    cycles = recipe(steps=8, cycles=2, schedule="cosine", learning_rate=1)
    once = [1.0, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4]
    assert [cycles.rate(step) for step in range(8)] == pytest.approx(2 * once)
    sgd = recipe(sgd=SGD)
    expected = [1e-3, 1e-3, 1e-4, 1e-4 / 1.5, 5e-5]
    assert [sgd.rate(step) for step in (0, 150, 151, 152, 153)] == pytest.approx(expected)


@pytest.mark.parametrize(("change", "message"), [
    ({"batch": 30}, ": batch 30 must be a multiple of crops_per_image 4; correct it"),
    ({"cycles": 7}, ": steps 12400 must be a multiple of cycles 7, all of one length; correct it"),
    ({"schedule": "plateau"}, f": schedule is 'plateau', {HOLD}"),
    ({"keep": "lowest_validation_loss"}, f": keep is 'lowest_validation_loss', {HOLD}"),
    ({"validate_by": "weighted_f1"}, f": validate_by is 'weighted_f1', {HOLD}"),
    ({"sgd": SGD, "branches": "constant"}, ": sgd is set, but an adversary and a rate of the branches' own n"),
    ({"fit": ["crop", 4, 5]}, ".fit is ['crop', 4, 5]: it must be none, or [resize | pad | box, rows, "),
    ({"betas": [0.9]}, ".betas.1 is missing; add it"),
])  # fmt: skip
def test_a_recipe_refuses_what_cannot_be(change, message):
    with pytest.raises(UserError, match=re.escape(f"params.yaml: train.paper{message}")):
        recipe(**change)
