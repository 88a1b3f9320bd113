"""Graphs as data: a function that is traced once and replayed, and the full graph of a call."""

from functools import partial

from fastgrad.autograd.tracer import Node, trace
from fastgrad.autograd.util import subvals, toposort
from fastgrad.autograd.wrap_util import wraps


class ConstGraphNode(Node):
    """Keeps how a value is computed from those of its parents."""

    __slots__ = ("parents", "partial_fun")

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        constant = subvals(args, ((k, None) for k in parent_argnums))
        self.parents = parents
        self.partial_fun = lambda values: fun(*subvals(constant, zip(parent_argnums, values, strict=True)), **kwargs)

    def initialize_root(self):
        """Prepare the node of the input."""
        self.parents = []


def const_graph_unary(fun):
    """Return a function that traces `fun` at its first call, and afterwards repeats the traced primitives."""
    graph, left = [], [fun]  # `fun` is dropped after the trace: it may hold large arguments

    def replayed(x):
        if not graph:
            value, end = trace(ConstGraphNode.new_root(), left.pop(), x)
            if end is None:
                raise ValueError("Output is independent of input")
            graph.extend(reversed(list(toposort(end))))
            return value
        root, *others = graph
        values = {root: x}
        for node in others:
            values[node] = node.partial_fun([values[parent] for parent in node.parents])
        return values[graph[-1]]

    return replayed


def const_graph(fun, *args, **kwargs):
    """Return `fun` with some arguments fixed, traced at its first call: what depends on these is computed once."""
    bound = partial(fun, *args, **kwargs)
    replayed = const_graph_unary(lambda args: bound(*args))

    @wraps(fun)
    def of_args(*args):
        return replayed(args)

    return of_args


class FullGraphNode(Node):
    """Keeps a value and how it was computed: the function, its arguments, and pairs of places and parents."""

    __slots__ = ("recipe", "value")

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.value = value
        self.recipe = (fun, args, kwargs, list(zip(parent_argnums, parents, strict=True)))

    def initialize_root(self):
        """Prepare the node of the input."""
        self.value = None
        self.recipe = (lambda x: x, (), {}, [])


def full_graph(fun, *args, **kwargs):
    """Return the node of the result of a call, from which all others are reached."""
    return trace(FullGraphNode.new_root(), lambda args: fun(*args, **kwargs), args)[1]
