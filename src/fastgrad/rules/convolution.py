"""Convolutions in the sense of neural networks: correlations of a batch with a bank of kernels, over one or two axes.

The sum  T(x, w, g) = sum of g[n, o, p] w[o, c, k] x[n, c, stride p + dilation k - padding]  is linear in each of the
three arrays. Its gradient with respect to one of them is an op of the other two: with respect to `g` the convolution,
to `x` the transposed convolution (`conv_input`), to `w` the correlation of input and cotangent (`conv_weight`). The
three are closed under differentiation of any order.
"""

import math

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules import messages
from fastgrad.rules.draws import normal
from fastgrad.rules.reductions import sum
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import reshape
from fastgrad.rules.windows import (
    cropped,
    explicit_padding,
    offsets,
    padded,
    padding_pairs,
    per_axis,
    window_counts,
    windows,
)

batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")


def _prepare(op, n):
    """Return a `prepare` that converts parameters to the form of all three ops: tuples, and padding as pairs."""

    def prepare(params):
        params["stride"] = per_axis(op, "stride", params["stride"], n, 1)
        params["dilation"] = per_axis(op, "dilation", params["dilation"], n, 1)
        params["padding"] = padding_pairs(op, params["padding"], n)
        (params["groups"],) = per_axis(op, "groups", params["groups"], 1, 1)
        if params["padding"] == "same" and params["stride"] != (1,) * n:
            raise messages.same_with_stride(op, params["stride"])
        return params

    return prepare


def _prepare_transposed(op, name):
    """As `_prepare`, for an op whose parameter `name` has as many lengths as there are axes."""

    def prepare(params):
        params[name] = parameters.shape(params[name])
        return _prepare(op, len(params[name]))(params)

    return prepare


def _padding_and_counts(op, x, w, n, stride, padding, dilation, groups):
    """Return the padding in numbers and the number of windows per axis; raise if the operands do not fit."""
    if x.ndim != n + 2 or w.ndim != n + 2:
        raise messages.conv_rank(op, n, x.shape, w.shape)
    if x.shape[1] % groups or w.shape[0] % groups or x.shape[1] // groups != w.shape[1]:
        raise messages.conv_channels(op, x.shape, w.shape, groups)
    padding = explicit_padding(padding, w.shape[2:], dilation)
    return padding, window_counts(op, x.shape[2:], w.shape[2:], stride, padding, dilation)


def _grouped(function, groups, axis, *parts):
    """Apply `function` to the parts of each group and join the results. `parts` are pairs of array and channel axis."""
    if groups == 1:
        return np.ascontiguousarray(function(*(a for a, _ in parts)))
    split = zip(*(np.split(a, groups, along) for a, along in parts), strict=True)
    return np.concatenate([function(*each) for each in split], axis)


def _correlate(op, x, w, bias, stride, padding, dilation, groups):
    n = len(stride)
    padding, _ = _padding_and_counts(op, x, w, n, stride, padding, dilation, groups)
    if bias is not None and bias.shape != w.shape[:1]:
        raise messages.conv_bias(op, bias.shape, w.shape)
    xp, over = padded(x, padding), tuple(range(2 + n, 2 + 2 * n))

    def correlate(xp, w):
        view = windows(xp, w.shape[2:], stride, dilation)
        return np.moveaxis(np.tensordot(view, w, ((1, *over), range(1, n + 2))), -1, 1)

    y = _grouped(correlate, groups, 1, (xp, 1), (w, 0))
    return y if bias is None else y + bias.reshape(-1, *(1,) * n)


