"""The transforms of `numpy.fft` along the last axis, without the checks that make up half of NumPy's time.

NumPy's functions work out the scale and the shape of the result around loops that take less than 1 µs for short
transforms. Here the same loops are called directly, so that results are the same. They are private to NumPy, and used
only if they have the expected name, signature and types. In all other cases (other axes, dtypes and lengths) NumPy's
function is called.
"""

import math

import numpy as np

_loops = getattr(np.fft, "_pocketfft_umath", None)
_F64, _C128 = np.dtype(np.float64), np.dtype(np.complex128)
_REAL, _COMPLEX, _BOTH = (_F64,), (_C128,), (_C128, _F64)
# The power of 1 / n that scales a transform, and its inverse.
_SCALES = {None: (0, 1), "backward": (0, 1), "ortho": (0.5, 0.5), "forward": (1, 0)}


def _loop(name, types):
    """Return a loop of NumPy, or None if there is none with these types and the signature of transforms."""
    found = getattr(_loops, name, None)
    signature = str(getattr(found, "signature", "")).replace(" ", "")
    return found if signature in ("(n),()->(m)", "(m),()->(n)") and types in found.types else None


_fft, _ifft, _irfft = _loop("fft", "Dd->D"), _loop("ifft", "Dd->D"), _loop("irfft", "Dd->d")
_rfft_even, _rfft_odd = (_loop(name, "dd->D") for name in ("rfft_n_even", "rfft_n_odd"))


def _is_plain(a, n, axis, norm, dtypes):
    """Return whether a loop can transform `a`, an array of one of these dtypes with elements, along its last axis."""
    return (
        n is None
        and isinstance(a, np.ndarray)
        and a.dtype in dtypes
        and a.size
        and a.ndim
        and (axis == -1 or axis == a.ndim - 1)
        and norm in _SCALES
    )


def _scale(n, norm, inverse):
    power = _SCALES[norm][inverse]
    return 1.0 if power == 0 else 1.0 / n if power == 1 else 1.0 / math.sqrt(n)


def fft(a, n, axis, norm):
    """Return `np.fft.fft(a, n, axis, norm)`."""
    if _fft is not None and _is_plain(a, n, axis, norm, _BOTH):
        return _fft(a, _scale(a.shape[-1], norm, 0), out=np.empty(a.shape, _C128))
    return np.fft.fft(a, n, axis, norm)


def ifft(a, n, axis, norm):
    """Return `np.fft.ifft(a, n, axis, norm)`."""
    if _ifft is not None and _is_plain(a, n, axis, norm, _BOTH):
        return _ifft(a, _scale(a.shape[-1], norm, 1), out=np.empty(a.shape, _C128))
    return np.fft.ifft(a, n, axis, norm)


def rfft(a, n, axis, norm):
    """Return `np.fft.rfft(a, n, axis, norm)`."""
    if _is_plain(a, n, axis, norm, _REAL):
        length = a.shape[-1]
        loop = _rfft_odd if length % 2 else _rfft_even
        if loop is not None:
            return loop(a, _scale(length, norm, 0), out=np.empty((*a.shape[:-1], length // 2 + 1), _C128))
    return np.fft.rfft(a, n, axis, norm)


def with_frequencies(a, n, axis):
    """Return `a`, or zeros if it has no frequencies but `n` is given: NumPy 2.4 reads beyond the array then."""
    a = np.asarray(a)
    if a.size or n is None or not -a.ndim <= axis < a.ndim or a.shape[axis]:
        return a
    axis %= a.ndim
    return np.zeros((*a.shape[:axis], 1, *a.shape[axis + 1 :]), a.dtype)


def irfft(a, n, axis, norm):
    """Return `np.fft.irfft(a, n, axis, norm)`."""
    if _irfft is not None and _is_plain(a, None, axis, norm, _COMPLEX):
        length = 2 * (a.shape[-1] - 1) if n is None else n
        if length > 0:
            return _irfft(a, _scale(length, norm, 1), out=np.empty((*a.shape[:-1], length), _F64))
    return np.fft.irfft(with_frequencies(a, n, axis), n, axis, norm)
