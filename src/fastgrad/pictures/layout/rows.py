"""Wraps a wide picture: divides its columns into rows that fit the width of the page, as text is wrapped."""

_CROSSING = 0.03  # cost of a wire that is cut, where an empty row costs 1


def wrap(columns, crossings, width, inset):
    """Return the row of each column.

    Rows are about equally long, and end where few wires are cut. A column that is wider than the page has its own row.

    Parameters
    ----------
    columns : list of (float, float)
        Left and right edge of each column.
    crossings : list of int
        Number of wires between each column and the next.
    width : float or None
        Width of the page; None for a single row.
    inset : float
        Space at each end of a row for the wires that are cut.
    """
    count = len(columns)
    if width is None or not columns or columns[-1][1] - columns[0][0] <= width:
        return [0] * count
    room = width - 2 * inset
    best, start = [0.0] + [0.0] * count, [0] * (count + 1)  # of the columns before each one; first column of its row
    for end in range(1, count + 1):
        cut = 0.0 if end == count else _CROSSING * crossings[end - 1]
        for first in range(end - 1, -1, -1):
            length = columns[end - 1][1] - columns[first][0] + room_to_bend(columns, first)
            if length > room and first < end - 1:
                break
            cost = best[first] + cut + max(0.0, 1 - length / room) ** 2
            if first == end - 1 or cost <= best[end]:
                best[end], start[end] = cost, first
    row_of, end = [0] * count, count
    firsts = []
    while end:
        firsts.append(start[end])
        end = start[end]
    for row, first in enumerate(reversed(firsts)):
        for column in range(first, count):
            row_of[column] = row
    return row_of


def room_to_bend(columns, first):
    """Return the space at the start of a row in which wires reach the heights of their gates."""
    return columns[first][0] - columns[first - 1][1] if first else 0.0
