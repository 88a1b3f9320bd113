"""Fixed points, differentiated by the implicit function theorem."""

from fastgrad.autograd.core import defvjp, make_vjp, vspace
from fastgrad.autograd.tracer import primitive


@primitive
def fixed_point(f, a, x0, distance, tol):
    """Return the `x` with `f(a)(x) = x`, by iteration from `x0` until `distance` of two values is at most `tol`.

    The gradient with respect to `a` is found by another iteration, which solves the linear equation for the cotangent.
    """
    step = f(a)
    x, before = step(x0), x0
    while distance(x, before) > tol:
        x, before = step(x), x
    return x


def _fixed_point_vjp(ans, f, a, x0, distance, tol):
    def cotangent_step(params):
        a, x, g = params
        vjp_x, _ = make_vjp(f(a), x)
        vs = vspace(x)
        return lambda u: vs.add(vjp_x(u), g)

    vjp_a, _ = make_vjp(lambda b: f(b)(ans), a)

    def vjp(g):
        return vjp_a(fixed_point(cotangent_step, (a, ans, g), vspace(x0).zeros(), distance, tol))

    return vjp


defvjp(fixed_point, None, _fixed_point_vjp, None)
