"""Plans: which products are computed for a pattern, and where its elements are found in them. Knows nothing of `f`."""

import numpy as np

from fastgrad._engine import asarray, pull_back, push_forward
from fastgrad.transforms.matrices import batches
from fastgrad.transforms.sparse.colouring import UNUSED, distance_two, star
from fastgrad.transforms.sparse.sets import Sets, require_few, union

PROBE_SEED = 20261127
KEPT_SEEDS = 2**22  # elements of directions that are kept between calls


class Plan:
    """How the elements of a sparse matrix are computed.

    Attributes
    ----------
    pattern : Sets
        The columns of the nonzero elements of each row, in the order of the values.
    colours : array of ints
        The group of each column, or of each row.
    forward : bool
        Whether products are of forward mode, with groups of columns.
    n_products : int
        The number of products with the matrix, or with its transpose.
    rows, columns, starts : array of int32 or int64
        Those of the pattern, as sparse arrays hold them.
    """

    __slots__ = (
        "_places",
        "_seeds",
        "_weights",
        "colours",
        "columns",
        "forward",
        "n_products",
        "pattern",
        "rows",
        "starts",
    )

    def __init__(self, pattern, colours, forward, places, probe):
        self.pattern = pattern
        small = max(len(pattern), pattern.n, len(pattern.columns)) <= np.iinfo(np.int32).max
        parts = (pattern.rows, pattern.columns, pattern.starts)
        self.rows, self.columns, self.starts = (part.astype(np.int32 if small else np.int64) for part in parts)
        self.forward = forward
        self.colours = colours
        self._places = places
        self.n_products = int(colours.max(initial=UNUSED)) + 1
        self._weights = np.random.default_rng(PROBE_SEED).uniform(0.5, 1.5, len(colours)) if probe else None
        self._seeds = _Seeds(colours, self.n_products, self._weights)

    def without_probe(self):
        """Return the same plan without a probe."""
        return Plan(self.pattern, self.colours, self.forward, self._places, probe=False)

    def values(self, outputs, inputs, dtype):
        """Return the elements of the matrix, and the product with random weights if there is a probe."""
        if self.forward:
            products = self._seeds.products(inputs, outputs, push_forward, dtype)
        else:
            products = self._seeds.products(outputs, inputs, pull_back, dtype)
            if dtype.kind == "c":  # reverse mode computes the conjugate transpose
                products = products.conj()
        values = products.reshape(-1).take(self._places)
        return values, None if self._weights is None else products[-1]

    def wrong_products(self, values, probe):
        """Return the number of elements of the probe that are not those of the matrix with these values."""
        rows, columns, m = self.pattern.rows, self.pattern.columns, len(self.pattern)
        if not self.forward:
            rows, columns, m = columns, rows, self.pattern.n
        weighted = values * self._weights[columns]
        expected = np.zeros(m, values.dtype)
        np.add.at(expected, rows, weighted)
        sizes = np.maximum(np.bincount(rows, np.abs(weighted), m), np.abs(probe))
        eps = np.finfo(values.dtype).eps
        allowed = np.sqrt(eps) * sizes + 1e3 * eps * sizes.max(initial=0)
        with np.errstate(invalid="ignore"):  # NaN says nothing
            return np.count_nonzero(np.abs(probe - expected) > allowed)


