"""Training: its steps by hand; the loop repeated and resumed bit by bit; and what it keeps, lowers and refuses."""

import math
import signal

import pytest
import torch
from test_recipe import recipe
from torch import nn

from vesselbench.config import UserError
from vesselbench.data.task import find_task
from vesselbench.device import start_fabric
from vesselbench.models.build import build_network
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.loop import plateau_factor, seed_everything, train
from vesselbench.training.method import Supervised, output_losses
from vesselbench.training.patches import PatchSampler

LABELS = torch.zeros(3, 2, 48, 48, dtype=torch.uint8)
LABELS[:, 0, 20:24] = LABELS[:, 1, :, 10:14] = 1
NOISE = torch.randint(100, (3, 3, 48, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
IMAGES = NOISE + 100 * LABELS.amax(1, keepdim=True)
SHORT = {"steps": 30, "epoch": 6, "batch": 4, "crops_per_image": 2, "patch": 32}
SGD = {"from_step": 20, "learning_rate": 1e-2, "decay": 5e-6, "momentum": 0.9}
HELD_OUT = {"validation": 1, "schedule": "plateau", "patience": 0, "keep": "lowest_validation_loss"}
EVERYTHING = recipe("demo", **SHORT, **HELD_OUT, sgd=SGD, learning_rate=5e-3)


def line(**changes):
    """Supervise a network of one layer with two outputs of two channels, the first of them halved."""
    network = nn.Sequential(nn.Conv2d(3, 2, 1))
    network.forward = lambda image: [network[0](image) / 2, network[0](image)]
    return Supervised(network, recipe(precision="32-true", **changes), start_fabric("32-true", 1))


def test_losses_are_the_mean_cross_entropies_of_each_output_and_validation_takes_the_last():
    logits = [torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), math.log(3))]
    expected = [math.log(2), -(math.log(0.75) + math.log(0.25)) / 2]
    found = output_losses(logits, torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]]))
    torch.testing.assert_close(found, torch.tensor(expected))
    method = line(batch=2, crops_per_image=1)  # three images in uneven batches
    last = output_losses(method.network(IMAGES / 255), LABELS.float())[-1].item()
    assert method.validate(IMAGES, LABELS) == pytest.approx(last, rel=1e-6)


def test_sgd_takes_over_from_adam_at_its_step_and_a_plateau_reduces_the_rate():
    method = line(learning_rate=5e-3, sgd=SGD | {"from_step": 1, "learning_rate": 0.5, "decay": 0.25})
    image, label, parameters, velocity = IMAGES / 255, LABELS.float(), [*method.network.parameters()], [0.0, 0.0]
    for step, rate in enumerate([None, 0.5, 0.1 * 0.4]):  # SGD: 0.5, then 0.5 / 1.25, of which a tenth
        losses = output_losses(method.network(image), label)
        slopes, before = torch.autograd.grad(losses.sum(), parameters), [p.detach().clone() for p in parameters]
        torch.testing.assert_close(method.step(step, image, label, [0.1 if step == 2 else 1.0]), losses.detach())
        velocity = [0.9 * v + g if rate else 0.0 for v, g in zip(velocity, slopes, strict=True)]
        moves = [rate * v if rate else 5e-3 * g.sign() for v, g in zip(velocity, slopes, strict=True)]  # Adam's first
        for parameter, old, move in zip(parameters, before, moves, strict=True):
            torch.testing.assert_close(parameter.detach(), old - move, atol=1e-6, rtol=1e-5)


def test_validation_may_be_what_f1_lacks_of_one_the_mean_of_images_where_the_kind_is_known():
    network = nn.Conv2d(3, 2, 1)
    network.forward = lambda image: [image[:, :2] - 0.5]  # artery where it is red, vein where it is green
    how = recipe(validate_by="weighted_f1", validation=1, batch=2, crops_per_image=1)
    method = Supervised(network, how, start_fabric(how.precision, 1), find_task("artery_vein"))
    images = 255 * torch.cat([LABELS, torch.zeros(3, 1, 48, 48, dtype=torch.uint8)], dim=1)
    labels = torch.cat([LABELS, torch.zeros(3, 1, 48, 48, dtype=torch.uint8)], dim=1)
    images[1], images[2, :, :24], labels[2, 2, :24] = 0, 255, 1  # black; and wrong where it is unknown
    assert method.validate(images, labels) == pytest.approx(1 / 3)


