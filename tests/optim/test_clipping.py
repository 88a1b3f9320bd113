"""Clipping of gradients: every order of norm, one factor for all parameters, errors."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.errors import BadSetting

P = fg.tensor([1.0], requires_grad=True)


def gradients(*arrays):
    out = []
    for a in arrays:
        out.append(fg.tensor(np.zeros(np.shape(a)), dtype=np.asarray(a).dtype, requires_grad=True))
        out[-1].grad = fg.tensor(a)
    return out


def test_clipping_by_norm():
    params = gradients(np.array([3.0, 0.0]), np.array([[4.0]]), np.zeros(0))
    params.append(fg.tensor([1.0], requires_grad=True))
    norm = optim.clip_grad_norm_(params, 1.0)
    assert (norm.item(), norm.shape, norm.dtype) == (5, (), np.float64)
    np.testing.assert_allclose(params[0].grad.numpy(), [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(params[1].grad.numpy(), [[0.8]], rtol=1e-6)
    assert optim.clip_grad_norm_(params, 2.0).item() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(params[1].grad.numpy(), [[0.8]], rtol=1e-6)
    assert optim.clip_grad_norm_(iter(gradients([3.0, -4.0])), 1, norm_type=math.inf).item() == 4
    assert optim.clip_grad_norm_(gradients([3.0, -4.0]), 1, norm_type=1).item() == 7
    assert optim.clip_grad_norm_([], 1.0).item() == 0
    many = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    (p,) = gradients(many)
    assert nn.utils.clip_grad_norm_(p, 1.0).item() == pytest.approx(np.linalg.norm(many.astype(float)), rel=1e-12)
    assert np.linalg.norm(p.grad.numpy()) == pytest.approx(1, rel=1e-5) and p.grad.dtype == np.float32


@pytest.mark.parametrize(("norm_type", "wanted"), [
    (2, 50**0.5), (2.5, (3**2.5 + 4**2.5 + 5**2.5) ** (1 / 2.5)), (1, 12), (0, 2), (-1, 0), (math.inf, 5), ("inf", 5),
    (-math.inf, 0), ("-inf", 0), ("1", 12), (np.float32(1), 12),
])  # fmt: skip
def test_every_order_of_norm(norm_type, wanted):
    """For the gradients (3, 0), (4, -5) and one without elements, clipped to norm 1."""
    params = gradients([3.0, 0.0], np.zeros((0, 2)), [[4.0, -5.0]])
    got = optim.clip_grad_norm_(params, 1.0, norm_type)
    assert got.item() == pytest.approx(wanted, rel=1e-9)
    factor = min(1.0, 1 / (wanted + 1e-6))
    np.testing.assert_allclose(params[0].grad.numpy(), [3 * factor, 0], rtol=1e-9)
    np.testing.assert_allclose(params[2].grad.numpy(), [[4 * factor, -5 * factor]], rtol=1e-9)


def test_norms_of_other_orders_where_no_element_is_zero_or_there_is_none():
    assert optim.clip_grad_norm_(gradients([3.0, -2.0]), 9.0, -math.inf).item() == 2
    assert optim.clip_grad_norm_(gradients([3.0, -2.0]), 9.0, -1).item() == pytest.approx(6 / 5)
    for norm_type in (0, 1, 2, -1, math.inf, -math.inf):
        assert optim.clip_grad_norm_(gradients(np.zeros(0)), 1.0, norm_type).item() == 0
    assert math.isnan(optim.clip_grad_norm_(gradients([math.nan, 1.0]), 1.0, "inf").item())


def test_a_gradient_that_two_parameters_have_counts_twice_and_is_scaled_once():
    a, b = gradients([3.0], [0.0])
    b.grad = a.grad
    assert optim.clip_grad_norm_([a, b], 1.5).item() == pytest.approx(3 * 2**0.5)
    assert a.grad.item() == pytest.approx(1.5 / 2**0.5)


def test_clipping_what_is_not_finite():
    params = gradients([np.nan, 1.0])
    with pytest.raises(fg.AnomalyError, match="the norm of the gradients is nan"):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[0].grad.numpy()[1] == 1
    assert math.isnan(optim.clip_grad_norm_(params, 1.0).item())


def test_clipping_by_value():
    params = gradients([3.0, -4.0, 0.5])
    optim.clip_grad_value_(params, 1)
    assert params[0].grad.tolist() == [1, -1, 0.5]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.clip_grad_norm_([P], math.nan), BadSetting, "max_norm must .* got nan"),
        (lambda: optim.clip_grad_norm_([P], 1.0, math.nan), BadSetting, "norm_type must be a number.*got nan"),
        (lambda: optim.clip_grad_norm_([P], 1.0, "fro"), BadSetting, "norm_type must be .*got 'fro'"),
        (lambda: optim.clip_grad_norm_([P], 1.0, None), BadSetting, "norm_type must be .*got None"),
        (lambda: optim.clip_grad_value_([P], -1), BadSetting, "clip_value must be at least 0, got -1"),
    ],
)
def test_what_clipping_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call()
