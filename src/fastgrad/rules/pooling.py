"""Pooling over the last two axes: the largest element or the mean of each window."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules import messages
from fastgrad.rules.checks import real_only
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem, scatter_add
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import reshape
from fastgrad.rules.windows import cropped, offsets, padded, padding_pairs, per_axis, window_counts, windows

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")


def _prepare(op):
    """Return a `prepare` that converts parameters to the form of forward and vjp: tuples, and padding as pairs."""

    def prepare(params):
        if "lengths" in params:
            params["lengths"] = parameters.shape(params["lengths"])
        kernel = params["kernel_size"] = per_axis(op, "kernel_size", params["kernel_size"], 2, 1)
        stride = params["stride"]
        params["stride"] = kernel if stride is None else per_axis(op, "stride", stride, 2, 1)
        dilation = params["dilation"] = per_axis(op, "dilation", params.get("dilation", 1), 2, 1)
        if op != "max_pool2d":
            del params["dilation"]
        params["padding"] = padding_pairs(op, params["padding"], 2)
        if "count_include_pad" in params:
            params["count_include_pad"] = parameters.flag(params["count_include_pad"])
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        if isinstance(params["padding"], str) or any(
            2 * side > span for sides, span in zip(params["padding"], spans, strict=True) for side in sides
        ):
            raise messages.pool_padding(op, params["padding"], kernel)
        return params

    return prepare


def _window_counts(op, shape, kernel, stride, padding, dilation):
    if len(shape) < 2:
        raise messages.pool_rank(op, shape)
    places = window_counts(op, shape[-2:], kernel, stride, padding, dilation)
    for axis, n in enumerate(shape[-2:]):
        if dilation[axis] == 1 or not any(padding[axis]):
            continue  # padding of at most half a kernel leaves an element in each window
        first = np.arange(places[axis])[:, None] * stride[axis] - padding[axis][0]
        positions = first + np.arange(kernel[axis]) * dilation[axis]
        if not np.all(np.any((positions >= 0) & (positions < n), axis=1)):
            raise messages.window_of_padding(op, shape, kernel, dilation, padding)
    return places


def _lowest(dtype):
    """Return a value that is not greater than any number of a dtype."""
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


def _argmax_indices(x, kernel, stride, padding, dilation):
    """Return for each window the flat index in `x` of its first largest element, or of its first NaN."""
    h, w = x.shape[-2:]
    view = windows(padded(x, padding, _lowest(x.dtype)), kernel, stride, dilation)
    number = windows(padded(np.arange(h * w).reshape(h, w), padding, -1), kernel, stride, dilation)
    size = kernel[0] * kernel[1]
    most = np.max(view, (-2, -1), keepdims=True)
    hit = ((view == most) | (view != view)) & (number >= 0)
    first = np.argmax(hit.reshape(*hit.shape[:-2], size), -1)[..., None]
    number = np.broadcast_to(number.reshape(*number.shape[:-2], size), (*first.shape[:-1], size))
    at = np.take_along_axis(number, first, -1)[..., 0]
    planes = np.arange(x[..., 0, 0].size).reshape(*x.shape[:-2], 1, 1)
    return at + planes * (h * w)


def _max_pool_vjp(g, x, kernel_size, stride, padding, dilation):
    """`g` of each window, added to the first of its largest elements."""
    at = _argmax_indices(np.asarray(x.detach().numpy()), kernel_size, stride, padding, dilation)
    return reshape(scatter_add(reshape(g, (g.size,)), at.ravel(), (x.size,)), x.shape)


def _max_pool_jvp(t, x, kernel_size, stride, padding, dilation):
    """The tangent of the first largest element of each window."""
    at = _argmax_indices(np.asarray(x.detach().numpy()), kernel_size, stride, padding, dilation)
    return getitem(reshape(t, (t.size,)), (at,))


def _pairs(shape, kernel_size, stride, padding, dilation=(1, 1)):
    """Return pairs of the numbers of a window and of an element in it, negative for one of the padding."""
    view = windows(padded(patterns.positions(shape), padding, -1), kernel_size, stride, dilation)
    places = patterns.positions(view.shape[:-2])[..., None, None]
    return np.broadcast_to(places, view.shape).ravel(), view.ravel()


def _pattern(call, k):
    settings = {name: value for name, value in call.params.items() if name != "count_include_pad"}
    return _pairs(call.shape_of(0), **settings)


def _unpool_pattern(call, k):
    windows_, elements = _pairs(call.shape, *(call.params[name] for name in ("kernel_size", "stride", "padding")))
    return elements, windows_


_CASES = (
    ((2, 3, 4, 4), {"kernel_size": 2}), ((2, 5, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((4, 6), {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)}), ((0, 2, 3, 3), {"kernel_size": 2}),
    ((1, 2, 3, 3), {"kernel_size": (1, 1), "stride": 2}), ((1, 1, 9, 9), {"kernel_size": 2}),
)  # fmt: skip


@rule(
    batch=batching.stacks,
    vjp=lambda g, x, kernel_size, stride, padding, dilation: _max_pool_vjp(
        g, x, kernel_size, stride, padding, dilation
    ),
    jvp=lambda t, x, kernel_size, stride, padding, dilation: _max_pool_jvp(
        t, x, kernel_size, stride, padding, dilation
    ),
    holomorphic=False,
    numpy=(),
    prepare=_prepare("max_pool2d"),
    samples=normal(*_CASES, ((1, 2, 7, 6), {"kernel_size": 2, "dilation": (3, 2), "stride": 1})),
    pattern=_pattern,
)
def max_pool2d(x, /, kernel_size, stride=None, padding=0, dilation=1):
    """Largest element of each window, or NaN if it contains one; at a tie the first element gets the gradient."""
    x = real_only("max_pool2d", np.asarray(x))
    _window_counts("max_pool2d", x.shape, kernel_size, stride, padding, dilation)
    return np.max(windows(padded(x, padding, _lowest(x.dtype)), kernel_size, stride, dilation), (-2, -1))


def _divisor(lengths, kernel, stride, padding, count_include_pad):
    """Return the number of elements of each mean: those of the kernel, or only those inside the array."""
    if count_include_pad:
        return float(kernel[0] * kernel[1])
    inside = padded(np.ones(lengths), padding)
    return np.sum(windows(inside, kernel, stride, (1, 1)), (-2, -1))


@rule(
    batch=batching.stacks,
    vjp=lambda g, x_shape, kernel_size, stride, padding, count_include_pad: avg_unpool2d(
        g, x_shape[-2:], kernel_size, stride, padding, count_include_pad
    ),
    jvp="linear",
    numpy=(),
    prepare=_prepare("avg_pool2d"),
    samples=normal(*_CASES, ((2, 5, 5), {"kernel_size": 3, "padding": 1, "count_include_pad": False})),
    pattern=_pattern,
)
def avg_pool2d(x, /, kernel_size, stride=None, padding=0, count_include_pad=True):
    """Mean of each window, with or without the zeros of the padding."""
    x = np.asarray(x)
    _window_counts("avg_pool2d", x.shape, kernel_size, stride, padding, (1, 1))
    total = np.sum(windows(padded(x, padding), kernel_size, stride, (1, 1)), (-2, -1))
    divisor = _divisor(x.shape[-2:], kernel_size, stride, padding, count_include_pad)
    return np.divide(total, divisor, dtype=np.result_type(total, np.float32) if total.dtype.kind in "fc" else None)


def _unpool_cases():
    cases = (*_CASES, ((2, 5, 5), {"kernel_size": 3, "padding": 1, "count_include_pad": False}))
    for shape, params in cases:
        full = _prepare("avg_pool2d")({"stride": None, "padding": 0} | params)
        places = window_counts("avg_pool2d", shape[-2:], full["kernel_size"], full["stride"], full["padding"], (1, 1))
        yield (*shape[:-2], *places), {"lengths": shape[-2:], "count_include_pad": True} | full


@rule(
    batch=batching.stacks,
    vjp=lambda g, kernel_size, stride, padding, count_include_pad: avg_pool2d(
        g, kernel_size, stride, padding, count_include_pad
    ),
    jvp="linear",
    numpy=(),
    prepare=_prepare("avg_unpool2d"),
    samples=normal(*_unpool_cases()),
    pattern=_unpool_pattern,
)
def avg_unpool2d(x, /, lengths, kernel_size, stride, padding, count_include_pad):
    """Transpose of `avg_pool2d`: each element of `x` is distributed equally to the elements of its window."""
    divisor = _divisor(lengths, kernel_size, stride, padding, count_include_pad)
    share = np.asarray(x / divisor, x.dtype)
    whole = [n + low + high for n, (low, high) in zip(lengths, padding, strict=True)]
    out = np.zeros((*x.shape[:-2], *whole), x.dtype)
    for _, at in offsets(kernel_size, x.shape[-2:], stride, (1, 1)):
        out[(..., *at)] += share
    return np.ascontiguousarray(cropped(out, padding, lengths))