def _terms(x, w, y, stride, padding, dilation, groups):
    """Return the numbers of the elements of input, kernels and result in each product of the sum above, as vectors.

    The first arguments are the shapes of the three arrays. Products with the padding are left out.
    """
    n, size = len(stride), math.prod(w[2:])
    xp = padded(patterns.positions(x), explicit_padding(padding, w[2:], dilation), -1)
    view = windows(xp, w[2:], stride, dilation)
    parts = (  # axes: batch, group, channel of the result, of the input, window, element of the window
        view.reshape(x[0], groups, 1, x[1] // groups, math.prod(view.shape[2 : 2 + n]), size),
        patterns.positions(w).reshape(1, groups, w[0] // groups, w[1], 1, size),
        patterns.positions(y).reshape(y[0], groups, y[1] // groups, 1, math.prod(y[2:]), 1),
    )
    terms = [part.ravel() for part in np.broadcast_arrays(*parts)]
    return [term[terms[0] >= 0] for term in terms]


def _pattern_of(first, second, result):
    """Return the pattern of an op whose operands and result are "x", "w" and "y" in some order; the third is a bias."""

    def pattern(call, k):
        if k == 2:
            return None, np.indices(call.shape)[1].ravel()
        shapes = {first: call.shape_of(0), second: call.shape_of(1), result: call.shape}
        settings = (call.params[name] for name in ("stride", "padding", "dilation", "groups"))
        terms = dict(zip("xwy", _terms(shapes["x"], shapes["w"], shapes["y"], *settings), strict=True))
        return terms[result], terms[second if k else first]

    return pattern


def _convolution(x, w, stride, padding, dilation, groups):
    return (conv1d if len(stride) == 1 else conv2d)(x, w, None, stride, padding, dilation, groups)


_GRADIENTS = (
    lambda g, x_shape, weight, stride, padding, dilation, groups: conv_input(
        g, weight, x_shape[2:], stride, padding, dilation, groups
    ),
    lambda g, x, weight_shape, stride, padding, dilation, groups: conv_weight(
        x, g, weight_shape[2:], stride, padding, dilation, groups
    ),
    lambda g: sum(g, axis=(0, *range(2, g.ndim))),
)
_TANGENTS = (
    lambda t, weight, stride, padding, dilation, groups: _convolution(t, weight, stride, padding, dilation, groups),
    lambda t, x, stride, padding, dilation, groups: _convolution(x, t, stride, padding, dilation, groups),
    lambda t, stride: reshape(t, (-1, *(1,) * len(stride))),
)
_CASES_1D = (
    ([(2, 3, 7), (4, 3, 3), (4,)], {}), ([(2, 4, 8), (6, 2, 3), (6,)], {"stride": 2, "padding": 1, "groups": 2}),
    ([(1, 2, 6), (2, 2, 4), (2,)], {"padding": "same"}),
    ([(2, 2, 9), (3, 2, 3), (3,)], {"stride": (3,), "dilation": 2}),
    ([(0, 2, 4), (3, 2, 2), (3,)], {}), ([(1, 1, 1), (1, 1, 1), (1,)], {"padding": ((2, 1),)}),
)  # fmt: skip
_CASES_2D = (
    ([(2, 3, 5, 4), (4, 3, 3, 2), (4,)], {}), ([(2, 2, 4, 4), (3, 2, 3, 3), (3,)], {"padding": 1}),
    ([(2, 4, 6, 7), (6, 2, 3, 2), (6,)], {"stride": (2, 3), "padding": (1, 2), "groups": 2}),
    ([(1, 3, 5, 6), (3, 1, 3, 3), (3,)], {"padding": "same", "groups": 3, "dilation": (1, 2)}),
    ([(1, 2, 7, 12), (2, 2, 2, 3), (2,)], {"padding": ((0, 1), (2, 0)), "dilation": 2}),
    ([(1, 1, 20, 20), (2, 1, 3, 3), (2,)], {"padding": "valid", "stride": 1}),
    ([(3, 2, 4, 3), (2, 2, 1, 1), (2,)], {"stride": 2}), ([(2, 2, 3, 3), (0, 2, 2, 2), (0,)], {}),
    ([(2, 0, 3, 3), (2, 0, 2, 2), (2,)], {}),
)  # fmt: skip


@rule(
    batch=batching_families.conv,
    vjp=_GRADIENTS,
    jvp=_TANGENTS,
    operands=3,
    numpy=(),
    prepare=_prepare("conv1d", 1),
    samples=normal(*_CASES_1D),
    pattern=_pattern_of("x", "w", "y"),
)
def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Correlation of `x` (n, channels, length) with kernels `weight` (out, channels / groups, k), plus `bias`."""
    return _correlate("conv1d", x, weight, bias, stride, padding, dilation, groups)


@rule(
    batch=batching_families.conv,
    vjp=_GRADIENTS,
    jvp=_TANGENTS,
    operands=3,
    numpy=(),
    prepare=_prepare("conv2d", 2),
    samples=normal(*_CASES_2D, *(([x, w], params) for [x, w, _], params in _CASES_2D[:3])),
    pattern=_pattern_of("x", "w", "y"),
)
def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Correlation of `x` (n, channels, h, w) with kernels `weight` (out, channels / groups, kh, kw), plus `bias`."""
    return _correlate("conv2d", x, weight, bias, stride, padding, dilation, groups)


def _transposed_cases():
    """Yield cotangents of the convolutions above, their kernels, and the lengths of their inputs."""
    for [x, w, _], params in (*_CASES_1D, *_CASES_2D):
        full = _prepare("conv_input", len(x) - 2)({"stride": 1, "padding": 0, "dilation": 1, "groups": 1} | params)
        padding = explicit_padding(full["padding"], w[2:], full["dilation"])
        places = window_counts("conv_input", x[2:], w[2:], full["stride"], padding, full["dilation"])
        yield x, w, (x[0], w[0], *places), full


@rule(
    batch=batching_families.conv_input,
    vjp=(
        lambda g, weight, stride, padding, dilation, groups: _convolution(g, weight, stride, padding, dilation, groups),
        lambda g, x, weight_shape, stride, padding, dilation, groups: conv_weight(
            g, x, weight_shape[2:], stride, padding, dilation, groups
        ),
    ),
    jvp="multilinear",
    numpy=(),
    prepare=_prepare_transposed("conv_input", "lengths"),
    samples=normal(*(([g, w], {"lengths": x[2:], **params}) for x, w, g, params in _transposed_cases())),
    pattern=_pattern_of("y", "w", "x"),
)
def conv_input(x, weight, /, lengths, stride, padding, dilation, groups):
    """Transposed convolution: the cotangent, of spatial shape `lengths`, of the input of a convolution by `weight`."""
    padding = explicit_padding(padding, weight.shape[2:], dilation)
    kernel, places = weight.shape[2:], x.shape[2:]
    whole = [n + low + high for n, (low, high) in zip(lengths, padding, strict=True)]

    def transpose(g, w):
        out = np.zeros((len(g), w.shape[1], *whole), np.result_type(g, w))
        for k, at in offsets(kernel, places, stride, dilation):
            out[(..., *at)] += np.moveaxis(np.tensordot(g, w[(..., *k)], (1, 0)), -1, 1)
        return cropped(out, padding, lengths)

    return _grouped(transpose, groups, 1, (x, 1), (weight, 0))


@rule(
    batch=batching_families.conv_weight,
    vjp=(
        lambda g, x_shape, cotangent, stride, padding, dilation, groups: conv_input(
            cotangent, g, x_shape[2:], stride, padding, dilation, groups
        ),
        lambda g, x, stride, padding, dilation, groups: _convolution(x, g, stride, padding, dilation, groups),
    ),
    jvp="multilinear",
    numpy=(),
    prepare=_prepare_transposed("conv_weight", "kernel"),
    samples=normal(*(([x, g], {"kernel": w[2:], **params}) for x, w, g, params in _transposed_cases())),
    pattern=_pattern_of("x", "y", "w"),
)
def conv_weight(x, cotangent, /, kernel, stride, padding, dilation, groups):
    """The cotangent of the weight, of spatial shape `kernel`, of a convolution of `x` whose result has `cotangent`."""
    n = len(kernel)
    xp, places = padded(x, explicit_padding(padding, kernel, dilation)), range(2, 2 + n)

    def correlate(x, g):
        view = windows(x, kernel, stride, dilation)
        return np.tensordot(g, view, ((0, *places), (0, *places)))

    return _grouped(correlate, groups, 0, (xp, 1), (cotangent, 1))