class _Seeds:
    """Directions of products, in batches of Tensors, which are kept if they are small."""

    __slots__ = ("_colours", "_count", "_made", "_n_products", "_weights")

    def __init__(self, colours, n_products, weights):
        self._colours = colours
        self._weights = weights  # of an additional direction, or None
        self._n_products = n_products
        self._count = n_products + (weights is not None)
        self._made = (None, None)

    def products(self, given, wanted, product, dtype):
        """Return the products as rows, for `product` one of `push_forward` and `pull_back`."""
        parts = []
        for size, seeds in self._batches(given, wanted):
            live = [(t, seed) for t, seed in zip(given, seeds, strict=True) if t.requires_grad]
            from_, to = [t for t, _ in live], [t for t in wanted if t.requires_grad]
            outputs, inputs = (to, from_) if product is push_forward else (from_, to)
            results = iter(product(outputs, inputs, [seed for _, seed in live], batch=size) if outputs else ())
            row = [_flat(next(results, None) if t.requires_grad else None, size, t, dtype) for t in wanted]
            parts.append(row[0] if len(row) == 1 else np.concatenate(row, 1))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros((0, sum(t.size for t in wanted)), dtype)

    def _batches(self, given, wanted):
        """Return pairs of the size of a batch and its Tensors, one for each of `given`."""
        if self._count * len(self._colours) > KEPT_SEEDS:
            return self._new_batches(given, wanted)
        kinds = [(t.shape, t.dtype) for t in given]
        known, made = self._made
        if known != kinds:
            made = list(self._new_batches(given, wanted))
            self._made = kinds, made
        return made

    def _new_batches(self, given, wanted):
        ends = np.cumsum([t.size for t in given])[:-1]
        for low, high in batches(self._count, max(t.size for t in (*given, *wanted))):
            seeds = np.zeros((high - low, len(self._colours)))
            used = np.flatnonzero((self._colours >= low) & (self._colours < high))
            seeds[self._colours[used] - low, used] = 1
            if high > self._n_products:
                seeds[-1] = self._weights
            cuts = zip(np.split(seeds, ends, axis=1), given, strict=True)
            yield (
                high - low,
                [asarray(cut.astype(t.dtype).reshape(high - low, *t.shape)) for cut, t in cuts],
            )


def _flat(result, size, t, dtype):
    return np.zeros((size, t.size), dtype) if result is None else result.detach().numpy().reshape(size, t.size)


def jacobian_plan(pattern, probe=False):
    """Return the plan for any matrix: by groups of columns, or of rows if these are fewer."""
    columns, rows = pattern.transposed(), pattern
    most_in_row, most_in_column = (int(np.diff(s.starts).max(initial=0)) for s in (rows, columns))
    by_columns = distance_two(columns) if most_in_row <= most_in_column else None
    if by_columns is None or by_columns.max(initial=UNUSED) >= most_in_column:
        by_rows = distance_two(rows)
        if by_columns is None and by_rows.max(initial=UNUSED) >= most_in_row:
            by_columns = distance_two(columns)
        if by_columns is None or by_rows.max(initial=UNUSED) < by_columns.max(initial=UNUSED):
            return Plan(pattern, by_rows, False, by_rows[pattern.rows] * pattern.n + pattern.columns, probe)
    return Plan(pattern, by_columns, True, by_columns[pattern.columns] * len(pattern) + pattern.rows, probe)


def dense_plan(m, n):
    """Return the plan for a matrix without zeros, by single rows."""
    require_few(m * n)
    pattern = Sets(np.arange(m + 1) * n, np.tile(np.arange(n), m), n)
    return Plan(pattern, np.arange(m), False, np.arange(m * n), probe=False)


def symmetric_plan(pattern):
    """Return the plan for a symmetric matrix, with a probe: of two symmetric elements, only one is computed alone."""
    pattern = union([pattern, pattern.transposed()])
    colours = star(pattern)
    rows, columns, n = pattern.rows, pattern.columns, len(pattern)
    low, high = np.minimum(rows, columns), np.maximum(rows, columns)
    # where row `low` has no other column with the colour of `high`
    direct = _occur_once(rows * n + colours[columns], low * n + colours[high])
    places = np.where(direct, colours[high] * n + low, colours[low] * n + high)
    return Plan(pattern, colours, True, places, probe=True)


def _occur_once(numbers, wanted):
    """Return which of the `wanted` numbers, all of which are among `numbers`, are there only once."""
    numbers = np.sort(numbers)
    differs = np.concatenate([[True], numbers[1:] != numbers[:-1], [True]])
    return (differs[:-1] & differs[1:])[np.searchsorted(numbers, wanted)]
