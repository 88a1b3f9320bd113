"""Discrete Fourier transforms along one axis. The transpose of each is another one, in the opposite direction.

A transform is a matrix F, and its backward pass the conjugate transpose of F: the inverse transform with the scale of
`norm` in the other direction. Transforms of real data omit the frequencies above the middle, which are conjugates of
those below it. Each frequency that is kept therefore stands for two, except 0 and, if the length is even, the middle.
"""

from functools import lru_cache

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules import pocketfft
from fastgrad.rules.draws import complex_normal, normal
from fastgrad.rules.joining import concat
from fastgrad.rules.rule import ops, rule

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_CACHED = 1024  # the longest transform whose weights are kept
_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _resized(x, shape, axis):
    """Return `x` cropped, or filled with zeros, to its length in `shape`: the transpose of NumPy's treatment of `n`."""
    n, wanted = x.shape[axis], shape[axis]
    if n == wanted:
        return x
    axis %= x.ndim
    if n > wanted:
        return ops.getitem(x, (*(slice(None),) * axis, slice(0, wanted)))
    return concat(x, np.zeros((*x.shape[:axis], wanted - n, *x.shape[axis + 1 :]), x.dtype), axis=axis)


def _new_weights(n, multiple, trailing, dtype):
    weights = np.full((n // 2 + 1, *(1,) * trailing), multiple, dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return weights


_known_weights = lru_cache(maxsize=64)(_new_weights)


def _weighted(x, n, multiple, axis):
    """Return `x` times `multiple`, except at frequencies that are their own conjugates: 0, and n / 2 if n is even."""
    dtype = np.float32 if x.dtype == np.complex64 else np.float64
    weights = _known_weights if n <= _CACHED else _new_weights
    return x * weights(n, multiple, x.ndim - 1 - axis % x.ndim, dtype)


def _half_vjp(inverse, g, x_shape, n, axis, norm):
    """The inverse transform of `g`, halved at frequencies that stand for two; resized to the length of the operand."""
    n = x_shape[axis] if n is None else n
    return _resized(inverse(_weighted(g, n, 0.5, axis), n, axis, _SWAPPED[norm]), x_shape, axis)


def _whole_vjp(inverse, g, x_shape, axis, norm):
    """The inverse transform of `g`, doubled at frequencies that stand for two; resized to the length of the operand."""
    gx = inverse(g, None, axis, _SWAPPED[norm])
    return _resized(_weighted(gx, g.shape[axis], 2.0, axis), x_shape, axis)


_prepare = parameters.read(n=parameters.length, axis=parameters.integer, norm=parameters.word)
_CASES = (
    ((5,), {}), ((4,), {"norm": "ortho"}), ((3, 4), {"axis": 0, "norm": "forward"}), ((2, 5), {"n": 3}),
    ((2, 3, 2), {"n": 6, "axis": -2}), ((4,), {"n": 1}), ((0, 3), {}), ((2, 0), {"n": 2}),
)  # fmt: skip
_TO_REAL = (
    ((4,), {}), ((3, 4), {"axis": 0, "norm": "forward"}), ((2, 4), {"n": 3, "norm": "ortho"}), ((2, 5), {"n": 4}),
    ((2, 3, 2), {"n": 7, "axis": -2}), ((4,), {"n": 1}), ((0, 3), {}),
)  # fmt: skip


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, axis, norm: _resized(ops.ifft(g, None, axis, _SWAPPED[norm]), a_shape, axis),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.fft",),
    prepare=_prepare,
    samples=lambda rng: [*complex_normal(*_CASES)(rng), *normal(*_CASES)(rng)],
    pattern=patterns.lines,
)
def fft(a, /, n=None, axis=-1, norm=None):
    """Discrete Fourier transform of `a` along `axis`, which is cropped or filled with zeros to length `n`.

    The scale `1 / n` is that of the inverse transform if `norm` is None or "backward", and of this one if it is
    "forward"; "ortho" scales both by its square root.
    """
    return pocketfft.fft(a, n, axis, norm)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, axis, norm: _resized(ops.fft(g, None, axis, _SWAPPED[norm]), a_shape, axis),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.ifft",),
    prepare=_prepare,
    samples=lambda rng: [*complex_normal(*_CASES)(rng), *normal(*_CASES)(rng)],
    pattern=patterns.lines,
)
def ifft(a, /, n=None, axis=-1, norm=None):
    """Inverse of `fft`, along `axis`, which is cropped or filled with zeros to length `n`."""
    return pocketfft.ifft(a, n, axis, norm)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, n, axis, norm: _half_vjp(ops.irfft, g, a_shape, n, axis, norm),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.rfft",),
    prepare=_prepare,
    samples=normal(*_CASES),
    pattern=patterns.lines,
)
def rfft(a, /, n=None, axis=-1, norm=None):
    """Discrete Fourier transform of the real `a` along `axis`: the `n // 2 + 1` frequencies from 0 to the middle."""
    return pocketfft.rfft(a, n, axis, norm)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, axis, norm: _whole_vjp(ops.rfft, g, a_shape, axis, norm),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.irfft",),
    prepare=_prepare,
    samples=lambda rng: [*complex_normal(*_TO_REAL)(rng), *normal(*_TO_REAL)(rng)],
    pattern=patterns.lines,
)
def irfft(a, /, n=None, axis=-1, norm=None):
    """Inverse of `rfft`: the real data of length `n`, by default `2 * (m - 1)`, that has these `m` frequencies.

    The imaginary parts of frequencies that are their own conjugates are ignored, and get the gradient 0.
    """
    return pocketfft.irfft(a, n, axis, norm)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, axis, norm: _whole_vjp(ops.ihfft, g, a_shape, axis, norm),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.hfft",),
    prepare=_prepare,
    samples=lambda rng: [*complex_normal(*_TO_REAL)(rng), *normal(*_TO_REAL)(rng)],
    pattern=patterns.lines,
)
def hfft(a, /, n=None, axis=-1, norm=None):
    """Discrete Fourier transform, which is real, of data of length `n` whose second half has the conjugates of `a`.

    The imaginary parts of elements that are their own conjugates are ignored, and get the gradient 0.
    """
    return np.fft.hfft(pocketfft.with_frequencies(a, n, axis), n, axis, norm)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, a_shape, n, axis, norm: _half_vjp(ops.hfft, g, a_shape, n, axis, norm),
    jvp="linear",
    holomorphic=False,
    numpy=("fft.ihfft",),
    prepare=_prepare,
    samples=normal(*_CASES),
    pattern=patterns.lines,
)
def ihfft(a, /, n=None, axis=-1, norm=None):
    """Inverse of `hfft`: the first half, with the middle, of the inverse transform of the real `a`."""
    return np.fft.ihfft(a, n, axis, norm)
