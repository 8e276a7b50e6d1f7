import math

import pytest
import torch

from vesselbench.config import UserError, build, overlay, read_params
from vesselbench.training.checkpoint import Checkpoint, fingerprint
from vesselbench.training.loss import output_losses
from vesselbench.training.recipe import Recipe

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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 30}, "batch 30 is no multiple of crops_per_image 4"),
        (
            {"hardware": {"devices": 3}},
            "batch 32 with crops_per_image 4 is 8 images a step, which 3 devices cannot share evenly",
        ),
        ({"schedule": "linear"}, "schedule is 'linear'; choose one of constant, cosine"),
        ({"steps": 0}, "steps is 0; it must be above 0"),
        ({"step": 5}, "train.default.step is unknown; train.default takes steps, batch"),
        ({"steps": "many"}, "train.default.steps is 'many'; it must be of type int"),
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
