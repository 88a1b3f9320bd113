"""`autograd.scipy.signal`: convolutions, with derivatives; all other names are those of `scipy.signal`.

`convolve` takes the arguments of autograd's: any axes are convolved, summed over, or kept from both operands.
"""

import math

import numpy as np

from fastgrad._engine import Tensor, asarray
from fastgrad.autograd.numpy._functions import constants_as_values
from fastgrad.autograd.scipy._modules import ScipyModule
from fastgrad.autograd.scipy._passing import holds_box, pass_names
from fastgrad.fft import fftn, ifftn
from fastgrad.functions.shapes import reshape, transpose
from fastgrad.primitives import primitive
from fastgrad.rules.complex import conj, real
from fastgrad.rules.shapes import flip, pad

_BLOCK = 1 << 22  # elements of the windows that one product reads


def _windows(x, lengths):
    """Return a view of `x`, of shape (rows, summed, *positions, *lengths)."""
    n = len(lengths)
    return np.lib.stride_tricks.sliding_window_view(x, lengths, axis=tuple(range(2, 2 + n))) if n else x


@primitive(
    vjp=(
        lambda g, k: _correlate_g_x(g, k),
        lambda g, x: _correlate_g_y(g, x),
    ),
    jvp="multilinear",
)
def _correlate(x, k, /):
    """Sums of products of windows of `x`, of shape (p, d, *N), and `k`, of shape (q, d, *K): (p, q, *(N - K + 1))."""
    lengths = k.shape[2:]
    n = len(lengths)
    positions = [whole - part + 1 for whole, part in zip(x.shape[2:], lengths, strict=True)]
    out = np.zeros((x.shape[0], k.shape[0], *positions), np.result_type(x, k))
    if not out.size or not k.size:
        return out
    summed = [1, *range(2 + n, 2 + 2 * n)], [1, *range(2, 2 + n)]
    windows = _windows(x, lengths)
    rows = positions[0] if n else 1
    step = max(1, _BLOCK * rows // windows.size)  # tensordot copies the windows that it reads
    for at in range(0, rows, step):
        part = (slice(None), slice(None), slice(at, at + step))[: 2 + bool(n)]
        out[part] = np.moveaxis(np.tensordot(windows[part], k, summed), -1, 1)
    return out


def _swapped(x):
    return transpose(x, (1, 0, *range(2, x.ndim)))


def _reversed(k):
    return flip(k, tuple(range(2, k.ndim))) if k.ndim > 2 else k


def _correlate_g_x(g, k):
    """The full convolution of `g` and `k`: a correlation with the reversed `k`."""
    around = [(0, 0), (0, 0), *((n - 1, n - 1) for n in k.shape[2:])]
    return _correlate(pad(g, around), _reversed(_swapped(k)))


def _correlate_g_y(g, x):
    """The correlation of `x` and `g`."""
    return _swapped(_correlate(_swapped(x), _swapped(g)))


def _numbers(axes, ndim):
    return [int(axis) % ndim for axis in axes]


def _arranged(x, convolved, dotted):
    """Return `x` in the shape (kept, summed, *convolved), and the lengths of the axes that are kept."""
    kept = [axis for axis in range(x.ndim) if axis not in convolved and axis not in dotted]
    shape = [x.shape[axis] for axis in kept]
    x = transpose(x, (*kept, *dotted, *convolved))
    summed = math.prod(x.shape[len(kept) : len(kept) + len(dotted)])
    return reshape(x, (math.prod(shape), summed, *x.shape[len(kept) + len(dotted) :])), shape


def _padding(mode, n, k):
    """Return how many zeros are before and after the first operand, of length `n`; the second has the length `k`."""
    if mode == "full":
        return k - 1, k - 1
    if mode == "same":
        after = (k - 1) // 2
        return k - 1 - after, after
    return 0, 0


def _convolve(A, B, axes, dot_axes, mode):
    if axes is None:
        axes = range(A.ndim), range(A.ndim)
    axes_a, axes_b = _numbers(axes[0], A.ndim), _numbers(axes[1], B.ndim)
    dots_a, dots_b = _numbers(dot_axes[0], A.ndim), _numbers(dot_axes[1], B.ndim)
    if len(axes_a) != len(axes_b) or len(dots_a) != len(dots_b):
        raise ValueError("convolve: axes and dot_axes must have as many axes of A as of B")
    a, kept_a = _arranged(A, axes_a, dots_a)
    b, kept_b = _arranged(B, axes_b, dots_b)
    sizes = [*zip(a.shape[2:], b.shape[2:], strict=True)]
    if mode == "valid" and any(n < k for n, k in sizes):
        if any(n > k for n, k in sizes):
            raise ValueError("convolve: with mode 'valid', one array must be at least as long in all convolved axes")
        y = _swapped(_correlate(b, _reversed(a)))  # one window moves over the other
    else:
        around = [(0, 0), (0, 0), *(_padding(mode, n, k) for n, k in sizes)]
        y = _correlate(pad(a, around), _reversed(b))
    return reshape(y, (*kept_a, *kept_b, *y.shape[2:]))


def convolve(A, B, axes=None, dot_axes=((), ()), mode="full"):
    """Convolution along some axes, sum over others, and outer product over the rest.

    Parameters
    ----------
    A, B : array_like
        The operands.
    axes : pair of sequences of int, optional
        The axes of A and those of B that are convolved with each other. By default all.
    dot_axes : pair of sequences of int
        The axes of A and those of B over whose products the sum is taken.
    mode : {"full", "valid", "same"}
        As in `scipy.signal.convolve`; "same" has the size of A.

    Returns
    -------
    array
        Its axes are the others of A, the others of B, and the convolved ones.

    Raises
    ------
    ValueError
        If `mode` is unknown, the numbers of axes differ, or no operand fits into the other with the mode "valid".
    """
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"convolve: mode must be 'full', 'valid' or 'same', got {mode!r}")
    A, B = _array(A), _array(B)
    y = _convolve(A, B, axes, dot_axes, mode)
    return constants_as_values(y)


