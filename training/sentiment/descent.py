"""One way down for pre-training and fine-tuning: AdamW, a warm-up, then a straight line to zero.

What does not belong here: what the loss is, and in which order texts come.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Told = Callable[[int, int, float], None]
"""Called after each step with the steps done, all of them, and the loss."""

CLIP = 1.0
WEIGHT_DECAY = 0.01


class Descent:
    """AdamW on a network (I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, 2019); biases and norms do not decay.

    Parameters
    ----------
    network : whose parameters move.
    total : steps in all.
    rate : learning rate at its highest.
    warm_up : share of the steps in which the rate rises to it.
    on_step : told of each step.
    """

    def __init__(self, network: Any, total: int, rate: float, warm_up: float, on_step: Told | None) -> None:
        import torch
        from transformers import get_linear_schedule_with_warmup

        named = [(name, one) for name, one in network.named_parameters() if one.requires_grad]
        groups = [
            {"params": [one for _, one in named if one.ndim > 1], "weight_decay": WEIGHT_DECAY},
            {"params": [one for _, one in named if one.ndim <= 1], "weight_decay": 0.0},
        ]
        self._parameters = [one for _, one in named]
        self._optimizer = torch.optim.AdamW(groups, lr=rate)
        self._schedule = get_linear_schedule_with_warmup(self._optimizer, round(warm_up * total), total)
        self._done, self._total, self._on_step = 0, total, on_step

    def step(self, loss: "torch.Tensor") -> float:
        """The loss, after one step against its gradient."""
        import torch

        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, CLIP)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad()
        self._done += 1
        found = float(loss.detach())
        if self._on_step is not None:
            self._on_step(self._done, self._total, found)
        return found
