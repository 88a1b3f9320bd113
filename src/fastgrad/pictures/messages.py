"""Notes and errors of pictures, with their messages."""

from fastgrad.errors import BackwardError, NotDifferentiableError, PictureError

FREED = "backward() freed the graph: draw before backward(), or call backward(retain_graph=True)"
NOT_RECORDED = "nothing was recorded: no operand requires a gradient, as fg.tensor(..., requires_grad=True) does"
NO_STEPS = "no steps: nothing was recorded, since it was not called, or calls its function itself in this engine"
UNKNOWN = "gradients that need an overwritten value are unknown"


def not_drawable(got):
    """`fg.draw` of an object that is neither a Tensor nor a Value."""
    return NotDifferentiableError(
        f"an object of type {type(got).__name__} has no graph to draw: pass a Tensor, a Value of fastgrad.micrograd, "
        "or a compiled function"
    )


def program_without_steps():
    """`fg.draw` of a compiled function that has recorded nothing."""
    return PictureError(
        "this compiled function has no steps to draw: call it first, with the compiled engine; the pure-Python engine "
        "records nothing"
    )


def cotangent_of_value():
    """`fg.draw(value, cotangent=...)`."""
    return BackwardError("a Value is drawn with the gradients that it has: leave cotangent out")


def picture_limit(limit):
    """`fg.draw(y, limit=...)` with an invalid limit."""
    return PictureError(f"limit={limit!r}: the largest number of nodes to draw must be a whole number of at least 8")


def picture_width(width):
    """`fg.draw(y, width=...)` with an invalid width."""
    return PictureError(f"width={width!r}: the width of the page in pixels must be a number of at least 200, or None")


def names_type(got):
    """`fg.draw(y, names=...)` with an object of the wrong type."""
    return PictureError(
        f"names has the type {type(got).__name__}: pass a dict such as {{'x': x}}, a list of names for the leaves "
        "such as ['x', 'y'], a list of pairs (name, Tensor), or an object with named_parameters()"
    )


def names_entry(name, got):
    """`names` has an entry that is not a name with a Tensor, an array or a Value."""
    return PictureError(
        f"names has the entry {name!r} of type {type(name).__name__} for an object of type {type(got).__name__}: "
        "each entry must be a str and a Tensor, an array or a Value"
    )


def names_count(given, leaves):
    """`names` is a list of names for another number of leaves."""
    return PictureError(f"names has {given} names, but the graph has {leaves} leaves that require a gradient")


def picture_suffix(path):
    """`picture.save(path)` with an unknown suffix."""
    return PictureError(f"unknown file type {path!r}: end the path in .svg, .html, .png, .pdf, .dot or .gv")


def converter_missing(suffix, reason):
    """`picture.save("a.png")` without CairoSVG, or without the C library that it needs."""
    return PictureError(
        f"writing {suffix} files needs CairoSVG, which cannot be imported ({reason}): "
        "pip install 'fastgrad[pictures]', or save as .svg or .html"
    )


def no_browser(path):
    """`picture.show()` where no browser can be opened."""
    return PictureError(f"no browser could be opened: open the file {path} yourself, or use save(path)")
