"""Tracing, as `autograd.tracer`: boxes, nodes, `trace`, and `primitive`, which makes a function recordable.

A trace with a `VJPNode` of arrays is recorded by the engine. Nodes that a user defines, containers as inputs, and boxes
of other types take the slow road: `_slow`.
"""

from collections import defaultdict
from contextlib import contextmanager

import numpy as np

from fastgrad import _engine, _tree
from fastgrad._engine import Run, Tensor, enable_grad, set_transform_depth, transform_depth
from fastgrad._lazy import lazy_module
from fastgrad.autograd import _nodes, _record
from fastgrad.autograd._array_box import ArrayBox, raw
from fastgrad.autograd._box import Box, Node
from fastgrad.autograd._dialect import DIALECT, warn_independent
from fastgrad.autograd._nodes import VJPNode
from fastgrad.autograd._tables import is_numpy_function
from fastgrad.autograd.util import subval, subvals, toposort
from fastgrad.autograd.wrap_util import get_name, wraps

slow = lazy_module("fastgrad.autograd._slow")

__all__ = [
    "Box", "Node", "TraceStack", "box_type_mappings", "box_types", "getval", "isbox", "new_box", "notrace_primitive",
    "notrace_primitives", "primitive", "register_notrace", "subval", "subvals", "toposort", "trace",
    "trace_primitives_map", "trace_stack",
]  # fmt: skip

box_type_mappings = Box.type_mappings
box_types = Box.types
trace_primitives_map = {}  # a function that was made a primitive -> the primitive
notrace_primitives = defaultdict(set)  # class of nodes -> primitives that are called with values


class TraceStack:
    """The number of traces that are running in this thread."""

    @property
    def top(self):
        """The number of the innermost trace, -1 outside of all traces."""
        return transform_depth() - 1

    @contextmanager
    def new_trace(self):
        """Enter a trace, and return its number."""
        depth = transform_depth()
        set_transform_depth(depth + 1)
        try:
            yield depth
        finally:
            set_transform_depth(depth)


trace_stack = TraceStack()
_PLAIN = {float, np.float64, np.ndarray}  # what the engine lifts by itself
_CONTAINERS = (tuple, list, dict)


def trace(start_node, fun, x):
    """Call `fun` with the box of `x` whose node is `start_node`. Return value and node of its result."""
    if type(start_node) is VJPNode and type(x) in _PLAIN and not transform_depth():
        run = Run("trace", (x,), 0, None, DIALECT)
        (box,) = run.inputs
        _nodes.bind(start_node, box)
        end = run.call(fun)
        if type(end) is ArrayBox and end.requires_grad:
            return run.value(end), _nodes.new_view(end, box)
        warn_independent()
        return run.value(end), None
    with trace_stack.new_trace() as t:
        box = new_box(x, t, start_node)
        if not isinstance(box, Tensor):
            return slow.traced_call(box, fun)
        _engine.trace([box])
        try:
            with enable_grad():
                end = fun(box)
        finally:
            _engine.untrace([box])
        if type(end) in box_types and isinstance(end, Tensor) and end.requires_grad:
            return end._value, _nodes.new_view(end, box)
        warn_independent()
        return raw(end), None


def new_box(value, trace, node):
    """Return the box of a value, by the type of the value, for a trace and a node."""
    try:
        box = box_type_mappings[type(value)]
    except KeyError:
        raise TypeError(f"Can't differentiate w.r.t. type {type(value)}") from None
    return box(value, trace, node)


def isbox(x):
    """Return whether `x` is a box."""
    return type(x) in box_types


def getval(x):
    """Return the value of a box, apart from all traces; other values unchanged."""
    if isinstance(x, Tensor):
        return raw(x)
    while isbox(x):
        x = getval(x._value)
    return x


def register_notrace(trace_type, primitive_fun):
    """Have a primitive called with values, without being recorded, in traces with nodes of a class."""
    notrace_primitives[trace_type].add(primitive_fun)
    if trace_type is VJPNode and is_numpy_function(primitive_fun):
        primitive_fun.override = notrace_primitive(primitive_fun.function)


def primitive(f_raw):
    """Return a function that is recorded as one op if there are boxes among its positional arguments.

    Its derivatives are defined with `defvjp` and `defjvp` of `autograd.extend`.
    """

    @wraps(f_raw)
    def f_wrapped(*args, called_by_autograd_dispatcher=False, **kwargs):
        boxed = False
        for arg in args:
            if isinstance(arg, Tensor):
                boxed = True
            elif type(arg) in box_types:
                return slow.traced(f_wrapped, args, kwargs)
            elif isinstance(arg, _CONTAINERS) and _record.holds_box(arg):
                boxed = True
        return _recorded(f_wrapped, args, kwargs) if boxed else f_raw(*args, **kwargs)

    f_wrapped.fun = f_raw
    f_wrapped._is_autograd_primitive = True
    _enter(f_raw, f_wrapped)
    return f_wrapped


def _recorded(f, args, kwargs):
    if f in notrace_primitives[VJPNode]:
        return f.fun(*_tree.map_leaves(getval, args), **kwargs)
    return _record.record(f, args, kwargs)


def _enter(f_raw, f_wrapped):
    try:
        trace_primitives_map[f_raw] = f_wrapped
    except TypeError:  # a callable without a hash
        return


def enter_functions(*modules):
    """Note which functions of NumPy those of modules of `autograd.numpy` stand for."""
    for module in modules:
        trace_primitives_map.update({f.function: f for f in vars(module).values() if is_numpy_function(f)})


def engine_primitive(f, name=None):
    """Return a function that the engine differentiates by itself, and that the slow road records as one op."""

    def f_wrapped(*args, **kwargs):
        if any(type(arg) in box_types and not isinstance(arg, Tensor) for arg in args):
            return slow.traced(f_wrapped, args, kwargs)
        return f(*args, **kwargs)

    f_wrapped.__name__ = name or get_name(f)
    f_wrapped.fun = f
    f_wrapped._differentiated_by_engine = True
    return f_wrapped


def replaced(fun):
    """Return what is called instead of a function of `autograd.numpy` for which a user has defined derivatives."""

    @wraps(fun)
    def f_wrapped(*args, **kwargs):
        if any(type(arg) in box_types or (isinstance(arg, _CONTAINERS) and _record.holds_box(arg)) for arg in args):
            return _record.record(fun, args, kwargs)
        return fun.function(*args, **kwargs)

    return f_wrapped


def notrace_primitive(f_raw):
    """Return a function that is called with values in place of boxes, and is not recorded."""

    @wraps(f_raw)
    def f_wrapped(*args, **kwargs):
        return f_raw(*map(getval, args), **kwargs)

    f_wrapped._is_primitive = True
    return f_wrapped
