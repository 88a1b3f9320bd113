"""Recording: run the forward of an op and, where a gradient may be needed, save what its rule reads. Never sweeps."""

import numpy as np

from fastgrad import anomaly, batching, errors, made_functions, op_functions, parameters, view_keys
from fastgrad.engine_python import views, writes
from fastgrad.engine_python.leaving import is_grad_enabled
from fastgrad.engine_python.tensor import (
    Node,
    NumberStorage,
    Tensor,
    asarray,
    is_leaf,
    native,
    new_tensor,
    overlaps_itself,
    set_class,
)
from fastgrad.op_functions import functions
from fastgrad.tracebacks import shorten, user_line

_OF_NUMBERS = frozenset(  # what Python's operators make of numbers, which is a number again
    ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "negative", "abs")
)


class Function:
    __signature__ = op_functions.signature
    __doc__ = op_functions.docstring
    __repr__ = op_functions.text
    __reduce__ = op_functions.reduce
    __copy__ = __deepcopy__ = made_functions.itself
    _carrier = made_functions.carrier

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

    `overwritten` is the Tensor that the result will be written to, if any: operands in its memory are saved as copies.
    """
    operands = tuple(o if _is_plain(o) else asarray(o) for o in operands)
    numbers = rule.elementwise and any(map(_is_number, operands))
    if numbers and any(isinstance(o, Tensor) and not _is_number(o) for o in operands):
        operands = tuple(o.array.item() if _is_number(o) else o for o in operands)
        numbers = False
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
    if numbers and rule.name in _OF_NUMBERS:
        result.storage = NumberStorage()
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
            if isinstance(o, Tensor) and rule.reads(k) and (o.storage.foreign or _is_in(overwritten, o))
            else o
            for k, o in enumerate(operands)
        )
        node = result.node = Node(
            rule, operands, edges, saved, {key: parameters.private(p) for key, p in params.items()}
        )
        node.version = result.storage.version
        for o in operands:
            if isinstance(o, Tensor) and type(o) is not Tensor:
                set_class(result, type(o))
        if versions != [o.storage.version for o in operands if isinstance(o, Tensor)]:
            raise errors.written_meanwhile(rule.name)
        if result.view_version is not None and edges[0] is not None:
            node.base = edges[0].base or edges[0]
        if anomaly.noting():
            node.where = user_line()
    return result


def _is_in(x, o):
    """Return whether a write to all of `x`, a Tensor or None, overwrites the value of `o`."""
    if x is None or o.storage is not x.storage:
        return False
    return o.view_version is None or not writes.are_disjoint(writes.region_of(x.array), writes.region_of(o.array))


def write(x, rule, operands, params, region=None):
    """Apply an op in place: write its result to the memory of `x` and give the node of the result to `x`.

    `region` is what is written, if that is a part of `x`.
    """
    before = views.former(x)
    operands = tuple(before if o is x else o for o in operands)
    result = record(rule, operands, params, overwritten=x)
    if x.view_version is not None and is_grad_enabled() and (result.node or x.node) is not None:
        return _write_through(x, result, rule, before)
    check_writable(x)
    _check_fits(x, result, rule)
    if result.node is not None and (region is None or _reads_its_result(x.node)):
        views.keep_value(x, before)
    np.copyto(x.array, result.array, casting="same_kind")
    x.storage.version += 1
    writes.note_write(x.storage, region or writes.region_of(x.array))
    if result.node is not None:
        result.node.version = x.storage.version
        if x.storage.foreign and rule.reads_result:
            result.node.saved_result = result.array
        x.storage.recorded_version = x.storage.version
        if x.node is not None:
            result.node.grad_owner, x.node.grad_owner = x.node.grad_owner, None
        x.node = result.node
        if type(result) is not Tensor:
            set_class(x, type(result))
    return x


def _reads_its_result(node):
    """Return whether the rule of a node reads the result, which a write would destroy."""
    if node is None or node.rule is None or node.operands is None:
        return False
    return node.rule.reads_y([k for k, o in enumerate(node.saved) if isinstance(o, Tensor)])


def _write_through(x, result, rule, before):
    """Write `result` to the owner of the memory of the view `x`, and make `x` the view of the new owner."""
    owner = views.writable_owner(x)
    _check_fits(x, result, rule)
    key = views.view_key(x, owner)
    region = None
    if views.is_component(x, owner):
        region, result = writes.region_of(x.array), views.joined_parts(owner, key, x, result)
    views.keep_value(x, before)
    _write_item(owner, key, result, region)
    views.become(x, owner, key)
    return x


def _assign_to_view(x, key, value):
    """Record `x[key] = value` where `x` is a view."""
    owner = views.writable_owner(x)
    if isinstance(value, Tensor) and not np.can_cast(value.dtype, x.dtype, "same_kind"):
        raise errors.inplace_dtype("setitem", value.dtype, x.dtype)
    if views.is_component(x, owner):
        part = view_keys.item_key(x.array, key)
        if part is not None:
            x, key = functions["getitem"](x, part), ...
    else:
        place = view_keys.key_of_item(owner.array, x.array, key)
        if place is not None:
            _write_item(owner, place, value)
            return
    result = functions["setitem"](x, value, key)
    if result.dtype != x.dtype:
        raise errors.inplace_dtype("setitem", result.dtype, x.dtype)
    _write_through(x, result, functions["setitem"].rule, views.former(x))


def _write_item(x, key, value, region=None):
    """Record `x[key] = value`. The rest of `x` is not copied: only a value that the op of `x` itself reads is kept."""
    region = region or writes.region_of(view_keys.item(x.array, key))
    write(x, functions["setitem"].rule, (x, value), {"key": key}, region)


def _is_own_slice(x, key, value):
    """Return whether `value` is the slice `x[key]` itself: `x[key] += 1` ends with such an assignment, a no-op."""
    if not isinstance(value, Tensor) or value.view_version != x.storage.version or value.storage is not x.storage:
        return False
    owner = views.owner_of(x)
    same = owner is not None and views.owner_of(value) is owner and value.dtype == x.dtype
    return same and view_keys.is_item(x.array, key, value.array)


def _check_fits(x, result, rule):
    if result.shape != x.shape:
        raise errors.inplace_shape(rule.name, result.shape, x.shape)
    if not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise errors.inplace_dtype(rule.name, result.dtype, x.dtype)


def check_writable(x):
    """Raise if a write to `x` is impossible."""
    if not x.array.flags.writeable or overlaps_itself(x.array):
        raise errors.read_only()
    if is_grad_enabled() and x.node is not None and is_leaf(x):
        raise errors.leaf_written()


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
    if is_grad_enabled():
        views.refresh_view(x)
        views.refresh_view(value)
        if _is_own_slice(x, params["key"], value):
            return
    if is_grad_enabled() and x.node is not None and not _is_plain(value):
        value = asarray(value)
    recording = is_grad_enabled() and any(isinstance(o, Tensor) and o.node is not None for o in (x, value))
    if recording and x.view_version is not None:
        _assign_to_view(x, params["key"], value)
        return
    check_writable(x)
    if recording:
        if isinstance(value, Tensor) and not np.can_cast(value.dtype, x.dtype, "same_kind"):
            raise errors.inplace_dtype(rule.name, value.dtype, x.dtype)
        _write_item(x, params["key"], value)
        return
    try:
        region = writes.region_of(view_keys.item(x.array, params["key"]))
        x.array[params["key"]] = value.array if isinstance(value, Tensor) else value
    except BaseException as error:
        if _may_hold_objects(value):
            x.storage.version += 1  # some elements may have been written before the error
        if isinstance(error, (ValueError, IndexError)):
            raise errors.forward_failed(rule.name, error, (x, value)).with_traceback(error.__traceback__) from None
        raise
    x.storage.version += 1
    writes.note_write(x.storage, region)


def _may_hold_objects(value):
    """Return whether NumPy may have to convert the elements of `value` one at a time."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O"
    return not isinstance(value, (Tensor, int, float, complex, np.generic))


def _inplace(op):
    def written(self, other):
        if type(other) is batching.Batched or type(self.storage) is NumberStorage:
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


def _is_number(o):
    """Return whether `o` stands for a number that was passed to a compiled function: it determines no dtype."""
    return isinstance(o, Tensor) and type(o.storage) is NumberStorage and not o.ndim and not o.requires_grad


def _is_plain(o):
    return isinstance(o, (Tensor, type(None))) or type(o) in (bool, int, float, complex)


def _wrap(rule, value, operands):
    """Wrap the array in a Tensor. It shares the Storage of the first operand if the rule returns a view, else none."""
    if value.base is None and not any(isinstance(o, Tensor) and o.array is value for o in operands):
        return new_tensor(native(_c_ordered(value)))
    first = operands[0]
    if rule.view and isinstance(first, Tensor) and (not value.size or np.may_share_memory(value, first.array)):
        made = new_tensor(value, storage=first.storage)
        views.note_owner(made, first, is_grad_enabled())
        return made
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
    if o.view_version is not None:
        if not views.refresh(o):
            raise errors.stale(o.op)
    elif not is_leaf(o) and o.node.version != o.storage.version:
        raise errors.stale(o.op)
