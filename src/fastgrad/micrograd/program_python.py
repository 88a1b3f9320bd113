"""Programs of Values in plain Python: the twin of core/value/program.pxi. Each call builds the graph anew."""

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastgrad import value_errors
from fastgrad.micrograd.value_python import Value, attributes_of, operands_of, sort_graph


class Program:
    """The computation of a Value and of the gradients of its leaves, as a list of steps; made by `replay`."""

    def __init__(self, loss: Value, refresh: Iterable[Value] = ()) -> None:
        if not isinstance(loss, Value):
            raise value_errors.replay_kind("the loss", type(loss).__name__)
        self._lock, self._running = threading.RLock(), False
        self._refreshed = tuple(refresh)
        for x in self._refreshed:
            if not isinstance(x, Value):
                raise value_errors.replay_kind("a member of refresh", type(x).__name__)
        order = sort_graph(loss, sweeping=False)
        for y in order:
            _require_own_rule(y)
        self._leaves = tuple(y for y in order if y._rule is None)
        ops = [y for y in order if y._rule is not None]
        slots = {id(y): k for k, y in enumerate((*self._leaves, *ops))}
        self._steps = [
            (y._rule, [slots[id(x)] for x in y._operands], None if y._exponent is None else float(y._exponent))
            for y in ops
        ]
        self._refreshed_slots = [slots.get(id(x)) for x in self._refreshed]
        if None in self._refreshed_slots:
            raise value_errors.refresh_missing(self._refreshed_slots.index(None))

    @property
    def leaves(self) -> tuple[Value, ...]:
        """The leaves, a tuple of Values: each call reads their `data` and adds to their `grad`."""
        return self._leaves

    def __call__(self) -> float:
        """Compute the value from the `data` of the leaves, and add its gradients to their `grad`. Returns a float."""
        with self._lock:
            if self._running:  # numbers of the user's classes may run any code
                raise value_errors.program_running()
            self._running = True
            try:
                return self._replay_once()
            finally:
                self._running = False

    def _replay_once(self):
        made = [Value(_as_float(x.data, "data"), grad=_as_float(x.grad, "grad")) for x in self._leaves]
        for rule, slots, exponent in self._steps:
            operands = [made[k] for k in slots] + [exponent] * (rule == "power")
            y = _OPS[rule](*operands)
            if isinstance(y.data, complex):
                raise value_errors.program_complex(*(x.data if isinstance(x, Value) else x for x in operands))
            made.append(y)
        made[-1].backward()
        for x, copy in zip(self._leaves, made):
            x.grad = float(copy.grad)
        for x, k in zip(self._refreshed, self._refreshed_slots):
            if k >= len(self._leaves):
                x.data = float(made[k].data)
        return float(made[-1].data)

    def __repr__(self) -> str:
        return f"<Program of {len(self._steps)} ops on {len(self._leaves)} leaves>"

    def __reduce__(self) -> Any:
        raise value_errors.program_pickled()


_OPS = {
    "add": Value.__add__, "multiply": Value.__mul__, "power": Value.__pow__, "value_power": Value.__pow__,
    "relu": Value.relu, "tanh": Value.tanh, "exp": Value.exp, "log": Value.log, "sigmoid": Value.sigmoid,
}  # fmt: skip


def _require_own_rule(y):
    """Raise unless a sweep would apply the rule of `y` to its operands, and nothing else."""
    kept = attributes_of(y)
    given = kept.get("_backward")
    if (given is None or getattr(given, "__self__", None) is y) and operands_of(y) is y._operands:
        return
    raise value_errors.not_replayable(y._op)


def _as_float(number, name):
    """Convert the number in a leaf. Those that compute otherwise than float64 are refused."""
    if not isinstance(number, (float, int, np.integer)):
        raise value_errors.program_number(name, type(number).__name__)
    return float(number)
