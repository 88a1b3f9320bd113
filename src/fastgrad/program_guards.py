"""What a function reads from around it: a program is recorded again when one of these values has changed.

What is in closures, globals and defaults is compared at every call, also of the functions that these lead to, and so
are attributes of objects and elements of lists and dicts: numbers and strings by value, other objects by identity.
Tensors are read where they lie.
"""

import enum
import functools
import itertools
import sys
import types

import numpy as np

from fastgrad import _tree, program_errors

PLAIN = (int, float, bool, str, bytes, complex, type(None))
MOST = 4096  # values that are compared
MOST_ELEMENTS = 256  # of them in one list or dict
LENGTH = object()  # a key: how many attributes there are
_SHARED = (*PLAIN, np.generic, np.ndarray, np.dtype, type, enum.Enum, range, slice)


def _own(value):
    """Whether a function or object belongs to the program of the user, not to a library that does not change."""
    module = getattr(value, "__module__", None)
    top = module.split(".")[0] if isinstance(module, str) else ""
    return top not in ("fastgrad", "numpy") and (top == "__main__" or top not in sys.stdlib_module_names)


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
        if hasattr(type(value), "__array_ufunc__") and not _own(type(value)):  # a Tensor answers for unknown names
            return
        if isinstance(value, types.FunctionType):
            if _own(value):
                self.function(value)
        elif isinstance(value, types.MethodType):
            self.value(value.__func__)
            self.value(value.__self__)
        elif isinstance(value, functools.partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self.value(part)
        elif isinstance(value, tuple):
            for part in value:
                self.value(part)
        elif isinstance(value, (list, dict)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, part in itertools.islice(items, MOST_ELEMENTS):
                self.note(value, key, part)
        elif isinstance(value, type):
            if _own(value):
                self.members(value)
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
        if isinstance(held, dict):
            self.found.append((held, LENGTH, len(held)))
            for key, part in list(held.items()):
                if key != "_kinds":  # of a module: what its other attributes are
                    self.note(held, key, part)
        for kind in type(value).__mro__:
            if _own(kind):
                for key in _slots(kind):
                    if hasattr(value, key):
                        self.note(value, key, getattr(value, key))
                self.value(kind)

    def members(self, kind):
        """Note what a class holds, and what its methods find around them."""
        for key, part in list(vars(kind).items()):
            if isinstance(part, (staticmethod, classmethod, property, functools.cached_property)):
                inner = getattr(part, "__func__", getattr(part, "fget", getattr(part, "func", None)))
                self.value(inner)
            elif isinstance(part, types.FunctionType) or not (key.startswith("__") or hasattr(type(part), "__get__")):
                self.note(kind, key, part)


def _slots(kind):
    names = vars(kind).get("__slots__", ())
    return [n for n in ((names,) if isinstance(names, str) else names) if n not in ("__dict__", "__weakref__")]


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


def key_of(value):
    """Return what is equal for another object if it may stand for `value` in a program; None: it alone may.

    Arrays, lists and other containers are described as they are now, so that a change of theirs is seen. Numbers are
    not equal to those of other types, nor 0.0 to -0.0.
    """
    if isinstance(value, PLAIN):
        return None if type(value) is not complex else _part(value)
    if isinstance(value, (np.generic, np.ndarray, list, tuple, dict, set, frozenset, enum.Enum, slice)):
        return _part(value)
    if isinstance(value, (type, types.FunctionType)):
        return None
    return _part(value) if hasattr(value, "__dataclass_fields__") or _compares(value) else None


def _compares(value):
    """Whether equality of such objects is defined, and does not change."""
    kind = type(value)
    return kind.__eq__ is not object.__eq__ and kind.__hash__ is not None and not hasattr(value, "requires_grad")


def _part(value):
    kind = type(value)
    if kind in (float, complex):
        return kind, np.array(value).tobytes()
    if isinstance(value, np.generic):
        return kind, value.dtype.str, value.tobytes()
    if isinstance(value, np.ndarray):
        content = tuple(map(_part, value.ravel().tolist())) if value.dtype.hasobject else value.tobytes()
        mask = np.ma.getmaskarray(value).tobytes() if isinstance(value, np.ma.MaskedArray) else None
        return kind, value.dtype.descr, value.shape, content, mask
    if isinstance(value, (list, tuple)):
        return kind, tuple(map(_part, value))
    if isinstance(value, dict):
        return kind, tuple((_part(key), _part(part)) for key, part in value.items())
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(map(_part, value))
    if isinstance(value, slice):
        return kind, _part(value.start), _part(value.stop), _part(value.step)
    if hasattr(kind, "__dataclass_fields__"):
        return kind, tuple(_part(getattr(value, name, None)) for name in kind.__dataclass_fields__)
    return kind, value if isinstance(value, PLAIN) or _compares(value) else id(value)


def check_result(value, lifted):
    """Raise unless a result that is no Tensor is one that later calls may return again."""
    if not isinstance(value, _SHARED) and not any(value is one for one in lifted):
        raise program_errors.unknown_result(value)


def as_number(dtype, a):
    """Return the number in an array of dimension 0 as an array of a dtype. Raises OverflowError as NumPy does."""
    return np.asarray(a.item(), dtype)
