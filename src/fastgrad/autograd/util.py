"""Small helpers of `autograd.util`: changed copies of argument lists, and the order of a graph."""

import operator
import warnings

from fastgrad._lazy import lazy_module

test_util = lazy_module("fastgrad.autograd.test_util")


def subvals(x, ivs):
    """Return `x` as a tuple with other values at some places, given as pairs `(place, value)`."""
    changed = list(x)
    for place, value in ivs:
        changed[place] = value
    return tuple(changed)


def subval(x, i, v):
    """Return `x` as a tuple with the value `v` at place `i`."""
    return subvals(x, ((i, v),))


def func(f):
    """Return `f`: what a method was called with before Python had plain functions in classes."""
    return f


def toposort(end_node, parents=operator.attrgetter("parents")):
    """Yield the nodes that `end_node` was computed from, each after all nodes that were computed from it."""
    waiting, stack = {end_node: 1}, [end_node]
    while stack:
        for parent in parents(stack.pop()):
            if parent in waiting:
                waiting[parent] += 1
            else:
                waiting[parent] = 1
                stack.append(parent)
    ready = [end_node]
    while ready:
        node = ready.pop()
        yield node
        for parent in parents(node):
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)


def quick_grad_check(
    fun, arg0, extra_args=(), kwargs=None, verbose=True, eps=1e-4, rtol=1e-4, atol=1e-6, rs=None,
):  # fmt: skip
    """Compare the gradient with finite differences. Deprecated: use `autograd.test_util.check_grads`.

    The tolerances and `rs` are accepted and not used, as in autograd.
    """
    warnings.warn("quick_grad_check is deprecated: use autograd.test_util.check_grads", stacklevel=2)
    test_util.check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)
