import math

import pytest
import torch

from vesselbench.config import UserError, build, overlay, read_params
from vesselbench.training.checkpoint import Checkpoint, fingerprint
from vesselbench.training.loss import output_losses
from vesselbench.training.recipe import Recipe
from vesselbench.training.validation import grid_patches, plateau_factor

DEFAULT = read_params("train.default")[0]


def test_loss_is_the_mean_cross_entropy_of_each_output():
    logits = [torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), math.log(3))]
    truth = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    expected = [math.log(2), -(math.log(0.75) + math.log(0.25)) / 2]
    torch.testing.assert_close(output_losses(logits, truth), torch.tensor(expected))


def test_rate_rises_and_falls():
    recipe = build(
        Recipe, overlay(DEFAULT, {"steps": 100, "schedule": "cosine", "warmup": 3, "learning_rate": 1.0}), "t"
    )
    assert recipe.rate(0) == pytest.approx(0.25)
    assert recipe.rate(50) == pytest.approx(0.5)
    assert 0 < recipe.rate(99) < 0.001
    constant = build(Recipe, DEFAULT, "train.default")
    assert constant.rate(0) == constant.rate(12399) == 1e-3


def test_cosine_begins_again_in_every_cycle():
    change = {"steps": 8, "cycles": 2, "schedule": "cosine", "warmup": 0, "learning_rate": 1.0}
    recipe = build(Recipe, overlay(DEFAULT, change), "t")
    once = [1.0, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4]
    assert [recipe.rate(step) for step in range(8)] == pytest.approx(2 * once)


def test_sgd_has_a_rate_of_its_own_that_decays_with_its_steps():
    sgd = {"from_step": 151, "learning_rate": 1e-4, "decay": 0.5}
    recipe = build(Recipe, overlay(DEFAULT, {"sgd": sgd}), "t")
    assert [recipe.rate(step) for step in (0, 150, 151, 152, 153)] == pytest.approx(
        [1e-3, 1e-3, 1e-4, 1e-4 / 1.5, 5e-5]
    )
    assert not build(Recipe, DEFAULT, "t").sgd.takes(10**6)


@pytest.mark.parametrize(
    ("losses", "factor"),
    [
        ([], 1.0),
        ([3.0, 2.0, 2.0, 2.1], 1.0),  # two bad epochs are borne
        ([3.0, 2.0, 2.0, 2.1, 2.0], 0.1),
        ([3.0, 2.0, 2.0, 2.1, 1.9, 2.0, 2.0], 1.0),  # counted anew after a better one
        ([1.0] * 7, 0.01),
        ([1.0, 0.99995, 0.99994, 0.99993], 0.1),  # lower by less than a ten-thousandth
    ],
)
def test_a_plateau_of_more_than_two_epochs_lowers_the_rate(losses, factor):
    assert plateau_factor(losses, patience=2) == pytest.approx(factor)


def test_grid_patches_lie_side_by_side_and_end_at_the_border():
    maps = torch.arange(5 * 4).reshape(1, 5, 4)
    patches = grid_patches(maps, 3)
    assert patches.shape == (4, 3, 3)
    assert patches[:, 0, 0].tolist() == [0, 1, 8, 9]
    assert grid_patches(maps[:, :4], 4).tolist() == maps[:, :4].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 30}, "batch 30 is no multiple of crops_per_image 4"),
        (
            {"hardware": {"devices": 3}},
            "batch 32 with crops_per_image 4 is 8 images a step, which 3 devices cannot share evenly",
        ),
        ({"schedule": "linear"}, "schedule is 'linear'; choose one of constant, cosine, plateau"),
        ({"schedule": "plateau"}, "schedule is 'plateau', but validation is 0; hold images out, or choose another"),
        ({"keep": "lowest_validation_loss"}, "keep is 'lowest_validation_loss', but validation is 0; hold images out"),
        ({"validation": -1}, "validation is -1; it must be at least 0"),
        ({"cycles": 7}, "steps 12400 is no multiple of cycles 7; all cycles are of one length"),
        ({"sgd": {"momentum": 1}}, r"train.default.sgd: from_step 0, .* momentum 1.0: .* momentum in \[0, 1\)"),
        ({"steps": 0}, "steps is 0; it must be above 0"),
        ({"step": 5}, "train.default.step is unknown; train.default takes steps, batch"),
        ({"steps": "many"}, "train.default.steps is 'many'; it must be of type int"),
        ({"augmentation": {"labels": "hard"}}, "augmentation: labels is 'hard'; choose one of soft, covered"),
        ({"augmentation": {"zoom": {"amount": -1}}}, "train.default.augmentation.zoom: amount -1"),
    ],
)
def test_a_recipe_refuses_what_cannot_be(change, message):
    with pytest.raises(UserError, match=message):
        build(Recipe, overlay(DEFAULT, change), "train.default")


def cut(content):
    return content[:100]


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(cut, "it cannot be read (BadZipFile)"), (flip_a_bit, "it is damaged (checksum of archive/data/0)")],
)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(tmp_path, capsys, damage, reason):
    checkpoint = Checkpoint(tmp_path, "id")
    for step in (3, 4, 5):
        checkpoint.save({"step": step, "weights": torch.zeros(10_000)})
    assert checkpoint.load()["step"] == 5
    assert capsys.readouterr().out == ""
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    assert checkpoint.load()["step"] == 4
    assert capsys.readouterr().out == f"{checkpoint.path}: not used, {reason}; moved to last.aside.pt\n"
    assert checkpoint.load()["step"] == 4
    checkpoint.previous.write_bytes(damage(checkpoint.previous.read_bytes()))
    assert checkpoint.load() is None


def test_a_failing_save_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path, "id")
    checkpoint.save({"step": 3})

    def full_disk(state, stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save({"step": 4})
    assert checkpoint.load()["step"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_second_process_is_refused(tmp_path):
    first, second = Checkpoint(tmp_path, "id"), Checkpoint(tmp_path, "id")
    with first.lock(), pytest.raises(UserError, match="another process trains this run now"), second.lock():
        pass


def test_fingerprints_differ_where_inputs_do():
    assert fingerprint(a=1, b=[2]) == fingerprint(b=[2], a=1) != fingerprint(a=1, b=[3])
