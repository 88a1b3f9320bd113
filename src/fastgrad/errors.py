"""The error classes, and the functions that word every error: what came, what was wanted, what to do.

Both engines raise what these functions return, so that a text exists once. Imports nothing of fastgrad.
"""


class FastgradError(Exception):
    """Base of every error that fastgrad raises on purpose."""


class ShapeError(FastgradError, ValueError):
    """Shapes that do not fit together, or an axis that is not there."""


class AxisError(ShapeError, IndexError):
    """An axis beyond the dimensions of an operand."""


class ScalarError(ShapeError, TypeError):
    """One Python number was wanted of a tensor that has not exactly one element."""


class IndexingError(FastgradError, IndexError):
    """An index beyond the shape, or of a kind that does not index."""


class DTypeError(FastgradError, TypeError):
    """A dtype that the operation cannot take."""


class BackwardError(FastgradError, RuntimeError):
    """A sweep that cannot start or cannot go on."""


class GraphFreedError(BackwardError):
    """A sweep through a graph whose edges an earlier sweep has released."""


class MutationError(BackwardError):
    """A value that a rule still needs, or that the graph must explain, was overwritten in place."""


class ReadOnlyError(MutationError, ValueError):
    """A write to memory that must not be written."""


class NotDifferentiableError(FastgradError, TypeError):
    """A gradient was asked through something that has none."""


class GradientWarning(UserWarning):
    """A gradient that may have been lost: a recorded value made a plain number, an output that no input reaches."""


class StateError(FastgradError, ValueError):
    """A state dict that does not fit what it is loaded into."""


class BadSetting(FastgradError, ValueError):
    """A setting of a layer, an optimiser or a scheduler that is out of its range or does not go with the others."""


class PictureError(FastgradError, ValueError):
    """A picture that cannot be made as it was asked for."""


class AnomalyError(FastgradError, RuntimeError):
    """A NaN or infinity, found while `detect_anomaly` is on."""


# --- dtypes and shapes ---


def class_called():
    """`fg.Tensor(...)`."""
    return DTypeError("a Tensor is made by fg.tensor(data) or fg.asarray(obj), not by calling the class")


def unsupported_dtype(dtype):
    """`dtype` cannot be held by a Tensor."""
    return DTypeError(
        f"a Tensor cannot hold {dtype.name}: it holds bool, integers, float32, float64, complex64 and complex128; "
        "convert the data first, for example with .astype(np.float64)"
    )


def integer_gradient(dtype):
    """A gradient was asked of a tensor of integers or booleans."""
    return DTypeError(f"requires_grad needs a floating or complex dtype, got {dtype.name}: pass dtype=np.float64")


def copy_needed(dtype, wanted):
    """`asarray(..., copy=False)` of something that must be converted."""
    return ShapeError(f"copy=False, but {dtype} as {wanted} needs a copy: leave copy out, or dtype")


def not_one_element(wanted, shape):
    """`wanted` is the call, as "float(x)" or "item()"."""
    return ScalarError(
        f"{wanted} needs a tensor of one element, got shape {shape}: reduce it first, or index one element"
    )


def not_an_index(dtype, shape):
    """`operator.index(x)` of something that is no integer scalar."""
    return DTypeError(f"only a 0-d integer tensor is an index, got {dtype.name} of shape {shape}: use int(x)")


def unsized(wanted):
    """`len()` or iteration of a 0-d tensor."""
    return ScalarError(f"{wanted} of a 0-d tensor: it has no axis to walk along; use x.item() or x.reshape(1)")


def bad_format(spec, shape):
    """`format(x, spec)` of more than one element."""
    return ScalarError(f"the format {spec!r} is for one number, got a tensor of shape {shape}: format one element")


def forward_failed(op, error, operands):
    """What the forward of `op` raised, as a fastgrad error of the same built-in class; `error` itself if none fits."""
    shapes = [o.shape for o in operands if hasattr(o, "shape")]
    kind = {ValueError: ShapeError, IndexError: IndexingError}.get(type(error))
    if type(error).__name__ == "AxisError":
        kind = AxisError
    elif type(error).__name__.startswith("_UFunc"):
        kind = DTypeError
    if kind is None:
        return error
    if op == "matmul" and kind is ShapeError and len(shapes) == 2:
        return matmul(*shapes) if all(shapes) else matmul_scalar(*shapes)
    if "could not be broadcast" in str(error) and kind is ShapeError:
        return broadcast(op, *shapes)
    came = ", ".join(f"{o.dtype.name}{list(o.shape)}" for o in operands if hasattr(o, "shape"))
    return kind(f"{op}: {error}; the operands are {came}")