def _array(x):
    return x if isinstance(x, Tensor) else asarray(np.asarray(x))


__getattr__, __dir__ = pass_names("scipy.signal", globals())
_scipy = ScipyModule("scipy.signal")


def fftconvolve(in1, in2, mode="full", axes=None):
    """`scipy.signal.fftconvolve`, with derivatives."""
    if not holds_box(in1, in2):
        return _scipy.fftconvolve(in1, in2, mode, axes)
    a, b = _array(in1), _array(in2)
    axes = _numbers(range(a.ndim) if axes is None else np.atleast_1d(axes), a.ndim)
    if mode not in ("full", "valid", "same") or a.ndim != b.ndim:
        raise ValueError("fftconvolve: the operands must have as many axes, and mode be 'full', 'valid' or 'same'")
    pairs = [(a.shape[axis], b.shape[axis]) for axis in axes]
    if mode == "valid" and any(n < k for n, k in pairs) and any(n > k for n, k in pairs):
        raise ValueError("fftconvolve: with mode 'valid', one array must be at least as long in all convolved axes")
    lengths = [n + k - 1 for n, k in pairs]
    y = ifftn(fftn(a, lengths, axes) * fftn(b, lengths, axes), lengths, axes)
    y = y if "c" in (a.dtype.kind, b.dtype.kind) else real(y)
    key = [slice(None)] * y.ndim
    for axis, (n, k), length in zip(axes, pairs, lengths, strict=True):
        kept = {"full": length, "valid": abs(n - k) + 1, "same": n}[mode]
        start = (length - kept) // 2
        key[axis] = slice(start, start + kept)
    return constants_as_values(y[tuple(key)])


def correlate(in1, in2, mode="full", method="auto"):
    """`scipy.signal.correlate`, with derivatives; directly, whatever the method, for boxes."""
    if not holds_box(in1, in2):
        return _scipy.correlate(in1, in2, mode, method)
    a, b = _array(in1), _array(in2)
    b = flip(conj(b) if b.dtype.kind == "c" else b, tuple(range(b.ndim)))
    if mode == "valid" and any(n < k for n, k in zip(a.shape, b.shape, strict=True)):
        return convolve(b, a, mode=mode)
    return convolve(a, b, mode=mode)
