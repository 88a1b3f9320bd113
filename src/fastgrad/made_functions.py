"""Functions that are made of functions, as by `grad`: how they are called, copied and pickled. Depends on no engine.

A recipe, `(maker, f, options)`, says what such a function was made by: `maker(f, **options)`. It is the attribute
`_recipe`, which `remember` sets.
"""

import sys
from importlib import import_module
from types import MethodType

from fastgrad.tracebacks import shorten


class _Carrier:
    """The attribute `_carrier` of a made function: a function of Python that makes it again. Made when it is read.

    Its name, `slope._carrier`, is where it is found. So every pickler stores it as it stores functions: by name, or by
    value, as cloudpickle does with what is in the main module, since processes that others start have another one.
    """

    def __get__(self, made, kind):
        if made is None:
            return self
        maker, f, options = made._recipe

        def carrier():
            return maker(f, **options)

        carrier.__module__, carrier.__name__ = made.__module__, "_carrier"
        carrier.__qualname__ = f"{made.__qualname__}._carrier"
        made._carrier = carrier
        return carrier


carrier = _Carrier()


class MadeFunction:
    """A function that calls `call`, which is one of the body of its maker. Errors have no frames of fastgrad."""

    __slots__ = ("__dict__", "__weakref__", "_call")  # in `__dict__`, `functools.wraps` would overwrite `_call`
    _carrier = carrier

    def __init__(self, call):
        self._call = call

    def __call__(self, /, *args, **kwargs):
        try:
            return self._call(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    def __get__(self, instance, owner):
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self):
        return reduced(self)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        maker, f, _ = self._recipe
        return f"<fastgrad.{maker.__name__} of {f!r}>"


def remember(made, maker, f, **options):
    """Note that `made` is `maker(f, **options)`, and return it."""
    made._recipe = maker, f, options
    vars(made).pop("_carrier", None)  # of `f`, copied by `functools.wraps`
    return made


def itself(made, memo=None):
    """Return a function in place of a copy of it, as `copy` does with Python's functions."""
    return made


def reduced(made):
    """Return what `__reduce__` of a function with a recipe returns: its name if it is found there, or the recipe."""
    maker, f, options = made._recipe
    module, name = made.__module__, getattr(made, "__qualname__", "")
    if _found(module, name) is made:
        return (_carried, (made._carrier,)) if module == "__main__" else name
    usual = vars(maker(f, **options))
    own = {key: value for key, value in vars(made).items() if key not in usual and key != "_carrier"}
    return _remade, (maker, f, options), own or None


def _found(module, name):
    """Return what a module has under a name with dots, or None."""
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _carried(carrier):
    """Return the function of a carrier: the one that is found by its name, or a new one."""
    made = _found(carrier.__module__, carrier.__qualname__.rpartition(".")[0])
    return made if getattr(made, "__dict__", {}).get("_carrier") is carrier else carrier()


def _remade(maker, f, options):
    return maker(f, **options)


def public(name):
    """Return what `fastgrad` has under a name, in the engine in use."""
    return getattr(import_module("fastgrad"), name)


def called(name):
    """Return the result of a public function that takes no arguments."""
    return public(name)()
