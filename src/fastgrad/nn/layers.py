"""Layers that consist of a function and its parameters. The functions are in `nn.functional`."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from fastgrad._engine import Tensor, no_grad
from fastgrad.functions.constants import empty
from fastgrad.nn import functional as F
from fastgrad.nn import init, messages
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import generator


class Identity(Module):
    """Returns its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Flatten(Module):
    """Flattens the axes from `start_dim` to `end_dim` into one: (n, 3, 4) becomes (n, 12)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Linear(Module):
    """Affine map `x @ weight.T + bias`.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (out_features, in_features)
    bias : Tensor, shape (out_features,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(in_features)`.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, dtype=dtype)) if bias else None)
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for weight and bias."""
        rng = generator(rng)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), rng=rng)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Dropout(Module):
    """In training mode, sets each element to 0 with probability `p` and multiplies the others by `1 / (1 - p)`.

    Parameters
    ----------
    p : float
    rng : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.
    """

    def __init__(self, p: float = 0.5, *, rng: init.Rng = None) -> None:
        if not 0 <= p <= 1:
            raise messages.bad_probability("Dropout", "p", p)
        self.p, self.rng = p, None if rng is None else generator(rng)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Embedding(Module):
    """A table of vectors, indexed by row number.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    padding_idx : int, optional
        The number of a row that is initialized to zeros and receives no gradient.
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (num_embeddings, embedding_dim)
        Drawn from N(0, 1).

    Raises
    ------
    ValueError
        If `padding_idx` is out of range.
    """

    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx={padding_idx} is out of range for {num_embeddings} rows")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype))
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for the weight."""
        init.normal_(self.weight, rng=rng)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(indices, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