def broadcast(op, *shapes):
    """Operands whose shapes do not broadcast together."""
    return ShapeError(
        f"{op}: shapes {' and '.join(map(str, shapes))} do not broadcast together: counted from the last axis, "
        "lengths must be equal or 1"
    )


def matmul(shape1, shape2):
    """Operands whose shapes do not fit for a matrix product."""
    return ShapeError(
        f"matmul: shapes {shape1} and {shape2} do not fit: the last axis of the first must be as long as the last "
        "but one of the second (its only one if it is a vector), and the axes before must broadcast"
    )


def matmul_scalar(shape1, shape2):
    """A 0-d operand of a matrix product."""
    return ShapeError(f"matmul: shapes {shape1} and {shape2}, but a 0-d operand has no axis to sum over: use x1 * x2")


def bad_axis(op, axis, ndim):
    """An axis that a tensor of `ndim` dimensions has not."""
    axes = f"axes run from {-ndim} to {ndim - 1}" if ndim else "it has none"
    return AxisError(f"{op}: axis {axis} is out of bounds for a tensor of {ndim} dimensions: {axes}")


def norm_order(ord, n_axes):
    """`norm` of an order that so many axes do not have."""
    known = {1: "None or a number", 2: 'None, 1, -1, 2, -2, inf, -inf, "fro" or "nuc"'}.get(n_axes, "None")
    return ShapeError(f"norm: ord={ord!r} over {n_axes} axes: it is {known} there; name one axis or two with axis=")


def bool_for_int(value):
    """A bool where an axis, a length or a count was wanted."""
    return DTypeError(f"got {value}, where an axis, a length or a count is an int: is it meant for another parameter?")


def not_summed_to(shape, wanted):
    """`sum_to` a shape that would not broadcast to the operand's."""
    return ShapeError(
        f"sum_to: {wanted} would not broadcast to {shape}, so that nothing can be summed to it: counted from the last "
        "axis, its lengths must be equal or 1"
    )


def bad_rule(op, k, got):
    """The vjp of operand `k` returned something that is no Tensor."""
    return DTypeError(f"the vjp of {op!r} for operand {k} returned {type(got).__name__}: a rule returns a Tensor")


def vjp_shape(op, k, got, wanted):
    """A rule returned a cotangent of the wrong shape for operand `k`."""
    return ShapeError(
        f"the vjp of {op!r} returned shape {got} for operand {k} of shape {wanted}: a cotangent has its operand's "
        "shape; is elementwise=True missing, or a sum over broadcast axes?"
    )


# --- starting a sweep ---


def not_recorded(what="this tensor"):
    """`backward` or `gradients` of something without a graph; `what` names it, as "outputs[1]"."""
    return BackwardError(
        f"{what} does not require a gradient, nothing was recorded: make a leaf with requires_grad=True, and compute "
        "with gradients enabled"
    )


def not_a_tensor(what, got):
    """`what`, as "inputs[0]", is no Tensor."""
    return NotDifferentiableError(
        f"{what} is of type {type(got).__name__}: gradients are of Tensors; use fg.tensor(...)"
    )


def not_scalar(shape):
    """`backward()` without a cotangent, of more or less than one element."""
    return BackwardError(
        f"backward() without a cotangent needs a result of one element, got shape {shape}: reduce it, for example with "
        ".sum(), or pass the cotangent"
    )


def complex_result(dtype):
    """`backward()` without a cotangent, of a complex result."""
    return BackwardError(
        f"backward() without a cotangent needs a real result, got {dtype.name}: take its .real or .abs(), or pass "
        "the cotangent"
    )


def cotangent_shape(got, wanted):
    """The cotangent has not the shape of its result."""
    return ShapeError(f"the cotangent has shape {got}, the result has shape {wanted}: pass one of the result's shape")


def cotangent_dtype(got, wanted):
    """A complex cotangent for a real result."""
    return DTypeError(f"a cotangent of {got.name} for a result of {wanted.name}: pass a real one")


def cotangent_count(got, wanted):
    """`gradients` with another number of cotangents than outputs."""
    return BackwardError(
        f"{got} cotangents for {wanted} outputs: pass one for each, None where the output is one number"
    )


def input_without_grad(position):
    """`gradients` with respect to something that does not require one."""
    return BackwardError(
        f"inputs[{position}] does not require a gradient: make it a leaf with requires_grad=True before computing "
        "the outputs"
    )


def input_unused(position):
    """`gradients` with respect to something the outputs do not depend on."""
    return BackwardError(
        f"inputs[{position}] was not used to compute the outputs: pass allow_unused=True to get None for it"
    )


def swept_elsewhere():
    """Two threads sweep the same nodes at once, where the engine keeps its notes in them."""
    return BackwardError(
        "another thread is sweeping this graph: give each thread a graph of its own, or let one backward() end "
        "before the next"
    )


