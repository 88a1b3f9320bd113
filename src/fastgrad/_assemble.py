"""Puts the methods that both engines share on the Tensor class of the engine in use. The one place that does.

An engine defines what it computes and records by itself. The rest, from `x.reshape` to NumPy's protocols, is plain
Python on top of the public functions, and these work on Tensors: it is installed here, from above both.
"""

from fastgrad._engine import install_methods
from fastgrad._lazy import lazy_module
from fastgrad.protocols import PROTOCOLS
from fastgrad.tensor_methods import METHODS

representation = lazy_module("fastgrad.representation")


def __repr__(self):
    """`tensor([1., 2.], requires_grad=True)`; a result shows its op instead."""
    return representation.text_of(self)


def _repr_html_(self):
    """A table of the values, if there are few, under a line of shape, dtype and place in the graph; then the graph."""
    return representation.html_of(self)


install_methods({**METHODS, **PROTOCOLS, "__repr__": __repr__, "_repr_html_": _repr_html_})
