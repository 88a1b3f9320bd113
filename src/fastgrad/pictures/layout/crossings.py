"""Orders the items within each column so that few wires cross."""

from bisect import bisect_right, insort

_SWEEPS = 12
_MAX_ITEMS = 500  # with more items, swapping neighbours takes too long


def order(columns, edges):
    """Return the columns, each in an order with few crossings.

    Parameters
    ----------
    columns : list of lists of items
        Initial order, which ties preserve.
    edges : list of tuples (u, v, port)
        Edges between neighbouring columns. `port` is the position at which the wire enters `v`, from 0 (top) to 1.
    """
    after, before = {}, {}
    for u, v, port in edges:
        after.setdefault(u, []).append((v, port))
        before.setdefault(v, []).append((u, port))
    best, fewest = [list(c) for c in columns], count(columns, after)
    current = [list(c) for c in columns]
    stale = 0
    for sweep in range(_SWEEPS):
        if not fewest or stale > 3:
            break
        if sweep % 2:
            for k in range(len(current) - 2, -1, -1):
                _sort_by_mean(current[k], current[k + 1], after, False)
        else:
            for k in range(1, len(current)):
                _sort_by_mean(current[k], current[k - 1], before, True)
        if sum(map(len, current)) <= _MAX_ITEMS:
            _swap_neighbours(current, before, after)
        crossings = count(current, after)
        stale = 0 if crossings < fewest else stale + 1
        if crossings < fewest:
            best, fewest = [list(c) for c in current], crossings
    return best


def _sort_by_mean(column, fixed, neighbours, entering):
    """Sort by the mean position of the neighbours. Items without neighbours keep their position."""
    place = {item: k for k, item in enumerate(fixed)}
    target = {}
    for k, item in enumerate(column):
        near = neighbours.get(item, ())
        if not near:
            target[item] = k * max(len(fixed), 1) / max(len(column), 1)
        elif entering:
            target[item] = sum(place[u] for u, _ in near) / len(near)
        else:
            target[item] = sum(place[v] + 0.8 * port for v, port in near) / len(near)
    column.sort(key=target.__getitem__)


def _positions(near, place):
    return sorted(place[v] + 0.8 * port for v, port in near)


def _swap_neighbours(columns, before, after):
    """Swap adjacent items if that reduces the number of crossings, for at most a few rounds."""
    for k, column in enumerate(columns):
        sides = []
        if k:
            left = {item: p for p, item in enumerate(columns[k - 1])}
            sides.append({item: sorted(left[u] for u, _ in before.get(item, ())) for item in column})
        if k + 1 < len(columns):
            right = {item: p for p, item in enumerate(columns[k + 1])}
            sides.append({item: _positions(after.get(item, ()), right) for item in column})
        for _ in range(4):
            changed = False
            for i in range(len(column) - 1):
                a, b = column[i], column[i + 1]
                gain = sum(_inversions(side[a], side[b]) - _inversions(side[b], side[a]) for side in sides)
                if gain > 0:
                    column[i], column[i + 1] = b, a
                    changed = True
            if not changed:
                break


def _inversions(upper, lower):
    """Count the crossings between the wires of two adjacent items. `upper` and `lower` are their sorted ends."""
    total = k = 0
    for end in upper:
        while k < len(lower) and lower[k] < end:
            k += 1
        total += k
    return total


def count(columns, after):
    """Count the crossings between all neighbouring columns."""
    total = 0
    for left, right in zip(columns, columns[1:]):
        place = {item: k for k, item in enumerate(right)}
        seen = []  # sorted ends of the wires so far
        for u in left:
            ends = _positions(after.get(u, ()), place)
            for end in ends:
                total += len(seen) - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
    return total
