"""Installs the methods, protocols and docstrings that both engines share on the Tensor class of the engine in use.

Engines define the computation and the recording of ops. The other methods, from `x.reshape` to NumPy's protocols, are
written in Python and call the public functions. These are in a higher layer, so that engines cannot import them.
"""

from types import MethodDescriptorType

from fastgrad import _engine, parameters
from fastgrad._docs import DOCS
from fastgrad._engine import Tensor, install_methods, set_docstring
from fastgrad._lazy import lazy_module
from fastgrad.foreign.names import PLACEHOLDERS, names_of
from fastgrad.protocols import PROTOCOLS
from fastgrad.tensor_methods import METHODS

representation = lazy_module("fastgrad.representation")
reductions = lazy_module("fastgrad.foreign.reductions")
masked = lazy_module("fastgrad.functions.masked")


def _pytorch_call(op):
    return lambda *args, **kwargs: reductions.CALLS[op](*args, **kwargs)


def _masked_call(op):
    return lambda *args, **kwargs: masked.CALLS[op](*args, **kwargs)


parameters.MASKED_CALLS.update({op: _masked_call(op) for op in parameters.MASKED_CALLS})
parameters.PYTORCH_CALLS.update({op: _pytorch_call(op) for op in parameters.PYTORCH_CALLS})


def __repr__(self):
    """Return `tensor([1., 2.], requires_grad=True)`, or `tensor([2., 4.], op='multiply')` for a result."""
    return representation.text_of(self)


def _repr_html_(self):
    """Return shape, dtype and place in the graph, a table of the values if there are few, and the graph."""
    return representation.html_of(self)


# of an engine that does not define them itself
_ATTRIBUTES = {
    "itemsize": property(lambda self: self.dtype.itemsize, doc="The number of bytes of one element."),
    "nbytes": property(lambda self: self.size * self.dtype.itemsize, doc="The number of bytes of all elements."),
    "strides": property(lambda self: self.detach().numpy().strides),
}


def _write_docstrings():
    """Give the engine's functions and methods the docstrings that both engines share."""
    own = vars(Tensor)
    for name, doc in DOCS.items():
        owner, _, attribute = name.rpartition(".")
        if name != "Tensor":
            set_docstring(own[attribute] if owner else getattr(_engine, attribute), doc)
    for name, method in METHODS.items():
        faster = own[name]  # a method that the engine itself defines
        if faster is not method and (hasattr(faster, "__code__") or isinstance(faster, MethodDescriptorType)):
            set_docstring(faster, method.__doc__)


install_methods(PLACEHOLDERS)
install_methods(
    {
        **METHODS,
        **PROTOCOLS,
        **{name: attribute for name, attribute in _ATTRIBUTES.items() if not hasattr(Tensor, name)},
        "__repr__": __repr__,
        "_repr_html_": _repr_html_,
        "__dir__": names_of,
        "__doc__": DOCS["Tensor"],
    }
)
_write_docstrings()
