"""Shared by all transforms: converts arguments to Tensors, runs `f`, and converts the results back."""

import functools
from _thread import _local as local  # `threading.local`, without importing the rest of threading

import numpy as np

from fastgrad import _tree, leaving
from fastgrad._engine import (
    Function,
    Tensor,
    asarray,
    enable_grad,
    gradients,
    is_grad_enabled,
    is_traced,
    tensor,
    trace,
    untrace,
)
from fastgrad.errors import MutationError, NotDifferentiableError, ShapeError
from fastgrad.rules.rule import Rule


class _Level(local):
    depth = 0  # number of transforms that are running their function in this thread


level = _Level()


def _entry(x, /):
    return x.copy()


def _alias(x, /):
    return x[...]


# A Tensor that an outer transform differentiates enters an inner one through this op. The inner gradient is taken with
# respect to the result, so it ignores other ways in which `f` depends on the Tensor; the outer gradient includes them.
# The op copies, as for all arguments, so that writes by `f` do not reach the caller.
_entry.__name__ = "entry"
entry = Function(Rule(_entry, lambda g: g, numpy=()))

# The same memory with a node of its own.
_alias.__name__ = "alias"
alias = Function(Rule(_alias, lambda g: g, view=True, numpy=()))


def derivative_of(f, wrapper):
    """Return `wrapper` with the name and docstring of `f`, marked as a derivative."""
    wrapper = functools.wraps(f)(wrapper)
    wrapper._is_derivative = True
    return wrapper


def is_derivative(f):
    """Return whether `f` was made by `derivative_of`."""
    return getattr(f, "_is_derivative", False)


def require_function(verb, f):
    """Raise if `f` is not callable."""
    if not callable(f):
        hint = ": for the gradient of a computed Tensor use fg.gradients(outputs, inputs)"
        raise TypeError(f"{verb} takes a function, got {type(f).__name__}{hint if isinstance(f, Tensor) else ''}")


def argument_numbers(verb, argnums):
    """Return `argnums` as an int or a tuple of ints."""
    numbers = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    if not numbers or not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in numbers):
        raise TypeError(f"{verb}: argnums must be an int or a tuple of ints, got {argnums!r}")
    return tuple(map(int, numbers)) if numbers is argnums else int(argnums)


def _positions(verb, argnums, n):
    """Return `argnums` as non-negative positions in a call with `n` positional arguments."""
    if type(argnums) is int:
        argnums = (argnums,)
    positions = []
    for k in argnums:
        if not -n <= k < n:
            raise TypeError(f"{verb}: argnums selects argument {k} of a call with {n} positional arguments")
        if k % n in positions:
            raise TypeError(f"{verb}: argnums selects argument {k} twice: {argnums!r}")
        positions.append(k % n)
    return positions


def own_array(t):
    """Return the value of `t` as an array that shares memory with nothing."""
    return t.detach().numpy().copy()


def own_gradient(g):
    """As `own_array`, for a result of `gradients`: its memory is not shared, so a copy is rarely needed."""
    try:
        array = g.numpy(writable=True)
    except MutationError:
        return own_array(g)
    return array if array.flags.forc else array.copy()  # strides of 0: one element stands for several


