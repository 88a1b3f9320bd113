"""`ArrayBox`, the Tensor that a differentiated function receives in place of an array or a number."""

import itertools
import operator
import sys

import numpy as np

from fastgrad._engine import Tensor, is_traced, node_of, own_value, transform_depth
from fastgrad._lazy import lazy_module
from fastgrad.autograd._box import Box
from fastgrad.errors import MutationError, NotDifferentiableError

nodes = lazy_module("fastgrad.autograd._nodes")

_TENSOR_UFUNC, _TENSOR_FUNCTION = Tensor.__array_ufunc__, Tensor.__array_function__
_array, _write = Tensor.__array__, Tensor.__setitem__


def raw(leaf):
    """Return the value of a Tensor as an array or NumPy scalar that nobody else holds; other values unchanged."""
    return own_value(leaf.detach()) if isinstance(leaf, Tensor) else leaf


def trace_number():
    """Return the number of the trace that is running, 0 outside."""
    return max(transform_depth() - 1, 0)


def constant(y):
    """Return what NumPy would for an unrecorded result, such as a comparison; recorded results unchanged."""
    if isinstance(y, Tensor):
        return y if y.requires_grad else own_value(y)
    if type(y) is tuple or type(y) is list:
        return type(y)(map(constant, y))
    return y


_box_text = Box.__str__


def _text(box, text):
    """Return the text of a box: by `Box.__str__` if a user has replaced it. It never fails, as `_value` may."""
    return f"Autograd ArrayBox with value {raw(box)}" if text is _box_text else text(box)


class InputAssignmentError(MutationError, TypeError):
    """The function writes to an input that is differentiated; autograd raises a TypeError."""


def handles_ufuncs(x):
    """Return whether `x` contains arrays and has its own ufuncs, such as xarray's. Those of pandas hold no boxes."""
    if isinstance(x, (Tensor, np.ndarray)) or not hasattr(x, "__array_ufunc__"):
        return False
    return not type(x).__module__.startswith("pandas.")


