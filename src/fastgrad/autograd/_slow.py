"""The slow road: traces with nodes that a user defines, and values of a user's own types.

Boxes are plain Python objects that hold a value, one level down, and a node. Functions of NumPy reach them by NumPy's
protocols, and each call makes a node. Derivatives come from the tables alone, which ask the engine for those of NumPy's
functions. Arrays, numbers and VJPNodes usually take the fast road, where boxes are Tensors.
"""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.autograd import core, tracer
from fastgrad.autograd._array_box import ArrayBox
from fastgrad.autograd._box import Box
from fastgrad.autograd._dialect import warn_independent
from fastgrad.autograd._nodes import JVPNode, VJPNode
from fastgrad.autograd.tracer import (
    box_types,
    engine_primitive,
    getval,
    isbox,
    new_box,
    notrace_primitives,
    trace_stack,
)
from fastgrad.autograd.util import subvals, toposort
from fastgrad.errors import NotDifferentiableError

_FACTS = {np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj}  # of values, never recorded


def traced(fun, args, kwargs):
    """Call a primitive with the values of the boxes of the innermost trace, and return the box of its result."""
    if any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
        raise NotDifferentiableError(
            f"{getattr(fun, '__name__', fun)}: a trace with nodes of a user around a gradient of arrays that do not "
            "depend on its input cannot be recorded: pass these arrays through the input of the outer trace"
        )
    slow = [(k, arg) for k, arg in enumerate(args) if type(arg) in box_types]
    top = max(box._trace for _, box in slow)
    boxes = [(k, box) for k, box in slow if box._trace == top]
    values = subvals(args, [(k, box._value) for k, box in boxes])
    kind = type(boxes[0][1]._node)
    ans = fun(*values, **kwargs)
    if fun in notrace_primitives[kind] or _is_constant(ans, kind):
        return ans
    argnums, parents = tuple(k for k, _ in boxes), tuple(box._node for _, box in boxes)
    return new_box(ans, top, kind(ans, fun, values, kwargs, argnums, parents))


def _is_constant(ans, kind):
    """Return whether a result is not recorded: an integer or boolean where derivatives are."""
    if issubclass(kind, (VJPNode, JVPNode)):
        return np.asarray(ans).dtype.kind in "biu" if isinstance(ans, (np.ndarray, np.generic, int)) else False
    return type(ans) not in tracer.box_type_mappings


def _counterpart(function):
    return tracer.trace_primitives_map.get(function) or _own(function)


_functions = {}


def _own(function):
    """Return a function of NumPy without derivatives as a primitive."""
    if function not in _functions:
        _functions[function] = tracer.primitive(function)
    return _functions[function]


def _call(function, args, kwargs):
    """Call a function of NumPy with boxes among its arguments, perhaps in lists."""
    if function in _FACTS:
        return function(*_tree.map_leaves(getval, args), **kwargs)
    fun, flat = _counterpart(function), _tree.leaves([args, kwargs])
    if any(isbox(value) for value in kwargs.values()) or len([x for x in args if isbox(x)]) < sum(map(isbox, flat)):

        def spread(*values):
            own_args, own_kwargs = _tree.fill([args, kwargs], values)
            return fun(*own_args, **own_kwargs)

        return engine_primitive(spread, function.__name__)(*flat)
    return traced(fun, args, kwargs)


