"""Batch norm with the moments of the batches of all ranks."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastgrad._engine import Tensor, no_grad
from fastgrad.functions.joining import concat
from fastgrad.nn.normalization import BatchNorm1d, BatchNorm2d
from fastgrad.parallel import messages
from fastgrad.parallel.ranks import Ranks, ranks
from fastgrad.primitives import primitive


class _Synchronized:
    """Normalizes a batch as `F.batch_norm` does the batch of all ranks together."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self._make()

    def _make(self) -> None:
        """Make the ops: the sum over ranks, its vjp, and the sum of a vector that ends with a number of rows.

        The gradient of the run is that of the sum of `share * loss` over the ranks, and each rank's own is multiplied
        with its share afterwards.
        """
        ranks = self.ranks

        @primitive(vjp=None)
        def weighted_total(g):
            weighted = np.zeros_like(g) if ranks.share == 0 else np.array(g * ranks.share)
            ranks.add_up(weighted, "the gradients of a batch norm")
            return weighted / ranks.share if ranks.share else weighted

        @primitive(vjp=lambda g, x: weighted_total(g))
        def total(x):
            x = np.array(x)
            ranks.add_up(x, "the moments of a batch norm")
            return x

        @primitive(vjp=lambda g, x: weighted_total(g))
        def total_and_rows(x):
            x = np.array(x)
            ranks.add_up(x, "the moments of a batch norm")
            if x[-1] < 2:
                raise messages.one_value()
            return x

        self.total, self.total_and_rows = total, total_and_rows

    def __call__(self, x: Tensor, mean: Any, var: Any, weight: Any, bias: Any, momentum: float, eps: float) -> Tensor:
        axes = (0, *range(2, x.ndim))
        per_channel = lambda p: p.reshape((-1, *(1,) * (x.ndim - 2)))
        counts = float(self.ranks.share != 0)  # the rows of a rank that has none are not its own
        rows = np.full(1, x.size // x.shape[1] * counts, x.dtype)
        sums = self.total_and_rows(concat([x.sum(axes) * counts, rows]))
        n = sums[-1:].detach()
        centre = sums[:-1] / n
        centred = x - per_channel(centre)
        variance = self.total((centred * centred).sum(axes) * counts) / n
        scale = (variance + eps) ** -0.5
        y = centred * per_channel(scale if weight is None else scale * weight)
        with no_grad():
            if mean is not None:
                mean += momentum * (centre - mean)
            if var is not None:
                var += momentum * (variance * (n / (n - 1)) - var)
        return y if bias is None else y + per_channel(bias)

    def __deepcopy__(self, memo: Any) -> _Synchronized:
        return self

    def __reduce__(self) -> Any:
        return _Synchronized, (self.ranks,)


def synchronize_batch_norm(model: Any, *, comm: Any = None) -> int:
    """Let the batch norms of a model use the mean and variance of the batches of all ranks together.

    Training is then that of one process with the whole batch, and the running statistics are the same on all ranks.
    Without it, each rank normalizes with its own rows. It takes two sums over the ranks in each direction and layer.

    Parameters
    ----------
    model : Module
        Whose layers `BatchNorm1d` and `BatchNorm2d` are changed.
    comm : communicator of mpi4py, or Ranks, optional

    Returns
    -------
    int
        The number of layers that were found.
    """
    layers = [module for module in model.modules() if isinstance(module, (BatchNorm1d, BatchNorm2d))]
    found = ranks(comm)
    for layer in layers:
        layer._synchronized = _Synchronized(found) if found.size > 1 else None
    return len(layers)
