"""One call of a transformed function: arguments become leaves, gradients take the types of the arguments."""

from _thread import _local as local  # `threading.local`, without importing the rest of threading

import numpy as np

from fastgrad import _tree, batching, leaving, transform_arguments
from fastgrad.engine_python.forward import push_forward
from fastgrad.engine_python.leaving import enable_grad, is_grad_enabled, is_traced, trace, untrace
from fastgrad.engine_python.record import functions
from fastgrad.engine_python.sweep import gradients
from fastgrad.engine_python.tensor import Tensor, asarray, set_class, tensor
from fastgrad.made_functions import MadeFunction


class _Level(local):
    depth = 0  # number of transforms that are running their function in this thread


_level = _Level()


def transform_depth():
    """Return the number of transforms that are running their function in this thread."""
    return _level.depth


def set_transform_depth(depth):
    _level.depth = depth


class Run:
    """One call of a transformed function.

    Attributes
    ----------
    inputs : list of Tensor
        One per differentiated leaf: a new leaf, or the result of `entry` for a Tensor that requires a gradient.
    trees, originals : list
        The differentiated arguments, and their leaves, as the caller passed them.
    tensors : bool
        Whether a Tensor is among the arguments, so that values are returned as Tensors.
    private : bool
        Whether the caller gives up the Tensors among the differentiated arguments, so that no copies are made.
    tracked : bool
        Whether results are differentiable; known after `call`.
    """

    __slots__ = (
        "adapts", "args", "dialect", "f", "inputs", "kwargs", "numbers", "originals", "private", "recording",
        "single", "tensors", "tracked", "trees", "verb",
    )  # fmt: skip

    def __init__(self, verb, args, argnums=None, kwargs=None, dialect=None, private=False):
        self.verb, self.f, self.dialect, self.private = verb, None, dialect, private
        self.args = list(args)
        self.kwargs = kwargs or {}
        self.single = type(argnums) is int
        self.recording = is_grad_enabled()
        self.inputs, self.originals, self.trees = [], [], []
        n = len(args)
        self.numbers = range(n) if argnums is None else transform_arguments.positions(verb, argnums, n)
        self.tracked = self.adapts = False
        self.tensors = Tensor in map(type, _tree.leaves([self.args, kwargs]))
        for k in self.numbers:
            self.trees.append(args[k])
            self.args[k] = _tree.map_leaves(self._lift, args[k])
        if not self.inputs and dialect is None:
            raise transform_arguments.nothing_to_differentiate(self)

    @property
    def higher(self):
        return transform_arguments.is_derivative(self.f)

    def _lift(self, leaf):
        if isinstance(leaf, Tensor):
            x = self._lift_tensor(leaf)
        else:
            x = transform_arguments.lift_other(self, leaf, tensor).requires_grad_()
        if self.dialect is not None:
            if type(x) is Tensor:
                set_class(x, self.dialect.box)
            self.adapts = self.adapts or x.dtype.kind == "c"
        self.originals.append(leaf)
        self.inputs.append(x)
        return x

    def _lift_tensor(self, t):
        if t.requires_grad and self.recording:
            self.tracked = True
            return t if self.private else functions["entry"](t)
        x = t.detach() if self.private and not t.requires_grad else t.detach().copy()
        if x.dtype.kind not in "fc":
            if self.dialect is None:
                raise transform_arguments.refused(self, t)
            x = self.dialect.lift(self, t)
        return x.requires_grad_()

    def call(self, f):
        """Call `f` on the lifted arguments, with recording enabled, and return its result."""
        self.f = f
        before = _level.depth
        _level.depth = before + 1
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
            _level.depth = before
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

    def scalar_gradients(self, y):
        """Return the gradients of the result `y`, which must be one real number."""
        transform_arguments.require_scalar(self.verb, y, Tensor, self.dialect)
        recorded = isinstance(y, Tensor) and y.requires_grad and self.inputs
        gs = self.gradients((y,)) if recorded else [None] * len(self.inputs)
        self.warn_unreached(gs)
        return self.pack(gs)

    def warn_unreached(self, gs, each=True):
        """Warn about each argument whose `gs` are all None; if not `each`, only if all arguments are such."""
        if any(g is None for g in gs):
            transform_arguments.warn_unreached(self, gs, each)

    def pack(self, results):
        """Return the gradients, one per input, with the types and nesting of the differentiated arguments."""
        results = list(map(self._converted, range(len(self.inputs)), results))
        if len(_tree.leaves(self.trees)) != len(results):
            raise transform_arguments.changed_meanwhile(self.verb)
        left = iter(results)
        trees = [_tree.map_leaves(lambda _: next(left), tree) for tree in self.trees]
        packed = trees[0] if self.single else tuple(trees)
        return self.dialect.adapt(self, packed) if self.adapts else packed

    def _converted(self, k, g):
        original, x = self.originals[k], self.inputs[k]
        if g is None:
            array = np.zeros(x.shape, x.dtype)
            if type(original) is Tensor:
                return asarray(array)
        elif type(original) is Tensor or g.requires_grad:
            return g
        else:
            array = _own_array(g)
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
        return _own_array(leaf)[()] if leaf.ndim == 0 else _own_array(leaf)

    def match(self, word, tree, template, targets):
        """Return the leaves of `tree` (tangents or cotangents) as Tensors with the shapes and dtypes of `targets`."""
        found, tensors = transform_arguments.matched(self, word, tree, template, targets, Tensor, asarray)
        self.tensors = self.tensors or tensors
        return found


