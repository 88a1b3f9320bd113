"""Modules that are imported at their first use. Imports nothing of fastgrad.

    docs = lazy_module("fastgrad.rules.docs")

stands among the imports of a file and counts as one: the test of the architecture reads it there. It is for modules
that `import fastgrad` should not pay for.
"""

import sys


class LazyModule:
    """Stands for a module; importing it is put off until one of its attributes is read."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(self.load(), attribute)

    def load(self):
        """Import the module if that has not been done, and return it."""
        module = sys.modules.get(self._name)
        if module is None or getattr(module.__spec__, "_initializing", False):  # another thread may be importing it
            __import__(self._name)
            module = sys.modules[self._name]
        return module


lazy_module = LazyModule
