import signal
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from vesselbench.config import UserError
from vesselbench.data.augment import Augmentation, Chance, PatchSampler
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.training import loop
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.determinism import seed_everything
from vesselbench.training.learner import Learner
from vesselbench.training.recipe import Recipe, Sgd

SOME = Chance(0.2, 0.5)
HARDWARE = Hardware(
    accelerator="cpu", devices=1, nodes=1, precision="bf16-mixed", channels_last=True, compile="", threads=1
)
RECIPE = Recipe(
    steps=50, batch=4, crops_per_image=2, patch=32, learning_rate=5e-3, betas=(0.9, 0.999), epsilon=1e-7,
    weight_decay=0.0, schedule="cosine", cycles=1, patience=15, warmup=5, sgd=Sgd(0, 1e-4, 5e-6, 0.9), epoch=10,
    validation=0, keep="lowest_training_loss", fused=True,
    checkpoint_minutes=10.0, hardware=HARDWARE,
    augmentation=Augmentation(SOME, SOME, SOME, Chance(180, 0.5), SOME, 0.5, SOME, SOME, "soft"),
    preprocess="",
)  # fmt: skip
HOLDING_OUT = replace(
    RECIPE, steps=20, epoch=4, validation=1, keep="lowest_validation_loss", schedule="plateau", patience=1, warmup=0,
    sgd=Sgd(12, 1e-2, 5e-6, 0.9), hardware=replace(HARDWARE, precision="32-true"),
)  # fmt: skip
ENTRY = NetworkEntry("iternet", "rgb", {"width": 4, "iterations": 2})
IDS = ["a", "b", "c"]


def data():
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(3, 48, 48, dtype=torch.uint8)
    labels[:, 20:24] = 1
    images = torch.randint(100, (3, 3, 48, 48), generator=generator, dtype=torch.uint8) + 100 * labels[:, None]
    return images, labels


def run(folder, recipe=RECIPE, last_image=255):
    images, labels = data()
    images[2].clamp_(max=last_image)
    generator = seed_everything(1)
    fabric = recipe.hardware.launch()
    checkpoint = Checkpoint(folder, "one")
    return loop.train(lambda: build_network(ENTRY), images, labels, IDS, recipe, generator, checkpoint, fabric)


def weights(network):
    return torch.cat([tensor.flatten() for tensor in network.state_dict().values()])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run"))


def test_same_seed_gives_the_same_bytes_of_weights_after_50_steps(trained, tmp_path):
    network, log = run(tmp_path)
    assert weights(network).numpy().tobytes() == weights(trained[0]).numpy().tobytes()
    assert log.equals(trained[1])


def test_loss_falls_and_the_log_holds_every_output(trained):
    log = trained[1]
    assert list(log.columns) == ["step", "loss", "loss_1", "loss_2", "learning_rate"]
    assert list(log.step) == [10, 20, 30, 40, 50]
    assert log.loss.iloc[-1] < 0.7 * log.loss.iloc[0]
    assert log.loss.to_numpy() == pytest.approx((log.loss_1 + log.loss_2).to_numpy(), abs=1e-5)


def stop_at(step, monkeypatch):
    """Send the signal of Ctrl-C while a batch is drawn, and return the list that every draw is noted in."""
    steps = []

    def draw(sampler, *arguments, compute=PatchSampler.draw):
        steps.append(1)
        if len(steps) == step:
            signal.raise_signal(signal.SIGINT)
        return compute(sampler, *arguments)

    monkeypatch.setattr(PatchSampler, "draw", draw)
    return steps


def test_stopped_by_a_signal_it_goes_on_where_it_was(trained, tmp_path, monkeypatch):
    steps = stop_at(23, monkeypatch)
    with pytest.raises(UserError, match="stopped at step 23 of 50; run the same command again to go on"):
        run(tmp_path)
    assert (tmp_path / "last.pt").exists()
    network, log = run(tmp_path)
    assert len(steps) == 50, "no step is done twice"
    assert torch.equal(weights(network), weights(trained[0]))
    assert log.equals(trained[1])


def test_plateau_and_sgd_survive_a_stop(tmp_path, monkeypatch):
    validations = [1.0, 0.9, 0.95, 0.9, 0.8]  # an epoch each; the two after the best so far are bad
    waiting = iter(2 * validations)
    monkeypatch.setattr(Learner, "validate", lambda *_: next(waiting))
    uninterrupted, log = run(tmp_path / "uninterrupted", HOLDING_OUT)
    sgd = [1e-2 / (1 + 5e-6 * 3), 1e-3 / (1 + 5e-6 * 7)]  # after 3 and 7 of its steps, the last ones at a tenth
    assert log.learning_rate.to_list() == pytest.approx([5e-3, 5e-3, 5e-3, *sgd], rel=1e-9)
    assert log.validation.to_list() == validations
    stop_at(18, monkeypatch)
    with pytest.raises(UserError, match="stopped at step 18 of 20"):
        run(tmp_path / "stopped", HOLDING_OUT)
    resumed, again = run(tmp_path / "stopped", HOLDING_OUT)
    assert torch.equal(weights(resumed), weights(uninterrupted))
    assert again.equals(log)