class Run:
    """One call of a transformed function.

    Attributes
    ----------
    inputs : list of Tensor
        One per differentiated leaf: a new leaf, or the result of `entry` for a Tensor that requires a gradient.
    originals : list
        The values that the caller passed for them.
    tensors : bool
        Whether a Tensor is among the arguments, so that values are returned as Tensors.
    tracked : bool
        Whether results are differentiable; known after `call`.
    """

    __slots__ = (
        "args", "higher", "inputs", "kwargs", "numbers", "originals", "recording", "single", "tensors", "tracked",
        "trees", "verb",
    )  # fmt: skip

    def __init__(self, verb, args, argnums=None, kwargs=None):
        self.verb = verb
        self.args = list(args)
        self.kwargs = kwargs or {}
        self.single = type(argnums) is int
        self.recording = is_grad_enabled()
        self.inputs, self.originals, self.trees = [], [], []
        self.numbers = range(len(args)) if argnums is None else _positions(verb, argnums, len(args))
        self.tracked = False
        self.tensors = Tensor in map(type, _tree.leaves([self.args, kwargs]))
        for k in self.numbers:
            self.trees.append(args[k])
            self.args[k] = _tree.map_leaves(self._lift, args[k])
        if not self.inputs:
            raise TypeError(f"{verb}: nothing to differentiate in {tuple(self.trees)!r}")

    def _lift(self, leaf):
        self.originals.append(leaf)
        if type(leaf) is Tensor:
            if leaf.requires_grad:
                self.tracked = self.recording
                x = entry(leaf) if self.recording else leaf.detach().copy().requires_grad_()
            else:
                x = self._leaf(leaf.copy(), leaf)
        elif isinstance(leaf, (np.ndarray, np.generic, float, complex, int)):
            x = self._leaf(tensor(leaf), leaf)  # copied: `f` may write to it, and the graph may outlive the call
        else:
            self._refuse(leaf)
        self.inputs.append(x)
        return x

    def _leaf(self, x, original):
        if x.dtype.kind not in "fc":
            self._refuse(original)
        return x.requires_grad_()

    def _refuse(self, leaf):
        at = len(self.trees) - 1
        number = len(self.originals) - 1 - sum(len(_tree.leaves(tree)) for tree in self.trees[:-1])
        where = f"argument {self.numbers[at]}{_tree.path(self.trees[at], number)}"
        if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
            what, remedy = f"{leaf.dtype}", "Convert it to a floating dtype first, or leave it out of argnums."
        elif isinstance(leaf, int):
            what, remedy = f"{type(leaf).__name__} ({leaf})", "Pass a float, or leave it out of argnums."
        else:
            what, remedy = type(leaf).__name__, "Pass arrays, numbers, Tensors, or tuples, lists and dicts of them."
        raise NotDifferentiableError(
            f"{self.verb}: {where} is {what}; only floating and complex values have a gradient. {remedy}"
        )

    def call(self, f):
        """Call `f` on the lifted arguments, with recording enabled, and return its result."""
        self.higher = is_derivative(f)
        before = level.depth
        level.depth = before + 1
        trace(self.inputs)
        try:
            if self.recording:
                out = f(*self.args, **self.kwargs)
            else:
                with enable_grad():
                    out = f(*self.args, **self.kwargs)
        except Exception as error:
            refusal = leaving.unwrapped(error)
            if refusal is None:
                raise
            raise refusal from None
        finally:
            untrace(self.inputs)
            level.depth = before
        if self.recording and not self.tracked:
            if before or self.tensors:
                self.tracked = self._reaches_outside(out)
            else:  # a transform in another thread may run around this one
                self.tracked = any(is_traced(t) for t in _tree.leaves(out) if isinstance(t, Tensor))
        return out

    def _reaches_outside(self, out):
        """Return whether the graph of `out` has leaves other than `inputs`: closed-over Tensors or other arguments."""
        seen = {id(x): x for x in self.inputs}  # keeps the Tensors alive, so that no id is reused
        stack = [t for t in _tree.leaves(out) if isinstance(t, Tensor) and t.requires_grad]
        while stack:
            t = stack.pop()
            if id(t) not in seen:
                if t.is_leaf:
                    return True
                seen[id(t)] = t
                stack += [x for x in t.operands if x.requires_grad]
        return False

    def gradients(self, outputs, cotangents=None, *, retain_graph=False, tracked=None):
        """Return the gradient of the recorded `outputs` with respect to each input, or None if there is none."""
        tracked = self.tracked if tracked is None else tracked
        keep = tracked or retain_graph
        return gradients(outputs, self.inputs, cotangents, create_graph=tracked, retain_graph=keep, allow_unused=True)

    def warn_unreached(self, gs, each=True):
        """Warn about each argument whose `gs` are all None; if not `each`, only if all arguments are such.

        Derivatives are exempt, because they are often constant.
        """
        if self.higher or not [g for g in gs if g is None]:
            return
        if not each:
            if all(g is None for g in gs):
                leaving.warn_independent(self.verb, "all arguments")
            return
        gs = iter(gs)
        for number, tree in zip(self.numbers, self.trees, strict=True):
            unreached = [next(gs) is None for _ in _tree.leaves(tree)]
            if unreached and all(unreached):
                leaving.warn_independent(self.verb, f"argument {number}")

    def pack(self, results):
        """Return the gradients, one per input, with the types and nesting of the differentiated arguments."""
        results = map(self._converted, range(len(self.inputs)), results)
        trees = [_tree.map_leaves(lambda _: next(results), tree) for tree in self.trees]
        return trees[0] if self.single else tuple(trees)

    def _converted(self, k, g):
        original, x = self.originals[k], self.inputs[k]
        if g is None:
            array = np.zeros(x.shape, x.dtype)
            if isinstance(original, Tensor):
                return asarray(array)
        elif isinstance(original, Tensor) or g.requires_grad:
            return g
        else:
            array = own_array(g)
        return array if isinstance(original, np.ndarray) else array[()]

    def value(self, tree):
        """Return the result of `f` for the caller: Tensors, detached if not tracked, or arrays and NumPy scalars."""
        return _tree.map_leaves(self._value, tree)

    def _value(self, leaf):
        if not isinstance(leaf, Tensor):
            return leaf
        if self.tracked and leaf.requires_grad:
            return leaf
        if self.tensors:
            return leaf.detach()
        return own_array(leaf)[()] if leaf.ndim == 0 else own_array(leaf)

    def match(self, word, tree, template, targets):
        """Return the leaves of `tree` (tangents or cotangents) as Tensors with the shapes and dtypes of `targets`."""
        given = _tree.align(template, tree)
        if given is None:
            raise TypeError(f"{self.verb}: the {word} must be nested as the values they belong to, got {tree!r}")
        matched = []
        for k, (t, x) in enumerate(zip(given, targets, strict=True)):
            if not isinstance(x, Tensor):
                x = np.asarray(x)
            t = asarray(t)
            if t.shape != x.shape:
                raise ShapeError(f"{self.verb}: {word[:-1]} {k} has shape {t.shape}, its value has shape {x.shape}")
            if t.dtype != x.dtype:
                if t.dtype.kind == "c" and x.dtype.kind != "c":
                    raise NotDifferentiableError(
                        f"{self.verb}: {word[:-1]} {k} is {t.dtype}, its value is {x.dtype}: pass a real one"
                    )
                t = t.astype(x.dtype)
            matched.append(t)
            self.tensors = self.tensors or isinstance(given[k], Tensor)
        return matched


def require_output(verb, leaf):
    """Raise if an output is neither a Tensor, an array nor a number."""
    if not isinstance(leaf, (Tensor, np.ndarray, np.generic, float, complex, int)):
        raise TypeError(f"{verb}: the function must return a Tensor, an array or a number, got {type(leaf).__name__}")
    return leaf
