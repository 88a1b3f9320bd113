"""The Tensor: an array, its gradient, and the node that says where it came from. Does no mathematics: see the rules.

Three small classes. A `Tensor` is what the user holds. Tensors that require a gradient point to a `Node`: for a leaf
an empty one, for a result the op that made it. `Storage` is what tensors that look at the same memory have in common.
"""

import weakref
from _thread import _local as local  # `threading.local`, without importing the rest of threading

import numpy as np

from fastgrad import errors, leaving
from fastgrad.engine_python.leaving import leave


class Storage:
    """One piece of memory: how often it was written, and whether somebody outside may write it too."""

    __slots__ = ("foreign", "taken", "version")

    def __init__(self, foreign=False):
        self.version = 0  # grows with every write
        self.foreign = foreign  # NumPy arrays share it: a recorded value of it is kept as a private copy
        self.taken = -1  # the version at which a recorded value was first written into a constant


class _Births(local):
    noted = None  # a dict, in which this thread's new nodes are noted


births = _Births()


def collect_births(noted):
    """Have all results that this thread records from now on noted in `noted`, a dict, or nowhere (None). Returns what
    was set before. A new result is noted as None, an older one that it came from as the Tensor; under its `node_key`,
    which stands for it as long as it lives.
    """
    before, births.noted = births.noted, noted
    return before


class Node:
    """One recorded op, or a leaf. Nodes are never changed by in-place writes: those make a new one.

    `operands` are Tensors, Python scalars and None, as they were given; `edges` the nodes they had at that time, None
    where no gradient flows. Every node is deeper than its edges, so sorting by depth sorts a graph from results to
    leaves.
    """

    __slots__ = (
        "rule", "operands", "edges", "kept", "params", "versions", "version", "owner", "depth", "hooks", "keeper",
        "where", "traced", "value",
    )  # fmt: skip

    def __init__(self, rule=None, operands=(), edges=(), kept=(), params=None):
        self.rule = rule  # None for a leaf
        self.operands = operands  # None once the graph was freed
        self.edges = edges
        self.kept = kept  # the operands as the rule will read them: private copies where the memory is not ours
        self.params = params
        self.versions = [o.storage.version if isinstance(o, Tensor) else 0 for o in kept]
        self.version = 0  # of the result, when it was recorded
        self.owner = None  # of a view: the node that made the memory
        self.depth = 1 + max((e.depth for e in edges if e is not None), default=-1)
        self.hooks = {}
        self.keeper = None  # a weak reference to the tensor whose .grad takes the gradient
        self.where = None  # the user's line, under detect_anomaly
        self.traced = 0  # how many running transforms differentiate with respect to this node
        self.value = None  # of a result in memory that is not ours, where its own rule reads it: a private copy
        if births.noted is not None and rule is not None:
            births.noted[id(self)] = None
            for o, edge in zip(operands, edges, strict=True):
                if edge is not None and edge.rule is not None:
                    births.noted.setdefault(id(edge), o if o.node is edge else Tensor(o.array, edge, o.storage))

    def free(self):
        self.operands, self.edges, self.kept, self.params, self.value = None, (), (), None, None


