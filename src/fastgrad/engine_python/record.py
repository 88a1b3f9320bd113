"""Recording: run the forward of an op and, where a gradient may be needed, save what its rule reads. Never sweeps."""

import numpy as np

from fastgrad import anomaly, batching, errors, op_functions, parameters
from fastgrad.engine_python.leaving import is_grad_enabled
from fastgrad.engine_python.tensor import Node, Tensor, asarray, native, new_tensor, overlaps_itself
from fastgrad.op_functions import functions
from fastgrad.tracebacks import shorten, user_line


class Function:
    __signature__ = op_functions.signature
    __doc__ = op_functions.docstring
    __repr__ = op_functions.text
    __reduce__ = op_functions.reduce

    def __init__(self, rule):
        self.rule = rule
        rule.function = self
        vars(self).update(op_functions.names(rule))
        functions.setdefault(rule.name, self)  # a user-defined op may have the name of a built-in one

    def __call__(self, *args, **kwargs):
        try:
            meant = self.rule.other_call(kwargs) if kwargs else None
            if meant is not None:
                return meant(*args, **kwargs)
            if any(map(batching.holds, args)) or (kwargs and batching.holds(kwargs)):
                return batching.call(self.rule, args, kwargs)
            operands, params = self.rule.bind(args, kwargs)
            return record(self.rule, operands, params)
        except Exception as error:
            shorten(error)
            raise


def record(rule, operands, params, overwritten=None):
    """Compute the result of an op and record its node if a gradient may be needed.

    `overwritten` is the Storage that the result will be written to, if any: operands in it are saved as copies.
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
        raise worded.with_traceback(error.__traceback__) from None
    result = _wrap(rule, value, operands)
    if anomaly.watching():
        anomaly.check(rule.name, False, result, operands, user_line)
    if not is_grad_enabled():
        return result
    for o in operands:
        check_not_stale(o)
    edges = tuple(o.node if isinstance(o, Tensor) and rule.differentiable(k) else None for k, o in enumerate(operands))
    if result.dtype.kind in "fc" and any(edges):
        saved = tuple(
            _snapshot(o)
            if isinstance(o, Tensor) and rule.reads(k) and (o.storage.foreign or o.storage is overwritten)
            else o
            for k, o in enumerate(operands)
        )
        node = result.node = Node(
            rule, operands, edges, saved, {key: parameters.private(p) for key, p in params.items()}
        )
        node.version = result.storage.version
        if versions != [o.storage.version for o in operands if isinstance(o, Tensor)]:
            raise errors.written_meanwhile(rule.name)
        if result.view_version is not None and edges[0] is not None:
            node.base = edges[0].base or edges[0]
        if anomaly.noting():
            node.where = user_line()
    return result


def write(x, rule, operands, params):
    """Apply an op in place: write its result to the memory of `x` and give the node of the result to `x`."""
    before = new_tensor(x.array, x.node)  # keeps the old node: ops recorded earlier on `x` have edges to it
    before.storage, before.view_version = x.storage, x.view_version
    operands = tuple(before if o is x else o for o in operands)
    result = record(rule, operands, params, overwritten=x.storage)
    if result.node is not None and _is_recorded_slice(x):
        return _write_through(x, result, rule)
    check_writable(x, result.node is not None)
    _check_fits(x, result, rule)
    np.copyto(x.array, result.array, casting="same_kind")
    x.storage.version += 1
    if result.node is not None:
        result.node.version = x.storage.version
        if x.storage.foreign and rule.reads_result:
            result.node.saved_result = result.array
        if x.node is None:
            x.storage.recorded_version = x.storage.version
        else:
            result.node.grad_owner, x.node.grad_owner = x.node.grad_owner, None
        x.node = result.node
    return x


def _is_recorded_slice(x):
    """Return whether a write to `x` can be recorded as a write to its base: `x` is a slice of an unchanged result."""
    node = x.node
    if x.view_version is None or node is None or node.rule is None or node.rule.name != "getitem" or not node.operands:
        return False
    base = node.operands[0]
    return base.node is node.edges[0] and not base.is_leaf and base.view_version is None


def _write_through(x, result, rule):
    """Write `result` to the base of the slice `x`, as `base[key] = result`, and make `x` the slice of the new base."""
    _check_fits(x, result, rule)
    base, key, grad_owner = x.node.operands[0], x.node.params["key"], x.node.grad_owner
    setitem = functions["setitem"].rule
    write(base, setitem, (base, result), setitem.prepare({"key": key}))
    part = functions["getitem"](base, key)
    x.node.grad_owner, part.node.grad_owner = None, grad_owner
    x.node, x.view_version = part.node, part.view_version
    return x


def _is_own_slice(x, key, value):
    """Return whether `value` is the slice `x[key]` itself: `x[key] += 1` ends with such an assignment, a no-op."""
    if not isinstance(value, Tensor) or value.node is None or value.node.rule is None:
        return False
    node = value.node
    if node.rule.name != "getitem" or node.edges[0] is not x.node or value.view_version != x.storage.version:
        return False
    key = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(index, (int, slice, type(None), type(Ellipsis))) for index in key):
        return False
    part = x.array[key if Ellipsis in key else (*key, ...)]  # with `...`, one element is an array too
    same = part.shape == value.array.shape and part.strides == value.array.strides
    return same and part.ctypes.data == value.array.ctypes.data


def _check_fits(x, result, rule):
    if result.shape != x.shape:
        raise errors.inplace_shape(rule.name, result.shape, x.shape)
    if not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise errors.inplace_dtype(rule.name, result.dtype, x.dtype)


def check_writable(x, recording):
    """Raise if a write to `x` is impossible, or if it would make its graph wrong. `recording`: it will be recorded."""
    if not x.array.flags.writeable or overlaps_itself(x.array):
        raise errors.read_only()
    if not is_grad_enabled():
        return
    if x.node is not None and x.is_leaf:
        raise errors.leaf_written()
    if x.view_version is not None and (recording or x.node is not None):
        raise errors.view_written()


def _getitem(x, key):
    return functions["getitem"](x, key)


def _setitem(x, key, value):
    try:
        if batching.holds(key) or batching.holds(value):
            raise batching.not_batched()
        _assign(x, key, value)
    except Exception as error:
        shorten(error)
        raise


def _assign(x, key, value):
    rule = functions["setitem"].rule
    params = rule.prepare({"key": key})  # may run user code, so it comes before the tensor is examined
    if is_grad_enabled() and _is_own_slice(x, params["key"], value):
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
            x.storage.version += 1  # some elements may have been written before the error
        if isinstance(error, (ValueError, IndexError)):
            raise errors.forward_failed(rule.name, error, (x, value)).with_traceback(error.__traceback__) from None
        raise
    x.storage.version += 1


def _may_hold_objects(value):
    """Return whether NumPy may have to convert the elements of `value` one at a time."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O"
    return not isinstance(value, (Tensor, int, float, complex, np.generic))


