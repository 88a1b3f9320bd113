"""The vector spaces of arrays and numbers."""

import numpy as np

from fastgrad.autograd.builtins import NamedTupleVSpace
from fastgrad.autograd.extend import VSpace
from fastgrad.autograd.numpy.numpy_boxes import ArrayBox

__all__ = ["ArrayVSpace", "ComplexArrayVSpace", "NamedTupleVSpace", "VSpace"]


class ArrayVSpace(VSpace):
    """The space of real arrays of a shape and dtype."""

    def __init__(self, value):
        if not hasattr(value, "dtype"):
            value = np.asarray(value)
        self.shape = value.shape
        self.dtype = value.dtype

    @property
    def size(self):
        """The number of real numbers."""
        return int(np.prod(self.shape))

    @property
    def ndim(self):
        """The number of axes."""
        return len(self.shape)

    def zeros(self):
        """Return an array of zeros."""
        return np.zeros(self.shape, self.dtype)

    def ones(self):
        """Return an array of ones."""
        return np.ones(self.shape, self.dtype)

    def standard_basis(self):
        """Yield arrays in which one element is 1."""
        return self._units(1)

    def randn(self):
        """Return an array of normally distributed numbers."""
        return np.array(np.random.randn(*self.shape)).astype(self.dtype)

    def _units(self, *values):
        for place in np.ndindex(*self.shape):
            for value in values:
                unit = self.zeros()
                unit[place] = value
                yield unit

    def _inner_prod(self, x, y):
        return np.dot(np.ravel(x), np.ravel(y))


class ComplexArrayVSpace(ArrayVSpace):
    """The space of complex arrays, as a real space of twice the size."""

    iscomplex = True

    @property
    def size(self):
        """The number of real numbers."""
        return 2 * super().size

    def ones(self):
        """Return an array of 1 + 1j, the sum of the basis."""
        return np.full(self.shape, 1 + 1j, self.dtype)

    def standard_basis(self):
        """Yield arrays in which one element is 1 or 1j."""
        return self._units(1, 1j)

    def randn(self):
        """Return an array whose real and imaginary parts are normally distributed."""
        return np.array(np.random.randn(*self.shape) + 1j * np.random.randn(*self.shape)).astype(self.dtype)

    def _inner_prod(self, x, y):
        return np.real(np.dot(np.conj(np.ravel(x)), np.ravel(y)))

    def _covector(self, x):
        return np.conj(x)


def _of_array(x):
    return ComplexArrayVSpace(x) if x.dtype.kind == "c" else ArrayVSpace(x)


for _kind in (np.ndarray, ArrayBox):
    VSpace.register(_kind, _of_array)
for _kind in (float, np.float16, np.float32, np.float64, np.longdouble):
    ArrayVSpace.register(_kind)
for _kind in (complex, np.complex64, np.complex128, np.clongdouble):
    ComplexArrayVSpace.register(_kind)
for _result in (
    np.linalg.eig(np.eye(1)), np.linalg.eigh(np.eye(1)), np.linalg.qr(np.eye(1)), np.linalg.slogdet(np.eye(1)),
    np.linalg.svd(np.eye(1)),
):  # fmt: skip
    if hasattr(_result, "_fields"):  # since NumPy 1.25
        _kind = type(_result)
        _space = type(f"{_kind.__name__}VSpace", (NamedTupleVSpace,), {"seq_type": _kind, "__module__": __name__})
        _space.register(_kind)
        globals()[_space.__name__] = _space