def run(folder, images=IMAGES, how=EVERYTHING):
    """Train IterNet, which draws for its dropout, on two channels; return its weights as bytes, and the log."""
    generator = seed_everything(1)
    network = build_network("iternet", {"width": 4, "iterations": 2}, classes=2)
    method = Supervised(network, how, start_fabric(how.precision, 1))
    log = train(method, images, LABELS, "abc", how, generator, Checkpoint(folder, seed=1))
    return b"".join(tensor.numpy().tobytes() for tensor in method.network.state_dict().values()), log


def stop_at(monkeypatch, *steps):
    """Send Ctrl-C before the draws of patches with these numbers, from 1; return a list that has one item a draw."""
    draws = []

    def draw(sampler, *arguments, compute=PatchSampler.draw):
        draws.append(1)
        if len(draws) in steps:
            signal.raise_signal(signal.SIGINT)
        return compute(sampler, *arguments)

    monkeypatch.setattr(PatchSampler, "draw", draw)
    return draws


def test_stopped_by_signals_it_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    (weights, log), draws = run(tmp_path / "whole"), stop_at(monkeypatch, 23, 30)
    for step in (23, 30):
        with pytest.raises(UserError, match=f"stopped at step {step} of 30; run the same command again to go on"):
            run(tmp_path / "stopped")
    same, again = run(tmp_path / "stopped")
    assert len(draws) == 30, "no step is done twice"
    assert (weights, log.to_csv()) == (same, again.to_csv())
    assert list(log.columns) == ["step", "loss", "loss_1", "loss_2", "learning_rate", "validation"]
    assert list(log.step) == [6, 12, 18, 24, 30]
    assert log.loss.iloc[-1] < 0.8 * log.loss.iloc[0]


@pytest.mark.parametrize(("validation", "place"), [(1, 2), (("a",), 0)])
def test_what_is_held_out_is_validated_on_and_not_trained_on(tmp_path, validation, place):
    how = EVERYTHING.model_copy(update={"steps": 6, "keep": "last", "validation": validation})
    dark = IMAGES.clone()
    dark[place] = 0
    (weights, log), (same, other) = run(tmp_path / "a", how=how), run(tmp_path / "b", dark, how)
    assert weights == same
    assert (log.validation != other.validation).all()
    assert log.drop(columns="validation").equals(other.drop(columns="validation"))


class Scripted:
    """A method that learns nothing, which is all that the loop asks: its weight is the number of steps taken."""

    def __init__(self, losses=(), validations=(), critic=None):
        self.network, self.critic, self.extra = nn.Linear(1, 1, bias=False), critic, ("critic",) if critic else ()
        self.losses, self.validations, self.reductions = losses or [0.5] * 10, iter(validations), []

    def step(self, number, image, label, reductions):
        nn.init.constant_(self.network.weight, number + 1)
        self.reductions.append(reductions)
        return torch.tensor([1.0, self.losses[number], *(self.critic[number : number + 1] if self.critic else [])])

    def validate(self, images, labels):
        assert (images.shape, labels.shape) == ((4, 3, 32, 32), (4, 2, 32, 32)), "patches of 32 in one image of 48"
        return next(self.validations)


def train_scripted(folder, method, **changes):
    how = recipe("demo", **{**SHORT, "steps": 8, "epoch": 2, "schedule": "constant", "warmup": 0, **changes})
    log = train(method, IMAGES, LABELS, "abc", how, torch.Generator().manual_seed(0), Checkpoint(folder))
    return log, method.network.weight.item()


