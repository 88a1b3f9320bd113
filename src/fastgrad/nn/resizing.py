"""Padding, interpolation and adaptive pooling along the last axes. Each is indexing, or a product with a matrix."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.selecting import take_along_axis
from fastgrad.nn.reductions import as_tensor
from fastgrad.nn.windows import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from fastgrad.rules.rule import FUNCTIONS


def _lengths(op, name, value, n):
    """Return one int per axis; None stays None, for an axis whose length is kept."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(given) != n:
        raise errors.ShapeError(f"{op}: {name} must be one number, or {n} of them, got {value!r}")
    return given


def _taken(x, indices):
    """Return `x` with the last axes indexed by arrays, one per axis."""
    first = x.ndim - len(indices)
    for k, at in enumerate(indices):
        if not np.array_equal(at, np.arange(x.shape[first + k])):
            x = x[(*(slice(None),) * (first + k), at)]
    return x


def _mixed(x, matrices):
    """Return `x` with the last axes multiplied by matrices (new length, old length), one per axis."""
    last = matrices[-1]
    if last is not None:
        x = x @ np.asarray(last.T, x.dtype if x.dtype.kind == "f" else float)
    if len(matrices) == 2 and matrices[0] is not None:
        x = np.asarray(matrices[0], x.dtype if x.dtype.kind == "f" else float) @ x
    return x


_PAD_MODES = ("constant", "reflect", "replicate", "circular")


def _pad_indices(n, before, after, mode):
    at = np.arange(-before, n + after)
    if mode == "circular":
        return at % n
    if mode == "replicate":
        return np.clip(at, 0, n - 1)
    at = np.abs(at)
    return np.where(at >= n, 2 * (n - 1) - at, at)


def pad(x, pad, mode="constant", value=None):
    """Return `x` padded along its last axes.

    Parameters
    ----------
    x : Tensor or array
    pad : sequence of int
        (before, after) for the last axis, followed by that for the last but one, and so on. Negative numbers remove
        elements.
    mode : {"constant", "reflect", "replicate", "circular"}
    value : float, optional
        The constant, by default 0.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `pad` is not a sequence of pairs for at most as many axes as there are, or the padding is larger than the
        mode allows: less than the length of the axis for "reflect", at most the length for "circular".
    ValueError
        If the mode is unknown.
    """
    x, sides = as_tensor(x), parameters.shape(pad)
    if len(sides) % 2 or len(sides) > 2 * x.ndim:
        raise errors.ShapeError(f"pad: pad must be pairs (before, after) for at most {x.ndim} axes, got {sides}")
    if mode not in _PAD_MODES:
        raise errors.BadSetting(f"pad: mode must be one of {', '.join(map(repr, _PAD_MODES))}, got {mode!r}")
    pairs = list(zip(sides[::2], sides[1::2]))[::-1]
    first = x.ndim - len(pairs)
    lengths = x.shape[first:]
    if any(n + low + high < 0 for n, (low, high) in zip(lengths, pairs)):
        raise errors.ShapeError(f"pad: {sides} removes more elements than shape {x.shape} has")
    if mode == "constant":
        cut = [slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(lengths, pairs)]
        x = x[(..., *cut)] if any(side < 0 for side in sides) else x
        width = ((0, 0),) * first + tuple((max(low, 0), max(high, 0)) for low, high in pairs)
        return FUNCTIONS["pad"](x, width, constant_values=0 if value is None else value)
    most = {"reflect": -1, "circular": 0}.get(mode)
    for n, sides_of_axis in zip(lengths, pairs):
        if n == 0 or (most is not None and max(sides_of_axis) > n + most):
            raise errors.ShapeError(f"pad: {sides_of_axis} is too much for mode {mode!r} and an axis of length {n}")
    return _taken(x, [_pad_indices(n, low, high, mode) for n, (low, high) in zip(lengths, pairs)])


