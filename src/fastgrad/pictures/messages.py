"""The texts of errors of pictures: what came, what was wanted, what to do."""

from fastgrad.errors import BackwardError, GraphFreedError, NotDifferentiableError, PictureError


def drawn_freed(op):
    """`fg.draw` of a graph that was swept."""
    return GraphFreedError(
        f"the graph of this result of {op!r} was freed by backward(), there is nothing left to draw: draw it before "
        "backward(), or call backward(retain_graph=True)"
    )


def not_drawable(got):
    """`fg.draw` of something that is neither Tensor nor Value."""
    return NotDifferentiableError(
        f"an object of type {type(got).__name__} has no graph to draw: pass a Tensor, or a Value of fastgrad.micrograd"
    )


def cotangent_of_value():
    """`fg.draw(value, cotangent=...)`."""
    return BackwardError("the gradients of a Value are drawn as they stand: leave cotangent out")


def picture_limit(limit):
    """`fg.draw(y, limit=...)` with something that is no number of nodes."""
    return PictureError(f"limit={limit!r}: the most nodes that are drawn one by one, a whole number of at least 8")


def picture_suffix(path):
    """`picture.save(path)` with a suffix that names no kind of picture."""
    return PictureError(f"cannot tell from {path!r} what to write: end it in .svg, .html, .dot or .gv")
