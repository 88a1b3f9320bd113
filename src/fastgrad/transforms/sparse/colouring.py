"""Graph colouring: columns, or rows, of a sparse matrix in groups that are computed by one product each.

A group is a colour. In all functions a set of colours is an int, with bit c set for colour c, so that the union of sets
and the smallest colour that is missing are one operation each, and the time is proportional to the number of elements.

References
----------
Gebremedhin, Manne, Pothen: What color is your Jacobian? Graph coloring for computing derivatives. SIAM Review 47
(2005), pages 629-705.
"""

import numpy as np

UNUSED = -1  # the colour of what has no nonzero elements
PERIODS = 4  # numbers of colours, from the smallest possible one, for which periodic ones are tried
SECOND_TRY = 2**20  # elements of patterns that are coloured in two orders


def distance_two(columns):
    """Return a colour for each column such that columns of one colour have no row in common.

    `columns` are the Sets of rows of each column.
    """
    rows = columns.transposed()
    bound, used = _longest(rows), np.diff(columns.starts) > 0
    if bound == np.count_nonzero(used):  # a full row: each column is a group
        return np.where(used, np.cumsum(used) - 1, UNUSED)
    colours = _periodic(rows, range(bound, bound + 1))
    if colours is None:
        colours = _fewest(lambda order: _greedy(columns, order), columns, bound)
        better = _periodic(rows, range(bound + 1, min(colours.max() + 1, bound + PERIODS)))
        colours = colours if better is None else better
    return np.where(used, colours, UNUSED)


def star(pattern):
    """Return a colour for each column of a symmetric pattern such that symmetric products determine all elements.

    Of each element (i, j), row i has no other column of the colour of j, or row j no other of the colour of i. It is a
    star colouring of the graph whose edges are the elements off the diagonal, in which neighbours have different
    colours and no path of four vertices has only two; or a colouring as by `distance_two`, if that has fewer colours.
    """
    n = len(pattern)
    if len(pattern.columns) == n * n:
        return np.arange(n)
    colours = _fewest(lambda order: _star(pattern, order), pattern, 3)  # fewer are enough for stars alone
    bound = _longest(pattern)
    better = _periodic(pattern, range(bound, min(colours.max() + 1, bound + PERIODS)))
    return colours if better is None else np.where(colours == UNUSED, UNUSED, better)


def _longest(sets):
    return int(np.diff(sets.starts).max(initial=0))


def _periodic(rows, periods):
    """Return the numbers of the columns modulo a period, if no row has two columns of one group; None if none fits.

    Of bands and of stencils on grids, this often finds fewer groups than the greedy algorithm.
    """
    for period in periods:
        keys = np.sort(rows.rows * period + rows.columns % period)
        if not (keys[1:] == keys[:-1]).any():
            return np.arange(rows.n) % period
    return None


def _fewest(colour, sets, bound):
    """Return the better result of two orders: as given, and by decreasing number of elements."""
    colours = colour(range(len(sets)))
    lengths = np.diff(sets.starts)
    if colours.max(initial=UNUSED) < bound or len(sets.columns) > SECOND_TRY or lengths.min() == lengths.max():
        return colours
    others = colour(np.argsort(-lengths, kind="stable").tolist())
    return others if others.max() < colours.max() else colours


def _lists(sets):
    ends, columns = sets.starts.tolist(), sets.columns.tolist()
    return [columns[low:high] for low, high in zip(ends, ends[1:], strict=False)]


def _greedy(columns, order):
    """Give each column the smallest colour that no column with a row in common has."""
    rows_of, used = _lists(columns), [0] * columns.n  # `used`: the colours in each row
    colours = np.full(len(columns), UNUSED)
    for j in order:
        rows = rows_of[j]
        if rows:
            taken = 0
            for i in rows:
                taken |= used[i]
            free = ~taken & (taken + 1)
            for i in rows:
                used[i] |= free
            colours[j] = free.bit_length() - 1
    return colours


def _star(pattern, order):
    """Give each vertex the smallest colour that closes no path of four vertices in two colours.

    For each vertex, `once` and `more` are the colours of exactly one and of several of its neighbours. `beyond` are the
    colours of neighbours that have several neighbours of the colour of the vertex. The colour of a new vertex v must
    not be that of a neighbour w, nor in `beyond[w]`, which would close a path v - w - x - y; and if w shares its colour
    with another neighbour of v, it must not be that of any neighbour of w, on a path x - w - v - w'.
    """
    n = len(pattern)
    neighbours = [[w for w in row if w != v] for v, row in enumerate(_lists(pattern))]
    once, more, beyond, own = [0] * n, [0] * n, [0] * n, [0] * n
    first = [{} for _ in range(n)]  # for each vertex the first neighbour of each colour
    for v in order:
        taken, several = once[v] | more[v], more[v]
        for w in neighbours[v]:
            taken |= beyond[w]
            if own[w] & several:
                taken |= once[w] | more[w]
        colour = own[v] = ~taken & (taken + 1)
        for w in neighbours[v]:
            if own[w] & several:
                beyond[w] |= colour
            if more[w] & colour:
                beyond[v] |= own[w]
            elif once[w] & colour:
                once[w] ^= colour
                more[w] |= colour
                beyond[v] |= own[w]
                beyond[first[w][colour]] |= own[w]
            else:
                once[w] |= colour
                first[w][colour] = v
    lengths = np.diff(pattern.starts)
    return np.where(lengths > 0, np.array([c.bit_length() - 1 for c in own], int), UNUSED)