def _bounds(n, m):
    """Return first and last + 1 element of each of the `m` parts of an axis of length `n`; parts may overlap."""
    k = np.arange(m)
    return k * n // m, -(-(k + 1) * n // m)


def _mean_matrix(n, m):
    if n == m:
        return None
    low, high = _bounds(n, m)
    at = np.arange(n)
    inside = (at >= low[:, None]) & (at < high[:, None])
    return inside / (high - low)[:, None]


def _adaptive(op, x, output_size, axes, average, pool):
    x = as_tensor(x)
    if x.ndim < axes + 1:
        raise errors.ShapeError(f"{op}: x must have at least {axes + 1} axes, got shape {x.shape}")
    lengths = x.shape[-axes:]
    given = _lengths(op, "output_size", output_size, axes)
    wanted = tuple(n if m is None else parameters.integer(m) for n, m in zip(lengths, given))
    if min(wanted) < 1 or min(lengths) < 1:
        raise errors.ShapeError(f"{op}: cannot divide lengths {lengths} into {wanted} parts: both must be at least 1")
    if all(n % m == 0 for n, m in zip(lengths, wanted)):
        kernel = tuple(n // m for n, m in zip(lengths, wanted))
        return x if set(kernel) == {1} else pool(x, kernel[0] if axes == 1 else kernel)
    if average:
        return _mixed(x, [_mean_matrix(n, m) for n, m in zip(lengths, wanted)])
    return _largest_of_parts(x, wanted)


def _largest_of_parts(x, wanted):
    """Return the largest element of each part; at a tie the first one, in the order of memory, gets the gradient."""
    values, lengths = x.detach().numpy(), x.shape[-len(wanted) :]
    size = int(np.prod(lengths))
    flat = values.reshape(*values.shape[: -len(wanted)], size)
    numbers = np.arange(size).reshape(lengths)
    bounds = [_bounds(n, m) for n, m in zip(lengths, wanted)]
    chosen = np.empty((*flat.shape[:-1], int(np.prod(wanted))), np.intp)
    for k, at in enumerate(np.ndindex(*wanted)):
        part = numbers[tuple(slice(low[i], high[i]) for i, (low, high) in zip(at, bounds))].ravel()
        chosen[..., k] = part[np.argmax(flat[..., part], -1)]
    y = take_along_axis(x.reshape(flat.shape), chosen, -1)
    return y.reshape((*x.shape[: -len(wanted)], *wanted))


def adaptive_avg_pool1d(x, output_size):
    """Return the means of `output_size` equal parts of the last axis, which overlap if they cannot be equal.

    Parameters
    ----------
    x : Tensor or array, shape (..., channels, length)
    output_size : int

    Returns
    -------
    Tensor, shape (..., channels, output_size)

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, or a length is less than 1.
    """
    return _adaptive("adaptive_avg_pool1d", x, output_size, 1, True, avg_pool1d)


def adaptive_avg_pool2d(x, output_size):
    """Return the means of equal parts of the last two axes, which overlap if they cannot be equal.

    Parameters
    ----------
    x : Tensor or array, shape (..., channels, height, width)
    output_size : int, or pair of int or None
        Numbers of parts. None keeps the length.

    Returns
    -------
    Tensor, shape (..., channels, *output_size)

    Raises
    ------
    ShapeError
        If `x` has fewer than three axes, or a length is less than 1.
    """
    return _adaptive("adaptive_avg_pool2d", x, output_size, 2, True, avg_pool2d)


def adaptive_max_pool1d(x, output_size):
    """Return the largest elements of `output_size` equal parts of the last axis; see `adaptive_avg_pool1d`.

    Parameters
    ----------
    x : Tensor or array, shape (..., channels, length)
    output_size : int

    Returns
    -------
    Tensor, shape (..., channels, output_size)

    Raises
    ------
    ShapeError
        If `x` has fewer than two axes, or a length is less than 1.
    """
    return _adaptive("adaptive_max_pool1d", x, output_size, 1, False, max_pool1d)


def adaptive_max_pool2d(x, output_size):
    """Return the largest elements of equal parts of the last two axes; see `adaptive_avg_pool2d`.

    Parameters
    ----------
    x : Tensor or array, shape (..., channels, height, width)
    output_size : int, or pair of int or None

    Returns
    -------
    Tensor, shape (..., channels, *output_size)

    Raises
    ------
    ShapeError
        If `x` has fewer than three axes, or a length is less than 1.
    """
    return _adaptive("adaptive_max_pool2d", x, output_size, 2, False, max_pool2d)


_INTERPOLATIONS = ("nearest", "linear", "bilinear")


def _linear_matrix(n, m, scale, align_corners):
    """Return the matrix (m, n) of linear interpolation between the centres of `n` elements, or between the ends."""
    k = np.arange(m)
    if align_corners:
        at = k * ((n - 1) / (m - 1)) if m > 1 else k * 0.0
    else:
        at = np.maximum((k + 0.5) * (n / m if scale is None else 1 / scale) - 0.5, 0)
    low = np.minimum(at.astype(np.intp), n - 1)
    part = at - low
    made = np.zeros((m, n))
    made[k, low] += 1 - part
    made[k, np.minimum(low + 1, n - 1)] += part
    return made


def interpolate(
    x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False
):
    """Return `x` resized along the axes after the second one.

    Parameters
    ----------
    x : Tensor or array, shape (batch, channels, length) or (batch, channels, height, width)
    size : int or sequence of int, optional
        The new lengths.
    scale_factor : float or sequence of float, optional
        The factors by which lengths grow. Pass either `size` or `scale_factor`.
    mode : {"nearest", "linear", "bilinear"}
        "linear" is for one axis, "bilinear" for two.
    align_corners : bool, optional
        For the linear modes: whether the first and last elements are kept, instead of the edges of the elements.
    recompute_scale_factor : bool, optional
        Whether positions are computed from the lengths instead of `scale_factor`.
    antialias : bool
        Must be False.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the number of axes does not fit the mode, or a length is less than 1.
    ValueError
        If the mode is unknown, or not exactly one of `size` and `scale_factor` is given.
    """
    x = as_tensor(x)
    n = x.ndim - 2
    if mode not in _INTERPOLATIONS or antialias:
        raise errors.BadSetting(
            f"interpolate: mode must be one of {', '.join(map(repr, _INTERPOLATIONS))}, without antialias, got {mode!r}"
        )
    if n not in {"nearest": (1, 2), "linear": (1,), "bilinear": (2,)}[mode]:
        raise errors.ShapeError(f"interpolate: mode {mode!r} does not take an input of shape {x.shape}")
    if (size is None) == (scale_factor is None):
        raise errors.BadSetting("interpolate: pass either size or scale_factor")
    lengths = x.shape[2:]
    factors = (None,) * n if scale_factor is None else _lengths("interpolate", "scale_factor", scale_factor, n)
    if size is not None:
        wanted = tuple(map(parameters.integer, _lengths("interpolate", "size", size, n)))
    else:
        wanted = tuple(int(length * float(factor)) for length, factor in zip(lengths, factors))
    if min(wanted) < 1 or min(lengths) < 1:
        raise errors.ShapeError(f"interpolate: cannot resize lengths {lengths} to {wanted}: both must be at least 1")
    if recompute_scale_factor:
        factors = (None,) * n
    axes = list(zip(lengths, wanted, factors))
    if mode == "nearest":
        steps = [(old, np.arange(new), old / new if factor is None else 1 / factor) for old, new, factor in axes]
        return _taken(x, [np.minimum((at * step).astype(np.intp), old - 1) for old, at, step in steps])
    return _mixed(x, [_linear_matrix(old, new, factor, align_corners) for old, new, factor in axes])
