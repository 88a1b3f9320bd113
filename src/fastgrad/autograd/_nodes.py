"""Nodes: views of what the engine has recorded, and sweeps that start from them.

A `VJPNode` refers to a Tensor, from which it reads its parents and its vjp. A node of the slow road keeps them itself.
"""

import weakref

import numpy as np

from fastgrad._engine import (
    Function,
    Tensor,
    gradients,
    is_grad_enabled,
    node_key,
    partial_gradients,
    set_class,
    tensor,
    transform_depth,
)
from fastgrad._lazy import lazy_module
from fastgrad.autograd._array_box import raw
from fastgrad.autograd._box import Node
from fastgrad.autograd._dialect import DIALECT, conj, cotangent
from fastgrad.autograd._tables import jvp_maker, vjp_maker
from fastgrad.rules.rule import Rule
from fastgrad.transforms.lift import entry

slow = lazy_module("fastgrad.autograd._slow")

_views = {}  # node key of a Tensor -> weak reference to its VJPNode, which keeps the Tensor alive


class _Reference(weakref.ref):
    """A weak reference to a VJPNode with its key in `_views`. A WeakValueDictionary takes four times as long."""

    __slots__ = ("key",)


def _forget(reference):
    if _views.get(reference.key) is reference:
        del _views[reference.key]


def _view_of(x):
    reference = _views.get(node_key(x))
    return None if reference is None else reference()


class VJPNode(Node):
    """The node of a value in reverse mode.

    Attributes
    ----------
    parents : sequence of VJPNode
        Of the operands.
    vjp : function
        Takes the cotangent of the value and returns those of the parents.
    """

    __slots__ = ("__weakref__", "_parents", "_root", "_tensor", "_vjp")

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self._tensor = self._root = None
        self._parents = parents
        self._vjp = vjp_maker(fun, parent_argnums)(parent_argnums, value, args, kwargs)

    def initialize_root(self):
        """Prepare the node of the input of a trace."""
        self._tensor = self._root = None
        self._parents, self._vjp = [], _no_cotangents

    @property
    def parents(self):
        """The nodes of the operands."""
        return self._parents if self._tensor is None else list(map(node_view, _operands(self._tensor)))

    @parents.setter
    def parents(self, parents):
        self._parents = parents

    @property
    def vjp(self):
        """The function that maps the cotangent of the value to those of the parents."""
        return self._vjp if self._tensor is None else self._pull

    @vjp.setter
    def vjp(self, vjp):
        self._vjp = vjp

    def _pull(self, g):
        y = self._tensor
        if not isinstance(g, Tensor) and transform_depth() == 0:
            g = np.asarray(g)
        g = cotangent(g, y, "the cotangent")
        operands = _operands(y)
        if not operands:
            return ()
        gs = partial_gradients((y,), operands, (g,), create_graph=_records(g))
        zeros = (np.zeros(o.shape, o.dtype) for o in operands)
        return tuple(z[()] if gx is None else _returned(gx) for gx, z in zip(gs, zeros, strict=True))


class JVPNode(Node):
    """The node of a value in forward mode; `g` is the tangent of the value."""

    __slots__ = ("g",)

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        gs = [parent.g for parent in parents]
        self.g = jvp_maker(fun, parent_argnums)(parent_argnums, gs, value, args, kwargs)

    def initialize_root(self, g):
        """Prepare the node of the input of a trace: `g` is its tangent."""
        self.g = g


def _no_cotangents(g):
    return ()


def _records(g):
    """Return whether a sweep from the cotangent `g` is recorded."""
    return is_grad_enabled() and (g.requires_grad or transform_depth() > 0)


def _returned(g):
    """Return a gradient as autograd would: a box if it is recorded."""
    g = conj(g)
    return g if g.requires_grad else raw(g)


def _operands(x):
    return [o for o in x.operands if o.requires_grad]


def node_view(x):
    """Return the VJPNode of a recorded Tensor, the same one as long as it is referred to."""
    return _view_of(x) or new_view(x, None)


def new_view(x, root):
    """Return the VJPNode of a recorded Tensor whose graph starts at the Tensor `root`, if that is known."""
    key = node_key(x)
    reference = _views.get(key)
    view = None if reference is None else reference()
    if view is None:
        view = VJPNode.__new__(VJPNode)
        view._tensor = x
        reference = _views[key] = _Reference(view, _forget)
        reference.key = key
    view._root = root
    return view


def bind(node, x):
    """Make `node` the VJPNode of a Tensor."""
    node._tensor = x
    reference = _Reference(node, _forget)
    reference.key = key = node_key(x)
    _views[key] = reference


def _revalue(x, /, value):
    return value


_revalue.__name__ = "box"
_revalued = Function(Rule(_revalue, lambda g: g, numpy=()))


def is_fast(value, node):
    """Return whether the box of `value` with `node` is a Tensor."""
    return type(node) is VJPNode and (node._tensor is not None or (not node._parents and node._vjp is _no_cotangents))


def box_of(cls, value, trace, node):
    """Return the Tensor of a VJPNode: a new leaf if it is the root of a graph. Other nodes have boxes of their own."""
    if not is_fast(value, node):
        return slow.array_box(value, trace, node)
    x = node._tensor
    if x is None:
        if type(value) is float or type(value) is np.float64:
            x = tensor(value, requires_grad=True)
        elif isinstance(value, Tensor) and value.requires_grad:
            x = entry(value)
        else:
            x = DIALECT.converted(_Converting(), value).requires_grad_()
        bind(node, set_class(x, cls))
    elif type(value) is float and not x.ndim and value == x.detach().item():
        return x
    elif x.is_leaf and np.shape(value) == x.shape and not np.array_equal(raw(value), raw(x)):
        x = _revalued(x, value=np.array(value, x.dtype))  # a second value with the same root
    return x


class _Converting:
    """Takes the note of `Dialect.lift` that gradients are converted."""

    adapts = False


def backward_pass(g, end_node):
    """Return the cotangent of the root of the graph that ends at `end_node`, for the cotangent `g` of its value."""
    y = end_node._tensor if isinstance(end_node, VJPNode) else None
    if y is None:
        return slow.backward_pass(g, end_node)
    root = end_node._root
    if root is None:
        root = _root_of(y)
    if root is y:
        return g
    if type(g) is float and not y.ndim and not transform_depth():  # the usual case
        g = None if g == 1.0 and y.dtype.kind == "f" else (cotangent(g, y, "the cotangent"),)
        (found,) = gradients((y,), (root,), g, retain_graph=True, allow_unused=True)
    else:
        g = cotangent(g, y, "the cotangent")
        (found,) = gradients((y,), (root,), (g,), create_graph=_records(g), retain_graph=True, allow_unused=True)
    return np.zeros(root.shape, root.dtype)[()] if found is None else _returned(found)


def _root_of(y):
    """Return the Tensor of the root, the leaf whose VJPNode was made by `new_root`; the last one found if none was."""
    seen, stack, leaf = {id(y): y}, [y], None
    while stack:
        x = stack.pop()
        operands = _operands(x)
        if not operands or (x.op == "entry" and _view_of(x) is not None):
            leaf = x
            if _view_of(x) is not None:
                return x
        for o in operands:
            if id(o) not in seen:
                seen[id(o)] = o
                stack.append(o)
    return leaf
