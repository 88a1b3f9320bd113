"""What users pass as a pattern, and what they get: sparse arrays of SciPy, or triplets without it."""

import functools
from typing import NamedTuple

import numpy as np

from fastgrad.transforms import messages
from fastgrad.transforms.sparse.sets import Sets


class Triplets(NamedTuple):
    """A sparse matrix as arrays of rows, columns and values, sorted by rows and then by columns.

    `scipy.sparse.coo_array((t.values, (t.rows, t.cols)), t.shape)` is the same matrix.
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray
    shape: tuple

    def toarray(self):
        """Return the matrix as a dense array."""
        dense = np.zeros(self.shape, self.values.dtype)
        dense[self.rows, self.cols] = self.values
        return dense


class Wanted:
    """The argument `sparse=` of a transform: a format, and perhaps the pattern.

    Attributes
    ----------
    given : bool
        Whether the user has passed the pattern.
    """

    __slots__ = ("_columns", "_format", "_rows", "_shape", "_verb", "given")

    def __init__(self, verb, sparse):
        self._verb = verb
        self._format = sparse if isinstance(sparse, str) else None
        self.given = sparse is not True and self._format is None
        if self._format not in (None, "csr", "triplets"):
            raise messages.bad_pattern(verb, f"got {sparse!r}")
        if self.given:
            self._rows, self._columns, self._shape = _read(verb, sparse)

    def sets(self, m, n):
        """Return the given pattern as Sets."""
        if self._shape not in (None, (m, n)):
            raise messages.pattern_shape(self._verb, self._shape, (m, n))
        for name, numbers, length in (("row", self._rows, m), ("column", self._columns, n)):
            if numbers.size and (numbers.min() < 0 or numbers.max() >= length):
                raise messages.pattern_range(self._verb, name, numbers, (m, n))
        return Sets.of_pairs(self._rows, self._columns, m, n)

    def matrix(self, plan, values):
        """Return the matrix with these values, which shares no memory with the plan."""
        shape = (len(plan.pattern), plan.pattern.n)
        scipy = _scipy_sparse() if self._format != "triplets" else None
        if scipy is not None:
            return scipy.csr_array((values, plan.columns.copy(), plan.starts.copy()), shape=shape)
        if self._format == "csr":
            raise messages.no_scipy(self._verb)
        return Triplets(plan.rows.copy(), plan.columns.copy(), values, shape)


@functools.cache
def _scipy_sparse():
    """Return `scipy.sparse`, or None if SciPy is not installed."""
    try:
        import scipy.sparse
    except ImportError:
        return None
    return scipy.sparse


def _read(verb, pattern):
    """Return the rows and columns of the elements of a pattern, and its shape or None."""
    if hasattr(pattern, "tocoo"):
        found = pattern.tocoo()
        return np.array(found.row, np.int64), np.array(found.col, np.int64), tuple(found.shape)
    if isinstance(pattern, Triplets):
        return np.array(pattern.rows, np.int64), np.array(pattern.cols, np.int64), tuple(pattern.shape)
    if isinstance(pattern, tuple) and len(pattern) == 2:
        rows, columns = map(np.asarray, pattern)
        if rows.ndim != 1 or rows.shape != columns.shape:
            raise messages.bad_pattern(verb, f"got rows of shape {rows.shape} and columns of shape {columns.shape}")
        if rows.size and (rows.dtype.kind not in "iu" or columns.dtype.kind not in "iu"):
            raise messages.bad_pattern(verb, f"got rows of {rows.dtype} and columns of {columns.dtype}")
        return rows.astype(np.int64), columns.astype(np.int64), None
    dense = np.asarray(pattern)
    if dense.ndim != 2 or dense.dtype.kind not in "biufc":
        raise messages.bad_pattern(verb, f"got {type(pattern).__name__} of shape {dense.shape}")
    return *np.nonzero(dense), dense.shape
