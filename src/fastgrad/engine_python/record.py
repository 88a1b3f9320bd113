"""Recording: run an op's forward and, where a gradient may be wanted, keep what its rule will need. Never sweeps."""

import numpy as np

from fastgrad import anomaly, errors
from fastgrad.engine_python.leaving import is_grad_enabled
from fastgrad.engine_python.tensor import Node, Tensor, asarray, native, overlaps_itself

functions = {}  # op name -> Function; filled as the rules are read


class OnDemand:
    """An attribute of a Function that its rule makes when it is read; `of_class` is the class's own, if it has one."""

    def __init__(self, make, of_class=None):
        self.make, self.of_class = make, of_class

    def __get__(self, function, kind):
        if function is not None:
            return self.make(function.rule)
        if self.of_class is None:
            raise AttributeError("the class has no such attribute, its instances have")
        return self.of_class


class Function:
    __signature__ = OnDemand(lambda rule: rule.signature())
    __doc__ = OnDemand(
        lambda rule: rule.docstring(), "The public function of one rule: callable on Tensors, arrays and scalars."
    )

    def __init__(self, rule):
        self.rule = rule
        self.__name__ = self.__qualname__ = rule.name
        self.__module__ = rule.forward.__module__
        self.__wrapped__ = rule.forward
        functions.setdefault(rule.name, self)  # a user's op may bear the name of a built-in one

    def __call__(self, *args, **kwargs):
        operands, params = self.rule.bind(args, kwargs)
        return record(self.rule, operands, params)

    def __repr__(self):
        return f"<fastgrad function {self.__name__}{self.__signature__}>"

    def __reduce__(self):
        return self.__qualname__  # pickled by name, as functions are


def record(rule, operands, params, overwritten=None):
    """The result of one op; if a gradient may be wanted, with the node that knows its way back.

    `overwritten` is the Storage that is about to receive the result, if any: its present values are kept as a copy.
    """
    operands = tuple(o if _is_plain(o) else asarray(o) for o in operands)
    arrays = [o.array if isinstance(o, Tensor) else o for o in operands]
    versions = [o.storage.version for o in operands if isinstance(o, Tensor)]
    try:
        value = np.asarray(rule.run(arrays, params))
        if value.dtype == np.float16:
            value = np.asarray(rule.run_wider(arrays, params))
    except Exception as error:
        worded = errors.forward_failed(rule.name, error, operands)
        if worded is error:
            raise
        raise worded from error
    result = _wrap(rule, value, operands)
    if anomaly.watching():
        anomaly.check(rule.name, False, result, operands, anomaly.user_line)
    if not is_grad_enabled():
        return result
    for o in operands:
        require_true_graph(o)
    edges = tuple(o.node if isinstance(o, Tensor) and rule.differentiable(k) else None for k, o in enumerate(operands))
    if result.dtype.kind in "fc" and any(edges):
        kept = tuple(
            _snapshot(o)
            if isinstance(o, Tensor) and rule.reads(k) and (o.storage.foreign or o.storage is overwritten)
            else o
            for k, o in enumerate(operands)
        )
        node = result.node = Node(rule, operands, edges, kept, {key: _private(p) for key, p in params.items()})
        node.version = result.storage.version
        if versions != [o.storage.version for o in operands if isinstance(o, Tensor)]:
            raise errors.written_meanwhile(rule.name)
        if result.viewed is not None and edges[0] is not None:
            node.owner = edges[0].owner or edges[0]
        if anomaly.noting():
            node.where = anomaly.user_line()
    return result


def write(x, rule, operands, params):
    """The in-place form of an op: its result goes into the memory of `x`, and `x` takes over the result's node."""
    before = Tensor(x.array, x.node)  # what x was, for the graph: those who recorded x earlier keep their edges
    before.storage, before.viewed = x.storage, x.viewed
    operands = tuple(before if o is x else o for o in operands)
    result = record(rule, operands, params, overwritten=x.storage)
    if result.node is not None and _is_recorded_part(x):
        return _write_through(x, result, rule)
    check_writable(x, result.node is not None)
    _check_fits(x, result, rule)
    np.copyto(x.array, result.array, casting="same_kind")
    x.storage.version += 1
    if result.node is not None:
        result.node.version = x.storage.version
        if x.storage.foreign and rule.reads_result:
            result.node.value = result.array
        if x.node is None:
            x.storage.taken = x.storage.version
        else:
            result.node.keeper, x.node.keeper = x.node.keeper, None
        x.node = result.node
    return x


def _is_recorded_part(x):
    """Whether a write to `x`, a slice of a result not written since, can be recorded as one to that result."""
    node = x.node
    if x.viewed is None or node is None or node.rule is None or node.rule.name != "getitem" or not node.operands:
        return False
    base = node.operands[0]
    return base.node is node.edges[0] and not base.is_leaf and base.viewed is None


