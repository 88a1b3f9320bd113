"""Derivatives of the incomplete gamma and beta functions in their shapes, against values of 60 to 420 digits.

The references are derivatives of the power series of both functions, summed with mpmath.
"""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import incomplete
from fastgrad.testing import check_grads

special = pytest.importorskip("scipy.special", reason="SciPy is not there")

# Shape, argument, and the first and second derivative in the shape, divided by the weight.
GAMMA = [
    (1e-06, 0.001, -6337875.708567076, 38483943.275298156),
    (1e-06, 2.0, -361329.2867136344, -1128843.7363404774),
    (0.1, 1e-12, -272.0726617554303, 7388.0203359538245),
    (0.1, 0.3, -13.354934640751777, -0.19427094853218696),
    (0.5, 3.0, -0.9709808054801216, -1.7674414746297908),
    (1.0, 1.0, -1.1735630272247268, 0.09138329446437381),
    (2.5, 0.01, -2.290196880279032, 12.942729700528412),
    (2.5, 30.0, -0.09569005738450745, -0.24427418171269144),
    (7.5, 7.0, -0.14108773663611696, 0.010056335721253765),
    (20.0, 8.0, -0.0769779663600828, 0.07084103959202968),
    (20.0, 21.0, -0.049198740475835806, -0.002400151486403247),
    (300.0, 250.0, -0.003648455298749164, 0.000665380177384155),
    (300.0, 301.0, -0.003329639480374099, -1.1080335807877313e-05),
    (2000.0, 2100.0, -0.0004879422990198764, -2.3807766685784603e-05),
]
# Shapes, argument, and the derivatives in a, b, aa, ab and bb, divided by the weight.
BETA = [
    (
        0.001, 2.0, 1e-05, -10514.14462280602, 0.6447349904408429,
        109547.02431396337, 637.7544025931262, -0.4034593827202362,
    ),
    (
        0.001, 0.002, 0.5, -334026.3799146705, 167014.00941141899,
        222682611.22904646, 55671609.62474416, -111341855.05583179,
    ),
    (
        0.5, 0.5, 0.9999, -2.772706902275614, 19.649357550245952,
        2.736479433700058, 23.949139987031963, -194.45605514799317,
    ),
    (
        0.5, 0.5, 0.1, -6.205902359786204, 2.898805392412676,
        19.41235667032597, -4.9576555364547295, -3.137163867914293,
    ),
    (
        1.0, 1.0, 0.25, -1.8483924814931876, 1.1507282898071236,
        2.5624160742304074, -0.8294834586510229, -0.3310438992406069,
    ),
    (
        2.5, 0.01, 0.99, -0.49145095086200835, 343.56760689657096,
        0.23863011741264414, -47.387830929185746, -1038.044112518803,
    ),
    (
        2.0, 3.0, 0.4, -0.5808000002111221, 0.376987693898531,
        0.14080970594989653, 0.021516704451278654, -0.08615296893657141,
    ),
    (
        3.0, 40.0, 0.2, -0.20055981260279065, 0.02724811427458612,
        -0.21007637200396642, 0.032856874377042294, -0.004751403647751823,
    ),
    (
        12.0, 0.3, 0.9, -0.09034026782441622, 2.506314204421334,
        0.014935075977604304, -0.32762872554290967, 2.7428719870905454,
    ),
    (
        50.0, 60.0, 0.3, -0.02459016436175408, 0.014762466876392955,
        0.010452207132146155, -0.0061233432866205926, 0.0035498171474682223,
    ),
    (
        50.0, 60.0, 0.46, -0.020008124937555338, 0.01684806117877974,
        -5.546752415183373e-05, 0.00021651664777164225, -0.0003236674176270882,
    ),
    (
        700.0, 20.0, 0.97, -0.0014312093188920873, 0.04852631537642494,
        5.264281627587388e-06, -0.000144237354831395, 0.003671961151307397,
    ),
    (
        1500.0, 900.0, 0.63, -0.0006641803503912864, 0.0011189470778175754,
        -5.015591664004538e-06, 8.823213025640383e-06, -1.5486969443915278e-05,
    ),
]  # fmt: skip
GAMMA_WEIGHTS = [
    (0.001, 0.5, 0.0006064598492191212),
    (2.5, 30.0, 3.470024011317704e-10),
    (1500.0, 1400.0, 0.47156839663287076),
]
BETA_WEIGHTS = [
    (0.001, 2.0, 0.5, 0.00025007660002086075),
    (3.0, 40.0, 0.2, 0.03662288973986599),
    (1500.0, 900.0, 0.6, 0.4060905362073883),
]


def test_derivatives_in_the_shape_of_gamma_to_thirteen_digits():
    a, x, first, second = np.array(GAMMA).T
    np.testing.assert_allclose(incomplete.gamma_slope(a, x), first, rtol=4e-15)
    rounding = np.maximum(2e-12, np.finfo(np.float64).eps / a)  # of terms that are 1 / a times larger
    np.testing.assert_array_less(np.abs(incomplete.gamma_slope(a, x, order=2) / second - 1), rounding)
    a, x, weight = np.array(GAMMA_WEIGHTS).T
    np.testing.assert_allclose(incomplete.gamma_weight(a, x), weight, rtol=1e-13)