def graph_changed():
    """A sweep meets an edge that was not there when it started."""
    return BackwardError(
        "the graph was changed while it was being swept: a hook or a rule wrote to one of its tensors in place, or "
        "switched its requires_grad; do that once backward() has returned"
    )


def written_meanwhile(op):
    """Code in the middle of `op` wrote to a tensor that it works on, or to a `.grad` whenever it had been summed."""
    return MutationError(
        f"{op!r}: a tensor it works on was written to by other code in the middle of it (an operand's __array__, a "
        "__del__, a profiler, another thread): write from one place at a time"
    )


def hook_needs_grad(method):
    """`register_hook` or `retain_grad` of a tensor that has no gradient to come."""
    return BackwardError(f"{method}() needs a tensor that requires a gradient: call x.requires_grad_() first")


def hook_result(got, wanted):
    """A hook returned `got`, as "shape (3,)" or "str", for a gradient of shape `wanted`."""
    return ShapeError(f"a hook returned {got} for a gradient of shape {wanted}: return None, or one of that shape")


def hook_dtype(got, wanted):
    """A hook returned a complex value for a gradient of the real dtype `wanted`."""
    return DTypeError(f"a hook returned {got.name} for a gradient of {wanted.name}: return a real one, such as g.real")


def not_a_hook(got):
    """`register_hook` of something that is not called."""
    return DTypeError(f"register_hook takes a function of the gradient, got {type(got).__name__}: pass it uncalled")


def grad_off_for_interior(op):
    """`requires_grad_(False)` on a recorded result."""
    return BackwardError(f"requires_grad can be switched off for leaves, this is the result of {op!r}: use x.detach()")


def grad_value(got, wanted, what):
    """`x.grad = value` with the wrong `what`, "shape" or "dtype"."""
    kind = ShapeError if what == "shape" else DTypeError
    return kind(f"x.grad of {what} {got} for a tensor of {what} {wanted}: assign one of the same {what}, or None")


# --- a graph that is gone, or no longer true ---


def graph_freed(op):
    """A sweep reached the result of `op`, whose edges are released."""
    return GraphFreedError(
        f"the graph of this result of {op!r} was freed by an earlier backward(): pass retain_graph=True to the first "
        "one, or compute the result again"
    )


def mutated(op, what, recorded, now):
    """The rule of `op` reads `what`, as "operand 0" or "its result", at version `recorded`; it is at `now`."""
    return MutationError(
        f"backward of {op!r} needs {what}, which was overwritten in place after it was recorded (version {now}, "
        f"recorded at {recorded}): write out of place, x = x + 1 instead of x += 1, or give the op a copy, x.copy()"
    )


def stale(op):
    """A tensor is used whose memory was overwritten behind its graph; `op` as x.op, None where nothing was recorded."""
    came = f"this result of {op!r}" if op else "this view"
    return MutationError(
        f"{came} has memory that was overwritten in place after it was made, through its base, a view or an array, "
        "so its graph does not explain its value: take the view or compute the result again after writing, or use "
        "x.detach() for the value alone"
    )


def leaf_written():
    """An in-place write to a leaf that requires a gradient, while recording."""
    return MutationError(
        "in-place write to a leaf that requires a gradient: update parameters inside `with fg.no_grad():`, or write "
        "out of place, x = x + 1 instead of x += 1"
    )


def view_written():
    """A recorded in-place write through a view."""
    return MutationError(
        "a recorded in-place write through a view would change its base behind the base's graph: write to the base, "
        "y[key] = y[key] * 2, or out of place, v = v * 2, or to a copy, v = v.copy()"
    )


def too_many_writes():
    """More recorded in-place writes to one tensor than its counter can tell apart."""
    return MutationError("65535 recorded in-place writes to one tensor are the most: go on with a copy, x = x.copy()")


def read_only():
    """A write to memory that is read-only, or seen through broadcasting."""
    return ReadOnlyError(
        "this tensor's memory is read-only, from a read-only array, or several of its elements lie in one place, as "
        "after a broadcast: write to x.copy()"
    )


def inplace_shape(op, got, wanted):
    """The result of an in-place op does not fit its target."""
    return ShapeError(f"in-place {op!r} gives shape {got}, its target has shape {wanted}: write out of place")


def inplace_dtype(op, got, wanted):
    """The result of an in-place op would lose its kind in its target."""
    return DTypeError(
        f"in-place {op!r} gives {got.name}, its target holds {wanted.name}: write out of place, or convert"
    )


def not_copied(how, op):
    """`how` is "copy.deepcopy" or "pickle"; only leaves have a meaning without their graph."""
    return BackwardError(
        f"{how} of a result that records (op {op!r}), whose graph cannot come along: use x.detach() for the value "
        "alone, or x.copy() for a recorded copy"
    )
