"""The Tensor: an array, its gradient and its node in the graph. Contains no mathematics, which is in the rules.

A `Tensor` is what the user holds. A Tensor that requires a gradient refers to a `Node`, which is empty for a leaf and
describes the op for a result. Tensors that share memory share a `Storage`.
"""

import weakref
from _thread import _local as local  # `threading.local`, without importing the rest of threading

import numpy as np

from fastgrad import devices, errors, leaving, op_functions, parameters
from fastgrad._hooks import HookHandle
from fastgrad.engine_python.leaving import leave
from fastgrad.sweep_arguments import checked_gradient
from fastgrad.tracebacks import shorten


class Storage:
    """One block of memory: its version, and whether code outside may write to it."""

    __slots__ = ("foreign", "recorded_version", "version", "writes")

    def __init__(self, foreign=False):
        self.version = 0  # incremented by every write
        self.foreign = foreign  # shared with NumPy arrays, so that recorded values in it are saved as copies
        self.writes = []  # the last in-place writes to parts: the version after each, and its region
        self.recorded_version = -1  # the version of the last write that was recorded


class NumberStorage(Storage):
    """That of a Tensor that stands for a number: `x += 1` gives a new Tensor, as it gives a new number."""

    __slots__ = ()


class _Collected(local):
    nodes = None  # a dict that collects the new nodes of this thread


collected = _Collected()


def collect_nodes(nodes):
    """Collect the nodes that this thread records from now on in the dict `nodes`; None stops. Returns the old setting.

    Keys are node keys. The value is None for a new result, and the Tensor for an operand that was recorded earlier.
    """
    before, collected.nodes = collected.nodes, nodes
    return before


class Node:
    """One recorded op, or a leaf. In-place writes create a new node and do not change the old one.

    `operands` are the Tensors, Python scalars and None that were passed; `edges` are their nodes at that time, None
    where no gradient flows. A node is deeper than its edges, so that sorting by depth gives a topological order.
    """

    __slots__ = (
        "rule", "operands", "edges", "saved", "params", "versions", "version", "base", "depth", "hooks", "grad_owner",
        "where", "traced", "saved_result", "drawable",
    )  # fmt: skip

    def __init__(self, rule=None, operands=(), edges=(), saved=(), params=None):
        self.rule = rule  # None for a leaf
        self.operands = operands  # None after the graph was freed
        self.edges = edges
        self.saved = saved  # the operands as the rule reads them: copies where the memory is foreign
        self.params = params
        self.versions = [o.storage.version if isinstance(o, Tensor) else 0 for o in saved]
        self.version = 0  # of the result, when it was recorded
        self.base = None  # of a view: the node whose result owns the memory
        self.depth = 1 + max((e.depth for e in edges if e is not None), default=-1)
        self.hooks = {}
        self.grad_owner = None  # a weak reference to the tensor whose .grad accumulates the gradient
        self.where = None  # the user's line, under detect_anomaly
        self.traced = 0  # number of running transforms that differentiate with respect to this node
        self.drawable = None  # `(operands, edges, saved, params)` of a small graph that was freed, for pictures
        self.saved_result = None  # a copy of the result, if its own rule reads it and its memory is foreign
        if collected.nodes is not None and rule is not None:
            collected.nodes[id(self)] = None
            for o, edge in zip(operands, edges, strict=True):
                if edge is not None and edge.rule is not None:
                    collected.nodes.setdefault(id(edge), o if o.node is edge else new_tensor(o.array, edge, o.storage))

    def free(self, drawable=False):
        if drawable:
            self.drawable = self.operands, self.edges, self.saved, self.params
        self.operands, self.edges, self.saved, self.params, self.saved_result = None, (), (), None, None


