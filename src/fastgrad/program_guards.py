"""What a function reads from around it: a program is recorded again when one of these values has changed.

Numbers and functions in closures, globals and defaults are compared at every call, also those of the functions that
these lead to, and plain attributes of the objects whose methods they are. Tensors are read where they lie, and need no
comparison; what is in other containers is not seen.
"""

import functools
import types

import numpy as np

from fastgrad import _tree

PLAIN = (int, float, bool, str, bytes, complex, type(None))
MOST = 4096  # values that are compared


def _own(value):
    """Whether a function or object belongs to the program of the user, not to a library that does not change."""
    module = getattr(value, "__module__", None) or ""
    return module.split(".")[0] not in ("fastgrad", "numpy", "builtins", "math")


@functools.lru_cache(maxsize=1024)
def _names(code):
    """Return the names in the code of a function and of those inside it."""
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return (*code.co_names, *(name for names in inner for name in names))


class _Search:
    def __init__(self):
        self.found = []  # (dict or cell, key, value)
        self.seen = set()

    def function(self, f):
        code = f.__code__
        for cell in f.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            self.note(cell, None, value)
        for name in _names(code):
            if name in f.__globals__:
                self.note(f.__globals__, name, f.__globals__[name])
        for value in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()):
            self.value(value)

    def note(self, holder, key, value):
        if isinstance(value, types.ModuleType) or len(self.found) >= MOST:
            return
        self.found.append((holder, key, value))
        self.value(value)

    def value(self, value):
        if isinstance(value, PLAIN) or id(value) in self.seen or len(self.found) >= MOST:
            return
        self.seen.add(id(value))
        if isinstance(value, types.FunctionType):
            if _own(value):
                self.function(value)
        elif isinstance(value, types.MethodType):
            self.value(value.__func__)
            self.value(value.__self__)
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self.value(part)
        elif isinstance(value, (list, tuple)):
            for part in value:
                if not isinstance(part, PLAIN):
                    self.value(part)
        elif isinstance(value, type):
            pass
        elif hasattr(value, "__wrapped__"):
            self.value(value.__wrapped__)
        elif hasattr(value, "named_modules"):
            for module in value.modules():
                self.attributes(module)
        elif _own(value):
            self.attributes(value)

    def attributes(self, value):
        self.seen.add(id(value))
        held = getattr(value, "__dict__", None)
        if not isinstance(held, dict):
            return
        for key, part in held.items():
            if isinstance(part, PLAIN):
                self.found.append((held, key, part))
            elif isinstance(part, (types.FunctionType, types.MethodType, functools.partial)) or hasattr(
                part, "modules"
            ):
                self.note(held, key, part)
        call = vars(type(value)).get("__call__")
        if isinstance(call, types.FunctionType) and _own(call):
            self.function(call)


def surroundings(f):
    """Return a list of (dict or cell, key, value): what `f` finds there now."""
    search = _Search()
    search.value(f)
    return search.found


def usual_arrays(args):
    """Return arguments with copies of arrays that are misaligned, as views of messages are, or of foreign byte order.

    Eager ops copy these, too. Arguments without such an array are returned as they are.
    """

    def usual(x):
        if type(x) is not np.ndarray or (x.flags.aligned and x.dtype.isnative) or x.dtype.kind not in "biufc":
            return x
        copied.append(x)
        return x.astype(x.dtype.newbyteorder("="))

    copied = []
    found = _tree.map_leaves(usual, args)
    return found if copied else args
