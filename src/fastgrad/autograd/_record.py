"""One call of a primitive with boxes among its arguments, recorded as one op of the engine.

The arguments may be nested; their boxes are the operands. The function gets values in place of them. In a sweep that
is not recorded, the functions of the user get values, too, and the vjp is made when the primitive is called, as in
autograd. In a recorded sweep it is made again, of boxes.
"""

from _thread import _local as local

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Function, Tensor, asarray, is_grad_enabled, set_class, write_count
from fastgrad.autograd._array_box import ArrayBox, raw
from fastgrad.autograd._dialect import conj
from fastgrad.autograd._sparse import densified
from fastgrad.autograd._tables import is_numpy_function, jvp_maker, primitive_jvps, primitive_vjps, vjp_maker
from fastgrad.errors import MutationError, ShapeError
from fastgrad.rules.outputs import pack
from fastgrad.rules.rule import Rule, ops
from fastgrad.transforms.lift import alias

_HELD = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.complex64), np.dtype(np.complex128))
_BOX = object()  # stands for an operand in nested arguments


class Mode(local):
    """Of a thread: whether primitives are called for forward mode alone, so that their vjps are not needed."""

    forward = 0


mode = Mode()


class Call:
    """One recorded call.

    Attributes
    ----------
    fun : function
        The primitive, the key in the tables of derivatives.
    args, kwargs
        The arguments, with values in place of boxes.
    argnums : tuple of int
        The arguments that hold operands.
    counts : tuple of int
        How many each of them holds.
    templates : tuple
        These arguments, with `_BOX` in place of boxes.
    ans
        The result of the function.
    layout : Layout or None
        Of the parts of the result in the recorded array, if it is nested.
    vjp : function or None
        What the maker returned for values.
    versions : list of int
        How often the operands had been written when they were recorded. Recorded sweeps alone read them again.
    """

    __slots__ = ("ans", "argnums", "args", "counts", "fun", "kwargs", "layout", "templates", "versions", "vjp")

    def made_vjp(self):
        """Return the vjp that computes with values."""
        if self.vjp is None:
            self.vjp = vjp_maker(self.fun, self.argnums)(self.argnums, self.ans, self.args, self.kwargs)
        return self.vjp

    def boxed_args(self, operands):
        """Return the arguments, with operands as boxes in their places. Raises if one was written since."""
        for x, version in zip(operands, self.versions, strict=True):
            if write_count(x) != version:
                raise MutationError(
                    f"the derivative of a derivative of {_name(self.fun)} needs an argument that was written in place "
                    "after the call: write to a copy, x = x.copy()"
                )
        args, boxes = list(self.args), iter(map(boxed, operands))
        for k, template in zip(self.argnums, self.templates, strict=True):
            args[k] = _tree.map_leaves(lambda leaf: next(boxes) if leaf is _BOX else leaf, template)
        return tuple(args)

    def nested(self, y, convert):
        """Return the recorded result or its cotangent, converted by `convert`, nested as the function's result."""
        if self.layout is None:
            return convert(y)
        parts = self.layout.split(y)
        return _tree.fill(self.ans, [convert(part) for part in parts])

    def operands_of(self, found, operands, name):
        """Return cotangents, one per argument in `argnums`, as a list with one Tensor per operand, None for zeros."""
        gxs, found = [], found if type(found) is tuple else list(found)
        if len(found) != len(self.argnums):
            raise TypeError(f"the VJP of {name} returned {len(found)} cotangents for argnums {self.argnums}")
        if len(operands) == len(found) == 1 and self.templates[0] is _BOX:  # the usual case
            return [_cotangent(found[0], operands[0], name)]
        for g, template, count in zip(found, self.templates, self.counts, strict=True):
            g = densified(g)
            if template is _BOX:
                gxs.append(g)
            elif g is None:
                gxs += [None] * count
            else:
                leaves = _tree.align(template, g)
                if leaves is None:
                    raise TypeError(f"the VJP of {name} returned {g!r} for an argument that is nested differently")
                gxs += [leaf for leaf, t in zip(leaves, _tree.leaves(template), strict=True) if t is _BOX]
        return [_cotangent(g, x, name) for g, x in zip(gxs, operands, strict=True)]


def _cotangent(g, x, name):
    """Return a cotangent, None for zeros, as the Tensor that the sweep adds to that of the operand `x`."""
    return _zeros_of(x) if g is None else conj(_fitted(densified(g), x, name))


def _zeros_of(x):
    return asarray(np.zeros(x.shape, x.dtype))


def boxed(t):
    """Return what the functions of a user get for a Tensor in a recorded sweep: a box, or the value of a constant."""
    if not t.requires_grad:
        return raw(t)
    return t if isinstance(t, ArrayBox) else set_class(alias(t), ArrayBox)


