"""Layers that are a function and its parameters. What they compute stands in `nn.functional`."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from fastgrad._engine import Tensor, no_grad
from fastgrad.functions.constants import empty
from fastgrad.nn import functional as F
from fastgrad.nn import init
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import generator


class Identity(Module):
    """Returns what it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one: (n, 3, 4) becomes (n, 12)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Linear(Module):
    """`x @ weight.T + bias`.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Where the initial values are drawn from; the package's generator otherwise.

    Attributes
    ----------
    weight : Tensor, shape (out_features, in_features)
    bias : Tensor, shape (out_features,), or None
        Both from U(-k, k), `k = 1 / sqrt(in_features)`.
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
        """Draw weight and bias anew."""
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
    """In training mode each element 0 with probability `p`, the others times `1 / (1 - p)`.

    Parameters
    ----------
    p : float
    rng : numpy.random.Generator or int, optional
        Where the choice is drawn from; the package's generator (`fg.nn.seed`) otherwise.

    Raises
    ------
    ValueError
        For a `p` outside 0 to 1.
    """

    def __init__(self, p: float = 0.5, *, rng: init.Rng = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p={p} is no probability: it lies between 0 and 1")
        self.p, self.rng = p, None if rng is None else generator(rng)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Embedding(Module):
    """A table of vectors, read by row number.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    padding_idx : int, optional
        A row that starts as zeros and gets no gradient.
    dtype : dtype
    rng : numpy.random.Generator or int, optional

    Attributes
    ----------
    weight : Tensor, shape (num_embeddings, embedding_dim)
        From N(0, 1).
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
            raise ValueError(f"Embedding: padding_idx={padding_idx} is no row of {num_embeddings}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype))
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw the weight anew."""
        init.normal_(self.weight, rng=rng)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(indices, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