class ArrayBox(Tensor, Box):
    """An array or number whose computation is recorded: a Tensor with autograd's names."""

    __slots__ = ()
    __module__ = "autograd.numpy.numpy_boxes"
    __array_priority__ = 100.0

    @classmethod
    def of_node(cls, value, trace, node):
        """Return the Tensor of a node, which is a new leaf for the root of a graph."""
        return nodes.box_of(cls, value, trace, node)

    @property
    def _value(self):
        """The value one level down: an array or number, or the box of an outer transform."""
        return lowered(self)

    @property
    def _trace(self):
        """The number of transforms around the one that the box belongs to."""
        return trace_number()

    @property
    def data(self):
        """Missing, as in autograd: PyTorch's would lose the gradient of what looks like NumPy's buffer."""
        raise AttributeError("'ArrayBox' object has no attribute 'data'", name="data", obj=self)

    @property
    def _node(self):
        return nodes.node_view(self)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(map(handles_ufuncs, inputs)):
            return NotImplemented
        return constant(_TENSOR_UFUNC(self, ufunc, method, *inputs, **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        return constant(_TENSOR_FUNCTION(self, function, types, args, kwargs))

    def __array_namespace__(self, *, api_version=None):
        return sys.modules["fastgrad.autograd.numpy"]

    def __setitem__(self, key, value):
        try:
            _write(self, key, value)
        except MutationError as error:
            if self.is_leaf:
                raise InputAssignmentError(
                    "assignment to the input of a differentiated function: write to a copy, x = x.copy()"
                ) from error
            raise

    def __hash__(self):
        return id(self)

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad and (dtype is None or np.dtype(dtype).kind == "O"):  # an array of boxes loses no gradient
            boxes = np.empty(self.shape, object)
            for place in np.ndindex(*self.shape):
                boxes[place] = self[place]
            return boxes
        return _array(self, dtype, copy)

    def __str__(self):
        return _text(self, Box.__str__)

    def __repr__(self):
        return _text(self, Box.__repr__)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        made = memo[id(self)] = self.copy()
        return made

    def __reduce_ex__(self, protocol):
        return _unpickle, (_PROCESS, _kept(self))


_PROCESS = object.__hash__(object())  # tells this process from others, together with the number of a box
_pickled, _numbers = {}, itertools.count()


def _kept(box):
    """Keep a box until its transform has ended, and return its number."""
    if len(_pickled) >= 64 and len(_pickled).bit_count() == 1:
        for key, other in list(_pickled.items()):
            if not is_traced(other):
                _pickled.pop(key, None)
    key = next(_numbers)
    _pickled[key] = box
    return key


def _unpickle(process, key):
    """Return a recorded copy of a box that was pickled in this process."""
    box = _pickled.get(key) if process == _PROCESS else None
    if box is None:
        raise NotDifferentiableError(
            "unpickling an ArrayBox: a recorded value can be read back only in its process, while the transform is "
            "running; pickle its value, autograd.tracer.getval(x)"
        )
    return box.copy()


def _comparison(name):
    compare = getattr(Tensor, name)

    def method(self, other):
        return constant(compare(self, other))

    method.__name__ = name
    setattr(ArrayBox, name, method)


def _plain_method(name):
    of_tensor = getattr(Tensor, name, None)
    if of_tensor is None:
        function = getattr(np, name)

        def method(self, *args, **kwargs):
            return function(raw(self), *args, **kwargs)

    else:

        def method(self, *args, **kwargs):
            return constant(of_tensor(self, *args, **kwargs))

    method.__name__ = name
    setattr(ArrayBox, name, method)


def _augmented(name, operate):
    """Make `x += y` the same as `x = x + y`, as it is for autograd's boxes: what else refers to `x` keeps its value."""

    def method(self, other):
        return operate(self, other)

    method.__name__ = name
    setattr(ArrayBox, name, method)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _augmented(f"__i{_name}__", getattr(operator, _name))
for _name in ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"):
    _comparison(_name)
for _name in (
    "all",
    "any",
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "nonzero",
    "searchsorted",
    "round",
    "astype",
):
    _plain_method(_name)

Box.types.add(ArrayBox)
for _kind in (
    np.ndarray, float, complex, np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128,
    np.clongdouble,
):  # fmt: skip
    ArrayBox.register(_kind)


def lowered(box):
    """Return the value of a box without the innermost of the transforms that it depends on."""
    if transform_depth() <= 1 or not box.requires_grad:
        return raw(box)
    levels = _levels(box)
    innermost = levels[id(box)][1]
    if not innermost:
        if sum(x.is_leaf for x, _ in levels.values()) > 1:
            raise NotDifferentiableError(
                "_value inside two transforms, of a box that depends on several inputs: it may belong to the outer "
                "one, whose gradient would be lost; use autograd.tracer.getval(x) for the number alone"
            )
        return raw(box)
    made = {}
    for x, level in levels.values():  # operands first
        found = node_of(x)
        if level < innermost or found is None:
            made[id(x)] = x if level < innermost else raw(x)
            continue
        rule, _, params, origins, current = found
        if rule.name == "entry" and levels[id(origins[0])][1] == innermost - 1:
            made[id(x)] = origins[0]
        elif not current or any(isinstance(o, Tensor) and o.requires_grad and id(o) not in made for o in origins):
            raise NotDifferentiableError(f"_value of a result of {rule.name!r} whose operands were written in place")
        else:
            made[id(x)] = rule.function(*(made.get(id(o), o) for o in origins), **params)
    return made[id(box)]


def _levels(box):
    """Return the Tensors that a box was computed from, operands first, by id, each with the number of its transform."""
    found, stack = {}, [(box, None)]
    while stack:
        x, operands = stack.pop()
        if id(x) in found:
            continue
        if operands is None:
            operands = [o for o in x.operands if o.requires_grad]
            stack.append((x, operands))
            stack += [(o, None) for o in operands if id(o) not in found]
            continue
        level = max((found[id(o)][1] for o in operands), default=0)
        found[id(x)] = x, level + (x.op == "entry")
    return found
