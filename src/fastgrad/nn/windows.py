"""Convolution and pooling as functions and layers. The ops are rules; 1-d pooling uses images of height 1."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

from fastgrad._engine import Tensor, asarray
from fastgrad.functions.constants import empty
from fastgrad.nn import init
from fastgrad.nn.affine import Affine
from fastgrad.nn.module import Module, Parameter
from fastgrad.rules import messages
from fastgrad.rules.convolution import conv1d, conv2d
from fastgrad.rules.pooling import avg_pool2d, max_pool2d
from fastgrad.rules.windows import padding_pairs, per_axis

Lengths: TypeAlias = int | tuple[int, ...]
Padding: TypeAlias = str | int | tuple[int, ...] | tuple[tuple[int, int], ...]


def _flat(op: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1) -> list[Any]:
    """Return the parameters of pooling along one axis in the form for images of height 1."""
    (kernel,) = per_axis(op, "kernel_size", kernel_size, 1, 1)
    (step,) = (kernel,) if stride is None else per_axis(op, "stride", stride, 1, 1)
    sides = padding_pairs(op, padding, 1)
    if isinstance(sides, str):
        raise messages.pool_padding(op, sides, (kernel,))
    (gap,) = per_axis(op, "dilation", dilation, 1, 1)
    return [(1, kernel), (1, step), ((0, 0), sides[0]), (1, gap)]


def _planes(op: str, x: Tensor | npt.ArrayLike) -> Tensor:
    """Return `x` as images of height 1."""
    x = x if isinstance(x, Tensor) else asarray(x)
    if x.ndim < 1:
        raise messages.pool_rank(op, x.shape, "length")
    return x.reshape((*x.shape[:-1], 1, x.shape[-1]))


def _line(y: Tensor) -> Tensor:
    return y.reshape((*y.shape[:-2], y.shape[-1]))


def max_pool1d(x, kernel_size, stride=None, padding=0, dilation=1):
    """Return the largest element of each window over the last axis.

    Parameters
    ----------
    x : Tensor or array, shape (..., length)
    kernel_size, stride, padding, dilation : int
        `stride` is `kernel_size` by default.

    Returns
    -------
    Tensor, shape (..., (length + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1)

    Raises
    ------
    ShapeError
        If no window fits, a parameter is less than 1, or the padding is more than half of the kernel.
    """
    kernel, step, sides, gap = _flat("max_pool1d", kernel_size, stride, padding, dilation)
    return _line(max_pool2d(_planes("max_pool1d", x), kernel, step, sides, gap))


def avg_pool1d(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Return the mean of each window over the last axis.

    Parameters
    ----------
    x : Tensor or array, shape (..., length)
    kernel_size, stride, padding : int
        `stride` is `kernel_size` by default.
    count_include_pad : bool
        Whether the mean includes the zeros of the padding.

    Returns
    -------
    Tensor, shape (..., (length + 2 padding - kernel_size) // stride + 1)

    Raises
    ------
    ShapeError
        If no window fits, a parameter is less than 1, or the padding is more than half of the kernel.
    """
    kernel, step, sides, _ = _flat("avg_pool1d", kernel_size, stride, padding)
    return _line(avg_pool2d(_planes("avg_pool1d", x), kernel, step, sides, count_include_pad))


class _Conv(Affine):
    """Base of both convolutions."""

    _axes = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Lengths,
        stride: Lengths = 1,
        padding: Padding = 0,
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
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
        self.stride = per_axis(name, "stride", stride, n, 1)
        self.dilation = per_axis(name, "dilation", dilation, n, 1)
        padding_pairs(name, padding, n)
        self.padding = (padding,) * n if isinstance(padding, int) else padding
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters(rng=rng)

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self._axes:
            said += f", padding={self.padding}"
        if self.dilation != (1,) * self._axes:
            said += f", dilation={self.dilation}"
        if self.groups != 1:
            said += f", groups={self.groups}"
        return said + (", bias=False" if self.bias is None else "")


class Conv1d(_Conv):
    """Correlation of the input with a bank of kernels along one axis; see `nn.functional.conv1d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or tuple of one int
        Zeros are added on both sides. `padding` may also be a pair ((before, after),), "same" or "valid".
    groups : int
        Must divide both numbers of channels. Each group of outputs depends on one group of inputs.
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (out_channels, in_channels / groups, kernel_size)
    bias : Tensor, shape (out_channels,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(in_channels / groups * kernel_size)`.

    Raises
    ------
    ShapeError
        If groups do not divide the channels, or a length is less than 1.
    """

    _axes = 1

    def forward(self, x: Tensor) -> Tensor:
        return conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Correlation of the input with a bank of kernels along two axes; see `nn.functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or pair of int
        For height and width. Zeros are added on both sides. `padding` may also be a pair of pairs (before, after),
        "same" or "valid".
    groups : int
        Must divide both numbers of channels. Each group of outputs depends on one group of inputs.
    bias : bool
    dtype : dtype
    rng : numpy.random.Generator or int, optional
        Source of the initial values; by default the generator of the package, see `fg.nn.seed`.

    Attributes
    ----------
    weight : Tensor, shape (out_channels, in_channels / groups, *kernel_size)
    bias : Tensor, shape (out_channels,), or None
        Both are drawn from U(-k, k), `k = 1 / sqrt(in_channels / groups * kh * kw)`.

    Raises
    ------
    ShapeError
        If groups do not divide the channels, or a length is less than 1.
    """

    _axes = 2

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class _Pool(Module):
    """Base of the pooling layers, which have no parameters."""

    def __init__(self, kernel_size: Lengths, stride: Lengths | None = None, padding: Padding = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _MaxPool(_Pool):
    def __init__(
        self, kernel_size: Lengths, stride: Lengths | None = None, padding: Padding = 0, dilation: Lengths = 1
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation = dilation

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, dilation={self.dilation}"


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: Lengths,
        stride: Lengths | None = None,
        padding: Padding = 0,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad


class MaxPool1d(_MaxPool):
    """Largest element of each window along the last axis; see `nn.functional.max_pool1d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation : int
        `stride` is `kernel_size` by default.
    """

    def forward(self, x: Tensor) -> Tensor:
        return max_pool1d(x, self.kernel_size, self.stride, self.padding, self.dilation)


class MaxPool2d(_MaxPool):
    """Largest element of each window over the last two axes; see `nn.functional.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation : int or pair of int
        `stride` is `kernel_size` by default.
    """

    def forward(self, x: Tensor) -> Tensor:
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)


class AvgPool1d(_AvgPool):
    """Mean of each window along the last axis; see `nn.functional.avg_pool1d`.

    Parameters
    ----------
    kernel_size, stride, padding : int
        `stride` is `kernel_size` by default.
    count_include_pad : bool
        Whether the mean includes the zeros of the padding.
    """

    def forward(self, x: Tensor) -> Tensor:
        return avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """Mean of each window over the last two axes; see `nn.functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding : int or pair of int
        `stride` is `kernel_size` by default.
    count_include_pad : bool
        Whether the mean includes the zeros of the padding.
    """

    def forward(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)
