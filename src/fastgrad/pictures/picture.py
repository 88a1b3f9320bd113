"""`fg.draw`: the picture of a graph, to be displayed in a notebook or saved to a file."""

import numbers
import os
import sys
import tempfile
import webbrowser
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.pictures import convert, dot, folding, messages, page, programs, svg, tensors, values
from fastgrad.pictures import steps as steps_module
from fastgrad.pictures.names import Names
from fastgrad.pictures.printing import printable

LIMIT = 200
WIDTH = 1100  # pixels of a page
SMALL = 60  # largest graph that is displayed together with its result in a notebook


class Picture:
    """The picture of a graph. Notebooks display it, `show` opens a browser, and `save` writes it to a file.

    Attributes
    ----------
    graph : Graph
        The nodes, wires, values and gradients of the picture.
    svg : str
        A complete SVG document.
    dot : str
        The same graph for Graphviz.
    """

    def __init__(self, graph: Any, caption: str = "", width: float | None = WIDTH, steps: Any = None) -> None:
        self.graph = graph
        self.caption = caption
        self.width = width
        self.steps = steps

    @cached_property
    def svg(self) -> str:
        return svg.render(self.graph, self.caption, self.width)

    @cached_property
    def dot(self) -> str:
        return dot.render(self.graph, self.caption)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file.

        Parameters
        ----------
        path : str or Path
            Its suffix selects the format: .svg, .html, .png, .pdf, .dot or .gv. PNG and PDF need CairoSVG, which
            `pip install 'fastgrad[pictures]'` installs.

        Returns
        -------
        Path

        Raises
        ------
        PictureError
            If the suffix is unknown, or CairoSVG is needed and not installed.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = '<?xml version="1.0" encoding="UTF-8"?>\n' + self.svg + "\n"
        elif suffix in (".html", ".htm"):
            title = escape(self.caption or f"The graph of {self.graph.result}")
            content = page.PAGE.format(title=title, body=self._html(True))
        elif suffix in (".dot", ".gv"):
            content = self.dot
        elif suffix in (".png", ".pdf"):
            picture = svg.render(self.graph, self.caption, self.width, unfolds=False)
            path.write_bytes(convert.converted(picture, suffix))
            return path
        else:
            raise messages.picture_suffix(str(path))
        path.write_text(content, encoding="utf-8")
        return path

    def show(self) -> Path:
        """Write the picture to a temporary HTML file and open it in a browser.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        PictureError
            If no browser can be opened.
        """
        path = self.save(Path(tempfile.mkdtemp(prefix="fastgrad-")) / "picture.html")
        if not webbrowser.open(path.as_uri()):
            raise messages.no_browser(path)
        return path

    def _html(self, full_page=False):
        if self.steps is None:
            return page.html(self.graph, self.caption, self.width)
        picture = svg.render(self.graph, self.caption, self.width, self.steps, unfolds=False)
        return steps_module.html(self.steps, picture, full_page)

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        return self._html()

    def __repr__(self):
        count = sum(node.count for node in self.graph.nodes)
        return printable(f"<picture of {self.graph.result}: {count:,} nodes; .show(), .save(path), .svg, .dot>")


def html_of(y):
    """Return the picture of a Tensor or Value for its `_repr_html_`; None if it is large or cannot be drawn.

    Displaying an object must not fail, so errors, such as those of a user-defined vjp, are ignored.
    """
    try:
        names = Names(None, vars(sys.modules["__main__"]) if "__main__" in sys.modules else {})
        source = tensors if isinstance(y, Tensor) else values
        graph = source.describe(y, names, max_nodes=SMALL)
        return None if graph is None or graph.nodes[-1].freed else Picture(graph)._repr_html_()
    except Exception:
        return None


def describe(y, names, cotangent, limit, scope):
    """Return the Graph of a Tensor or Value, folded to `limit` nodes. It shares no memory with the Tensors."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 8:
        raise messages.picture_limit(limit)
    if programs.is_program(y):
        return programs.describe(y, limit)
    plans = []

    def visible(graph):
        plans.append(folding.plan(graph, limit))
        return folding.visible(graph, plans[0])

    if isinstance(y, Tensor):
        graph = tensors.describe(y, Names(names, scope), cotangent, visible)
    elif values.is_value(y):
        if cotangent is not None:
            raise messages.cotangent_of_value()
        graph = values.describe(y, Names(names, scope), visible)
    else:
        raise messages.not_drawable(y)
    folded = folding.fold(graph, plans[0])
    for shown in (folded, *folded.parts.values()):
        for node in shown.nodes:
            if node.value is not None:
                node.value = np.array(node.value)
    return folded


def draw(y, *, names=None, cotangent=None, title="", limit=LIMIT, width=WIDTH, steps=False):
    """Draw the computational graph of `y` with all values and gradients, as in lecture notes on backpropagation.

    Leaves are on the left, and gates are circles. The value is above each wire, the gradient below it. Where a wire
    forks, each branch has its own gradient, and these add up. Tooltips show the local gradient, the upstream gradient
    and their product. Drawing neither changes any `.grad` nor runs hooks, and does not free the graph: draw before
    `backward()`. Of a graph that was freed, only the result is drawn; at a prompt and in notebooks, `backward()` keeps
    small graphs for pictures.

    Parameters
    ----------
    y : Tensor, Value of micrograd, or compiled function
        A Value is drawn with its current `data` and `grad`. Of a compiled function, the steps of the program that was
        used last are drawn, with the number of their elements.
    names : dict from name to Tensor, list, or object with `named_parameters()`, optional
        Names of tensors, arrays or Values. A list has names for the leaves that require a gradient, in the order of
        their first use, or pairs (name, Tensor). By default, the names of the caller's variables are used; `{}` shows
        no names.
    cotangent : array, optional
        Cotangent of `y`, with its shape. The default is ones.
    title : str, optional
        Text above the picture.
    limit : int
        Larger graphs are folded. If parameters have dotted names, each module becomes one block, and equal modules in a
        row become one block, such as "blocks × 12"; otherwise the middle of the graph becomes a block that shows the
        number of its ops.
    width : float, optional
        Width of the page in pixels, at which the picture is wrapped into rows; None for a single row.
    steps : bool
        Show the forward and backward pass step by step, with the calculation of each gradient, in notebooks and in
        HTML files.

    Returns
    -------
    Picture

    Raises
    ------
    NotDifferentiableError
        If `y` is no Tensor, Value or compiled function.
    PictureError
        If an argument is invalid.
    ShapeError
        If `cotangent` has another shape than `y`.
    """
    scope = sys._getframe(1).f_locals if names is None else None
    if width is not None and (isinstance(width, bool) or not isinstance(width, numbers.Real) or not width >= 200):
        raise messages.picture_width(width)
    graph = describe(y, names, cotangent, limit, scope)
    shown = steps_module.Steps(graph) if steps and not programs.is_program(y) else None
    return Picture(graph, "" if title is None else str(title), width, shown)
