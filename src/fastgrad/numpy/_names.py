"""The names of `fastgrad.numpy`: found at first use, by the table of counterparts."""

import sys
from importlib import import_module
from types import ModuleType

from fastgrad import counterparts

_PACKAGES = {"numpy.linalg", "numpy.fft", "numpy.random"}


def lookup(module, theirs, name):
    """Return what `name` is in `module`, which stands for `theirs`, and store it there.

    Parameters
    ----------
    module : str
    theirs : module
        NumPy's.
    name : str

    Returns
    -------
    object
        A function of NumPy that calls fastgrad's for Tensors, or else NumPy's own object.

    Raises
    ------
    AttributeError
        If NumPy has no such name.
    """
    try:
        found = getattr(theirs, name)
    except AttributeError as error:
        text = str(error).replace(f"module '{theirs.__name__}'", f"module {module!r}")
        raise AttributeError(text, name=name, obj=sys.modules[module]) from None
    if name.startswith("__"):
        return found
    if isinstance(found, ModuleType) and found.__name__ in _PACKAGES:
        return import_module(f"fastgrad.{found.__name__}")
    if callable(found) and not isinstance(found, type):
        found = counterparts.numpy_function(found) or found
    setattr(sys.modules[module], name, found)
    return found
