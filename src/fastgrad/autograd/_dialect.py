"""What differs between fastgrad's transforms and autograd's: see `transform_arguments` for where it is asked.

Gradients with respect to complex arguments are conjugated: autograd's is dL/dRe - i dL/dIm. Integers are promoted to
float64. Values of types that the engine does not hold are computed with in the next smaller one, and their gradients
are converted back.
"""

import warnings

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray, set_class, tensor
from fastgrad._lazy import lazy_module
from fastgrad.autograd._array_box import ArrayBox, trace_number
from fastgrad.autograd._box import Box
from fastgrad.errors import ShapeError
from fastgrad.rules.rule import ops
from fastgrad.tracebacks import outside_frame

nodes = lazy_module("fastgrad.autograd._nodes")
slow = lazy_module("fastgrad.autograd._slow")

NARROWER = {np.dtype(np.float16): np.float32, np.dtype(np.longdouble): np.float64}
NARROWER[np.dtype(np.clongdouble)] = np.complex128


_NUMBERS = {int, float, np.float64, np.float32, np.int64}  # in object arrays


class OtherRoad(Exception):
    """An argument holds values that are no Tensors, but whose types have boxes of a user."""


class Dialect:
    """The differences that `Run` and `gradient_function` ask for."""

    box = ArrayBox  # of arrays and numbers, unless a user changes `Box.type_mappings`
    Elsewhere = OtherRoad

    @staticmethod
    def lift(run, leaf):
        """Return a Tensor for a leaf that the engine does not lift itself."""
        box = Box.type_mappings.get(type(leaf))
        if box is None or isinstance(box, type):
            if box is not None and not issubclass(box, Tensor):
                raise OtherRoad
            x = Dialect.converted(run, leaf)
            return x if box is None else set_class(x, box)
        x = box(leaf, trace_number(), nodes.VJPNode.new_root())  # a function that makes the box
        if not isinstance(x, Tensor):
            raise OtherRoad
        return x

    @staticmethod
    def converted(run, leaf):
        """Return a Tensor with the value of a leaf."""
        kind = type(leaf)
        if isinstance(leaf, Tensor):
            leaf = leaf.detach().numpy()
        elif not isinstance(leaf, (np.ndarray, np.generic, int, float, complex)):
            raise TypeError(f"Can't differentiate w.r.t. type {kind}: pass numbers, arrays, or containers of them")
        array = np.asarray(leaf)
        if array.dtype == object and array.size and all(type(x) in _NUMBERS for x in array.flat):
            array = array.astype(np.float64)
        if array.dtype.kind not in "iufc":
            raise TypeError(
                f"Can't differentiate w.r.t. type {kind}" + (f" of dtype {array.dtype}" if array.ndim else "")
                + ": only numbers have a gradient; leave it out of argnum"
            )  # fmt: skip
        if array.dtype.kind in "iu":
            return tensor(array, dtype=np.float64)
        run.adapts = run.adapts or array.dtype in NARROWER
        return tensor(array, dtype=NARROWER.get(array.dtype))

    @staticmethod
    def elsewhere(f, argnums, with_value, args, kwargs):
        """Return the gradient with respect to values that are no Tensors."""
        return slow.scalar_gradient(f, argnums, with_value, args, kwargs)

    @staticmethod
    def adapt(run, results):
        """Return gradients, nested as the differentiated arguments, in autograd's convention and in their dtypes."""
        pairs = zip(_tree.leaves(results), run.originals, strict=True)
        return _tree.fill(results, [_adapted(g, original) for g, original in pairs])

    @staticmethod
    def require_scalar(verb, y):
        """Raise unless `y`, which is no Tensor of one real number, is a constant of one."""
        if isinstance(y, (float, np.floating)) or (isinstance(y, np.ndarray) and y.dtype.kind == "f" and y.size == 1):
            return
        what = f"{y.dtype} of shape {y.shape}" if hasattr(y, "dtype") else type(y).__name__
        raise TypeError(
            f"{verb.capitalize()} only applies to real scalar-output functions. "
            f"Try jacobian, elementwise_grad or holomorphic_grad. The function returned {what}."
        )

    @staticmethod
    def warn_unreached(run, gs, each):
        """Warn if the result does not depend on any of the arguments."""
        if all(g is None for g in gs) and gs:
            warn_independent()


DIALECT = Dialect()


class _Mappings(dict):
    """The boxes of types; the engine learns which one arrays have."""

    def __setitem__(self, kind, box):
        super().__setitem__(kind, box)
        if kind is np.ndarray and isinstance(box, type) and issubclass(box, Tensor):
            DIALECT.box = box


Box.type_mappings = _Mappings(Box.type_mappings)


def warn_independent():
    """Warn that a result does not depend on what is differentiated."""
    warnings.warn("Output seems independent of input.", UserWarning, stacklevel=outside_frame()[1])


def _adapted(g, original):
    if g.dtype.kind == "c":
        g = conj(g)
    dtype = getattr(original, "dtype", None)
    if dtype in NARROWER and not isinstance(g, Tensor):
        return g.astype(dtype)
    return g


def conj(g):
    """Return the conjugate of a cotangent, which leads from one convention to the other; a real one unchanged."""
    if g.dtype.kind != "c":
        return g
    return ops.conj(g) if isinstance(g, Tensor) else np.conj(g)


def cotangent(g, y, what):
    """Return the cotangent `g` of the Tensor `y`, in autograd's convention, as a Tensor of its shape and dtype."""
    if not isinstance(g, Tensor):
        g = np.asarray(g)
        if g.dtype != y.dtype:
            g = g.astype(y.dtype) if y.dtype.kind == "c" or g.dtype.kind != "c" else g.real.astype(y.dtype)
        if g.shape != y.shape:
            g = _expanded(g, y, what, np.broadcast_to)
        return conj(asarray(g))
    if g.dtype != y.dtype:
        g = ops.real(g) if g.dtype.kind == "c" and y.dtype.kind != "c" else g
        g = ops.astype(g, y.dtype) if g.dtype != y.dtype else g
    if g.shape != y.shape:
        g = _expanded(g, y, what, ops.broadcast_to)
    return conj(g)


def _expanded(g, y, what, broadcast_to):
    if g.size == 1:
        return broadcast_to(g.reshape(()), y.shape)
    raise ShapeError(f"{what} has shape {g.shape}, its value has shape {y.shape}")
