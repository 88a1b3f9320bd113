"""Normalization layers: batch norm, with its running statistics, and layer norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor, no_grad
from fastgrad.errors import ShapeError
from fastgrad.functions.constants import ones, zeros
from fastgrad.nn import functional as F
from fastgrad.nn import messages
from fastgrad.nn.module import Module, Parameter


class _BatchNorm(Module):
    ndims: tuple[int, ...] = ()
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _synchronized: Any = None  # a function of `fastgrad.parallel`, which normalizes with the batches of all ranks

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: npt.DTypeLike = float,
    ) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(np.ones(num_features, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(np.zeros(num_features, dtype)) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=np.int64) if tracked else None)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            raise messages.layer_shape(repr(self), x.shape, " or ".join(map(self._wanted, self.ndims)))
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked += 1
            if self.momentum is None:  # cumulative average over all batches
                momentum = 1 / self.num_batches_tracked.item()
        batch = self.training or self.running_mean is None
        if batch and self._synchronized is not None:
            return self._synchronized(
                x, self.running_mean, self.running_var, self.weight, self.bias, momentum, self.eps
            )
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, batch, momentum, self.eps)

    def _wanted(self, ndim: int) -> str:
        return f"(batch, {self.num_features}" + ", ..." * (ndim > 2) + ")"

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch norm of (batch, features) or (batch, features, length), for each feature.

    In training mode it uses the mean and biased variance of the batch and updates the running statistics; in evaluation
    mode it uses the running statistics.

    Parameters
    ----------
    num_features : int
    eps : float
        Added to the variance.
    momentum : float or None
        The weight of a batch in the running statistics. None computes the average over all batches.
    affine : bool
        Whether there are parameters `weight` and `bias`.
    bias : bool
        Whether there is a parameter `bias`.
    track_running_stats : bool
        If False, evaluation mode uses the statistics of the batch too.
    dtype : dtype
    """

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch norm of (batch, channels, height, width), for each channel; parameters as for `BatchNorm1d`."""

    ndims = (4,)


class LayerNorm(Module):
    """`(x - mean) / sqrt(var + eps) * weight + bias`, with the mean and variance over the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of these axes, and the shape of `weight` and `bias`.
    eps : float
    elementwise_affine : bool
        Whether there are parameters `weight` and `bias`.
    bias : bool
        Whether there is a parameter `bias`.
    dtype : dtype
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = float,
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", Parameter(np.ones(shape, dtype)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(np.zeros(shape, dtype)) if elementwise_affine and bias else None)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class GroupNorm(Module):
    """`(x - mean) / sqrt(var + eps) * weight + bias`, with the statistics of each group of channels of each example.

    Parameters
    ----------
    num_groups : int
        Must divide `num_channels`.
    num_channels : int
    eps : float
    affine : bool
        Whether there are parameters `weight` and `bias`, of shape (num_channels,).
    bias : bool
        Whether there is a parameter `bias`.
    dtype : dtype

    Raises
    ------
    ShapeError
        If the groups do not divide the channels.
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: npt.DTypeLike = float,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(np.ones(num_channels, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(np.zeros(num_channels, dtype)) if affine and bias else None)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise messages.layer_shape(repr(self), x.shape, f"(batch, {self.num_channels}, ...)")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, {affine}"


class _InstanceNorm(_BatchNorm):
    """Base of both instance norms, which by default have no parameters and no running statistics."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: npt.DTypeLike = float,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        single = x.ndim == self.ndims[0] - 1
        shape = (1, *x.shape) if single else x.shape
        if len(shape) not in self.ndims or shape[1] != self.num_features:
            raise messages.layer_shape(repr(self), x.shape, self._wanted(self.ndims[0]))
        own = self.training or self.running_mean is None
        y = F.instance_norm(
            x.reshape(shape), self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum, self.eps
        )
        return y[0] if single else y


class InstanceNorm1d(_InstanceNorm):
    """Instance norm of (batch, channels, length), for each channel of each example.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float
    momentum : float
        The weight of a batch in the running statistics.
    affine : bool
        Whether there are parameters `weight` and `bias`.
    track_running_stats : bool
        Whether there are running statistics, which evaluation mode uses.
    bias : bool
        Whether there is a parameter `bias`.
    dtype : dtype
    """

    ndims = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Instance norm of (batch, channels, height, width), for each channel; parameters as for `InstanceNorm1d`."""

    ndims = (4,)
