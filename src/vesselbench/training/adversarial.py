"""Adversarial training: a critic learns to tell true maps from a network's, and the network to deceive it.

BF-Net (MICCAI 2021). Its released step passes a batch through all networks four times, one for each of their updates;
here it is once, with the same result: nothing couples them but maps that are cut from the graph.
"""

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vesselbench.config import PARAMS, UserError
from vesselbench.data.task import Task
from vesselbench.device import prepare_network
from vesselbench.training.loss import probabilities
from vesselbench.training.method import Supervised, make_adam
from vesselbench.training.recipe import Recipe


class Adversarial(Supervised):
    """Supervised training of a network that a critic judges too.

    The network says which of its outputs are ``judged``, makes its ``critic()``, which takes images and maps and
    returns logits, high for true maps, and what the critic sees of images: ``normalised(images)``. The critic is part
    of a checkpoint, not of the network's weights. The extra loss is that of its last update, on the last output.
    """

    extra = ("critic",)

    def __init__(self, network: nn.Module, recipe: Recipe, fabric: Fabric, task: Task):
        if not hasattr(network, "critic"):
            raise UserError(f"{PARAMS}: train: adversary is set, but the network has no critic; set it to null")
        super().__init__(network, recipe, fabric, task)
        self.judged, self.how = network.judged, recipe.adversary
        critic = prepare_network(network.critic(), recipe.compile)
        self.critic, self.critic_adam = fabric.setup(critic, make_adam(critic.parameters(), recipe))
        self.critic.train()
        self.parts |= {"critic": self.critic, "critic_adam": self.critic_adam}

    def step(self, number: int, image: Tensor, label: Tensor, reductions: Sequence[float] = (1.0,)) -> Tensor:
        """Update the critic on the maps as they are, then the network, which sees the critic's new judgement."""
        image = image.contiguous(memory_format=torch.channels_last)
        outputs = self._outputs(image)
        targets, known = self._targets(label)
        losses = self._losses(outputs, targets, known)
        images = self.network.normalised(image)
        shown = 1.0 if known is None else known  # of maps and targets, so that what is not known tells nothing
        maps = {place: probabilities(outputs[place], self.task.exclusive) * shown for place in self.judged}
        targets = targets.expand(len(outputs), *targets.shape[-4:]) * shown

        self.critic_adam.param_groups[0]["lr"] = reductions[-1] * self.recipe.rate(number)
        for place in self.judged[-self.how.updates :]:
            critic_loss = self._judge(images, targets[place], 1.0) + self._judge(images, maps[place].detach(), 0.0)
            self.critic_adam.zero_grad(set_to_none=True)
            self.fabric.backward(critic_loss)
            self.critic_adam.step()

        self.critic.requires_grad_(False)
        deceit = sum(self._judge(images, map_, 1.0) for map_ in maps.values())
        self._descend(number, reductions[0], losses, self.how.weight * deceit)
        self.critic.requires_grad_(True)
        return torch.cat([losses, critic_loss[None]]).detach()

    def _judge(self, images: Tensor, maps: Tensor, goal: float) -> Tensor:
        """Compute the mean cross-entropy of the critic's judgement of maps (B, K, H, W), where it shall be ``goal``."""
        logits = self.critic(images, maps).float()
        if self.how.sigmoid_twice:  # a mistake of the first release
            logits = logits.sigmoid()
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, goal))
