"""Parameters: nested tuples, lists and dicts of arrays and numbers, as the flat array that SciPy works on."""

import math

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor, asarray
from fastgrad.optimize import messages
from fastgrad.rules.rule import ops


def scipy_optimize(name):
    """Import `scipy.optimize`, for the function `name`."""
    try:
        import scipy.optimize
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "scipy":
            raise
        raise messages.no_scipy(name) from None
    return scipy.optimize


class Nest:
    """How parameters are nested.

    Attributes
    ----------
    start : ndarray
        The parameters as a flat array of float64.
    single : bool
        Whether they are one array of one axis, which needs no conversion.
    """

    def __init__(self, name, x0):
        self.name = name
        if isinstance(x0, (list, tuple)) and not hasattr(x0, "_fields") and _is_numbers(x0):
            x0 = np.asarray(x0)  # as in SciPy
        self.tree = x0
        leaves = _tree.leaves(x0)
        self.kinds = list(map(type, leaves))
        arrays = [self._leaf(k, leaf) for k, leaf in enumerate(leaves)]
        self.shapes = [a.shape for a in arrays]
        ends = np.cumsum([0, *(a.size for a in arrays)]).tolist()
        self.places = [slice(start, stop) for start, stop in zip(ends, ends[1:], strict=False)]
        self.size = ends[-1]
        if not self.size:
            raise messages.no_parameters(name)
        self.single = isinstance(x0, (np.ndarray, Tensor)) and x0.ndim == 1
        self.start = np.concatenate([a.ravel() for a in arrays])

    def _leaf(self, k, leaf):
        array = leaf.numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)
        if array.dtype.kind not in "fiu":
            got = str(array.dtype) if isinstance(leaf, (np.ndarray, np.generic, Tensor)) else type(leaf).__name__
            raise messages.parameter_dtype(self.name, _tree.path(self.tree, k), got)
        return array.astype(np.float64)

    def unpack(self, flat):
        """Return the parameters, as parts of a flat Tensor or array."""
        if self.single:
            return flat
        reshape = ops.reshape if isinstance(flat, Tensor) else np.reshape
        parts = [
            reshape(flat[place], shape) if shape else flat[place.start]
            for place, shape in zip(self.places, self.shapes, strict=True)
        ]
        return _tree.fill(self.tree, parts)

    def restore(self, flat):
        """Return the parameters as the user gave them: arrays, numbers or Tensors of float64."""
        flat = np.array(flat, np.float64)
        parts = []
        for place, shape, kind in zip(self.places, self.shapes, self.kinds, strict=True):
            part = flat[place].reshape(shape).copy()
            if kind is Tensor:
                part = asarray(part)
            elif kind is not np.ndarray and not shape:
                part = part[()] if issubclass(kind, np.generic) else float(part)
            parts.append(part)
        return _tree.fill(self.tree, parts)

    def flatten(self, what, tree):
        """Return values nested as the parameters, such as a gradient that a user computed, as a flat array."""
        if self.single:
            return np.asarray(_plain(tree), np.float64)
        leaves = _tree.align(self.tree, tree)
        if leaves is None:
            raise messages.nested_differently(self.name, what, tree)
        for k, leaf in enumerate(leaves):
            if np.shape(leaf) != self.shapes[k]:
                place = _tree.path(self.tree, k)
                raise messages.shape_of_leaf(self.name, what, place, np.shape(leaf), self.shapes[k])
        return np.concatenate([np.ravel(_plain(leaf)) for leaf in leaves]).astype(np.float64)

    def bounds(self, bounds):
        """Return bounds nested as the parameters, a pair (lower, upper) for each leaf, as two flat arrays."""
        pairs = []
        if not isinstance(self.tree, (dict, tuple, list)) and np.shape(bounds) == (self.size, 2) != np.shape(self.tree):
            # as in SciPy
            low = np.array([-math.inf if low is None else low for low, _ in bounds], np.float64)
            high = np.array([math.inf if high is None else high for _, high in bounds], np.float64)
            return low, high

        def walk(node, given):
            if node is None:
                return
            if isinstance(node, dict) and isinstance(given, dict) and node.keys() >= given.keys():
                for key, child in node.items():
                    walk(child, given.get(key))
            elif isinstance(node, (dict, tuple, list)) and given is None:
                pairs.extend([None] * len(_tree.leaves(node)))
            elif isinstance(node, (tuple, list)) and isinstance(given, (tuple, list)) and len(node) == len(given):
                for child, part in zip(node, given, strict=True):
                    walk(child, part)
            elif isinstance(node, (dict, tuple, list)):
                raise messages.nested_differently(self.name, "bounds", bounds)
            else:
                pairs.append(given)

        walk(self.tree, bounds)
        low, high = np.full(self.size, -math.inf), np.full(self.size, math.inf)
        for k, (pair, place, shape) in enumerate(zip(pairs, self.places, self.shapes, strict=True)):
            if pair is None:
                continue
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise messages.bound_of_leaf(self.name, _tree.path(self.tree, k), pair)
            for flat, bound in zip((low, high), pair, strict=True):
                if bound is not None:
                    try:
                        flat[place] = np.broadcast_to(np.asarray(_plain(bound), np.float64), shape).ravel()
                    except ValueError:
                        place = _tree.path(self.tree, k)
                        raise messages.shape_of_leaf(self.name, "a bound", place, np.shape(bound), shape) from None
        return low, high

    def callback(self, callback):
        """Return a callback for SciPy that calls `callback` with the parameters as the user gave them."""
        if callback is None:
            return None
        import inspect

        try:
            names = set(inspect.signature(callback).parameters)
        except (TypeError, ValueError):
            names = set()
        if names == {"intermediate_result"}:

            def called(intermediate_result):
                return callback(intermediate_result=self.result(type(intermediate_result)(intermediate_result)))
        else:

            def called(x, *rest):
                return callback(self.restore(x), *rest)

        return called

    def result(self, result):
        """Return SciPy's result with the parameters as the user gave them; the flat array is `x_flat`."""
        result.x_flat = result.x
        result.x = self.restore(result.x)
        return result


def flat_tensor(name, out):
    """Return the result of a function, nested numbers, arrays or Tensors, as one flat Tensor or array."""
    leaves = _tree.leaves(out)
    for leaf in leaves:
        if not isinstance(leaf, (Tensor, np.ndarray, np.generic, int, float)):
            raise messages.not_residuals(name, type(leaf).__name__)
        if isinstance(leaf, (Tensor, np.ndarray, np.generic)) and leaf.dtype.kind not in "fiub":
            raise messages.not_residuals(name, f"an array of {leaf.dtype}")
    if not leaves:
        raise messages.not_residuals(name, repr(out))
    if len(leaves) == 1 and np.ndim(leaves[0]) == 1:
        return leaves[0]
    return ops.concat(*(ops.reshape(asarray(leaf), (-1,)) for leaf in leaves))


def _plain(leaf):
    return leaf.numpy() if isinstance(leaf, Tensor) else leaf


def _is_numbers(values):
    """Return whether a list or tuple contains numbers only, in lists of equal lengths perhaps."""
    return bool(values) and all(
        isinstance(v, (int, float, np.number)) or (isinstance(v, (list, tuple)) and _is_numbers(v)) for v in values
    )
