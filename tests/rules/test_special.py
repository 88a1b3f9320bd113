"""The rules of SciPy's ufuncs, called through SciPy: values are SciPy's, gradients those of finite differences."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import FUNCTIONS
from fastgrad.rules import special as families
from fastgrad.testing import check_grads

special = pytest.importorskip("scipy.special", reason="SciPy is not there")
OPS = families.OPS
OTHERS = {name: FUNCTIONS[op] for name, op in families.OTHERS.items() if name != "cbrt"}
NAMES = [name for name, op in (OPS | OTHERS).items() if op.rule.has_vjp and hasattr(special, name)]  # older have fewer


SHAPES = ((2, 3), (3,), (2, 1), ())


def operands(name, rng, *shapes):
    """Return operands of an op, drawn from its domain. An interval of one integer is that of a count."""
    rule = (OPS | OTHERS)[name].rule
    low_high = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * rule.n_operands
    return [
        np.full(shape, low) if type(low) is int and low == high else rng.uniform(low, high, size=shape)
        for (low, high), shape in zip(low_high, shapes, strict=False)
    ]


def has_gradient(rule, k):
    return rule.differentiable(k) and rule.vjps[rule._at(k)].__name__ != "refuse"


def leaves(name, xs):
    rule = (OPS | OTHERS)[name].rule
    return [fg.tensor(x, requires_grad=True) if has_gradient(rule, k) else x for k, x in enumerate(xs)]


@pytest.mark.parametrize("name", NAMES)
def test_values_are_scipys(name, rng):
    ufunc = getattr(special, name)
    for shapes in (SHAPES, ((), (), (), ()), ((0, 2), (2,), (2,), ())):
        xs = operands(name, rng, *shapes)
        y = ufunc(*leaves(name, xs))
        assert isinstance(y, fg.Tensor) and y.requires_grad
        np.testing.assert_allclose(y.detach().numpy(), ufunc(*xs), rtol=1e-13, strict=True)
        assert y.op == (OPS | OTHERS)[name].__name__
    x32 = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in operands(name, rng, *((4,),) * 4)]
    y = ufunc(*leaves(name, x32))
    assert y.dtype == ufunc(*x32).dtype
    np.testing.assert_allclose(y.detach().numpy(), ufunc(*x32), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_both_orders(name, rng):
    ufunc, rule = getattr(special, name), (OPS | OTHERS)[name].rule
    xs = operands(name, rng, *SHAPES)
    moving = [k for k in range(len(xs)) if has_gradient(rule, k)]

    def f(*given):
        return ufunc(*(given[moving.index(k)] if k in moving else x for k, x in enumerate(xs)))

    check_grads(f, [xs[k] for k in moving], order=2)


def test_a_number_is_an_operand(rng):
    x = fg.tensor([0.5, 1.5], requires_grad=True)
    y = special.xlogy(2.0, x)
    (gx,) = fg.gradients([y.sum()], [x])
    np.testing.assert_allclose(gx.numpy(), 2 / x.detach().numpy())


def gradient(f, *xs):
    leaves = [fg.tensor(x, requires_grad=True) for x in xs]
    with np.errstate(all="raise"):
        return [g.tolist() for g in fg.gradients([f(*leaves).sum()], leaves)]


def test_gradients_at_kinks_and_limits():
    assert gradient(special.xlogy, [0.0, 0.0, 2.0], [0.0, 2.0, 1.0]) == [
        [0.0, pytest.approx(np.log(2)), 0.0],
        [0, 0, 2],
    ]
    assert gradient(special.xlog1py, [0.0, 0.0], [-1.0, 1.0]) == [[0.0, pytest.approx(np.log(2))], [0, 0]]
    assert gradient(special.rel_entr, [0.0], [2.0]) == [[-np.inf], [0.0]]
    assert gradient(special.kl_div, [0.0], [2.0]) == [[-np.inf], [1.0]]
    assert gradient(special.entr, [0.0]) == [[np.inf]]
    assert gradient(special.i0e, [0.0]) == [[0.0]]
    for f in (special.i1, special.i1e, special.j1):
        assert gradient(f, [0.0]) == [[0.5]]
    assert gradient(special.huber, [1.0], [1.0]) == [[0.0], [1.0]]
    assert gradient(special.log_ndtr, [-40.0]) == [[pytest.approx(40.025, rel=1e-4)]]


def test_an_argument_without_a_gradient_is_refused():
    v, x = (fg.tensor([value], requires_grad=True) for value in (1.5, 2.0))
    with pytest.raises(fg.NotDifferentiableError, match="jv has no gradient with respect to the order: pass the order"):
        fg.gradients([special.jv(v, x).sum()], [v])
    assert fg.gradients([special.jv(1.5, x).sum()], [x])[0].shape == (1,)


def test_other_ufuncs_of_scipy_are_refused():
    x = fg.tensor([0.5], requires_grad=True)
    for name in ("mathieu_a", "lpmv", "kelvin"):
        ufunc = getattr(special, name)
        with pytest.raises(fg.NotDifferentiableError, match=rf"scipy\.special\.{name} has no rule"):
            ufunc(*(x,) * ufunc.nin)
        ufunc(*(x.detach(),) * ufunc.nin)


def test_complex_operands_are_scipys_too():
    z = np.array([0.5 + 0.3j, 1.5 - 0.2j])
    for name in ("gamma", "loggamma", "erfi", "expi"):
        np.testing.assert_allclose(getattr(special, name)(fg.tensor(z)).numpy(), getattr(special, name)(z))
