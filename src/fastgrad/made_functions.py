"""Functions that are made of functions, as by `grad`: how they are called, copied and pickled. Depends on no engine.

A recipe, `(maker, f, options)`, says what such a function was made by: `maker(f, **options)`. It is the attribute
`_recipe`, which `remember` sets.
"""

import sys
from importlib import import_module
from types import MethodType

from fastgrad.tracebacks import shorten


class MadeFunction:
    """A function that calls `call`, which is one of the body of its maker. Errors have no frames of fastgrad."""

    __slots__ = ("__dict__", "__weakref__", "_call")  # in `__dict__`, `functools.wraps` would overwrite `_call`

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
    return made


def itself(made, memo=None):
    """Return a function in place of a copy of it, as `copy` does with Python's functions."""
    return made


def reduced(made):
    """Return what `__reduce__` of a function with a recipe returns: its name if it is found there, or the recipe.

    pickle stores functions of the main module by name, since worker processes import it, and cloudpickle by value, as
    they do not. A bound method makes both possible: pickle stores it as an attribute of its object, a `_Place`, which
    looks up the name, and cloudpickle as the object and the function, here a `_Recipe`.
    """
    maker, f, options = made._recipe
    module, name = made.__module__, getattr(made, "__qualname__", "")
    if _found(module, name) is not made:
        usual = vars(maker(f, **options))
        own = {key: value for key, value in vars(made).items() if key not in usual}
        return _remade, (maker, f, options), own or None
    if module != "__main__":
        return name
    return _from_main, (MethodType(_Recipe(maker, f, options), _Place(module, name)),)


def _found(module, name):
    """Return what a module has under a name with dots, or None."""
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _remade(maker, f, options):
    return maker(f, **options)


def _from_main(found):
    return found.__func__.made() if isinstance(found, MethodType) and type(found.__func__) is _Recipe else found


class _Recipe:
    """What a function was made by, in the place of a function of Python."""

    __name__ = "made"  # pickle asks the place for an attribute of this name

    def __init__(self, *recipe):
        self._recipe = recipe

    def __reduce__(self):
        return _Recipe, self._recipe

    def __call__(self):
        raise AssertionError("this is not called")

    def made(self):
        return _remade(*self._recipe)


class _Place:
    """A place in a module. Any attribute of it is what is found there."""

    def __init__(self, module, name):
        self._where = module, name

    def __reduce__(self):
        return _Place, self._where

    def __getattr__(self, attribute):
        module, name = self._where
        found = _found(module, name)
        if found is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}, which was pickled by its name")
        return found


def public(name):
    """Return what `fastgrad` has under a name, in the engine in use."""
    return getattr(import_module("fastgrad"), name)


def called(name):
    """Return the result of a public function that takes no arguments."""
    return public(name)()