@pytest.mark.parametrize(("order", "column"), [("a", 3), ("b", 4), ("aa", 5), ("ab", 6), ("bb", 7)])
def test_derivatives_in_the_shapes_of_beta_to_twelve_digits(order, column):
    rows = np.array(BETA)
    found = incomplete.beta_slope(*rows.T[:3], order=order)
    np.testing.assert_allclose(found, rows[:, column], rtol=5e-13 if len(order) == 1 else 1e-11)
    a, b, x, weight = np.array(BETA_WEIGHTS).T
    np.testing.assert_allclose(incomplete.beta_weight(a, b, x), weight, rtol=3e-13)


def test_derivatives_at_shapes_of_one_have_closed_forms():
    x = np.geomspace(1e-6, 1 - 1e-6, 50)
    (g,) = gradients(special.gammainc, (np.ones_like(x), 40 * x), (0,))
    exact = -special.exp1(40 * x) - np.exp(-40 * x) * (np.log(40 * x) + np.euler_gamma)
    near = special.exp1(40 * x) / -exact  # what cancels in this formula
    np.testing.assert_array_less(np.abs(g / exact - 1), 3e-14 + 1e-15 * near)
    ga, gb = gradients(special.betainc, (np.ones_like(x), np.ones_like(x), x), (0, 1))
    np.testing.assert_allclose(ga, x * np.log(x), rtol=5e-14)
    np.testing.assert_allclose(gb, -(1 - x) * np.log1p(-x), rtol=5e-14)


def test_inverses_have_the_derivatives_of_implicit_functions(rng):
    a, b, p = rng.uniform(0.3, 20, 30), rng.uniform(0.3, 20, 30), rng.uniform(0.01, 0.99, 30)
    for inverse, function in ((special.gammaincinv, special.gammainc), (special.gammainccinv, special.gammaincc)):
        x = inverse(a, p)
        in_shape, in_x = gradients(function, (a, x), (0, 1))
        shape, value = gradients(inverse, (a, p), (0, 1))
        np.testing.assert_allclose(shape, -in_shape / in_x, rtol=1e-11)
        np.testing.assert_allclose(value, 1 / in_x, rtol=1e-12)
    for inverse, function in ((special.betaincinv, special.betainc), (special.betainccinv, special.betaincc)):
        x = inverse(a, b, p)
        in_a, in_b, in_x = gradients(function, (a, b, x), (0, 1, 2))
        found = gradients(inverse, (a, b, p), (0, 1, 2))
        for g, exact in zip(found, (-in_a / in_x, -in_b / in_x, 1 / in_x), strict=True):
            np.testing.assert_allclose(g, exact, rtol=1e-11)


def test_tails_where_the_density_underflows_have_finite_inverses():
    (g,) = gradients(special.gammaincinv, (np.array([2.0]), np.array([1e-300])), (0,))
    x = special.gammaincinv(2.0, 1e-300)
    # P is x**a / gamma(a + 1) for small x
    np.testing.assert_allclose(g, -x * (np.log(x) - special.psi(3.0)) / 2, rtol=1e-12)


def test_ends_of_the_domain():
    assert gradients(special.gammainc, (np.array([2.0, 0.5]), np.array([0.0, np.inf])), (0,))[0].tolist() == [0, 0]
    ends = np.array([0.0, 1.0])
    for k in (0, 1):
        assert gradients(special.betainc, (np.array([2.0, 0.5]), np.array([2.0, 0.5]), ends), (k,))[0].tolist() == [
            0,
            0,
        ]
    for shape, density in ((0.5, np.inf), (1.0, 1.0), (1.5, 0.0)):
        assert gradients(special.gammainc, (np.array([shape]), np.array([0.0])), (1,))[0] == density
        assert gradients(special.betainc, (np.array([shape]), np.array([1.0]), np.array([0.0])), (2,))[0] == density
    assert np.isnan(gradients(special.gammainc, (np.array([-1.0]), np.array([1.0])), (0,))[0]).all()
    assert np.isnan(gradients(special.betainc, (np.array([1.0]), np.array([1.0]), np.array([1.5])), (0,))[0]).all()
    assert gradients(special.gammainc, (np.zeros((0, 2)), np.ones(2)), (0,))[0].shape == (0, 2)


def test_the_third_derivative_in_a_shape_is_refused():
    f = fg.grad(fg.grad(fg.grad(lambda a: special.gammainc(a, 2.0))))
    with pytest.raises(fg.NotDifferentiableError, match="gammainc has no gradient with respect to a of the second"):
        f(1.5)
    with pytest.raises(fg.NotDifferentiableError, match="betainc has no gradient with respect to b of its second"):
        fg.grad(fg.grad(fg.grad(lambda b: special.betainc(1.5, b, 0.3))))(1.5)
    check_grads(lambda x: fg.grad(fg.grad(lambda a: special.gammainc(a, x)))(fg.tensor(1.5)), [2.0], order=1)


def gradients(f, xs, moving):
    leaves = [fg.tensor(x, requires_grad=k in moving) for k, x in enumerate(xs)]
    found = fg.gradients([f(*leaves).sum()], [leaves[k] for k in moving])
    return [g.numpy() for g in found]


def test_the_density_of_the_gamma_distribution_where_its_weight_underflows():
    """Values of x**(a - 1) * exp(-x) / gamma(a) by mpmath with 40 digits; subnormal ones have few digits."""
    a, x = np.array([60.0, 65.0, 200.0, 200.0, 3.0]), np.array([1e-4, 1e-4, 1e-1, 2000.0, 800.0])
    wanted = [7.2099619e-317, 0.0, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(incomplete.gamma_density(a, x), wanted, rtol=1e-6, atol=1e-323)
