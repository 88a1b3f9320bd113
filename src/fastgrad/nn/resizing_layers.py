"""Padding, upsampling and adaptive pooling as layers, which have no parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastgrad._engine import Tensor
from fastgrad.errors import BadSetting
from fastgrad.nn import functional as F
from fastgrad.nn.module import Module


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of `output_size` equal parts of the last axis; see `nn.functional.adaptive_avg_pool1d`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of equal parts of the last two axes; see `nn.functional.adaptive_avg_pool2d`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        if return_indices:
            raise BadSetting(f"{type(self).__name__}: return_indices=True is not supported: omit it")


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest elements of `output_size` equal parts of the last axis; see `nn.functional.adaptive_max_pool1d`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool1d(x, self.output_size)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest elements of equal parts of the last two axes; see `nn.functional.adaptive_max_pool2d`."""

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, self.output_size)


class Upsample(Module):
    """Resizes the axes after the second one; see `nn.functional.interpolate`.

    Parameters
    ----------
    size : int or sequence of int, optional
    scale_factor : float or sequence of float, optional
    mode : {"nearest", "linear", "bilinear"}
    align_corners, recompute_scale_factor : bool, optional
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = (
            tuple(map(float, scale_factor)) if isinstance(scale_factor, (tuple, list))
            else scale_factor if scale_factor is None else float(scale_factor)
        )  # fmt: skip
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class _Pad(Module):
    _axes = 2
    _mode = "constant"
    value: float = 0.0

    def __init__(self, padding: int | Sequence[int]) -> None:
        self.padding = (padding,) * (2 * self._axes) if isinstance(padding, int) else tuple(padding)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_Pad):
    """Adds zeros, `padding` or (before, after), to the last axis."""

    _axes = 1


class ZeroPad2d(_Pad):
    """Adds zeros, `padding` or (left, right, top, bottom), to the last two axes."""


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Adds `value`, `padding` or (before, after), to the last axis."""

    _axes = 1


class ConstantPad2d(_ConstantPad):
    """Adds `value`, `padding` or (left, right, top, bottom), to the last two axes."""


class ReflectionPad1d(_Pad):
    """Extends the last axis by its reflection at the first and last element."""

    _axes, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Extends the last two axes by their reflection at the first and last elements."""

    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Extends the last axis by copies of its first and last element."""

    _axes, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Extends the last two axes by copies of their first and last elements."""

    _mode = "replicate"
