"""Numerical checks of gradients of ops, rules and models. Uses the public transforms only."""

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.errors import FastgradError
from fastgrad.tracebacks import boundary
from fastgrad.transforms import jvp, vjp, vmap


class GradientCheckError(FastgradError, AssertionError):
    """A derivative differs from its finite difference."""


@boundary
def check_grads(f, args, *, order=2, modes=("vjp", "jvp"), eps=None, rtol=None, atol=None, seed=0):
    """Compare the derivatives of a function with central differences in random directions.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them.
    args : tuple
        The arguments of `f`: arrays, numbers, Tensors, or nested containers of them. Each floating or complex leaf is
        checked separately; other leaves are passed on unchanged.
    order : int
        The highest order of derivatives to check. Order 2 checks the pullback of `f` as order 1 checks `f`.
    modes : tuple of "vjp", "jvp", "vmap"
        The transforms to check. "vmap" compares the results and pullbacks for a batch of two nearby points with those
        for each, with every checked leaf batched and with all of them; it must be named, as not every function can be
        called for a batch.
    eps : float, optional
        The step h along a direction whose elements have magnitudes between 1/2 and 1.
    rtol, atol : float, optional
        A derivative passes if |a - n| <= rtol * max(|a|, |n|) + atol * s + b. Here a is the computed derivative, n the
        finite difference, s the magnitude of the values that n was computed from, including the change due to rounding
        of the argument, and b the difference between the results with steps h and 2h. All of these scale with the
        result, so that results of the order of 1e-10 are checked as strictly as results of the order of 1.
    seed : int
        Seed of the random directions.

    Raises
    ------
    GradientCheckError
        If a derivative differs. The message names the function, order, transform, argument, and both numbers. Also an
        AssertionError.

    Notes
    -----
    The differences use four points, (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h. Their error grows as h**4 from
    truncation and as e/h from rounding, where e is the spacing of the coarsest dtype among arguments and results. The
    default h = e**(1/4) makes both small (1.2e-4 in float64), and the default rtol = atol = 100 e**(3/4) is a hundred
    rounding errors at that step (1.8e-10). For a function of float32 arguments the differences are computed in
    float64, unless the function computes in float32 regardless (then h = 1.9e-2). Its own rounding errors are allowed
    300 times: rtol = atol = 3.6e-5, or 6.8e-4. The cotangent of each result is scaled by the inverse of the result, so
    that small results count as much as large ones. A complex leaf is treated as a pair of real ones: directions have
    real and imaginary parts, and products are Re(conj(a) b).
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not set(modes) <= {"vjp", "jvp", "vmap"} or not modes or isinstance(modes, str):
        raise ValueError(f'check_grads: modes must be a tuple of "vjp", "jvp" and "vmap", got {modes!r}')
    args = _tree.map_leaves(lambda x: np.array(x.detach().numpy()) if isinstance(x, Tensor) else x, args)
    if not any(map(_is_checked, _tree.leaves(args))):
        raise ValueError("check_grads: the arguments have no floating or complex leaf")
    name = getattr(f, "__name__", None) or type(f).__name__
    rng = np.random.default_rng(seed)
    _check(f, args, order, 1, modes, eps, rtol, atol, rng, name)


def _check(f, args, order, level, modes, eps, rtol, atol, rng, name, units=None):
    flat = _tree.leaves(args)
    places = [k for k, x in enumerate(flat) if _is_checked(x)]
    xs = [np.asarray(flat[k]) for k in places]
    units = units or [1.0] * len(xs)  # magnitudes of the directions: at the next order, cotangents are arguments too

    def run(*leaves):
        """Call `f` with the checked leaves replaced, and return its leaves as a tuple of Tensors or arrays."""
        filled = list(flat)
        for k, x in zip(places, leaves, strict=True):
            filled[k] = x
        return tuple(_tree.leaves(f(*_tree.fill(args, filled))))

    def values(leaves):
        return [np.asarray(y) for y in vjp(run, *leaves)[0]]

    ys, pullback = vjp(run, *xs)
    ys = [np.asarray(y) for y in ys]
    wide = _widened(values, xs)
    spacing, spacing_of_differences = _spacing([*xs, *ys]), _spacing(wide + (values(wide) if wide is not xs else ys))
    h = spacing_of_differences**0.25 if eps is None else eps
    default = 1e2 * spacing_of_differences**0.75 + 3e2 * spacing
    rtol = default if rtol is None else rtol
    atol = default if atol is None else atol
    scales = [_power_of_two(y) for y in ys]
    us = [_direction(rng, y, 1 / scale) for y, scale in zip(ys, scales, strict=True)]
    pulled = pullback(tuple(us))
    for k, x in enumerate(xs):
        where = f"order {level} of {name!r}, argument {_place(args, places[k])} ({x.dtype}, shape {x.shape})"
        if np.shape(pulled[k]) != x.shape or np.asarray(pulled[k]).dtype != x.dtype:
            got = np.asarray(pulled[k])
            raise GradientCheckError(f"check_grads: vjp, {where}: the gradient is {got.dtype}, shape {got.shape}")
        v = _direction(rng, x, units[k])

        def along(step, k=k, x=x, v=v):
            return values([*wide[:k], (wide[k] + step * v).astype(wide[k].dtype), *wide[k + 1 :]])

        f1, b1, f2, b2 = along(h), along(-h), along(2 * h), along(-2 * h)
        numeric, bends = [], []
        for p, m, pp, mm, y in zip(f1, b1, f2, b2, ys, strict=True):
            if y.dtype.kind not in "fc":
                p = m = pp = mm = np.zeros(y.shape)
            near, far = (p - m) / (2 * h), (pp - mm) / (4 * h)
            numeric.append((4 * near - far) / 3)
            bends.append(np.abs(near - far))
        # Rounding changes the values themselves, and also the argument, in proportion to its size over its step.
        room = max(1.0, _largest(x) / units[k])
        sizes = [
            max(map(_largest, at)) + room * _largest(dy)
            for at, dy in zip(zip(f1, b1, f2, b2, ys, strict=True), numeric, strict=True)
        ]
        if "vjp" in modes:
            a = _real_product(pulled[k], v)
            n = sum(_real_product(u, dy) for u, dy in zip(us, numeric, strict=True))
            s = np.sqrt(sum(float(np.sum(np.abs(u) ** 2)) * size**2 for u, size in zip(us, sizes, strict=True)))
            bend = sum(float(np.sum(np.abs(u) * b)) for u, b in zip(us, bends, strict=True))
            _compare("vjp", where, a, n, s, rtol, atol, bend)
        if "jvp" in modes:
            tangents = [v if j == k else np.zeros_like(z) for j, z in enumerate(xs)]
            pushed = jvp(run, tuple(xs), tuple(tangents))[1]
            for a, n, y, size, bend in zip(pushed, numeric, ys, sizes, bends, strict=True):
                if np.shape(a) != y.shape:
                    came = np.shape(a)
                    raise GradientCheckError(f"check_grads: jvp, {where}: the tangent has shape {came}, not {y.shape}")
                _compare("jvp", where, a, n, size, rtol, atol, bend)
    if "vmap" in modes:
        steps = [_direction(rng, x, unit * h) for x, unit in zip(xs, units, strict=True)]
        _check_batch(run, xs, steps, us, f"order {level} of {name!r}", 3e2 * spacing)
    if order > level:

        def gradient(leaves, cotangents):
            return vjp(run, *leaves)[1](cotangents)

        units = units + [1 / scale for scale in scales]
        _check(gradient, (tuple(xs), tuple(us)), order, level + 1, modes, eps, rtol, atol, rng, name, units)


def _check_batch(run, xs, steps, us, where, tolerance):
    """Compare results and pullbacks under vmap with those of each element, for two points that are `steps` apart."""

    def both(*leaves):
        ys, pullback = vjp(run, *leaves)
        return ys, pullback(tuple(us))

    every = tuple(range(len(xs)))
    for batched in {every, *((k,) for k in every)}:
        what = "all arguments" if batched == every and len(xs) > 1 else f"argument {batched[0]}"
        stacks = [np.stack([x, x + v]) if k in batched else x for k, (x, v) in enumerate(zip(xs, steps, strict=True))]
        axes = tuple(0 if k in batched else None for k in every)
        elements = [both(*(s[j] if k in batched else s for k, s in enumerate(stacks))) for j in range(2)]
        found = _tree.leaves(vmap(both, axes)(*stacks))
        for a, *wanted in zip(found, *map(_tree.leaves, elements), strict=True):
            a, n = np.asarray(a), np.stack([np.asarray(w) for w in wanted])
            near = tolerance * _largest(n) if n.dtype.kind in "fc" else 0
            if a.shape != n.shape or a.dtype != n.dtype or not np.allclose(a, n, rtol=0, atol=near, equal_nan=True):
                raise GradientCheckError(
                    f"check_grads: vmap, {where}, batched in {what}: fastgrad gives {a}, a loop gives {n}"
                )


def _spacing(arrays):
    """Return the coarsest spacing at 1 of the dtypes."""
    return max(float(np.finfo(t.dtype).eps) for t in arrays if t.dtype.kind in "fc")


def _widened(values, xs):
    """Return the arguments in double precision if the function then computes in double precision, else unchanged."""
    wide = [x.astype(np.result_type(x.dtype, np.float64)) for x in xs]
    try:
        ys = values(wide)
    except (TypeError, ValueError):  # the function accepts the narrow dtype only
        return xs
    return wide if _spacing([*wide, *ys]) == _spacing(wide) else xs


def _compare(mode, where, a, n, s, rtol, atol, bend):
    a, n, s, bend = np.broadcast_arrays(a, n, s, bend)
    allowed = atol * s + rtol * np.maximum(np.abs(a), np.abs(n)) + np.nan_to_num(bend)
    wrong = ~(np.abs(a - n) <= allowed)  # true for NaN
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        element = f", element {list(at)} of the result" if at else ""
        raise GradientCheckError(
            f"check_grads: {mode}, {where}{element}: fastgrad gives {a[at]}, differences give {n[at]}; "
            f"|difference| {abs(a[at] - n[at]):.3g} > {allowed[at]:.3g} allowed"
        )


def _is_checked(x):
    return isinstance(x, (float, complex)) or (isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc")


def _direction(rng, x, unit):
    """Return a random array with parts of magnitude 1/2 to 1 times `unit`; zeros for other dtypes."""
    if x.dtype.kind not in "fc":
        return np.zeros(x.shape)

    def part():
        return rng.uniform(0.5, 1.0, x.shape) * rng.choice((-1.0, 1.0), x.shape)

    v = part() + 1j * part() if x.dtype.kind == "c" else part()
    return np.asarray(v * unit, x.dtype)


def _largest(x):
    """Return the largest finite magnitude."""
    finite = np.abs(x[np.isfinite(x)])
    return float(finite.max()) if finite.size else 0.0


def _power_of_two(y):
    """Return a power of two near the largest magnitude, within the range of every dtype; 1 for zeros."""
    size = _largest(y)
    return 2.0 ** min(max(round(np.log2(size)), -60), 60) if size else 1.0


def _real_product(a, b):
    return float(np.sum((np.conj(a) * b).real))


def _place(args, number):
    for k, tree in enumerate(args):
        count = len(_tree.leaves(tree))
        if number < count:
            return f"{k}{_tree.path(tree, number)}"
        number -= count
    raise IndexError(number)
