import pytest

from vesselbench.config import UserError, build, overlay, read_params
from vesselbench.data.augment import Chance


@pytest.fixture
def params(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("models:\n  unet: {rate: 1e-3}\n  iternet: {}\n")
    return path


def test_values_come_in_the_order_asked_for(params):
    assert read_params("models.unet.rate", "models.iternet", path=params) == (0.001, {})


def test_an_unknown_name_is_answered_with_the_known_ones(params):
    with pytest.raises(UserError, match=r"'w' is not defined in models, which has: unet, iternet; add it or correct"):
        read_params("models.w", path=params)


def test_a_missing_file_says_where_to_stand(tmp_path):
    with pytest.raises(UserError, match="no such file; run this from the root of the repository"):
        read_params("models", path=tmp_path / "params.yaml")


def test_overlay_merges_nested_mappings_and_leaves_the_base_alone():
    base = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert overlay(base, {"a": {"b": 3}}, {"d": [2]}) == {"a": {"b": 3, "c": 2}, "d": [2]}
    assert base == {"a": {"b": 1, "c": 2}, "d": [1]}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"amount": 1}, "zoom.probability is missing; zoom needs amount, probability"),
        ({"amount": 1, "probability": 0.5, "p": 1}, "zoom.p is unknown; zoom takes amount, probability"),
        ({"amount": "x", "probability": 0.5}, "zoom.amount is 'x'; it must be of type float"),
        ({"amount": True, "probability": 0.5}, "zoom.amount is True; it must be of type float"),
        (3, "zoom is 3; it must be a mapping of amount, probability"),
    ],
)
def test_build_refuses_what_does_not_fit(mapping, message):
    with pytest.raises(UserError, match=message):
        build(Chance, mapping, "zoom")


def test_build_takes_whole_numbers_for_floats():
    assert build(Chance, {"amount": 1, "probability": 1}, "zoom") == Chance(1.0, 1.0)
