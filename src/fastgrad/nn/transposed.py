"""Transposed convolutions as functions and layers: the gradient of a convolution with respect to its input."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from fastgrad import errors
from fastgrad._engine import Tensor
from fastgrad.functions.constants import empty
from fastgrad.nn import init
from fastgrad.nn.affine import Affine
from fastgrad.nn.module import Parameter
from fastgrad.nn.reductions import as_tensor
from fastgrad.nn.windows import Lengths
from fastgrad.rules import messages
from fastgrad.rules.convolution import conv_input
from fastgrad.rules.windows import per_axis


def _transposed(op, n, x, weight, bias, stride, padding, output_padding, groups, dilation):
    x, weight = as_tensor(x), as_tensor(weight)
    if x.ndim != n + 2 or weight.ndim != n + 2:
        raise messages.conv_rank(op, n, x.shape, weight.shape)
    if groups < 1 or x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        raise errors.ShapeError(
            f"{op}: got an input of {x.shape[1]} channels, a weight of shape {weight.shape} and groups={groups}: "
            "the first axis of the weight must have the length of the channels, which groups must divide"
        )
    stride, padding = per_axis(op, "stride", stride, n, 1), per_axis(op, "padding", padding, n, 0)
    more, dilation = per_axis(op, "output_padding", output_padding, n, 0), per_axis(op, "dilation", dilation, n, 1)
    if any(extra >= step for extra, step in zip(more, stride)):
        raise errors.ShapeError(f"{op}: output_padding={more} must be less than stride={stride}")
    lengths = tuple(
        (m - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for m, s, p, d, k, extra in zip(x.shape[2:], stride, padding, dilation, weight.shape[2:], more)
    )
    if min(x.shape[2:]) < 1 or min(lengths) < 1:
        raise errors.ShapeError(
            f"{op}: an input of shape {x.shape} gives lengths {lengths}, which must be at least 1: use less padding"
        )
    y = conv_input(x, weight, lengths, stride, padding, dilation, groups)
    return y if bias is None else y + as_tensor(bias).reshape((-1, *(1,) * n))


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Return the transposed convolution along one axis.

    Parameters
    ----------
    input : Tensor or array, shape (batch, channels, length)
    weight : Tensor or array, shape (channels, out_channels / groups, kernel)
    bias : Tensor or array, shape (out_channels,), optional
    stride, padding, dilation : int
        Those of the convolution whose transpose this is.
    output_padding : int
        Added to the length of the result; less than `stride`.
    groups : int

    Returns
    -------
    Tensor
        Shape (batch, out_channels, m), where
        `m = (length - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`.

    Raises
    ------
    ShapeError
        If the shapes or parameters do not fit.
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Return the transposed convolution along two axes.

    Parameters
    ----------
    input : Tensor or array, shape (batch, channels, height, width)
    weight : Tensor or array, shape (channels, out_channels / groups, kh, kw)
    bias : Tensor or array, shape (out_channels,), optional
    stride, padding, dilation : int or pair of int
        Those of the convolution whose transpose this is.
    output_padding : int or pair of int
        Added to the lengths of the result; less than `stride`.
    groups : int

    Returns
    -------
    Tensor
        Shape (batch, out_channels, m_h, m_w), with lengths as for `conv_transpose1d`.

    Raises
    ------
    ShapeError
        If the shapes or parameters do not fit.
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


class _ConvTranspose(Affine):
    """Base of both transposed convolutions."""

    _axes = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Lengths = 0,
        output_padding: Lengths = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Lengths = 1,
        *,
        dtype: npt.DTypeLike = float,
        rng: init.Rng = None,
    ) -> None:
        name, n = type(self).__name__, self._axes
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise messages.layer_size(
                name, "groups", groups, f"it must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, n, 1)
        self.stride, self.padding = per_axis(name, "stride", stride, n, 1), per_axis(name, "padding", padding, n, 0)
        self.output_padding = per_axis(name, "output_padding", output_padding, n, 0)
        self.dilation = per_axis(name, "dilation", dilation, n, 1)
        self.weight = Parameter(empty((in_channels, out_channels // groups, *self.kernel_size), dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters(rng=rng)

    def _options(self) -> tuple[Any, ...]:
        return self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in ("padding", 0), ("dilation", 1), ("output_padding", 0):
            if getattr(self, name) != (usual,) * self._axes:
                said += f", {name}={getattr(self, name)}"
        if self.groups != 1:
            said += f", groups={self.groups}"
        return said + (", bias=False" if self.bias is None else "")


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution along one axis; see `nn.functional.conv_transpose1d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding : int or tuple of one int
        `output_padding` is added to the length of the result, and is less than `stride`.
    groups : int
        Must divide both numbers of channels.
    bias : bool
    dilation : int or tuple of one int
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (in_channels, out_channels / groups, kernel_size)
    bias : Tensor, shape (out_channels,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(out_channels / groups * kernel_size)`.

    Raises
    ------
    ShapeError
        If groups do not divide the channels, or a length is less than 1.
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        return conv_transpose1d(x, self.weight, *self._options())


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution along two axes; see `nn.functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding : int or pair of int
        `output_padding` is added to the lengths of the result, and is less than `stride`.
    groups : int
        Must divide both numbers of channels.
    bias : bool
    dilation : int or pair of int
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (in_channels, out_channels / groups, *kernel_size)
    bias : Tensor, shape (out_channels,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(out_channels / groups * kh * kw)`.

    Raises
    ------
    ShapeError
        If groups do not divide the channels, or a length is less than 1.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        return conv_transpose2d(x, self.weight, *self._options())
