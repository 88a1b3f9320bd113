"""Draws the wires of a placed graph: a trunk for each node, and branches to its consumers."""

import math

from fastgrad.pictures.elements import format_attribute, tag, text, title


def draw_wires(graph, views, placed, tooltips, steps=None):
    """Return the elements of all wires, with the values above them and the gradients below."""
    consumers, elements = graph.consumers(), []
    for v in range(len(views)):
        elements += _trunk(graph, views, placed, consumers, v, tooltips, steps)
        elements += _branches(graph, views, placed, v, tooltips, steps)
    return elements


def stepped(elements, step):
    """Return the elements, which appear at a step; always, if that is None."""
    return [tag("g", *elements, data_s=step)] if elements and step is not None else elements


def _curve(x1, y1, x2, y2):
    """Return the path commands of a smooth curve between two heights."""
    if abs(y1 - y2) < 0.3:
        return f"H{format_attribute(x2)}"
    middle, end = format_attribute((x1 + x2) / 2), format_attribute(y2)
    return f"C{middle} {format_attribute(y1)} {middle} {end} {format_attribute(x2)} {end}"


def _wire_element(tooltip, path, *more):
    return tag(
        "g", title(*tooltip), tag("path", class_="hit", d=path), tag("path", class_="e", d=path), *more, class_="w"
    )


def _arrowhead(x, y):
    return tag("path", class_="tip", d=f"M{format_attribute(x)} {format_attribute(y)}l-7 -3.5v7z")


def _cut(views, placed, u, row, y):
    """Draw the end of the wire of node `u` in a row, at height `y`, and its start in the next one.

    Returns the path from one to the other, the height in the next row, and the labels.
    """
    _, right, shift = placed.rows[row]
    left, _, after = placed.rows[row + 1]
    below = y - shift + after
    path = f"H{format_attribute(right)}M{format_attribute(left)} {format_attribute(below)}"
    label = views[u].label
    return path, below, [text(label, right + 4.0, y + 3.5, "q c k"), text(label, left - 4.0, below + 3.5, "q c end")]


def _trunk(graph, views, placed, consumers, v, tooltips, steps):
    """Draw the wire that leaves node `v` up to its last fork, with its value above and its gradient below."""
    points, column = placed.trunks[v], placed.column[v]
    start, y = placed.x[v] + views[v].half, placed.y[v]
    path = f"M{format_attribute(start)} {format_attribute(y)}H{format_attribute(points[0][1])}"
    more = [_arrowhead(points[-1][1], y)] if v == graph.root else []
    for k, ((_, x1, y1), (x2, x3, y2)) in enumerate(zip(points, points[1:])):
        row = placed.row[column + k]
        if placed.row[column + k + 1] != row:
            bridge, y1, labels = _cut(views, placed, v, row, y1)
            path, x1 = path + bridge, placed.rows[row + 1][0]
            more += labels
        path += _curve(x1, y1, x2, y2) + f"H{format_attribute(x3)}"
    ends = [placed.column[c] - 1 - column for c, _ in consumers[v]]
    for k, (_, x, height) in enumerate(points):
        if ends.count(k) + (k + 1 < len(points)) > 1:
            more.append(tag("circle", class_="dot", cx=x, cy=height, r=2.6))
        row = placed.row[column + k]
        next_row = placed.row[column + k + 1] if column + k + 1 < len(placed.row) else row
        if k in ends and k + 1 == len(points) and next_row != row:
            more += _cut(views, placed, v, row, height)[2]
    middle = start + views[v].stub / 2
    values = stepped(views[v].value.draw(middle, y, True, "v"), steps and steps.value[v])
    gradients = stepped(views[v].gradient.draw(middle, y, False, "g"), steps and steps.gradient[v])
    return [_wire_element(tooltips.trunk(v), path, *more, *values, *gradients)]


def _branches(graph, views, placed, v, tooltips, steps):
    """Draw the wires that enter node `v`, from their forks, with their gradients if there are several branches."""
    elements = []
    view, column = views[v], placed.column[v]
    for k, wire in enumerate(graph.nodes[v].wires):
        u = wire.source
        offset = view.ports[placed.ports[v][k]]
        step = column - 1 - placed.column[u]
        _, x1, y1 = placed.trunks[u][step]
        x2, y2 = placed.columns[column][0], placed.y[v] + offset
        end = placed.x[v] - _outline(view, offset)
        path = f"M{format_attribute(x1)} {format_attribute(y1)}"
        row = placed.row[column - 1]
        if placed.row[column] != row:
            bridge, y1, _ = _cut(views, placed, u, row, y1)
            path, x1 = path + bridge, placed.rows[row + 1][0]
        path += f"{_curve(x1, y1, x2, y2)}H{format_attribute(end)}"
        label = view.branch_labels[k]
        labels = [text(label, placed.x[v] - view.half - 7.0, y2 + 14.0, "g end")] if label else []
        labels = stepped(labels, steps and steps.wire[v])
        elements.append(_wire_element(tooltips.wire(v, k), path, _arrowhead(end, y2), *labels))
    return elements


def _outline(view, offset):
    """Return the distance of the outline of a gate from its centre line, at the height `offset`."""
    straight = max(0.0, view.tall - min(view.half, view.tall))
    over = max(0.0, abs(offset) - straight)
    corner = min(view.half, view.tall)
    return view.half - corner + math.sqrt(max(0.0, corner * corner - over * over))