class Tensor:
    __slots__ = ("__weakref__", "_grad", "array", "node", "parameter", "storage", "viewed")

    def __init__(self, array, node=None, storage=None):
        if not isinstance(array, np.ndarray):
            raise errors.class_called()
        self.array = array
        self.node = node
        self.viewed = None if storage is None else storage.version  # of a view: the version it was made at
        self.storage = Storage() if storage is None else storage
        self._grad = None
        self.parameter = False  # made by nn.Parameter

    # --- the array ---

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    dtype = property(lambda self: self.array.dtype)
    itemsize = property(lambda self: self.array.itemsize)
    nbytes = property(lambda self: self.array.nbytes)
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
        return Tensor(self.array, storage=self.storage)

    # --- the graph ---

    is_leaf = property(lambda self: self.node is None or self.node.rule is None)
    op = property(lambda self: None if self.is_leaf else self.node.rule.name)

    @property
    def operands(self):
        """The Tensors this one came from; none for a leaf, and none once the graph was freed."""
        node = self.node
        if node is None or not node.operands:
            return ()
        pairs = zip(node.operands, node.edges, strict=True)
        # An operand that was written in place since has another node now: show it as it was.
        return tuple(
            o if edge is None or o.node is edge else Tensor(o.array, edge, o.storage)
            for o, edge in pairs
            if isinstance(o, Tensor)
        )

    @property
    def requires_grad(self):
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted):
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad=True):
        if requires_grad and self.node is None:
            if self.dtype.kind not in "fc":
                raise errors.integer_gradient(self.dtype)
            self.node = Node()
            self.node.keeper = weakref.ref(self)
        elif not requires_grad and self.node is not None:
            if not self.is_leaf:
                raise errors.grad_off_for_interior(self.op)
            self.node = None
        return self

    @property
    def grad(self):
        if self._grad is None and not self.is_leaf and self.node.keeper is None:
            leaving.warn_no_grad(self.op)
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            value = asarray(value)
            for what in "shape", "dtype":
                if getattr(value, what) != getattr(self, what):
                    raise errors.grad_value(getattr(value, what), getattr(self, what), what)
        self._grad = value

    def zero_grad(self):
        self._grad = None

    def retain_grad(self):
        if self.node is None:
            raise errors.hook_needs_grad("retain_grad")
        self.node.keeper = weakref.ref(self)

    def register_hook(self, hook):
        if self.node is None:
            raise errors.hook_needs_grad("register_hook")
        if not callable(hook):
            raise errors.not_a_hook(hook)
        return HookHandle(self.node.hooks, hook)


class HookHandle:
    """What `register_hook` returns: `remove()` takes the hook away again, and so does leaving a `with` block."""

    def __init__(self, hooks, hook):
        self._hooks = hooks
        hooks[self] = hook

    def remove(self):
        self._hooks.pop(self, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def read_only(array):
    """Return a view that cannot be made writable again: its base is a read-only buffer, not the array."""
    owner = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview) and owner.readonly:
        return array.view()  # NumPy gives it the same base, so that chains of such views do not nest
    return np.asarray(memoryview(array).toreadonly())


def overlaps_itself(array):
    """Whether several elements may lie in one place: after a broadcast, in a sliding window."""
    reach = array.itemsize
    if array.flags.c_contiguous:  # those without elements too
        return False
    for step, n in sorted((abs(step), n) for step, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if step < reach:  # not over all that the axes before reach
            return True
        reach += step * (n - 1)
    return False


# --- making leaves ---


def native(array):
    """`array` in a dtype that a Tensor holds, in this machine's byte order; refused by name otherwise."""
    dtype = array.dtype
    if dtype.kind not in "biufc" or (
        dtype.kind in "fc" and dtype.itemsize not in {"f": (4, 8), "c": (8, 16)}[dtype.kind]
    ):
        raise errors.unsupported_dtype(dtype)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def tensor(data, *, dtype=None, requires_grad=False):
    if isinstance(data, Tensor):
        leave(data, "fg.tensor(x)")
        data = data.array
    made = Tensor(native(np.array(data, dtype=dtype, order="C")))
    return made.requires_grad_() if requires_grad else made


def asarray(obj, *, dtype=None, copy=None):
    if isinstance(obj, Tensor):
        if dtype is not None and np.dtype(dtype) != obj.dtype:
            if copy is False:
                raise errors.copy_needed(obj.dtype, np.dtype(dtype))
            return obj.astype(dtype)
        return obj.copy() if copy else obj
    if not isinstance(obj, np.ndarray) and hasattr(obj, "__dlpack__"):
        obj = np.from_dlpack(obj)
    array = np.asarray(obj, dtype=dtype, copy=copy)
    ours = copy or isinstance(obj, (bool, int, float, complex, list, tuple, np.generic))
    made = Tensor(native(array))
    made.storage.foreign = not ours
    return made
