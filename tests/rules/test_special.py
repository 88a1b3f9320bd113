"""The rules of SciPy's ufuncs, called through SciPy: values are SciPy's, gradients those of finite differences."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import counterparts
from fastgrad.testing import check_grads

special = pytest.importorskip("scipy.special", reason="SciPy is not there")
OPS = counterparts.special_functions.OPS | counterparts.special_gamma.OPS
OTHERS = {name: counterparts.FUNCTIONS[op] for name, op in counterparts._SCIPY_OPS.items() if name != "cbrt"}
NAMES = [name for name in OPS | OTHERS if hasattr(special, name)]  # older versions have fewer


def operands(name, rng, *shapes):
    rule = (OPS | OTHERS)[name].rule
    low_high = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * rule.n_operands
    return [rng.uniform(*interval, size=shape) for interval, shape in zip(low_high, shapes, strict=False)]


@pytest.mark.parametrize("name", NAMES)
def test_values_are_scipys(name, rng):
    ufunc = getattr(special, name)
    for shapes in (((2, 3), (3,)), ((), ()), ((0, 2), (2,))):
        xs = operands(name, rng, *shapes)
        y = ufunc(*(fg.tensor(x, requires_grad=True) for x in xs))
        assert isinstance(y, fg.Tensor) and y.requires_grad
        np.testing.assert_allclose(y.detach().numpy(), ufunc(*xs), rtol=1e-13, strict=True)
        assert y.op == (OPS | OTHERS)[name].__name__
    x32 = [x.astype(np.float32) for x in operands(name, rng, (4,), (4,))]
    y = ufunc(*(fg.tensor(x, requires_grad=True) for x in x32))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.detach().numpy(), ufunc(*x32), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_both_orders(name, rng):
    ufunc = getattr(special, name)
    xs = operands(name, rng, (2, 3), (3,))
    if name in ("gammainc", "gammaincc"):
        check_grads(lambda x: ufunc(xs[0], x), xs[1], order=2)
    else:
        check_grads(ufunc, xs, order=2)


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
    a, x = (fg.tensor([v], requires_grad=True) for v in (1.5, 2.0))
    with pytest.raises(fg.NotDifferentiableError, match="no gradient with respect to a: pass a as a number or array"):
        fg.gradients([special.gammainc(a, x).sum()], [a])
    assert fg.gradients([special.gammainc(1.5, x).sum()], [x])[0].shape == (1,)


def test_other_ufuncs_of_scipy_are_refused():
    x = fg.tensor([0.5], requires_grad=True)
    for name in ("ellipk", "struve", "airy"):
        ufunc = getattr(special, name)
        with pytest.raises(fg.NotDifferentiableError, match=rf"scipy\.special\.{name} has no rule"):
            ufunc(*(x,) * ufunc.nin)
        ufunc(*(x.detach(),) * ufunc.nin)


def test_complex_operands_are_scipys_too():
    z = np.array([0.5 + 0.3j, 1.5 - 0.2j])
    for name in ("gamma", "loggamma", "erfi", "expi"):
        np.testing.assert_allclose(getattr(special, name)(fg.tensor(z)).numpy(), getattr(special, name)(z))
