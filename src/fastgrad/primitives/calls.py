"""What one call of a primitive keeps beside the recorded array: saved values, and the layout of several results."""

from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from fastgrad import _tree
from fastgrad import primitive_errors as messages
from fastgrad._engine import Function, Tensor, asarray, is_grad_enabled
from fastgrad.rules.outputs import pack
from fastgrad.rules.rule import Rule

CALL = "_call"  # the parameter of a rule that takes a `Call`


class Call:
    """One call of a primitive that has several results or saves values.

    Attributes
    ----------
    lead : int
        The number of leading axes of the results that are axes of batches.
    layout : Layout or None
        Of the results, where there are several.
    kind : type
        Of the tuple that the forward returned.
    saved
        What the forward returned for the vjp.
    """

    __slots__ = ("kind", "layout", "lead", "saved")

    def __init__(self):
        self.lead, self.layout, self.kind, self.saved = 0, None, tuple, None

    def packed(self, results):
        """Return the results of the forward as one array."""
        self.kind = type(results)
        packed, self.layout = pack(list(results), self.lead)
        return packed

    def results(self, y):
        """Return the results for the user, of the Tensor that was recorded."""
        parts = self.layout.split(y)
        return self.kind(*parts) if hasattr(self.kind, "_fields") else parts

    def keep(self, saved, arrays):
        """Keep the saved values: copies of those that share memory with operands or results."""

        def own(leaf):
            if not isinstance(leaf, np.ndarray):
                return leaf
            if any(isinstance(a, np.ndarray) and np.may_share_memory(leaf, a) for a in arrays):
                leaf = leaf.copy()
            leaf = leaf.view()
            leaf.flags.writeable = False
            return leaf

        self.saved = _tree.map_leaves(own, saved)

    def saved_for(self, operands):
        """Return the saved values as a vjp or jvp reads them: arrays are Tensors.

        The derivatives of saved values are not known. If they may be needed, floating values are results of an op
        whose own vjp raises.
        """
        live = ()
        if is_grad_enabled():
            live = [x for x in operands if isinstance(x, Tensor) and x.requires_grad]

        def read(leaf):
            if live and _is_floating(leaf):
                return _saved(*live, value=leaf)
            return asarray(leaf) if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fcbiu" else leaf

        return _tree.map_leaves(read, self.saved)


def is_opaque(saved):
    """Return whether saved values contain objects that may hold floating numbers without being recognized."""
    return not all(
        isinstance(leaf, (Tensor, np.ndarray, np.generic, bool, int, float, complex, str, bytes))
        for leaf in _tree.leaves(saved)
    )


_PLAIN = (float, int, bool, str, type(None), np.ndarray, FunctionType, BuiltinFunctionType)  # of options


def options_of(name, words):
    """Return the function that prepares the options of the primitive `name`: it converts Tensors to arrays.

    It raises if a gradient would be lost.
    """

    def prepare(params):
        for word in words:
            value = params[word]
            if type(value) not in _PLAIN and _holds_tensor(value):
                params[word] = _without_tensors(name, word, value)
        return params

    prepare.plain = dict.fromkeys(words, _PLAIN)
    return prepare


def _without_tensors(name, word, value):
    def plain(leaf):
        if not isinstance(leaf, Tensor):
            return leaf
        if leaf.requires_grad and is_grad_enabled() and leaf.op != _saved.__name__:
            raise messages.recorded_option(name, word)
        return leaf.detach().numpy()

    return _tree.map_leaves(plain, value)


def _holds_tensor(value):
    kind = type(value)
    if kind is tuple or kind is list:
        return any(map(_holds_tensor, value))
    if kind is dict:
        return any(map(_holds_tensor, value.values()))
    return isinstance(value, Tensor)


def _is_floating(leaf):
    return isinstance(leaf, (float, complex)) or (
        isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "fc"
    )


def _value(*xs, value):
    return np.array(value)


def _refuse(g, i):
    raise messages.saved_differentiated()


_value.__name__ = "saved value"
_saved: Any = Function(Rule(_value, _refuse, numpy=()))