def holds_box(x):
    """Return whether a tuple, list or dict holds a Tensor, at any depth."""
    if isinstance(x, (tuple, list)):
        return any(map(holds_box, x))
    if isinstance(x, dict):
        return any(map(holds_box, x.values()))
    return isinstance(x, Tensor)


def record(fun, args, kwargs):
    """Call the primitive `fun` with Tensors among `args`, and return its result, recorded if one of them is."""
    values, argnums, counts, templates, operands = list(args), [], [], [], []
    for k, arg in enumerate(args):
        if isinstance(arg, Tensor):
            values[k] = raw(arg)
            if arg.requires_grad:
                operands.append(arg)
                argnums.append(k)
                counts.append(1)
                templates.append(_BOX)
        elif holds_box(arg):
            values[k] = _tree.map_leaves(raw, arg)
            before = len(operands)
            template = _tree.map_leaves(lambda leaf: _template(leaf, operands), arg)
            if len(operands) > before:
                argnums.append(k)
                counts.append(len(operands) - before)
                templates.append(template)
    ans = _function_of(fun)(*values, **kwargs)
    if not operands or not is_grad_enabled() or _is_constant(ans):
        return ans
    call = Call()
    call.fun, call.args, call.kwargs, call.ans = fun, tuple(values), kwargs, ans
    call.argnums, call.counts, call.templates = tuple(argnums), tuple(counts), tuple(templates)
    call.vjp = call.layout = None
    call.versions = list(map(write_count, operands))
    return _recorded(call, operands)


def _function_of(fun):
    """Return what a primitive, or a function of NumPy with derivatives of a user, calls with values."""
    return fun.function if is_numpy_function(fun) else fun.fun


def _template(leaf, operands):
    if not isinstance(leaf, Tensor):
        return leaf
    if not leaf.requires_grad:
        return raw(leaf)
    operands.append(leaf)
    return _BOX


def _is_constant(ans):
    return isinstance(ans, (bool, np.bool_)) or (isinstance(ans, np.ndarray) and ans.dtype.kind == "b")


def _recorded(call, operands):
    fun, ans, closed_over = call.fun, call.ans, None
    if type(ans) is np.ndarray and ans.dtype in _HELD:
        packed = ans.copy()  # `ans` is kept for the vjp, and the Tensor may be written
    else:
        call.ans = ans = densified(ans)
        if isinstance(ans, Tensor):
            closed_over, call.ans = ans, raw(ans)  # boxes that the function closes over
            ans = call.ans
        packed = _packed(call) if isinstance(ans, (tuple, list, dict)) else _held(ans)
        if packed is None:
            raise TypeError(f"Can't differentiate w.r.t. type {type(ans)}, which {_name(fun)} returned")
    if not mode.forward:
        call.vjp = vjp_maker(fun, call.argnums)(call.argnums, ans, call.args, call.kwargs)
    elif fun not in primitive_jvps and fun not in primitive_vjps:
        jvp_maker(fun, call.argnums)  # raises
    y = _op_of(fun)(*operands, call=call, value=packed)
    if type(y) is Tensor:
        set_class(y, ArrayBox)
    if closed_over is not None and closed_over.requires_grad:
        y = y + (closed_over - closed_over.detach())
    return y if call.layout is None else call.nested(y, lambda part: part if part.requires_grad else raw(part))


def _packed(call):
    leaves = _tree.leaves(call.ans)
    arrays = [_held(raw(leaf), integers=True) for leaf in leaves]
    if not leaves or any(a is None for a in arrays):
        kinds = sorted({type(leaf).__name__ for leaf in leaves})
        raise TypeError(f"Can't differentiate w.r.t. the result of {_name(call.fun)}, which holds {', '.join(kinds)}")
    if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves):
        raise TypeError(f"{_name(call.fun)} returned boxes that it closes over in a container: pass them as arguments")
    packed, call.layout = pack(arrays)
    return packed


def _held(ans, integers=False):
    """Return a result as an array of a dtype that Tensors hold; None if it has no gradient."""
    if not isinstance(ans, (np.ndarray, np.generic, int, float, complex)):
        return None
    a = np.array(ans)
    if a.dtype in _HELD:
        return a
    if a.dtype.kind in "biu":
        return a if integers else a.astype(np.float64)
    if a.dtype.kind not in "fc":
        return None
    narrow = (np.float32 if a.itemsize < 4 else np.float64) if a.dtype.kind == "f" else np.complex128
    return a.astype(narrow)


def _name(fun):
    return getattr(fun, "__name__", None) or type(fun).__name__


