"""micrograd's Value in plain Python: the twin of core/value.pyx, and the whole of backpropagation on one page.

A Value holds its operands and the name of its rule. `_RULES` has the chain rule of each op: it accumulates the local
gradient times the gradient of the result in the gradient of every operand. `backward` applies these rules once per
Value, from the result to the leaves.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from fastgrad import value_errors
from fastgrad._lazy import lazy_module

picture = lazy_module("fastgrad.pictures.picture")


class _Node:
    """Fields that micrograd does not have, stored outside the dict of the Value."""

    __slots__ = ("__dict__", "__weakref__", "_exponent", "_operands", "_rule", "_shown")


attributes_of = _Node.__dict__["__dict__"].__get__
_set_dict = _Node.__dict__["__dict__"].__set__


class Value(_Node):
    """One number, `data`, that remembers how it was computed, and its gradient `grad`, as in Karpathy's micrograd.

    Parameters
    ----------
    data : int or float, or any object that adds and multiplies like one
    _children : iterable of Values
        The operands, for an op of your own; assign its `_backward` as well.
    _op : str
        The name of the op, shown in graphs.
    label : str
        Your own name for the Value, shown in graphs.
    """

    label: str = ""
    data: Any
    grad: Any
    _op: str
    _backward: Callable[[], Any]

    def __init__(
        self, data: Any, _children: Iterable["Value"] = (), _op: str = "", label: str = "", *, grad: Any = 0
    ) -> None:
        self._rule: str | None = None
        self._operands: tuple[Value, ...] = ()  # of the rule, in its order
        self._exponent: float | None = None
        kept = attributes_of(self)
        for name in ("data", "grad", "_prev", "_op", "_backward"):
            kept.pop(name, None)
        self.data = data
        self.grad = grad
        self._op = _op
        children = set(_children)
        if children:
            self._prev = children
        if label:
            self.label = label

    def __new__(cls, *args: Any, **kwargs: Any) -> "Value":
        made = super().__new__(cls)
        made._shown, made._operands, made._rule = False, (), None
        return made

    @property
    def _prev(self) -> set["Value"]:
        """The operands; a set, made on access unless the program has assigned one."""
        kept = attributes_of(self)
        if "_prev" not in kept:
            kept["_prev"] = set(self._operands)
        return kept["_prev"]

    @_prev.setter
    def _prev(self, values: Iterable["Value"]) -> None:
        attributes_of(self)["_prev"] = values if type(values) is set else set(values)

    @property
    def __dict__(self):
        """All attributes, as of a Value of micrograd; changes to the dict take effect."""
        kept = attributes_of(self)
        if not self._shown and "data" in kept:
            own = {"data": self.data, "grad": self.grad, "_backward": self._backward, "_prev": self._prev}
            rest = dict(kept)
            kept.clear()
            kept.update({**own, **rest})
            self._shown = True
        return kept

    @__dict__.setter
    def __dict__(self, value):
        if not isinstance(value, dict):
            raise value_errors.dict_kind(type(value).__name__)
        _set_dict(self, value)
        self._shown = True

    def __dir__(self):
        return sorted({*dir(type(self)), *attributes_of(self)})

    def __getstate__(self):
        kept = dict(attributes_of(self))
        if getattr(kept.get("_backward"), "__self__", None) is self:
            del kept["_backward"]
        return kept, self._rule, self._operands, self._exponent

    def __setstate__(self, state):
        kept, self._rule, self._operands, self._exponent = state
        attributes_of(self).update(kept)

    def _backward(self) -> None:
        """Apply the chain rule at this node: add its gradient times the local gradients to those of its operands."""
        if self._rule is not None:
            _RULES[self._rule](self, *self._operands)

    def backward(self) -> None:
        """Compute the gradient of this Value with respect to every Value it depends on, as their `grad`.

        Gradients of leaves add up from call to call; those of other Values are of the last call alone. Graphs may be
        of any depth.
        """
        order = sort_graph(self)
        self.grad = 1
        for v in reversed(order):
            v._backward()

    def __add__(self, other: Any) -> "Value":
        other = _as_value(other)
        return _node("add", "+", self.data + other.data, self, other)

    def __mul__(self, other: Any) -> "Value":
        other = _as_value(other)
        return _node("multiply", "*", self.data * other.data, self, other)

    def __pow__(self, other: Any) -> "Value":
        if isinstance(other, Value):
            return _node("value_power", "**", self.data**other.data, self, other)
        if not isinstance(other, (int, float)):
            raise value_errors.exponent_kind(type(other).__name__)
        y = _node("power", f"**{other}", self.data**other, self)
        y._exponent = other
        return y

    def relu(self) -> "Value":
        """Rectified linear unit, `max(x, 0)`; local gradient 0 or 1."""
        return _node("relu", "ReLU", 0 if self.data < 0 else self.data, self)

    def tanh(self) -> "Value":
        """Hyperbolic tangent; local gradient `1 - y**2`."""
        return _node("tanh", "tanh", math.tanh(self.data), self)

    def exp(self) -> "Value":
        """Exponential; local gradient `y`."""
        return _node("exp", "exp", math.exp(self.data), self)

    def log(self) -> "Value":
        """Natural logarithm; local gradient `1 / x`."""
        return _node("log", "log", math.log(self.data), self)

    def sigmoid(self) -> "Value":
        """`1 / (1 + exp(-x))`; local gradient `(1 - y) * y`."""
        z = math.exp(-abs(self.data))
        return _node("sigmoid", "sigmoid", (1 if self.data >= 0 else z) / (1 + z), self)

    # The other operators call these.

    def __neg__(self) -> "Value":
        return self * -1

    def __radd__(self, other: Any) -> "Value":
        return self + other

    def __sub__(self, other: Any) -> "Value":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Value":
        return other + (-self)

    def __rmul__(self, other: Any) -> "Value":
        return self * other

    def __rpow__(self, other: Any) -> "Value":
        return Value.__pow__(_as_value(other), self)

    def __truediv__(self, other: Any) -> "Value":
        return self * other**-1

    def __rtruediv__(self, other: Any) -> "Value":
        return other * self**-1

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def _repr_html_(self) -> str | None:
        return picture.html_of(self)


def _as_value(x):
    return x if isinstance(x, Value) else Value(x)


def _node(rule, op, data, *operands):
    y = Value(data)
    y._rule = rule
    y._op = op
    y._operands = operands
    return y


def operands_of(v):
    """Return the members of `_prev`; in the order of the operands if they are the same, or if it was deleted."""
    given = attributes_of(v).get("_prev")
    if given is None:
        return v._operands
    if type(given) is not set:
        raise value_errors.prev_kind(type(given).__name__)
    if set(map(id, given)) == set(map(id, v._operands)):
        return v._operands
    for x in given:
        if not isinstance(x, Value):
            raise value_errors.prev_holds(type(x).__name__)
    return given


def sort_graph(root, sweeping=True):
    """Return all Values below `root`, operands before results.

    If `sweeping`, also set the gradients of all but leaves to 0.
    """
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        v, expanded = stack.pop()
        if expanded:
            order.append(v)
        elif v not in seen:
            seen.add(v)
            stack.append((v, True))
            operands = operands_of(v)
            if operands or v._operands:
                if sweeping:
                    v.grad = 0
                stack.extend((x, False) for x in reversed(tuple(operands)))
    return order


def _add(y, a, b):
    a.grad += y.grad
    b.grad += y.grad


def _multiply(y, a, b):
    a.grad += b.data * y.grad
    b.grad += a.data * y.grad


def _power(y, x):
    x.grad += (y._exponent * x.data ** (y._exponent - 1)) * y.grad


def _value_power(y, a, b):
    a.grad += (b.data * a.data ** (b.data - 1)) * y.grad
    slope = math.log(a.data) if a.data > 0 else 0.0 if a.data == 0 else math.nan  # 0**b is 0 for all b > 0
    b.grad += y.data * slope * y.grad


def _relu(y, x):
    x.grad += (y.data > 0) * y.grad


def _tanh(y, x):
    x.grad += (1 - y.data) * (1 + y.data) * y.grad


def _exp(y, x):
    x.grad += y.data * y.grad


def _log(y, x):
    x.grad += 1 / x.data * y.grad


def _sigmoid(y, x):
    x.grad += (1 - y.data) * y.data * y.grad


_RULES = {
    "add": _add, "multiply": _multiply, "power": _power, "value_power": _value_power, "relu": _relu, "tanh": _tanh,
    "exp": _exp, "log": _log, "sigmoid": _sigmoid,
}  # fmt: skip
