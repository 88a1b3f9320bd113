"""How a call in NumPy's signature becomes a call of fastgrad's function, worked out once per function. Knows no engine.

NumPy's parameter is fastgrad's parameter of the same name or, for operands, at the same position. A parameter that
fastgrad's function does not have may be passed with its default. Any other value is reported by its name.
"""

import numpy as np

from fastgrad.op_functions import REQUIRED
from fastgrad.parameters import MASKED_KEYWORDS

DEEPEST = 32  # lists within each other, as NumPy has it
RENAMED = {"a_min": "min", "a_max": "max", "newshape": "shape"}
# They do not change the values of a result.
IGNORED = {"kind", "order", "subok", "like"}
# Functions of NumPy that take sequences of arrays, and those that take sequences of any depth.
_SEQUENCES = "choose column_stack concatenate dstack hstack lexsort linalg.multi_dot piecewise select stack vstack"
_NESTED = "array asanyarray asarray ascontiguousarray asfortranarray block"
# Signatures of NumPy's functions that are written in C.
_SIGNATURES = {
    "array": lambda object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, ndmax=0, like=None: ...,
    "asarray": lambda a, dtype=None, order=None, *, device=None, copy=None, like=None: ...,
    "asanyarray": lambda a, dtype=None, order=None, *, device=None, copy=None, like=None: ...,
    "ascontiguousarray": lambda a, dtype=None, *, like=None: ...,
    "asfortranarray": lambda a, dtype=None, *, like=None: ...,
    "concatenate": lambda arrays, axis=0, out=None, *, dtype=None, casting="same_kind": ...,
    "bincount": lambda x, /, weights=None, minlength=0: ...,
    "dot": lambda a, b, out=None: ...,
    "empty_like": lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None: ...,
    "inner": lambda a, b, /: ...,
    "vdot": lambda a, b, /: ...,
    "where": lambda condition, x, y, /: ...,
}
_UFUNC_METHODS = {
    "reduce": lambda array, /, axis=0, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True: ...,
    "accumulate": lambda array, /, axis=0, dtype=None, out=None: ...,
}
_UFUNC_KEYWORDS = {
    "out": None, "where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None,
    "axes": np._NoValue, "axis": np._NoValue, "keepdims": False,
}  # fmt: skip


class Plan:
    """The correspondence of one NumPy function, or method of a ufunc, to a function of fastgrad.

    Attributes
    ----------
    names, defaults : tuple
        NumPy's parameters, and their defaults or REQUIRED.
    n_only, n_positional : int
        The numbers of parameters that are positional-only, and that may be passed by position.
    many : bool
        Whether NumPy's function takes any number of positional arguments. They are passed on as they are.
    depth : int
        How many lists and tuples within each other are no arrays themselves.
    places : tuple of (int or None, str or None)
        Position and keyword of each parameter in fastgrad's function.
    takes_any : bool
        Whether both functions take further keywords, for a function of the user.
    forced : tuple of bool
        Whether NumPy's default has to be passed on, since fastgrad has another one.
    """

    def __init__(self, function, counterpart, name, method=None):
        self.name = name
        bare = name.removeprefix("np.")
        self.depth = 1 if bare in _SEQUENCES.split() else DEEPEST if bare in _NESTED.split() else 0
        signature, defaults = _numpy_signature(function, bare, method)
        self.names, self.n_only, self.n_positional, self.many, more = signature
        keywords, positions, own = _own_signature(counterpart)
        if keywords is None:  # a function with NumPy's signature
            keywords, self.n_only, self.n_positional, self.many = {*self.names} - {"out"}, 0, 0, True
            defaults = {}
        if more:  # NumPy's function takes any keyword
            self.names += tuple(sorted(keywords.difference(self.names)))
        required = self.names[: self.n_positional] if not self.many else ()
        self.takes_any = more and bool(getattr(getattr(counterpart, "__code__", None), "co_flags", 0) & 0x08)
        self.defaults = tuple(defaults.get(name, REQUIRED if name in required else np._NoValue) for name in self.names)
        self.places = tuple(self._place(k, word, keywords, positions) for k, word in enumerate(self.names))
        self.forced = tuple(
            place != (None, None) and _differs(word, value, own.get(_own_name(place, positions), REQUIRED))
            for word, value, place in zip(self.names, self.defaults, self.places, strict=True)
        )

    def _place(self, k, word, keywords, positions):
        word = RENAMED.get(word, word)
        keyword = word if word in keywords else None
        if k < self.n_positional and k < len(positions):
            is_operand, own_name = positions[k]
            if is_operand or own_name == word:
                return k, own_name if own_name in keywords else None
        return None, keyword

    def bind(self, args, kwargs):
        """Return the arguments for fastgrad's function, positional and by keyword, and a dict of what it cannot take.

        Returns None if the call does not match NumPy's signature.
        """
        values = {} if self.many else dict(zip(self.names[: self.n_positional], args, strict=False))
        further = {}
        for word, value in kwargs.items():
            if self.takes_any and word not in self.names:
                further[word] = value
                continue
            if (
                word in values
                or word not in self.names[self.n_only :]
                or (self.many and word in self.names[: min(len(args), self.n_positional)])
            ):
                return None
            values[word] = value
        if not self.many and len(args) > self.n_positional:
            return None
        found, keywords, unsupported = list(args) if self.many else [], {}, {}
        for k, word in enumerate(self.names):
            if self.many and k < self.n_positional and word not in values:
                continue
            default, (position, keyword) = self.defaults[k], self.places[k]
            value = values.get(word, default)
            if is_omitted(value, default):
                if not self.forced[k]:
                    continue
                value = default
            if value is REQUIRED:
                return None
            if position is None and keyword is None:
                if not is_ignored(word, value, default):
                    unsupported[word] = value
            elif position == len(found) and not keywords:
                found.append(value)
            elif keyword is not None:
                keywords[keyword] = value
            else:
                return None
        return found, keywords | further, unsupported