@pytest.mark.parametrize(("keep", "step"), [("last", 8), ("lowest_training_loss", 4), ("lowest_validation_loss", 6)])
def test_the_weights_that_the_recipe_names_are_kept(tmp_path, keep, step):
    method = Scripted([0.9, 0.9, 0.1, 0.5, 0.0, 0.7, 0.4, 0.4], [0.5, 0.4, 0.3, 0.3])  # the third epoch's mean is 0.35
    log, kept = train_scripted(tmp_path, method, keep=keep, validation=1)
    assert kept == step
    assert log.loss_2.to_list() == [0.9, 0.3, 0.35, 0.4]
    assert log.validation.to_list() == [0.5, 0.4, 0.3, 0.3]


def test_a_plateau_lowers_the_rate_from_the_next_epoch_on(tmp_path):
    method = Scripted(validations=[1.0, 0.9, 0.95, 0.9, 0.8])  # after the second, two bad ones: more than one
    log, _ = train_scripted(tmp_path, method, steps=10, schedule="plateau", patience=1, validation=1)
    assert method.reductions == [[1.0]] * 8 + [[pytest.approx(0.1)]] * 2
    relative = log.learning_rate / log.learning_rate[0]
    assert relative.to_list() == pytest.approx([1.0] * 4 + [0.1])
    assert plateau_factor([], 2) == plateau_factor([3.0, 2.0, 2.0, 2.1], 2) == 1, "two bad epochs are borne"
    assert plateau_factor([3.0, 2.0, 2.0, 2.1, 2.0], 2) == pytest.approx(0.1)
    assert plateau_factor([3.0, 2.0, 2.0, 2.1, 1.9, 2.0, 2.0], 2) == 1, "counted anew after a better one"
    assert plateau_factor([1.0] * 7, 2) == pytest.approx(0.01)
    assert plateau_factor([1.0, 0.99995, 0.99994, 0.99993], 2) == pytest.approx(0.1), "all within a ten-thousandth"


def test_a_plateau_may_watch_the_last_batch_the_network_its_own_loss_and_the_critic_its_own(tmp_path):
    method = Scripted([9, 0.5, 9, 0.6, 0, 0.4, 9, 0.3], critic=[0, 0.9, 0, 0.8, 0, 0.8, 0, 0.8])
    plateau = {"factor": 0.5, "watch": "last_batch"}
    how = {"schedule": "plateau", "patience": 0, "plateau": plateau, "keep": "lowest_training_loss"}
    log, kept = train_scripted(tmp_path, method, **how)
    assert method.reductions == [[1]] * 2 + [[1, 1]] * 2 + [[0.5, 1]] * 2 + [[0.5, 0.5]] * 2
    assert (log.learning_rate / log.learning_rate[0]).to_list() == [1, 1, 0.5, 0.5]
    assert log.critic.to_list() == [0.45, 0.4, 0.4, 0.4]
    assert log.loss.to_list() == [5.75, 5.8, 1.2, 5.65], "of the outputs"
    assert kept == 6


@pytest.mark.parametrize(("losses", "changes", "message"), [
    ([0.5] * 4 + [math.nan] * 4, {}, r"the loss of step 5 is \[1.0, nan\], it must be .* images [abc, ]+: look"),
    ([], {"validation": 1}, "the validation loss after step 2 is inf, it must be finite; lower learning_rate"),
    ([], {"validation": 3}, "train: validation is 3, but there are 3 training images; hold fewer out, so that one"),
    ([], {"validation": ["a", "x"]}, "train: validation names 'x', but the training images are a, b, c; name some"),
    ([], {"patch": 49}, "train: patch is 49, but the training images are of 48 x 48 pixels; take a smaller patch"),
    ([], {"patch": [32, 49]}, r"train: patch is \(32, 49\), but the training images are of 48 x 48 pixels"),
])  # fmt: skip
def test_losses_that_are_no_numbers_and_images_that_do_not_fit_are_refused(tmp_path, losses, changes, message):
    with pytest.raises(UserError, match=message):
        train_scripted(tmp_path, Scripted(losses, [math.inf]), **changes)


def test_a_network_that_looks_at_whole_images_is_given_no_less(tmp_path):
    method = Scripted()
    method.network.whole_images = True
    train_scripted(tmp_path, method, patch=[48, 48])
    with pytest.raises(UserError, match=r"patch is 32, .* and the network looks at whole ones only; make it \[48, 48"):
        train_scripted(tmp_path, method)