def _write_through(x, result, rule):
    """As `write`, of a slice: its base is written, `y[key] = result`, and `x` comes to stand for the slice of that."""
    _check_fits(x, result, rule)
    base, key, keeper = x.node.operands[0], x.node.params["key"], x.node.keeper
    setitem = functions["setitem"].rule
    write(base, setitem, (base, result), setitem.prepare({"key": key}))
    part = functions["getitem"](base, key)
    x.node.keeper, part.node.keeper = None, keeper
    x.node, x.viewed = part.node, part.viewed
    return x


def _is_own_part(x, key, value):
    """Whether `x[key] = value` gives `x` what it holds: the end of `x[key] += 1`, where `value` is that slice of it."""
    if not isinstance(value, Tensor) or value.node is None or value.node.rule is None:
        return False
    if value.node.rule.name != "getitem" or value.node.edges[0] is not x.node or value.viewed != x.storage.version:
        return False
    key = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(one, (int, slice, type(None), type(Ellipsis))) for one in key):
        return False
    part = x.array[key if Ellipsis in key else (*key, ...)]  # an array even of one element
    same = part.shape == value.array.shape and part.strides == value.array.strides
    return same and part.ctypes.data == value.array.ctypes.data


def _check_fits(x, result, rule):
    if result.shape != x.shape:
        raise errors.inplace_shape(rule.name, result.shape, x.shape)
    if not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise errors.inplace_dtype(rule.name, result.dtype, x.dtype)


def check_writable(x, recording):
    """Refuse a write to `x`, to be recorded or not, that cannot be done or would make its graph untrue."""
    if not x.array.flags.writeable or overlaps_itself(x.array):
        raise errors.read_only()
    if not is_grad_enabled():
        return
    if x.node is not None and x.is_leaf:
        raise errors.leaf_written()
    if x.viewed is not None and (recording or x.node is not None):
        raise errors.view_written()


def _getitem(x, key):
    return functions["getitem"](x, key)


def _setitem(x, key, value):
    rule = functions["setitem"].rule
    params = rule.prepare({"key": key})  # first all that may run somebody's code, then a look at the tensor
    if is_grad_enabled() and _is_own_part(x, params["key"], value):
        return
    if is_grad_enabled() and x.node is not None and not _is_plain(value):
        value = asarray(value)
    recording = is_grad_enabled() and any(isinstance(o, Tensor) and o.node is not None for o in (x, value))
    check_writable(x, recording)
    if recording:
        if isinstance(value, Tensor) and not np.can_cast(value.dtype, x.dtype, "same_kind"):
            raise errors.inplace_dtype(rule.name, value.dtype, x.dtype)
        write(x, rule, (x, value), params)
        return
    try:
        x.array[params["key"]] = value.array if isinstance(value, Tensor) else value
    except BaseException as error:
        if _may_hold_objects(value):
            x.storage.version += 1  # some may have been written before one failed
        if isinstance(error, (ValueError, IndexError)):
            raise errors.forward_failed(rule.name, error, (x, value)) from error
        raise
    x.storage.version += 1


def _may_hold_objects(value):
    """Whether NumPy may have to ask the elements of `value` for their numbers, one after the other."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O"
    return not isinstance(value, (Tensor, int, float, complex, np.generic))


def _inplace(op):
    return lambda self, other: write(self, functions[op].rule, (self, other), {})


for _slot, _op in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
                   "matmul": "matmul", "floordiv": "floor_divide", "mod": "remainder"}.items():  # fmt: skip
    setattr(Tensor, f"__i{_slot}__", _inplace(_op))
Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem


def _is_plain(o):
    return isinstance(o, (Tensor, type(None))) or type(o) in (bool, int, float, complex)


def _wrap(rule, value, operands):
    """The array as a Tensor that shares Storage with the first operand if the rule says so, with nothing otherwise."""
    if value.base is None and not any(isinstance(o, Tensor) and o.array is value for o in operands):
        return Tensor(native(_ordered(value)))
    first = operands[0]
    if rule.view and isinstance(first, Tensor) and (not value.size or np.may_share_memory(value, first.array)):
        return Tensor(value, storage=first.storage)
    if any(isinstance(o, Tensor) and np.may_share_memory(value, o.array) for o in operands):
        value = value.copy()
    return Tensor(native(_ordered(value)))


def _ordered(value):
    """A fresh result in C order, where NumPy keeps that of the operands."""
    return value if value.flags.c_contiguous else value.copy()


def _snapshot(x):
    """The same place in the graph, with a copy of the values."""
    copy = Tensor(x.array.copy(), x.node)
    copy.storage.version = x.storage.version
    return copy


def require_true_graph(o):
    """Refuse a tensor whose memory was written behind its graph: through its base, or through a view of it."""
    if not isinstance(o, Tensor):
        return
    if o.is_leaf:
        if o.viewed is not None and o.viewed < o.storage.taken:
            raise errors.stale(None)
    else:
        owner = o.node.owner or o.node
        if owner.rule is not None and owner.version != o.storage.version:
            raise errors.stale(o.op)


def _private(param):
    """A parameter that the user can no longer change: index arrays are copied."""
    if isinstance(param, np.ndarray):
        return param.copy()
    if type(param) in (tuple, list):
        return type(param)(map(_private, param))
    return param
