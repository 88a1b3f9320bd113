"""The text and HTML representations of a Tensor. Imported when first used."""

from html import escape

import numpy as np

from fastgrad._lazy import lazy_module

picture = lazy_module("fastgrad.pictures.picture")

_OBVIOUS = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool), np.dtype(np.complex128))


def _facts(x):
    """Return the dtype unless obvious, and the tensor's place in the graph, for `repr`."""
    facts = []
    if not x.size and x.shape != (0,):
        facts.append(f"shape={x.shape}")
    if x.dtype not in _OBVIOUS or not x.size:
        facts.append(f"dtype={x.dtype.name}")
    if x.op is not None:
        facts.append(f"op={x.op!r}")
    elif x.requires_grad:
        facts.append("requires_grad=True")
    return facts


def text_of(self):
    """Return `tensor([1., 2.], requires_grad=True)`, or `tensor([2., 4.], op='multiply')` for a result."""
    numbers = np.array2string(self.detach().numpy(), separator=", ", prefix="tensor(") if self.size else "[]"
    return f"tensor({', '.join([numbers, *_facts(self)])})"


def html_of(self):
    """Return a line of shape, dtype and place in the graph, a table of the values if there are few, and the graph."""
    values = self.detach().numpy()
    place = f"op {self.op}" if self.op else "leaf, requires gradient" if self.requires_grad else "constant"
    head = f"<b>tensor</b> {' &times; '.join(map(str, self.shape)) or 'scalar'} {self.dtype.name}, {escape(place)}"
    if values.ndim > 2 or not 0 < values.size <= 400:
        return f"<div>{head}<pre>{escape(np.array2string(values, separator=', '))}</pre>{_picture(self)}</div>"
    rows = np.atleast_2d(values).tolist()
    cells = "".join("<tr>" + "".join(f"<td>{escape(_short(v))}</td>" for v in row) + "</tr>" for row in rows)
    return f"<div>{head}<table>{cells}</table>{_picture(self)}</div>"


def _picture(x):
    """Return the graph of a result, or an empty string if it was freed or is large."""
    if x.is_leaf:
        return ""
    return picture.html_of(x) or ""


def _short(value):
    return format(value, ".5g") if isinstance(value, float) else str(value)
