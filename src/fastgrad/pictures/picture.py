"""`fg.draw`: the picture of a graph, as an object that notebooks show and files take."""

import sys
from functools import cached_property
from html import escape
from pathlib import Path

from fastgrad._engine import Tensor
from fastgrad.pictures import dot, folding, messages, svg, tensors, values
from fastgrad.pictures.names import Names

LIMIT = 200
SMALL = 60  # nodes of a graph that a notebook shows unasked


class Picture:
    """The picture of a graph. A notebook shows it; `svg` and `dot` are its texts; `save` writes a file.

    Attributes
    ----------
    graph : Graph
        What is shown: nodes, wires, values and gradients.
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
        """Write the picture to `path`; its suffix chooses: .svg, .html, .dot or .gv.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            For another suffix.
        OSError
            Where the file cannot be written.
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
        folded = sum(node.count for node in self.graph.nodes)
        return f"<picture of {self.graph.result}: {folded:,} nodes; .svg, .dot, .save(path)>"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{margin:24px}}svg{{display:block;margin:auto}}</style></head>
<body>{svg}</body></html>
"""


def html_of(y):
    """The picture of a Tensor's or Value's graph, for its `_repr_html_`; None where there is none, or a large one.

    Showing a thing must not fail: whatever keeps the picture from being made, a rule of the user's own perhaps, the
    thing is then shown without.
    """
    try:
        if isinstance(y, Tensor):
            scope = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
            graph = tensors.describe(y, Names(None, scope), most=SMALL)
        else:
            graph = values.describe(y, most=SMALL)
    except Exception:
        return None
    return None if graph is None else Picture(graph)._repr_html_()


def describe(y, names, cotangent, limit, scope):
    """The Graph of a Tensor or Value, folded to `limit` nodes."""
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
    """The computational graph of `y`, with all values and gradients, as in lecture notes on backpropagation.

    Leaves are on the left, gates are circles. On every wire the forward value stands above, the gradient below; where a
    wire forks, each branch has its own, and they add up. Hovering shows local gradient, upstream gradient and product.
    No `.grad` is touched, no hook is run, and the graph is not freed: draw before `backward()`.

    Parameters
    ----------
    y : Tensor, or Value of micrograd
        A Tensor of more than one element is drawn with a cotangent of ones. Of a Value, `data` and `grad` are shown as
        they stand.
    names : dict from name to Tensor, or object with `named_parameters()`, optional
        The caller's variables otherwise; `{}` for none.
    cotangent : array, optional
        Where the gradients start from, of the shape of `y`.
    title : str
        A line above the picture.
    limit : int
        A graph of more nodes is folded: by module where parameters have dotted names, else elided with a count.

    Returns
    -------
    Picture

    Raises
    ------
    GraphFreedError
        After a `backward()` without `retain_graph=True`.
    """
    scope = sys._getframe(1).f_locals if names is None else None
    return Picture(describe(y, names, cotangent, limit, scope), str(title))
