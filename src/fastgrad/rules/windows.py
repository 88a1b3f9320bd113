"""Sliding windows over the last axes of an array: their parameters, their number, and views of them. No gradients."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastgrad import parameters
from fastgrad.rules import messages


def per_axis(op, name, value, n, least):
    """Return an int for all `n` axes, or one int per axis, as a tuple of ints of at least `least`."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    if len(given) != n or not all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in given):
        raise messages.window_parameter(op, name, value, n, least)
    given = parameters.integers(given)
    if min(given) < least:
        raise messages.window_parameter(op, name, value, n, least)
    return given


def padding_pairs(op, padding, n):
    """Return padding as a pair (before, after) per axis, or "same" unchanged."""
    padding = tuple(padding) if isinstance(padding, (tuple, list)) else parameters.word(padding)
    if padding in ("same", "valid") if isinstance(padding, str) else False:
        return padding if padding == "same" else ((0, 0),) * n
    if isinstance(padding, tuple) and len(padding) == n and all(isinstance(p, (tuple, list)) for p in padding):
        return tuple(per_axis(op, "padding", p, 2, 0) for p in padding)
    return tuple((p, p) for p in per_axis(op, "padding", padding, n, 0))


def explicit_padding(padding, kernel, dilation):
    """Return padding in numbers. "same" keeps the lengths; an odd number of elements puts one more at the end."""
    if padding != "same":
        return padding
    missing = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((m // 2, m - m // 2) for m in missing)


def window_counts(op, lengths, kernel, stride, padding, dilation):
    """Return how many windows fit along each axis."""
    whole = [n + low + high for n, (low, high) in zip(lengths, padding, strict=True)]
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(s > n or k < 1 for s, n, k in zip(spans, whole, kernel, strict=True)):
        raise messages.window_too_large(op, tuple(kernel), tuple(dilation), tuple(lengths), tuple(padding))
    return tuple((n - s) // step + 1 for n, s, step in zip(whole, spans, stride, strict=True))


def padded(x, padding, value=0):
    """Return `x` padded with `value` along its last axes."""
    if not any(low or high for low, high in padding):
        return x
    return np.pad(x, ((0, 0),) * (x.ndim - len(padding)) + tuple(padding), constant_values=value)


def windows(x, kernel, stride, dilation):
    """Return a view of shape (..., places, kernel) of the windows over the last axes of a padded `x`."""
    n = len(kernel)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    view = sliding_window_view(x, spans, axis=tuple(range(x.ndim - n, x.ndim)))
    steps = tuple(slice(None, None, s) for s in stride)
    return view[(..., *steps, *(slice(None, None, d) for d in dilation))]


def offsets(kernel, places, stride, dilation):
    """Yield for each element of the kernel its index, and the slices of the padded array that it is applied to."""
    for k in np.ndindex(*kernel):
        yield (
            k,
            tuple(
                slice(i * d, i * d + s * (n - 1) + 1, s) for i, d, s, n in zip(k, dilation, stride, places, strict=True)
            ),
        )


def cropped(x, padding, lengths):
    """Return `x` without padding, as it was before `padded`."""
    return x[(..., *(slice(low, low + n) for (low, _), n in zip(padding, lengths, strict=True)))]
