"""Errors of pictures, with their messages."""

from fastgrad.errors import BackwardError, GraphFreedError, NotDifferentiableError, PictureError


def drawn_freed(op):
    """`fg.draw` of a graph that `backward` has freed."""
    return GraphFreedError(
        f"the graph of this result of {op!r} was freed by backward(): draw it before "
        "backward(), or call backward(retain_graph=True)"
    )


def not_drawable(got):
    """`fg.draw` of an object that is neither a Tensor nor a Value."""
    return NotDifferentiableError(
        f"an object of type {type(got).__name__} has no graph to draw: pass a Tensor, or a Value of fastgrad.micrograd"
    )


def cotangent_of_value():
    """`fg.draw(value, cotangent=...)`."""
    return BackwardError("a Value is drawn with the gradients that it has: leave cotangent out")


def picture_limit(limit):
    """`fg.draw(y, limit=...)` with an invalid limit."""
    return PictureError(f"limit={limit!r}: the largest number of nodes to draw must be a whole number of at least 8")


def picture_suffix(path):
    """`picture.save(path)` with an unknown suffix."""
    return PictureError(f"unknown file type {path!r}: end the path in .svg, .html, .dot or .gv")
