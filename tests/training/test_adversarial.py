"""Adversarial training of BF-Net: its step against the released one, resumed bit by bit, and what it refuses."""

import copy

import pytest
import torch
from test_loop import stop_at
from test_recipe import recipe
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vesselbench.config import UserError
from vesselbench.data.task import find_task
from vesselbench.device import start_fabric
from vesselbench.models.build import build_network
from vesselbench.training.adversarial import Adversarial
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.loop import seed_everything, train
from vesselbench.training.loss import output_losses, probabilities
from vesselbench.training.method import Supervised

ADVERSARY = {"weight": 0.08, "updates": 3, "sigmoid_twice": False}
LOSS = {"cross_entropy": 1.1, "squared": 0.5}
PLAIN = {"schedule": "constant", "warmup": 0, "precision": "32-true", "branches": "constant", "loss": LOSS}
PLAIN |= {"learning_rate": 8e-4, "betas": [0.5, 0.999], "epsilon": 1e-8}
VARIANTS = {"artery_vein_released": "sigmoid", "artery_vein_softmax_released": "softmax"}


def adversarial(how, task, **arguments):
    """Prepare BF-Net at its smallest for training; its weights are the same each time."""
    torch.manual_seed(0)
    arguments = {"width": 2, "branch_targets": "all", **arguments}
    network = build_network("bfnet", arguments, classes=len(find_task(task).channels))
    return Adversarial(network, how, start_fabric(how.precision, 1), find_task(task))


def batch(task):
    """Draw an image and a label of random classes, as the sampler gives them."""
    classes = torch.randint(5, (2, 1, 32, 32))
    label = torch.cat([torch.isin(classes, torch.tensor(own)) for own in find_task(task).channels.values()], dim=1)
    return torch.rand(2, 3, 32, 32).contiguous(memory_format=torch.channels_last), label.float()