def _fitted(g, x, name):
    """Return a cotangent or tangent as a Tensor of the shape and dtype of its value."""
    if type(g) is np.ndarray and g.dtype == x.dtype and g.shape == x.shape:
        return asarray(g)
    g = g if isinstance(g, Tensor) else asarray(_numbers(g, name))
    if g.shape != x.shape:
        if g.size != 1 or x.size != 1:
            raise ShapeError(f"the VJP of {name} returned shape {g.shape} for an argument of shape {x.shape}")
        g = ops.reshape(g, x.shape)
    if g.dtype != x.dtype:
        g = ops.real(g) if g.dtype.kind == "c" and x.dtype.kind != "c" else g
        g = g if g.dtype == x.dtype else ops.astype(g, x.dtype)
    return g


def _numbers(g, name):
    if not isinstance(g, (np.ndarray, np.generic, int, float, complex)):
        raise TypeError(f"the derivative of {name} returned {type(g).__name__}, not numbers")
    g = np.asarray(g)
    return g if g.dtype in _HELD else g.astype(np.complex128 if g.dtype.kind == "c" else np.float64)


def _forward(*xs, call, value):
    return value


def _reads(g, y, call):
    raise AssertionError("PrimitiveRule calls the functions of the user itself")


class PrimitiveRule(Rule):
    """The rule of a primitive: calls what the tables of derivatives have for it."""

    __slots__ = ()

    def __init__(self, name):
        super().__init__(_forward, _reads, name=name, numpy=(), together=True)

    def pull_all(self, g, y, operands, params):
        """Return the cotangents of all operands."""
        call = params["call"]
        g = call.nested(conj(g), boxed if is_grad_enabled() else raw)
        if is_grad_enabled():
            args, ans = call.boxed_args(operands), call.nested(y, boxed)
            found = vjp_maker(call.fun, call.argnums)(call.argnums, ans, args, call.kwargs)(g)
        else:
            found = call.made_vjp()(g)
        return call.operands_of(found, operands, self.name)

    def pull_all_batch(self, g, y, operands, params, size):
        """As `pull_all`, for one cotangent after the other."""
        rows = [self.pull_all(g[k], y, operands, params) for k in range(size)]
        return [None if parts[0] is None else ops.stack(*parts) for parts in zip(*rows, strict=True)]

    def push(self, tangents, y, operands, params):
        """Return the tangent of the result: by the entry of `primitive_jvps`, or by the vjp of the vjp."""
        call = params["call"]
        if call.fun not in primitive_jvps:
            vjp_maker(call.fun, call.argnums)
            return self._push_transposed(tangents, y, operands, params)
        moving, at = [], 0
        convert = boxed if is_grad_enabled() else raw
        for k, template, count in zip(call.argnums, call.templates, call.counts, strict=True):
            parts, places = tangents[at : at + count], range(at, at + count)
            at += count
            if any(t is not None for t in parts):
                moving.append((k, _tangent_of(template, parts, [operands[j] for j in places], convert, call.args[k])))
        if is_grad_enabled():
            args, ans = call.boxed_args(operands), call.nested(y, boxed)
        else:
            args, ans = call.args, call.ans
        numbers, gs = zip(*moving, strict=True)
        found = jvp_maker(call.fun, numbers)(numbers, gs, ans, args, call.kwargs)
        return self._joined(call, densified(found), y)

    def push_batch(self, tangents, y, operands, params, size):
        """As `push`, for one tangent after the other."""
        rows = [self.push([None if t is None else t[k] for t in tangents], y, operands, params) for k in range(size)]
        return None if rows[0] is None else ops.stack(*rows)

    def _joined(self, call, found, y):
        """Return the tangent of a result as the tangent of what is recorded."""
        if call.layout is None:
            return _fitted(found, y, self.name)
        leaves = _tree.align(call.ans, found)
        if leaves is None:
            raise TypeError(f"the JVP of {self.name} returned {found!r} for a result that is nested differently")
        parts = [None] * len(leaves)
        for j in call.layout.floating:
            zeros = asarray(np.zeros(call.layout.shapes[j], call.layout.dtypes[j]))
            parts[j] = _fitted(leaves[j], zeros, self.name)
        return call.layout.join(parts)


def _tangent_of(template, parts, operands, convert, arg):
    filled = iter([convert(_zeros_of(x) if t is None else t) for t, x in zip(parts, operands, strict=True)])
    if template is _BOX:
        return next(filled)
    return _tree.map_leaves(lambda leaf: next(filled) if leaf is _BOX else _zero_like(leaf), template)


def _zero_like(leaf):
    return np.zeros_like(leaf) if isinstance(leaf, (np.ndarray, np.generic, float, complex)) else leaf


_ops = {}  # of functions of NumPy; those of users live as long as their functions


def _op_of(fun):
    """Return the op of a primitive, which is made at the first call."""
    ops_by_name, key = (_ops, fun) if is_numpy_function(fun) else (fun.__dict__, "_op")
    if key not in ops_by_name:
        ops_by_name[key] = Function(PrimitiveRule(_name(fun)))
    return ops_by_name[key]
