"""Discrete Fourier transforms under the names of `numpy.fft`. Transforms of several axes are sequences of those of one.

Every transform takes `norm`, which selects the transform that is divided by the number of points n: None or "backward"
the inverse one, "forward" the direct one, and "ortho" divides both by the square root of n.
"""

import warnings

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import asarray
from fastgrad.functions.arguments import as_tensor, one_axis
from fastgrad.rules.fourier import fft, hfft, ifft, ihfft, irfft, rfft
from fastgrad.rules.rule import FUNCTIONS

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft",
    "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

_roll = FUNCTIONS["roll"]


def _lengths_and_axes(op, a, s, axes, to_real=False):
    """Return the lengths to transform, which are None for that of the operand, and the axes.

    `to_real` selects the default for the last axis of transforms to real data.
    """
    if s is None:
        axes = range(a.ndim) if axes is None else parameters.integers(axes)
        axes = [one_axis(op, axis, a.ndim) for axis in axes]
        lengths = [a.shape[axis] for axis in axes]
        if to_real and axes:
            lengths[-1] = 2 * (a.shape[axes[-1]] - 1)
        return lengths, axes
    s = [parameters.length(n) for n in s]
    if axes is None or None in s:
        warnings.warn(
            f"{op}: pass axes together with s, and a length for each of them: NumPy will raise an error otherwise",
            DeprecationWarning,
            stacklevel=3,
        )
    axes = range(-len(s), 0) if axes is None else parameters.integers(axes)
    if len(s) != len(axes):
        raise errors.ShapeError(f"{op}: s has {len(s)} lengths for {len(axes)} axes: pass one length per axis")
    axes = [one_axis(op, axis, a.ndim) for axis in axes]
    return [a.shape[axis] if n == -1 else n for n, axis in zip(s, axes, strict=True)], axes


def _last_axis(op, axes):
    if not axes:
        raise errors.IndexingError(f"{op}: transforms of real data need at least one axis, got none")


def _each(transform, a, steps, norm):
    """Apply a transform along several axes, one after the other."""
    for n, axis in steps:
        a = transform(a, n, axis, norm)
    return a


def fftn(a, s=None, axes=None, norm=None):
    """Return the discrete Fourier transform of `a` along `axes`.

    Parameters
    ----------
    a : Tensor or array
    s : sequence of int, optional
        The length of each transformed axis, which is cropped or filled with zeros; -1 keeps the length of `a`.
    axes : sequence of int, optional
        By default all axes, or the last `len(s)`. An axis that occurs twice is transformed twice.
    norm : {None, "backward", "ortho", "forward"}
        Which transform is divided by the number of points, as described in this module.

    Returns
    -------
    Tensor
        Complex.

    Raises
    ------
    ShapeError
        If `s` and `axes` have different lengths, an axis has no points, or `norm` is unknown.
    AxisError
        If an axis is out of bounds.
    """
    a = as_tensor(a)
    s, axes = _lengths_and_axes("fftn", a, s, axes)
    return _each(fft, a, zip(s[::-1], axes[::-1], strict=True), norm)


def ifftn(a, s=None, axes=None, norm=None):
    """Return the inverse of `fftn`, along `axes`.

    Parameters
    ----------
    a : Tensor or array
    s, axes : sequence of int, optional
    norm : {None, "backward", "ortho", "forward"}
        All as in `fftn`.

    Returns
    -------
    Tensor
        Complex.

    Raises
    ------
    ShapeError
        If `s` and `axes` have different lengths, an axis has no points, or `norm` is unknown.
    AxisError
        If an axis is out of bounds.
    """
    a = as_tensor(a)
    s, axes = _lengths_and_axes("ifftn", a, s, axes)
    return _each(ifft, a, zip(s[::-1], axes[::-1], strict=True), norm)


def rfftn(a, s=None, axes=None, norm=None):
    """Return the discrete Fourier transform of the real `a` along `axes`, as `rfft` along the last of them.

    Parameters
    ----------
    a : Tensor or array, real
    s, axes : sequence of int, optional
    norm : {None, "backward", "ortho", "forward"}
        All as in `fftn`.

    Returns
    -------
    Tensor
        Complex, of length `n // 2 + 1` along the last of `axes`.

    Raises
    ------
    DTypeError
        If `a` is complex.
    ShapeError
        If `s` and `axes` have different lengths, an axis has no points, or `norm` is unknown.
    IndexError
        If there are no axes.
    """
    a = as_tensor(a)
    s, axes = _lengths_and_axes("rfftn", a, s, axes)
    _last_axis("rfftn", axes)
    return _each(fft, rfft(a, s[-1], axes[-1], norm), zip(s[-2::-1], axes[-2::-1], strict=True), norm)