class Tensor:
    __slots__ = (
        "__weakref__", "_grad", "_history", "_owner", "_receiver", "array", "node", "parameter", "storage",
        "view_version",
    )  # fmt: skip

    # --- the array ---

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    dtype = property(lambda self: self.array.dtype)
    strides = property(lambda self: self.array.strides)

    def numpy(self, *, writable=False):
        leave(self, "x.numpy()")
        if not writable:
            return read_only(self.array)
        if not self.array.flags.writeable or overlaps_itself(self.array):
            raise errors.read_only()
        self.storage.version += 1
        self.storage.foreign = True
        return self.array.view()

    def detach(self):
        return new_tensor(self.array, storage=self.storage)

    # --- the graph ---

    # A view of memory that has been written gets its present node when its graph is asked for: `views.py` adds the
    # method `_refreshed`, which returns the tensor itself.
    is_leaf = property(lambda self: is_leaf(self._refreshed()))
    op = property(lambda self: None if self.is_leaf else self.node.rule.name)

    @property
    def operands(self):
        """The Tensors that this one was computed from; empty for a leaf, and after the graph was freed."""
        node = self._refreshed().node
        if node is None or not node.operands:
            return ()
        pairs = zip(node.operands, node.edges, strict=True)
        # An operand that was written in place has another node now; a Tensor with the recorded node replaces it.
        return tuple(
            o if edge is None or o.node is edge else new_tensor(o.array, edge, o.storage)
            for o, edge in pairs
            if isinstance(o, Tensor)
        )

    @property
    def requires_grad(self):
        return self._refreshed().node is not None

    @requires_grad.setter
    def requires_grad(self, wanted):
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad=True):
        if requires_grad and not self.requires_grad:
            if self.dtype.kind not in "fc":
                raise errors.integer_gradient(self.dtype)
            self.node = Node()
            self._owner = None
            self.node.grad_owner = weakref.ref(self)
        elif not requires_grad and self.requires_grad:
            if not self.is_leaf:
                raise errors.grad_off_for_interior(self.op)
            self.node = None
        return self

    @property
    def grad(self):
        if self._grad is None and not self.is_leaf and self.node.grad_owner is None:
            leaving.warn_no_grad(self.op)
        return self._grad

    @grad.setter
    def grad(self, value):
        try:
            self._grad = None if value is None else checked_gradient(value, self, asarray)
        except Exception as error:
            shorten(error)
            raise

    def zero_grad(self):
        self._grad = None

    def retain_grad(self):
        if not self.requires_grad:
            raise errors.hook_needs_grad("retain_grad")
        self.node.grad_owner = weakref.ref(self)

    def register_hook(self, hook):
        if not self.requires_grad:
            raise errors.hook_needs_grad("register_hook")
        if not callable(hook):
            raise errors.not_a_hook(hook)
        return HookHandle(self.node.hooks, hook)


def is_leaf(x):
    """Return whether the node of `x`, as it is, is that of a leaf."""
    return x.node is None or x.node.rule is None


def subclass(meta, name, bases, members):
    """Return a subclass of Tensor for tensors that look different to the user. Instances have no own attributes."""
    return type.__new__(meta, name, bases, {"__slots__": (), **members})


def set_class(x, cls):
    """Give `x` the class `cls`: Tensor, or what `subclass` has made. Return `x`."""
    x.__class__ = cls
    return x


def new_tensor(array, node=None, storage=None):
    """Return a Tensor of an ndarray; calling the class converts its arguments, as in PyTorch."""
    made = object.__new__(Tensor)
    made.array = array
    made.node = node
    made.view_version = None if storage is None else storage.version  # of a view: the version when it was made
    made.storage = Storage() if storage is None else storage
    made._owner = None  # of a view: the tensor that owns the memory, if that is known
    made._history = ()  # tensors with the former values that were kept when this one was written
    made._grad = None
    made.parameter = False  # made by nn.Parameter
    return made


def read_only(array):
    """Return a view that cannot be made writable again: its base is a read-only buffer, not the array."""
    owner = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview) and owner.readonly:
        return array.view()  # has the same base, so that chains of such views do not nest
    return np.asarray(memoryview(array).toreadonly())


def overlaps_itself(array):
    """Return whether several elements may share an address, as after a broadcast or in a sliding window."""
    return not array.flags.c_contiguous and parameters.overlaps(array.shape, array.strides, array.itemsize)


# --- making leaves ---


def native(array):
    """Return `array` in a dtype that a Tensor holds and in native byte order; raise for other dtypes."""
    dtype = array.dtype
    if dtype.kind not in "biufc" or (
        dtype.kind in "fc" and dtype.itemsize not in {"f": (4, 8), "c": (8, 16)}[dtype.kind]
    ):
        raise errors.unsupported_dtype(dtype)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def tensor(data, *, dtype=None, requires_grad=False, device=None):
    try:
        if device is not None:
            devices.check(device)
        if isinstance(data, Tensor):
            leave(data, "fg.tensor(x)")
            data = data.array
        made = new_tensor(native(np.array(data, dtype=dtype, order="C")))
        return made.requires_grad_() if requires_grad else made
    except Exception as error:
        shorten(error)
        raise


def asarray(obj, dtype=None, *, copy=None, device=None):
    if device is not None:
        devices.check(device)
    if isinstance(obj, Tensor):
        if dtype is not None and np.dtype(dtype) != obj.dtype:
            if copy is False:
                raise errors.copy_needed(obj.dtype, np.dtype(dtype))
            return obj.astype(dtype)
        return obj.copy() if copy else obj
    try:
        array, owned = parameters.array_of(obj, dtype, copy)
        if owned is None:
            return op_functions.stacked(obj, dtype, asarray)
    except Exception as error:
        shorten(error)
        raise
    made = new_tensor(native(array))
    made.storage.foreign = not owned
    return made
