"""Layers that consist of a function and its parameters. The functions are in `nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy.typing as npt

from fastgrad._engine import Tensor, no_grad
from fastgrad.errors import BadSetting, ShapeError, bad_axis
from fastgrad.functions.constants import empty
from fastgrad.nn import functional as F
from fastgrad.nn import init, messages
from fastgrad.nn.affine import Affine
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.random import generator
from fastgrad.nn.reductions import as_tensor


class Identity(Module):
    """Returns its input. Arguments of the constructor are ignored, so that it can replace other layers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

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


class Unflatten(Module):
    """Divides the axis `dim` into axes of the lengths `unflattened_size`, of which one may be -1."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        if not -x.ndim <= self.dim < x.ndim:
            raise bad_axis("Unflatten", self.dim, x.ndim)
        at = self.dim % x.ndim
        return x.reshape((*x.shape[:at], *self.unflattened_size, *x.shape[at + 1 :]))

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Linear(Affine):
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

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """`sum over i, j of x1[i] * weight[k, i, j] * x2[j] + bias[k]`.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (out_features, in1_features, in2_features)
    bias : Tensor, shape (out_features,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(in1_features)`.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty((out_features, in1_features, in2_features), dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, dtype=dtype)) if bias else None)
        self.reset_parameters(rng=rng)

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for weight and bias."""
        rng, bound = generator(rng), 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, rng=rng)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class CosineSimilarity(Module):
    """`nn.functional.cosine_similarity` along the axis `dim`."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """`nn.functional.pairwise_distance` along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class Dropout(Module):
    """In training mode, sets each element to 0 with probability `p` and multiplies the others by `1 / (1 - p)`.

    Parameters
    ----------
    p : float
    inplace : bool
        Whether the operand is overwritten.
    rng : numpy.random.Generator or int, optional
        Source of random numbers; by default the generator of the package, see `fg.nn.seed`.

    Raises
    ------
    ValueError
        If `p` is not from 0 to 1.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: init.Rng = None) -> None:
        if not 0 <= p <= 1:
            raise messages.bad_probability(type(self).__name__, "p", p)
        self.p, self.inplace, self.rng = p, inplace, None if rng is None else generator(rng)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, self.inplace, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}" + (", inplace=True" if self.inplace else "")


class Dropout1d(Dropout):
    """As `Dropout`, for whole channels of (batch, channels, length)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout1d(x, self.p, self.training, self.inplace, rng=self.rng)


class Dropout2d(Dropout):
    """As `Dropout`, for whole channels of (batch, channels, height, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.p, self.training, self.inplace, rng=self.rng)


class Embedding(Module):
    """A table of vectors, indexed by row number.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
    padding_idx : int, optional
        The number of a row that is initialized to zeros and receives no gradient.
    max_norm : float, optional
        Rows that are used and whose norm is larger are first scaled to this norm, in place.
    norm_type : float
        The order of the norm for `max_norm`.
    scale_grad_by_freq : bool
        Whether the gradient of each row is divided by the number of its occurrences in the batch.
    sparse : bool
        Must be False: gradients are arrays.
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
        If `padding_idx` is out of range, or `sparse` is set.
    """

    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx={padding_idx} is out of range for {num_embeddings} rows")
        if sparse:
            raise BadSetting("Embedding: sparse=True is not supported, gradients are arrays: omit it")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype))
        self.reset_parameters(rng=rng)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """Return a table with a copy of `embeddings` as its weight, which is not trained if `freeze` is set.

        Parameters
        ----------
        embeddings : Tensor or array, shape (num_embeddings, embedding_dim)
        freeze : bool
        padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse
            Those of the class.

        Raises
        ------
        ShapeError
            If `embeddings` does not have two axes.
        """
        weight = as_tensor(embeddings)
        if weight.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: embeddings must have two axes, got shape {weight.shape}")
        made = cls(*weight.shape, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        made.weight = Parameter(weight, requires_grad=not freeze)
        return made

    def reset_parameters(self, *, rng: init.Rng = None) -> None:
        """Draw new values for the weight."""
        init.normal_(self.weight, rng=rng)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(
            indices, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        )

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
