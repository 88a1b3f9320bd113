"""Numerical checks of gradients, for ops, rules and models alike. Uses the public transforms only."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.errors import FastgradError
from fastgrad.transforms import jvp, vjp


class GradientCheckError(FastgradError, AssertionError):
    """A derivative differs from its finite difference."""


def check_grads(f, args, *, order=2, modes=("vjp", "jvp"), eps=None, rtol=None, atol=None, seed=0):
    """Compare the derivatives of a function with central differences in random directions.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them.
    args : tuple
        Its arguments: arrays, numbers, Tensors, or nests of them. Floating and complex leaves are checked, each by
        itself; the others are handed on.
    order : int
        Up to which order: order 2 checks the pullback of `f` as order 1 checks `f`.
    modes : tuple of "vjp", "jvp"
        Which transforms to check.
    eps : float, optional
        The step h, of a direction whose elements have magnitudes between 1/2 and 1.
    rtol, atol : float, optional
        A derivative passes if |a - n| <= atol * (1 + s) + rtol * max(|a|, |n|), where a is the engine's, n the
        differences', and s the magnitude of the values from which n was computed.
    seed : int
        Of the random directions.

    Raises
    ------
    GradientCheckError
        An AssertionError that names the function, the order, the transform, the argument, and both numbers.

    Notes
    -----
    The differences take four points, (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h. Their error grows as
    h**4 from truncation and as e/h from rounding, with e the spacing of the coarsest dtype among arguments and
    results. By default h = e**(1/4), where both are small (1.2e-4 in float64, 1.9e-2 in float32), and rtol = atol =
    1000 e**(3/4), a thousand roundings at that step (1.8e-9 and 6.4e-3). A complex leaf is a pair of real ones:
    directions have both parts, and products are Re(conj(a) b).
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not set(modes) <= {"vjp", "jvp"} or not modes:
        raise ValueError(f'check_grads: modes is a tuple of "vjp" and "jvp", got {modes!r}')
    args = _tree.map_leaves(lambda x: np.array(x.detach().numpy()) if isinstance(x, Tensor) else x, args)
    if not any(map(_is_checked, _tree.leaves(args))):
        raise ValueError("check_grads: no floating or complex leaf among the arguments")
    name = getattr(f, "__name__", None) or type(f).__name__
    rng = np.random.default_rng(seed)
    _check(f, args, order, 1, modes, eps, rtol, atol, rng, name)


def _check(f, args, order, level, modes, eps, rtol, atol, rng, name):
    flat = _tree.leaves(args)
    places = [k for k, x in enumerate(flat) if _is_checked(x)]
    xs = [np.asarray(flat[k]) for k in places]

    def run(*leaves):
        """`f` as a function of the checked leaves alone; a tuple of Tensors or arrays."""
        filled = list(flat)
        for k, x in zip(places, leaves, strict=True):
            filled[k] = x
        return tuple(_tree.leaves(f(*_tree.fill(args, filled))))

    def values(leaves):
        return [np.asarray(y) for y in vjp(run, *leaves)[0]]

    ys, pullback = vjp(run, *xs)
    ys = [np.asarray(y) for y in ys]
    seen = {t.dtype for t in (*xs, *ys) if t.dtype.kind in "fc"}
    spacing = max(float(np.finfo(d).eps) for d in seen)
    h = spacing**0.25 if eps is None else eps
    rtol = 1e3 * spacing**0.75 if rtol is None else rtol
    atol = 1e3 * spacing**0.75 if atol is None else atol
    us = [_direction(rng, y) for y in ys]
    pulled = pullback(tuple(us))
    for k, x in enumerate(xs):
        where = f"order {level} of {name!r}, argument {_place(args, places[k])} ({x.dtype}, shape {x.shape})"
        if np.shape(pulled[k]) != x.shape or np.asarray(pulled[k]).dtype != x.dtype:
            got = np.asarray(pulled[k])
            raise GradientCheckError(f"check_grads: vjp, {where}: the gradient is {got.dtype}, shape {got.shape}")
        v = _direction(rng, x)

        def along(step, k=k, x=x, v=v):
            return values([*xs[:k], (x + step * v).astype(x.dtype), *xs[k + 1 :]])

        f1, b1, f2, b2 = along(h), along(-h), along(2 * h), along(-2 * h)
        numeric = [(8 * (p - m) - (pp - mm)) / (12 * h) if y.dtype.kind in "fc" else np.zeros(y.shape)
                   for p, m, pp, mm, y in zip(f1, b1, f2, b2, ys, strict=True)]  # fmt: skip
        if "vjp" in modes:
            a = _real_product(pulled[k], v)
            n = sum(_real_product(u, dy) for u, dy in zip(us, numeric, strict=True))
            s = sum(float(np.sum(np.abs(u) * np.abs(y))) for u, y in zip(us, ys, strict=True))
            _compare("vjp", where, a, n, s, rtol, atol)
        if "jvp" in modes:
            tangents = [v if j == k else np.zeros_like(z) for j, z in enumerate(xs)]
            pushed = jvp(run, tuple(xs), tuple(tangents))[1]
            for a, n, y in zip(pushed, numeric, ys, strict=True):
                if np.shape(a) != y.shape:
                    came = np.shape(a)
                    raise GradientCheckError(f"check_grads: jvp, {where}: the tangent has shape {came}, not {y.shape}")
                _compare("jvp", where, a, n, np.abs(y), rtol, atol)
    if order > level:

        def gradient(leaves, cotangents):
            return vjp(run, *leaves)[1](cotangents)

        _check(gradient, (tuple(xs), tuple(us)), order, level + 1, modes, eps, rtol, atol, rng, name)


def _compare(mode, where, a, n, s, rtol, atol):
    a, n, s = np.broadcast_arrays(np.asarray(a), np.asarray(n), np.asarray(s))
    allowed = atol * (1 + s) + rtol * np.maximum(np.abs(a), np.abs(n))
    wrong = ~(np.abs(a - n) <= allowed)  # so that a NaN is wrong
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        element = f", element {list(at)} of the result" if at else ""
        raise GradientCheckError(
            f"check_grads: {mode}, {where}{element}: the engine gives {a[at]}, differences give {n[at]}; "
            f"|difference| {abs(a[at] - n[at]):.3g} > {allowed[at]:.3g} allowed"
        )


def _is_checked(x):
    return isinstance(x, (float, complex)) or (isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc")


def _direction(rng, x):
    """Random, with elements of magnitude 1/2 to 1 in each part; zero where there is nothing to differentiate."""
    if x.dtype.kind not in "fc":
        return np.zeros(x.shape)

    def part():
        return rng.uniform(0.5, 1.0, x.shape) * rng.choice((-1.0, 1.0), x.shape)

    v = part() + 1j * part() if x.dtype.kind == "c" else part()
    return np.asarray(v, x.dtype)


def _real_product(a, b):
    return float(np.sum((np.conj(a) * b).real))


def _place(args, number):
    for k, tree in enumerate(args):
        count = len(_tree.leaves(tree))
        if number < count:
            return f"{k}{_tree.path(tree, number)}"
        number -= count
    raise IndexError(number)