def test_the_lowest_validation_loss_is_what_is_kept(tmp_path):
    recipe = replace(HOLDING_OUT, schedule="constant", sgd=Sgd(12, 1.0, 0.0, 0.9))  # which spoils it
    network, log = run(tmp_path, recipe)
    images, labels = (tensor[2:] for tensor in data())
    corners = [(row, column) for row in (0, 16) for column in (0, 16)]  # patches of 32 in 48
    with torch.no_grad():
        losses = [
            binary_cross_entropy_with_logits(
                network.eval()(images[:, :, row : row + 32, column : column + 32] / 255)[-1][:, 0],
                labels[:, row : row + 32, column : column + 32].float(),
            )
            for row, column in corners
        ]
    assert log.validation.min() == pytest.approx(float(sum(losses) / 4), abs=1e-5)
    assert log.validation.idxmin() < 4, "not simply the last"


def test_what_is_held_out_is_not_trained_on(tmp_path):
    recipe = replace(HOLDING_OUT, schedule="constant", keep="last", steps=8)
    network, log = run(tmp_path / "one", recipe)
    same, other_log = run(tmp_path / "other", recipe, last_image=0)
    assert torch.equal(weights(network), weights(same))
    assert (log.validation != other_log.validation).all()
    assert log.drop(columns="validation").equals(other_log.drop(columns="validation"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": 3}, "validation is 3, but there are 3 training images; hold fewer out, so that one is left"),
        ({"patch": 49}, "patch is 49, but the training images are of 48 x 48 pixels; take a smaller patch"),
    ],
)
def test_images_that_do_not_fit_the_recipe_are_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=f"params.yaml: train: {message}"):
        run(tmp_path, replace(HOLDING_OUT, **change))


def test_sgd_takes_over_from_adam_at_its_step():
    hardware = replace(HARDWARE, precision="32-true")
    recipe = replace(RECIPE, schedule="constant", warmup=0, sgd=Sgd(1, 0.5, 0.25, 0.9), hardware=hardware)
    images, labels = data()
    image, label = images / 255, labels[:, None].float()
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1))
    network.forward = lambda x: [network[0](x)]
    learner = Learner(network, recipe, hardware.launch())

    def gradients():
        loss = binary_cross_entropy_with_logits(network[0](image), label)
        return torch.autograd.grad(loss, list(network.parameters()))

    velocity = [0.0, 0.0]
    for step, rate in enumerate([None, 0.5, 0.4]):  # SGD: 0.5, then 0.5 / 1.25
        before, slopes = [p.detach().clone() for p in network.parameters()], gradients()
        learner.step(step, image, label)
        velocity = [0.9 * v + g if rate else 0.0 for v, g in zip(velocity, slopes, strict=True)]
        moves = [rate * v if rate else 5e-3 * g.sign() for v, g in zip(velocity, slopes, strict=True)]  # Adam's first
        for parameter, old, move in zip(network.parameters(), before, moves, strict=True):
            torch.testing.assert_close(parameter.detach(), old - move, atol=1e-6, rtol=1e-5)


def test_a_checkpoint_of_another_run_is_set_aside_and_said_so(tmp_path, capsys):
    short = replace(RECIPE, steps=2, epoch=2)
    Checkpoint(tmp_path, "another").save({"run": {}})
    run(tmp_path, short)
    assert (
        "not used, it was made with other parameters, data or code; moved to last.aside.pt" in capsys.readouterr().out
    )
    assert (tmp_path / "last.aside.pt").exists()


def test_a_loss_that_is_not_finite_names_step_and_images(tmp_path):
    with pytest.raises(
        UserError, match=r"the loss of step \d+ is \[.*nan.*it must be finite; the batch came from images [abc]"
    ):
        run(tmp_path, replace(RECIPE, learning_rate=1e30, warmup=0))


def test_the_lowest_training_loss_is_what_is_kept(tmp_path, monkeypatch):
    def count(run_state, learner, *held_out, close=loop.close_epoch):
        run_state.losses[:] = [[1.0, abs(run_state.step - 20.0)]]  # made lowest after 20 steps
        close(run_state, learner, *held_out)
        if run_state.step == 20:
            kept.append(weights(learner.network.module).clone())

    kept = []
    monkeypatch.setattr(loop, "close_epoch", count)
    network, _ = run(tmp_path)
    assert torch.equal(weights(network), kept[0])
