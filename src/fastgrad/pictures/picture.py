"""`fg.draw`: the picture of a graph, to be displayed in a notebook or saved to a file."""

import sys
from functools import cached_property
from html import escape
from pathlib import Path

from fastgrad._engine import Tensor
from fastgrad.pictures import dot, folding, messages, svg, tensors, values
from fastgrad.pictures.names import Names

LIMIT = 200
SMALL = 60  # largest graph that is displayed together with its result in a notebook


class Picture:
    """The picture of a graph. Notebooks display it, and `save` writes it to a file.

    Attributes
    ----------
    graph : Graph
        The nodes, wires, values and gradients of the picture.
    svg : str
        A complete SVG document.
    dot : str
        The same graph for Graphviz.
    """

    def __init__(self, graph, caption=""):
        self.graph = graph
        self.caption = caption

    @cached_property
    def svg(self):
        return svg.render(self.graph, self.caption)

    @cached_property
    def dot(self):
        return dot.render(self.graph, self.caption)

    def save(self, path):
        """Write the picture to a file.

        Parameters
        ----------
        path : str or Path
            Its suffix selects the format: .svg, .html, .dot or .gv.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            If the suffix is unknown.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = '<?xml version="1.0" encoding="UTF-8"?>\n' + self.svg + "\n"
        elif suffix in (".html", ".htm"):
            content = _PAGE.format(title=escape(self.caption or f"The graph of {self.graph.result}"), svg=self.svg)
        elif suffix in (".dot", ".gv"):
            content = self.dot
        else:
            raise messages.picture_suffix(str(path))
        path.write_text(content, encoding="utf-8")
        return path

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        return f'<div style="overflow-x:auto">{self.svg}</div>'

    def __repr__(self):
        count = sum(node.count for node in self.graph.nodes)
        return f"<picture of {self.graph.result}: {count:,} nodes; .svg, .dot, .save(path)>"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{margin:24px}}svg{{display:block;margin:auto}}</style></head>
<body>{svg}</body></html>
"""


def html_of(y):
    """Return the picture of a Tensor or Value for its `_repr_html_`; None if it is large or cannot be drawn.

    Displaying an object must not fail, so errors, such as those of a user-defined vjp, are ignored.
    """
    try:
        if isinstance(y, Tensor):
            scope = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
            graph = tensors.describe(y, Names(None, scope), max_nodes=SMALL)
        else:
            graph = values.describe(y, max_nodes=SMALL)
    except Exception:
        return None
    return None if graph is None else Picture(graph)._repr_html_()


def describe(y, names, cotangent, limit, scope):
    """Return the Graph of a Tensor or Value, folded to `limit` nodes."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 8:
        raise messages.picture_limit(limit)
    if isinstance(y, Tensor):
        graph = tensors.describe(y, Names(names, scope), cotangent, lambda graph: folding.shown(graph, limit))
    elif values.is_value(y):
        if cotangent is not None:
            raise messages.cotangent_of_value()
        graph = values.describe(y, names)
    else:
        raise messages.not_drawable(y)
    return folding.fold(graph, limit)


def draw(y, *, names=None, cotangent=None, title="", limit=LIMIT):
    """Draw the computational graph of `y` with all values and gradients, as in lecture notes on backpropagation.

    Leaves are on the left, and gates are circles. The value is above each wire, the gradient below it. Where a wire
    forks, each branch has its own gradient, and these add up. Tooltips show the local gradient, the upstream gradient
    and their product. Drawing neither changes any `.grad` nor runs hooks, and does not free the graph: draw before
    `backward()`.

    Parameters
    ----------
    y : Tensor, or Value of micrograd
        A Value is drawn with its current `data` and `grad`.
    names : dict from name to Tensor, or object with `named_parameters()`, optional
        Names of tensors. By default, the names of the caller's variables are used; `{}` shows no names.
    cotangent : array, optional
        Cotangent of `y`, with its shape. The default is ones.
    title : str
        Text above the picture.
    limit : int
        Larger graphs are folded. If parameters have dotted names, each module becomes one block; otherwise the middle
        of the graph becomes a block that shows the number of its ops.

    Returns
    -------
    Picture

    Raises
    ------
    GraphFreedError
        If `backward()` was called without `retain_graph=True`.
    """
    scope = sys._getframe(1).f_locals if names is None else None
    return Picture(describe(y, names, cotangent, limit, scope), str(title))
