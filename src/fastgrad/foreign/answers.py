"""The answers to unknown names: the AttributeError that says what a name of another library is called here."""

import sys
from operator import attrgetter

from fastgrad._families import NAMESPACES
from fastgrad.foreign import table

# Where else a name may be, in this order. They are read from the package itself: most are above this layer.
_PLACES = ("nn", "nn.functional", "optim", "nn.utils", "nn.init", "utils.data", "testing", "func", *NAMESPACES)


def missing(where, name):
    """Return the AttributeError for an unknown name.

    Parameters
    ----------
    where : {"fg", "Tensor", "nn", "nn.functional", "optim"}
        What was asked for the name.
    name : str
    """
    subject = {"fg": "module 'fastgrad'", "Tensor": "a Tensor"}.get(where, f"module 'fastgrad.{where}'")
    text = f"{subject} has no attribute {name!r}"
    found = table.find(where, name)
    if found is not None:
        return AttributeError(f"{text}: {found.answer()}")
    place = None if where == "Tensor" or name.startswith("_") else _elsewhere(name)
    return AttributeError(text if place is None else f"{text}: use {place}.{name}")


def _elsewhere(name):
    """Return the module that has a public name, as it is spelled in programs; None if there is none."""
    package = sys.modules["fastgrad"]
    for place in _PLACES:
        module = attrgetter(place)(package)
        public = getattr(module, "__all__", None)
        found = vars(module).get(name)
        if name in public if public else getattr(found, "__module__", None) == module.__name__:
            return f"fg.{place}"
    return "fg" if name in dir(package) else None
