"""Modules that are imported when they are first used. Imports nothing of fastgrad.

    docs = lazy_module("fastgrad.rules.docs")

is written among the imports of a file and counts as an import in the test of the architecture. It is for modules that
`import fastgrad` should not load.
"""

import sys


class LazyModule:
    """Stands in for a module, which is imported when one of its attributes is read."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(self.load(), attribute)

    def __reduce__(self):
        return type(self), (self._name,)

    def load(self):
        """Import the module if necessary, and return it."""
        module = sys.modules.get(self._name)
        if module is None or getattr(module.__spec__, "_initializing", False):  # another thread is importing it
            __import__(self._name)
            module = sys.modules[self._name]
        return module


lazy_module = LazyModule


class LazyFunctions(LazyModule):
    """Stands in for a module of functions, which is imported when one of them is called."""

    def __getattr__(self, name):
        target = None

        def function(*args, **kwargs):
            nonlocal target
            if target is None:
                target = getattr(self.load(), name)
            return target(*args, **kwargs)

        function.__name__ = name
        setattr(self, name, function)
        return function


lazy_functions = LazyFunctions
