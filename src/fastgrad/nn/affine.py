"""What layers with one weight and one bias share."""

from __future__ import annotations

import math

from fastgrad._engine import Tensor
from fastgrad.nn import init
from fastgrad.nn.module import Module
from fastgrad.nn.random import generator


class Affine(Module):
    """The base class of layers with a weight and, as an option, a bias, which are drawn as in PyTorch."""

    weight: Tensor
    bias: Tensor | None

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for weight and bias."""
        rng = generator(rng)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), rng=rng)
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
            init.uniform_(self.bias, -bound, bound, rng=rng)