def irfftn(a, s=None, axes=None, norm=None):
    """Return the inverse of `rfftn`, along `axes`.

    Parameters
    ----------
    a : Tensor or array
    s : sequence of int, optional
        The length of each axis of the result; by default `2 * (m - 1)` for the last of `axes`, if `m` is its length.
    axes : sequence of int, optional
    norm : {None, "backward", "ortho", "forward"}
        Both as in `fftn`.

    Returns
    -------
    Tensor
        Real.

    Raises
    ------
    ShapeError
        If `s` and `axes` have different lengths, an axis has no points, or `norm` is unknown.
    IndexError
        If there are no axes.
    """
    a = as_tensor(a)
    s, axes = _lengths_and_axes("irfftn", a, s, axes, to_real=True)
    _last_axis("irfftn", axes)
    return irfft(_each(ifft, a, zip(s[:-1], axes[:-1], strict=True), norm), s[-1], axes[-1], norm)


def fft2(a, s=None, axes=(-2, -1), norm=None):
    """Return the discrete Fourier transform of `a` along two axes: `fftn`, whose parameters it has."""
    return fftn(a, s, axes, norm)


def ifft2(a, s=None, axes=(-2, -1), norm=None):
    """Return the inverse of `fft2`: `ifftn`, whose parameters it has."""
    return ifftn(a, s, axes, norm)


def rfft2(a, s=None, axes=(-2, -1), norm=None):
    """Return the discrete Fourier transform of the real `a` along two axes: `rfftn`, whose parameters it has."""
    return rfftn(a, s, axes, norm)


def irfft2(a, s=None, axes=(-2, -1), norm=None):
    """Return the inverse of `rfft2`: `irfftn`, whose parameters it has."""
    return irfftn(a, s, axes, norm)


def fftfreq(n, d=1.0, device=None, *, dtype=None):
    """Return the frequencies of the elements of `fft`: 0 and the positive ones, then the negative ones.

    Parameters
    ----------
    n : int
        The number of points.
    d : number or 0-d Tensor
        The distance of the points. The gradient flows to it.
    device : "cpu", optional
    dtype : dtype, optional
        By default float64.

    Returns
    -------
    Tensor, shape (n,)

    Raises
    ------
    ValueError
        If `n` is not an int.
    """
    return _converted(np.fft.fftfreq(n, d, device), dtype)


def rfftfreq(n, d=1.0, device=None, *, dtype=None):
    """Return the frequencies of the elements of `rfft`, from 0 to the middle.

    Parameters
    ----------
    n : int
        The number of points.
    d : number or 0-d Tensor
        The distance of the points. The gradient flows to it.
    device : "cpu", optional
    dtype : dtype, optional
        By default float64.

    Returns
    -------
    Tensor, shape (n // 2 + 1,)

    Raises
    ------
    ValueError
        If `n` is not an int.
    """
    return _converted(np.fft.rfftfreq(n, d, device), dtype)


def _converted(x, dtype):
    return asarray(x) if dtype is None else FUNCTIONS["astype"](x, np.dtype(dtype))


def fftshift(x, axes=None):
    """Return `x` with the frequency 0, its first element along `axes`, moved to the middle.

    Parameters
    ----------
    x : Tensor or array
    axes : int or sequence of int, optional
        By default all axes.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        If an axis is out of bounds.
    """
    x, axes = _axes_to_shift("fftshift", x, axes)
    return _roll(x, tuple(x.shape[axis] // 2 for axis in axes), axes)


def ifftshift(x, axes=None):
    """Return the inverse of `fftshift`.

    Parameters
    ----------
    x : Tensor or array
    axes : int or sequence of int, optional
        By default all axes.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        If an axis is out of bounds.
    """
    x, axes = _axes_to_shift("ifftshift", x, axes)
    return _roll(x, tuple(-(x.shape[axis] // 2) for axis in axes), axes)


def _axes_to_shift(op, x, axes):
    x = as_tensor(x)
    axes = range(x.ndim) if axes is None else parameters.axes(axes)
    return x, tuple(one_axis(op, axis, x.ndim) for axis in ((axes,) if type(axes) is int else axes))