class Released:
    """The released step, literally: each generator passed through and updated on its own, after the adversary."""

    def __init__(self, method):
        self.network, self.critic = copy.deepcopy((method.network.module, method.critic.module))
        self.generators = [*self.network.branches, self.network.main]
        self.rates = [group for part in (*self.generators, self.critic) for group in self.adam(part).param_groups]
        self.recipe, self.exclusive = method.recipe, method.task.exclusive

    def adam(self, part):
        part.optimizer = torch.optim.Adam(part.parameters(), 8e-4, (0.5, 0.999), 1e-8, fused=True)
        return part.optimizer

    def judge(self, image, map_, goal):
        logits = self.critic(image, map_)
        logits = torch.sigmoid(logits) if self.recipe.adversary.sigmoid_twice else logits
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, goal))

    def update(self, part, loss):
        for other in (*self.generators, self.critic):
            other.zero_grad()
        loss.backward()
        part.optimizer.step()

    def step(self, image, label):
        targets = [label] * 3 if self.exclusive else [label[:, [0, 0, 0]], label[:, [2, 2, 2]], label]
        image = self.network.normalised(image)
        found = [branch(image) for branch in self.network.branches]
        seen = [(features if self.exclusive else logits.sigmoid()).detach() for logits, features in found]
        logits = [*(logits for logits, _ in found), self.network.main(image, *seen)[-1]]
        for map_, target in zip(logits, targets, strict=True):
            map_ = probabilities(map_, self.exclusive).detach()
            self.update(self.critic, loss := self.judge(image, target, 1.0) + self.judge(image, map_, 0.0))
        values = []
        for part, target in zip(self.generators, targets, strict=True):
            outputs = part(image, *seen) if part is self.network.main else [part(image)[0]]
            own = output_losses(outputs, target, None, self.recipe.loss, self.exclusive)
            weights = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1])[-len(own) :]
            deceit = self.judge(image, probabilities(outputs[-1], self.exclusive), 1.0)
            self.update(part, (weights * own).sum() + 0.08 * deceit)
            values.append(own.detach())
        return torch.cat([values[2][:3], values[0], values[1], values[2][3:], loss.detach()[None]])


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("task", "variant"), VARIANTS.items())
def test_one_pass_gives_the_losses_and_weights_of_the_released_four_bit_by_bit(task, variant, twice):
    how = recipe(**PLAIN, adversary=ADVERSARY | {"sigmoid_twice": twice})
    method = adversarial(how, task, variant=variant, normalise="divide")
    released = Released(method)
    for number, reductions in enumerate([(1.0, 1.0), (0.5, 0.25), (0.5, 0.25)]):
        image, label = batch(task)
        for group, reduction in zip(released.rates, (1.0, 1.0, *reductions), strict=True):  # the branches keep theirs
            group["lr"] = 8e-4 * reduction
        assert torch.equal(method.step(number, image, label, reductions), released.step(image, label))
    for name in ("network", "critic"):
        pairs = zip(method.parts[name].parameters(), getattr(released, name).parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
    assert all(parameter.requires_grad for parameter in method.critic.parameters())


def test_with_one_update_the_critic_learns_of_the_last_output_only_and_never_what_is_unknown():
    how = recipe(**PLAIN, adversary=ADVERSARY | {"updates": 1})
    first, second = (adversarial(how, "artery_vein", normalise="none") for _ in range(2))
    image = torch.rand(2, 3, 32, 32)
    label = (torch.rand(2, 3, 32, 32) > 0.5).float()
    other = torch.where(label[:, -1:] > 0, 1 - label, label)  # other kinds of vessel where it is unknown
    other[:, -1] = label[:, -1]
    judged, judge = [], first._judge
    first._judge = lambda images, maps, goal: judged.append((maps.detach(), goal)) or judge(images, maps, goal)
    losses = first.step(0, image, label)
    assert torch.equal(losses, second.step(0, image, other))
    assert [goal for _, goal in judged] == [1, 0, 1, 1, 1]
    assert torch.equal(judged[0][0], label[:, :2] * (1 - label[:, 2:]))
    assert all(not (maps * label[:, 2:]).any() for maps, _ in judged)


def test_stopped_it_goes_on_bit_by_bit_and_the_branches_keep_their_rate(tmp_path, monkeypatch):
    plateau = {"factor": 0.5, "watch": "last_batch"}
    few = {"steps": 6, "epoch": 1, "batch": 2, "crops_per_image": 1, "patch": [32, 48]}
    how = recipe(**PLAIN | few | {"schedule": "plateau", "patience": 0, "plateau": plateau, "adversary": ADVERSARY})
    images = torch.randint(256, (2, 3, 32, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)

    def run(folder):
        generator = seed_everything(0)
        method = adversarial(how, "artery_vein_released", normalise="multiply", variant="sigmoid")
        log = train(method, images, images // 128, "ab", how, generator, Checkpoint(folder))
        rates = [group["lr"] for part in ("adam", "critic_adam") for group in method.parts[part].param_groups]
        return method.state_dict(), log, rates

    state, log, rates = run(tmp_path / "whole")
    stop_at(monkeypatch, 3)
    with pytest.raises(UserError, match="stopped at step 3 of 6"):
        run(tmp_path / "stopped")
    again, same, _ = run(tmp_path / "stopped")
    assert log.equals(same)
    assert [*log.columns] == ["step", "loss", *(f"loss_{place}" for place in range(1, 7)), "critic", "learning_rate"]
    for part in ("network", "critic"):
        assert all(torch.equal(tensor, again[part][name]) for name, tensor in state[part].items())
    assert not any("critic" in name for name in state["network"])
    assert rates[1] == how.learning_rate, "of the branches"
    assert rates[0] < rates[1], "a plateau"


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (Adversarial, {"adversary": ADVERSARY}, "adversary is set, but the network has no critic; set it to null"),
        (Supervised, {"branches": "constant"}, "branches is 'constant', but the network has none; choose 'scheduled'"),
        (Supervised, {"validate_by": "weighted_f1", "validation": 1}, "but vessel are no kinds of vessel"),
    ],
)
def test_what_a_network_or_task_lacks_is_said(kind, changes, message):
    with pytest.raises(UserError, match=f"params.yaml: train: .*{message}"):
        kind(nn.Conv2d(3, 1, 1), recipe(**changes), start_fabric("32-true", 1), find_task("vessel"))
