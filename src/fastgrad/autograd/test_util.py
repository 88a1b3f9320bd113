"""Comparisons of derivatives with finite differences, in random directions."""

from itertools import product

from fastgrad.autograd.core import make_jvp, make_vjp, vspace
from fastgrad.autograd.wrap_util import get_name, unary_to_nary

TOL = 1e-6  # of the difference of two numbers
RTOL = 1e-6  # of the difference relative to their sum
EPS = 1e-6  # the step of a central difference


def scalar_close(a, b):
    """Return whether two numbers agree to an absolute or a relative error of 1e-6."""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f, x):
    """Return a function that maps a tangent of `x` to a central difference of `f`."""
    y = f(x)
    xs, ys = vspace(x), vspace(y)

    def jvp(v):
        above = f(xs.add(x, xs.scalar_mul(v, EPS / 2)))
        below = f(xs.add(x, xs.scalar_mul(v, -EPS / 2)))
        return ys.scalar_mul(ys.add(above, ys.scalar_mul(below, -1.0)), 1.0 / EPS)

    return jvp


def check_vjp(f, x):
    """Raise AssertionError if the vjp differs from a finite difference."""
    vjp, y = make_vjp(f, x)
    xs, ys = vspace(x), vspace(y)
    v, u = xs.randn(), ys.randn()
    pulled = xs.covector(vjp(ys.covector(u)))
    _require(vspace(pulled) == xs, f"the gradient of {get_name(f)} is in {vspace(pulled)}, the argument in {xs}")
    exact = xs.inner_prod(v, pulled)
    numeric = ys.inner_prod(u, make_numerical_jvp(f, x)(v))
    _require(
        scalar_close(numeric, exact),
        f"Derivative (VJP) check of {get_name(f)} failed with arg {x}:\nanalytic: {exact}\nnumeric:  {numeric}",
    )


def check_jvp(f, x):
    """Raise AssertionError if the jvp differs from a finite difference."""
    v = vspace(x).randn()
    check_equivalent(make_jvp(f, x)(v)[1], make_numerical_jvp(f, x)(v))


def check_equivalent(x, y):
    """Raise AssertionError if two values are in different spaces, or differ."""
    xs, ys = vspace(x), vspace(y)
    _require(xs == ys, f"VSpace mismatch:\nx: {xs}\ny: {ys}")
    v = xs.randn()
    _require(scalar_close(xs.inner_prod(x, v), xs.inner_prod(y, v)), f"Value mismatch:\nx: {x}\ny: {y}")


def _require(condition, text):
    if not condition:
        raise AssertionError(text)


@unary_to_nary
def check_grads(f, x, modes=("fwd", "rev"), order=2):
    """Raise AssertionError if derivatives up to an order, in forward and reverse mode, differ from finite ones."""
    _require(all(mode in ("fwd", "rev") for mode in modes), f'modes must be "fwd" and "rev", got {modes!r}')
    if "fwd" in modes:
        check_jvp(f, x)
        if order > 1:

            def jvp_of_f(x, v):
                return make_jvp(f, x)(v)[1]

            jvp_of_f.__name__ = f"jvp_{get_name(f)}"
            check_grads(jvp_of_f, (0, 1), modes, order=order - 1)(x, vspace(x).randn())
    if "rev" in modes:
        check_vjp(f, x)
        if order > 1:

            def vjp_of_f(x, v):
                return make_vjp(f, x)[0](v)

            vjp_of_f.__name__ = f"vjp_{get_name(f)}"
            check_grads(vjp_of_f, (0, 1), modes, order=order - 1)(x, vspace(f(x)).randn())


def combo_check(fun, *args, **kwargs):
    """Return a function that calls `check_grads` for all combinations of the given arguments."""
    check = check_grads(fun, *args, **kwargs)

    def check_all(*args, **kwargs):
        words = [[(word, value) for value in values] for word, values in kwargs.items()]
        for values in product(*args):
            for options in product(*words):
                check(*values, **dict(options))

    return check_all
