import signal
from dataclasses import replace

import pytest
import torch

from vesselbench.config import UserError
from vesselbench.data.augment import Augmentation, Chance
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.training import loop, step
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.determinism import seed_everything
from vesselbench.training.recipe import Recipe

SOME = Chance(0.2, 0.5)
HARDWARE = Hardware(
    accelerator="cpu", devices=1, nodes=1, precision="bf16-mixed", channels_last=True, compile="", threads=0
)
RECIPE = Recipe(
    steps=50, batch=4, crops_per_image=2, patch=32, learning_rate=5e-3, betas=(0.9, 0.999), epsilon=1e-7,
    schedule="cosine", warmup=5, epoch=10, keep="lowest_training_loss", fused=True,
    checkpoint_minutes=10.0, hardware=HARDWARE,
    augmentation=Augmentation(SOME, SOME, SOME, Chance(180, 0.5), SOME, 0.5, SOME, SOME),
    preprocess="",
)  # fmt: skip
ENTRY = NetworkEntry("iternet", "rgb", {"width": 4, "iterations": 2})
IDS = ["a", "b", "c"]


def data():
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(3, 48, 48, dtype=torch.uint8)
    labels[:, 20:24] = 1
    images = torch.randint(100, (3, 3, 48, 48), generator=generator, dtype=torch.uint8) + 100 * labels[:, None]
    return images, labels


def run(folder, recipe=RECIPE, identity="one"):
    generator = seed_everything(1)
    fabric = recipe.hardware.launch()
    checkpoint = Checkpoint(folder, identity)
    return loop.train(lambda: build_network(ENTRY), *data(), IDS, recipe, generator, checkpoint, fabric)


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


def test_stopped_by_a_signal_it_goes_on_where_it_was(trained, tmp_path, monkeypatch):
    steps = []

    def stop_at_23(logits, truth, compute=step.output_losses):
        steps.append(1)
        if len(steps) == 23:
            signal.raise_signal(signal.SIGINT)
        return compute(logits, truth)

    monkeypatch.setattr(step, "output_losses", stop_at_23)
    with pytest.raises(UserError, match="stopped at step 23 of 50; run the same command again to go on"):
        run(tmp_path)
    assert (tmp_path / "last.pt").exists()
    network, log = run(tmp_path)
    assert len(steps) == 50, "no step is done twice"
    assert torch.equal(weights(network), weights(trained[0]))
    assert log.equals(trained[1])


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
    def count(run_state, recipe, network, close=loop._close_epoch):
        run_state.losses[:] = [[1.0, abs(run_state.step - 20.0)]]  # made lowest after 20 steps
        close(run_state, recipe, network)
        if run_state.step == 20:
            kept.append(weights(network.module).clone())

    kept = []
    monkeypatch.setattr(loop, "_close_epoch", count)
    network, _ = run(tmp_path)
    assert torch.equal(weights(network), kept[0])