def _own_name(place, positions):
    return place[1] if place[0] is None else positions[place[0]][1]


def is_omitted(value, default):
    """Return whether passing `value` means the same as passing nothing."""
    return value is np._NoValue or (value is default and default is not REQUIRED)


def is_ignored(word, value, default):
    """Return whether an argument that fastgrad does not have makes no difference."""
    return word in IGNORED or (
        isinstance(value, (bool, str, int)) and type(value) is type(default) and value == default
    )


def _differs(word, value, own):
    """Return whether NumPy's default has to be passed to a function of fastgrad, whose own default is `own`."""
    if value is REQUIRED or value is np._NoValue or (value is None and word != "axis"):
        return False
    return own is REQUIRED or type(own) is not type(value) or own != value


def _numpy_signature(function, name, method):
    """Return names, numbers of positional parameters, whether there are `*args` and `**kwargs`, and defaults."""
    if method is not None:
        return _python_signature(_UFUNC_METHODS[method])
    if isinstance(function, np.ufunc):
        operands = tuple(f"x{k + 1}" for k in range(function.nin))
        return (operands + tuple(_UFUNC_KEYWORDS), function.nin, function.nin + 1, False, False), _UFUNC_KEYWORDS
    return _python_signature(_SIGNATURES.get(name) or getattr(function, "__wrapped__", function))


def _python_signature(function):
    code = function.__code__
    n = code.co_argcount
    names = code.co_varnames[: n + code.co_kwonlyargcount]
    values = function.__defaults__ or ()
    defaults = dict(zip(names[n - len(values) : n], values, strict=True)) | (function.__kwdefaults__ or {})
    return (names, code.co_posonlyargcount, n, bool(code.co_flags & 0x04), bool(code.co_flags & 0x08)), defaults


def _own_signature(counterpart):
    """Return the keywords of a function of fastgrad, its positional parameters, and its defaults.

    The keywords are None if it passes all arguments on to NumPy's function. A positional parameter is a pair: whether
    it is NumPy's at the same position whatever its name, and its name.
    """
    rule = getattr(counterpart, "rule", None)
    if rule is not None:
        operands = () if rule.variadic else rule.operand_names
        keywords = {*rule.param_names, *operands, *rule.synonyms, *MASKED_KEYWORDS.get(rule.name, ())}
        return keywords, tuple((True, name) for name in operands), {"where": True, **rule.defaults}
    if getattr(counterpart, "passes_on", False):
        return None, (), {}
    while hasattr(counterpart, "__wrapped__"):
        counterpart = counterpart.__wrapped__
    (names, n_only, n, many, _), defaults = _python_signature(counterpart)
    positions = tuple(
        (k < n_only or name not in defaults, name) for k, name in enumerate(names[: n_only if many else n])
    )
    return {*names[n_only:]}, positions, defaults


def has_plan(function, name):
    """Return whether the signature of a NumPy function is known."""
    if isinstance(function, np.ufunc) or name in _SIGNATURES:
        return True
    return hasattr(getattr(function, "__wrapped__", function), "__code__")
