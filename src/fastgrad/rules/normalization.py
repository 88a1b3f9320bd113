"""Normalization of an array to mean 0 and variance 1 along axes, as used by layer norm and batch norm."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.checks import real_only
from fastgrad.rules.reductions import mean, sum
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import reshape, sum_to
from fastgrad.rules.statistics import var

batching = lazy_functions("fastgrad.rules.batching")
batching_families = lazy_functions("fastgrad.rules.batching_families")
patterns = lazy_functions("fastgrad.rules.patterns")


def standardize_vjp(g, x, axis, eps):
    """`(g - mean(g) - y * mean(g * y)) / std`: `g` projected to directions that keep mean and variance."""
    scale = 1 / sqrt(var(x, axis, keepdims=True) + eps)
    y = (x - mean(x, axis, True)) * scale
    return (g - mean(g, axis, True) - y * mean(g * y, axis, True)) * scale


def standardized(x, axis, eps):
    """Return `(x - mean) / sqrt(var + eps)` of an array; float32 stays float32."""
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=axis, keepdims=True) + np.asarray(eps, centred.dtype))


def _trailing(ndim, axes):
    return tuple(range(ndim - axes, ndim))


def _floats(op, x):
    x = real_only(op, np.asarray(x))
    return x if x.dtype.kind == "f" else x.astype(float)


_SAMPLES = (
    ((3, 4), {"axis": 1}), ((3, 4), {"axis": 0}), ((2, 3, 4), {"axis": (0, 2)}), ((2, 3, 4), {"axis": (1, 2)}),
    ((4,), {"axis": 0, "eps": 0.1}), ((5, 2), {"axis": (0, 1)}), ((3, 4), {"axis": -1, "eps": 1e-3}),
    ((0, 3), {}),
)  # fmt: skip


@rule(
    batch=batching.over_axis,
    vjp=lambda g, x, axis, eps: standardize_vjp(g, x, axis, eps),
    jvp=lambda t, x, axis, eps: standardize_vjp(t, x, axis, eps),
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(axis=parameters.axes, eps=parameters.number),
    samples=lambda rng: [((rng.normal(size=shape),), params) for shape, params in _SAMPLES],
    pattern=patterns.lines,
)
def standardize(x, /, axis=-1, eps=1e-5):
    """`(x - mean) / sqrt(var + eps)`, with the mean and biased variance of `x` over `axis`."""
    return standardized(_floats("standardize", x), axis, eps)


def _x_vjp(g, x, weight, axes, eps):
    """As for `standardize`, with `g * weight` in place of `g`."""
    return standardize_vjp(g if weight is None else g * weight, x, _trailing(x.ndim, axes), eps)


def _weight_vjp(g, x, weight_shape, axes, eps):
    """`g * standardize(x)`, summed to the shape of `weight`."""
    return sum_to(g * standardize(x, _trailing(x.ndim, axes), eps), weight_shape)


def _scaled(y, weight):
    return y if weight is None else y * weight


def _draw(rng):
    for shape, axes, affine in (
        ((3, 4), 1, 2),
        ((2, 3, 4), 1, 1),
        ((2, 3, 4), 2, 2),
        ((5,), 1, 0),
        ((1, 9), 1, 2),
        ((0, 3), 1, 2),
    ):
        rest = [rng.normal(size=shape[-axes:]) for _ in range(affine)]
        yield (rng.normal(size=shape), *rest), {"axes": axes}


def _layer_norm_pattern(call, k):
    if k:
        return patterns.elementwise(call, k)
    return patterns.along(call, k, _trailing(len(call.shape), call.params["axes"]))


@rule(
    batch=batching_families.layer_norm,
    vjp=(
        lambda g, x, weight, axes, eps: _x_vjp(g, x, weight, axes, eps),
        lambda g, x, weight_shape, axes, eps: _weight_vjp(g, x, weight_shape, axes, eps),
        lambda g, bias_shape: sum_to(g, bias_shape),
    ),
    jvp=(
        lambda t, x, weight, axes, eps: _scaled(standardize_vjp(t, x, _trailing(x.ndim, axes), eps), weight),
        lambda t, x, axes, eps: standardize(x, _trailing(x.ndim, axes), eps) * t,
        lambda t: t,
    ),
    operands=3,
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(axes=parameters.integer, eps=parameters.number),
    samples=_draw,
    pattern=_layer_norm_pattern,
)
def layer_norm(x, weight=None, bias=None, /, axes=1, eps=1e-5):
    """`standardize(x) * weight + bias`, over the last `axes` axes."""
    x = _floats("layer_norm", x)
    y = standardized(x, _trailing(x.ndim, axes), eps)
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias


def _but_channels(ndim):
    return (0, *range(2, ndim))


def _per_channel(p, ndim):
    """Return parameters of channels in a shape that broadcasts against (batch, channels, ...)."""
    return reshape(p, (*p.shape, *(1,) * (ndim - 2))) if ndim > 2 else p


def _channels_scaled(y, weight):
    return y if weight is None else y * _per_channel(weight, y.ndim)


def _draw_batches(rng):
    for shape, affine in (((5, 3), 2), ((4, 2, 3), 2), ((2, 3, 2, 2), 1), ((6, 2), 0), ((3, 2, 9), 2), ((4, 0), 2)):
        yield (rng.normal(size=shape), *(rng.normal(size=shape[1]) for _ in range(affine))), {}


def _batch_norm_pattern(call, k):
    return (None, np.indices(call.shape)[1].ravel()) if k else patterns.along(call, k, _but_channels(len(call.shape)))


@rule(
    batch=batching_families.batch_norm,
    vjp=(
        lambda g, x, weight, eps: standardize_vjp(
            g if weight is None else g * _per_channel(weight, g.ndim), x, _but_channels(g.ndim), eps
        ),
        lambda g, x, eps: sum(g * standardize(x, _but_channels(g.ndim), eps), _but_channels(g.ndim)),
        lambda g: sum(g, _but_channels(g.ndim)),
    ),
    jvp=(
        lambda t, x, weight, eps: _channels_scaled(standardize_vjp(t, x, _but_channels(t.ndim), eps), weight),
        lambda t, x, eps: standardize(x, _but_channels(x.ndim), eps) * _per_channel(t, x.ndim),
        lambda t, x_shape: _per_channel(t, len(x_shape)),
    ),
    operands=3,
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(eps=parameters.number),
    samples=_draw_batches,
    pattern=_batch_norm_pattern,
)
def batch_norm(x, weight=None, bias=None, /, eps=1e-5):
    """`standardize(x) * weight + bias` for each channel (the second axis), over all other axes."""
    x = _floats("batch_norm", x)
    y = standardized(x, _but_channels(x.ndim), eps)
    across = (-1, *(1,) * (x.ndim - 2))
    if weight is not None:
        y = y * np.reshape(weight, across)
    return y if bias is None else y + np.reshape(bias, across)