def _own_array(t):
    """Return the value of `t` as an array that shares memory with nothing."""
    return t.detach().numpy().copy()


def own_value(t):
    """Return the value of `t` as an array, or as a number if it is 0-d. The caller gives up `t`."""
    return _own_array(t)[()]


def gradient_function(verb, f, argnums, has_aux, with_value, dialect=None):
    """Return the function that computes the gradient of `f`, and its value if `with_value`."""

    def gradient(*args, **kwargs):
        if batching.running.levels:
            return batching.inside["gradient"](verb, f, argnums, has_aux, with_value, args, kwargs)
        try:
            run = Run(verb, args, argnums, kwargs, dialect)
        except Exception as error:
            if dialect is None or not isinstance(error, dialect.Elsewhere):
                raise
            return dialect.elsewhere(f, argnums, with_value, args, kwargs)
        value = run.call(f)
        if has_aux:
            value, aux = transform_arguments.pair(verb, value)
            aux = run.value(aux)
        gs = run.scalar_gradients(value)
        if not with_value:
            return (gs, aux) if has_aux else gs
        value = run.value(value)
        return ((value, aux), gs) if has_aux else (value, gs)

    made = MadeFunction(gradient)
    for name, value in transform_arguments.names(verb).items():
        setattr(made, name, value)
    return made


def _start(verb, primals, tangents, dialect=None):
    """Return the run and the tangents as Tensors, one per input."""
    transform_arguments.require_tuples(verb, primals, tangents)
    run = Run(verb, primals, dialect=dialect)
    vs = run.match("tangents", tangents, primals, run.inputs)
    run.tracked = run.tracked or (run.recording and any(v.requires_grad for v in vs))
    return run, vs


def _push(run, results, tangents):
    """Return the tangents of results, in order, None where they are zero."""
    recorded = [y for y in results if isinstance(y, Tensor) and y.requires_grad]
    pushed = iter(push_forward(recorded, run.inputs, tangents, create_graph=run.tracked) if recorded else ())
    return [next(pushed) if isinstance(y, Tensor) and y.requires_grad else None for y in results]


def directional_derivative(f, primals, tangents, dialect=None):
    """Return the value of `f` and its derivative along the tangents."""
    run, vs = _start("jvp", primals, tangents, dialect)
    out = run.call(f)
    ys = [transform_arguments.require_output("jvp", y, Tensor) for y in _tree.leaves(out)]
    ts = _push(run, ys, vs)
    if all(t is None for t in ts):
        run.warn_unreached([None], each=False)
    ts = [transform_arguments.zeros_like(y, Tensor, asarray) if t is None else t for t, y in zip(ts, ys, strict=True)]
    return run.value(out), run.value(_tree.fill(out, ts))


def hessian_product(f, primals, tangents, dialect=None):
    """Return the derivative of the gradient of `f` along the tangents."""
    run, vs = _start("hvp", primals, tangents, dialect)
    run.single = len(run.args) == 1
    y = run.call(f)
    transform_arguments.require_scalar("hvp", y, Tensor, dialect)
    gs = [None] * len(vs)
    if isinstance(y, Tensor) and y.requires_grad:
        gs = gradients((y,), run.inputs, create_graph=True, allow_unused=True)
    run.warn_unreached(gs, each=False)
    return run.pack(_push(run, gs, vs))