class SlowArrayBox(Box):
    """The box of an array or number with a node that is not the engine's."""

    __slots__ = ()
    __module__ = ArrayBox.__module__
    __array_priority__ = 100.0
    shape = property(lambda self: np.shape(getval(self)))
    ndim = property(lambda self: np.ndim(getval(self)))
    size = property(lambda self: np.size(getval(self)))
    dtype = property(lambda self: np.result_type(getval(self)))
    T = property(lambda self: np.transpose(self))
    flatten = property(lambda self: self.ravel)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or "out" in kwargs:
            return NotImplemented
        return _call(ufunc, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return _call(function, args, kwargs)

    def __array__(self, dtype=None, copy=None):
        raise NotDifferentiableError(
            "an array of a box of a trace would lose the trace: use autograd.numpy's functions"
        )

    def __getitem__(self, idx):
        return _getitem(self, idx)

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def astype(self, *args, **kwargs):
        """Return the values in another dtype."""
        return _astype(self, *args, **kwargs)

    def __hash__(self):
        return id(self)


SlowArrayBox.__name__ = SlowArrayBox.__qualname__ = "ArrayBox"
SlowArrayBox.register(SlowArrayBox)
ArrayBox._stand_ins = (SlowArrayBox,)
_getitem = engine_primitive(lambda A, idx: A[idx], "__getitem__")
_astype = engine_primitive(lambda A, *args, **kwargs: A.astype(*args, **kwargs), "astype")


def _operator(slot, ufunc, reflected=False):
    def method(self, *others):
        return ufunc(*others, self) if reflected else ufunc(self, *others)

    method.__name__ = slot
    setattr(SlowArrayBox, slot, method)


for _name, _ufunc in (
    ("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("truediv", np.true_divide), ("pow", np.power),
    ("mod", np.mod), ("floordiv", np.floor_divide), ("matmul", np.matmul),
):  # fmt: skip
    _operator(f"__{_name}__", _ufunc)
    _operator(f"__r{_name}__", _ufunc, True)
for _name, _ufunc in (
    ("neg", np.negative), ("abs", np.absolute), ("lt", np.less), ("le", np.less_equal), ("eq", np.equal),
    ("ne", np.not_equal), ("gt", np.greater), ("ge", np.greater_equal),
):  # fmt: skip
    _operator(f"__{_name}__", _ufunc)


def _method(name):
    function = getattr(np, name)

    def method(self, *args, **kwargs):
        return function(self, *args, **kwargs)

    method.__name__ = name
    setattr(SlowArrayBox, name, method)


_METHODS = """
    all any argmax argmin argpartition argsort nonzero searchsorted round clip compress cumprod cumsum diagonal max
    mean min prod ravel repeat reshape squeeze std sum swapaxes take trace transpose var
"""
for _name in _METHODS.split():
    _method(_name)


def array_box(value, trace, node):
    """Return the box of an array or number for a node that is not the engine's."""
    return SlowArrayBox(value, trace, node)


# --- traces and derivatives


def traced_call(box, fun):
    """Call `fun` with a box, and return the value and the node of its result; the node is None if it is constant."""
    end = fun(box)
    if isbox(end) and not isinstance(end, Tensor) and end._trace == box._trace:
        return end._value, end._node
    if isinstance(end, (tuple, list, dict)) and any(isbox(x) and x._trace == box._trace for x in _tree.leaves(end)):
        leaves = _tree.leaves(end)
        joined = engine_primitive(lambda *values: _tree.fill(end, values), "container")(*leaves)
        return joined._value, joined._node
    warn_independent()
    return end, None


def _traced(root, fun, x):
    with trace_stack.new_trace() as t:
        box = tracer.box_type_mappings[type(x)]
        return traced_call(array_box(x, t, root) if issubclass(box, Tensor) else box(x, t, root), fun)


def make_vjp(fun, x):
    """As `core.make_vjp`, for values that are no Tensors."""
    value, node = _traced(VJPNode.new_root(), fun, x)

    def vjp(g):
        return core.vspace(x).zeros() if node is None else backward_pass(g, node)

    return vjp, value


def jvp(fun, x, g):
    """Return value and tangent of a function at `x`, for values that are no Tensors."""
    value, node = _traced(JVPNode.new_root(g), fun, x)
    return value, core.vspace(value).zeros() if node is None else node.g


def backward_pass(g, end_node):
    """As `core.backward_pass`, for nodes that keep their parents."""
    cotangents = {end_node: (g, False)}
    for node in toposort(end_node):
        found, _ = cotangents.pop(node)
        for parent, part in zip(node.parents, node.vjp(found), strict=True):
            cotangents[parent] = core.add_outgrads(cotangents.get(parent), part)
    return found


def _unary(fun, numbers, args, kwargs):
    """Return a function as one of the arguments that are differentiated, and these."""
    if type(numbers) is int:
        return lambda x: fun(*subvals(args, ((numbers, x),)), **kwargs), args[numbers]
    x = tuple(args[k] for k in numbers)
    return lambda xs: fun(*subvals(args, zip(numbers, xs, strict=True)), **kwargs), x


def gradient(fun, numbers, args, kwargs):
    """Return the value of a function, and the vjp of ones."""
    vjp, value = make_vjp(*_unary(fun, numbers, args, kwargs))
    return value, vjp(core.vspace(value).ones())


def scalar_gradient(fun, numbers, with_value, args, kwargs):
    """Return the gradient of a function that must return one number, after its value if `with_value`."""
    vjp, value = make_vjp(*_unary(fun, numbers, args, kwargs))
    if core.vspace(value).size != 1:
        raise TypeError("Grad only applies to real scalar-output functions. Try jacobian or elementwise_grad.")
    g = vjp(core.vspace(value).ones())
    return (value, g) if with_value else g


def jacobian(fun, numbers, args, kwargs):
    """Return the Jacobian, row by row."""
    of_x, x = _unary(fun, numbers, args, kwargs)
    vjp, value = make_vjp(of_x, x)
    space = core.vspace(value)
    rows = [vjp(g) for g in space.standard_basis()]
    return np.reshape(np.stack(rows), space.shape + core.vspace(x).shape)