def _inplace(op):
    def written(self, other):
        if type(other) is batching.Batched:
            return NotImplemented
        try:
            return write(self, functions[op].rule, (self, other), {})
        except Exception as error:
            shorten(error)
            raise

    return written


for _slot, _op in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
                   "matmul": "matmul", "floordiv": "floor_divide", "mod": "remainder"}.items():  # fmt: skip
    setattr(Tensor, f"__i{_slot}__", _inplace(_op))
Tensor.__getitem__ = _getitem
Tensor.__setitem__ = _setitem


def _is_plain(o):
    return isinstance(o, (Tensor, type(None))) or type(o) in (bool, int, float, complex)


def _wrap(rule, value, operands):
    """Wrap the array in a Tensor. It shares the Storage of the first operand if the rule returns a view, else none."""
    if value.base is None and not any(isinstance(o, Tensor) and o.array is value for o in operands):
        return new_tensor(native(_c_ordered(value)))
    first = operands[0]
    if rule.view and isinstance(first, Tensor) and (not value.size or np.may_share_memory(value, first.array)):
        return new_tensor(value, storage=first.storage)
    if any(isinstance(o, Tensor) and np.may_share_memory(value, o.array) for o in operands):
        value = value.copy()
    return new_tensor(native(_c_ordered(value)))


def _c_ordered(value):
    """Return a fresh result in C order; NumPy keeps the order of the operands."""
    return value if value.flags.c_contiguous else value.copy()


def _snapshot(x):
    """Return a Tensor with the same node and a copy of the values."""
    copy = new_tensor(x.array.copy(), x.node)
    copy.storage.version = x.storage.version
    return copy


def check_not_stale(o):
    """Raise if the memory of a tensor was written through its base or a view after the tensor was recorded."""
    if not isinstance(o, Tensor):
        return
    if o.is_leaf:
        if o.view_version is not None and o.view_version < o.storage.recorded_version:
            raise errors.stale(None)
    else:
        base = o.node.base or o.node
        if base.rule is not None and base.version != o.storage.version:
            raise errors.stale(o.op)
