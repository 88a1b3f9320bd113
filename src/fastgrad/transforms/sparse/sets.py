"""Sets of column numbers, one for each row, as sorted lists of indices behind one another. Knows nothing of Tensors."""

import numpy as np

from fastgrad.transforms import messages

LARGEST = 2**27  # elements of all sets together: more take gigabytes, and no longer than a dense matrix to compute


class Sets:
    """One set of column numbers from 0 to n - 1 for each row.

    Attributes
    ----------
    starts : array of ints
        The set of row k is `columns[starts[k] : starts[k + 1]]`.
    columns : array of ints
        Sorted within a set.
    n : int
    """

    __slots__ = ("columns", "n", "starts")

    def __init__(self, starts, columns, n):
        self.starts = starts
        self.columns = columns
        self.n = n

    def __len__(self):
        return len(self.starts) - 1

    @classmethod
    def of_pairs(cls, rows, columns, m, n):
        """Return the sets of pairs of numbers, in any order."""
        return cls._of_keys(np.asarray(rows, np.int64) * n + columns, m, n)

    @classmethod
    def _of_keys(cls, keys, m, n, kind=None):
        """Return the sets of pairs (row, column) that are given as `row * n + column`."""
        keys = np.sort(keys, kind=kind)
        if len(keys) > 1:
            first = np.empty(len(keys), bool)
            first[0] = True
            np.not_equal(keys[1:], keys[:-1], out=first[1:])
            keys = keys[first]
        starts = np.searchsorted(keys, np.arange(m + 1, dtype=np.int64) * n)
        return cls(starts, keys - np.repeat(np.arange(m, dtype=np.int64) * n, np.diff(starts)), n)

    @property
    def rows(self):
        """The number of the row, for each of `columns`."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.starts))

    def keys(self):
        """Return all pairs as `row * n + column`, in increasing order."""
        return self.rows * self.n + self.columns

    def transposed(self):
        """Return the rows of each column."""
        return Sets.of_pairs(self.columns, self.rows, self.n, len(self))

    def take(self, source):
        """Return the sets of the rows `source`; negative numbers stand for the empty set."""
        counts = np.append(np.diff(self.starts), 0)[np.maximum(source, -1)]
        starts = np.concatenate([[0], np.cumsum(counts)])
        require_few(starts[-1])
        first = self.starts[:-1][source] if len(self) else np.zeros_like(source)
        return Sets(starts, self.columns[np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)], self.n)

    def collect(self, target, m):
        """Return `m` sets: the set of row k is added to that of row `target[k]`, or to none if that is negative."""
        target = np.repeat(target, np.diff(self.starts))
        kept = target >= 0
        return Sets.of_pairs(target[kept], self.columns[kept], m, self.n)

    def compose(self, pattern, m):
        """Return the sets of the `m` elements of a result whose operand has these, for the pattern of a rule."""
        if pattern is None:
            columns = np.unique(self.columns)
            require_few(m * len(columns))
            return Sets(np.arange(m + 1) * len(columns), np.tile(columns, m), self.n)
        rows, columns = pattern
        taken = self if columns is None else self.take(columns)
        return taken if rows is None else taken.collect(rows, m)


def require_few(count):
    """Raise if there are too many pairs for a sparse matrix."""
    if count > LARGEST:
        raise messages.not_sparse(count)


def union(parts):
    """Return the union of sets with the same numbers of rows and columns, row by row."""
    first = parts[0]
    others = [part for part in parts[1:] if not _equal(part, first)]
    if not others:
        return first
    keys = np.concatenate([first.keys(), *(part.keys() for part in others)])
    return Sets._of_keys(keys, len(first), first.n, kind="stable")  # a merge, as the parts are sorted


def _equal(a, b):
    return a is b or (np.array_equal(a.starts, b.starts) and np.array_equal(a.columns, b.columns))
