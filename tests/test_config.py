"""Parameters: read by dotted keys, checked, and every mistake told in one line."""

from typing import Literal

import pytest
from pydantic import PositiveInt, ValidationError, model_validator

from vesselbench.config import Parameters, UserError, parse, read_params


class Zoom(Parameters):
    amount: float
    steps: PositiveInt
    labels: Literal["soft", "covered"] = "soft"

    @model_validator(mode="after")
    def _check(self):
        if self.amount > self.steps:
            raise ValueError(f"Amount {self.amount} is above {self.steps}")
        return self


class Outer(Parameters):
    zoom: Zoom


@pytest.fixture
def params(tmp_path):
    (path := tmp_path / "params.yaml").write_text("models:\n  unet: {rate: 1e-3}\n  iternet: {}\n")
    return path


@pytest.mark.parametrize(("key", "message"), [
    ("models.w", "'w' is not defined in models, which has: unet, iternet"),
    ("models.unet.rate.w", "'w' is not defined in models.unet.rate, which has: nothing"),
    ("runs", "'runs' is not defined in the file, which has: models"),
])  # fmt: skip
def test_an_unknown_name_is_answered_with_the_known_ones(params, key, message):
    with pytest.raises(UserError, match=f"params.yaml: {message}; add it or correct the name$"):
        read_params(key, path=params)


def test_a_file_that_is_missing_or_no_yaml(params):
    with pytest.raises(UserError, match="no such file; run this from the root of the repository"):
        read_params("models", path=params.with_name("none.yaml"))
    for content in (b"models: {unet: [}\n", "models: {größe: 1}\n".encode("latin-1")):
        params.write_bytes(content)
        with pytest.raises(UserError, match=r"params.yaml: no YAML: [^\n]+; correct it"):
            read_params("models", path=params)


@pytest.mark.parametrize(("mapping", "message"), [
    ({"amount": 1}, ".steps is missing; zoom takes amount, steps, labels; add it"),
    ({"amount": 1, "steps": 2, "p": 1}, ".p is unknown; zoom takes amount, steps, labels; correct or remove it"),
    ({"amount": "x", "steps": 2}, ".amount is 'x': input should be a valid number, unable to parse string as a "),
    ({"amount": 1, "steps": 0}, ".steps is 0: input should be greater than 0; correct it"),
    ({"amount": 1, "steps": 2, "labels": "x"}, ".labels is 'x': input should be 'soft' or 'covered'; correct it"),
    ({"amount": 3, "steps": 2}, ": amount 3.0 is above 2; correct it"),
    (3, " is 3: input should be a valid dictionary or instance of Zoom; correct it"),
])  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(mapping, message):
    with pytest.raises(UserError, match=rf"\Aparams.yaml: zoom{message}.*\Z"):  # . is no end of line
        parse(Zoom, mapping, "zoom")


def test_values_come_in_order_and_a_number_that_yaml_takes_for_text_becomes_one(params):
    rate, iternet = read_params("models.unet.rate", "models.iternet", path=params)
    assert (rate, iternet) == ("1e-3", {})
    zoom = parse(Zoom, {"amount": rate, "steps": 2}, "zoom")
    assert zoom.amount == 0.001
    with pytest.raises(UserError, match="^params.yaml: train.zoom.steps is missing; add it$"):
        parse(Outer, {"zoom": {"amount": 1}}, "train")  # named whole, and not answered with the outer keys
    with pytest.raises(ValidationError, match="frozen"):
        zoom.amount = 2.0
