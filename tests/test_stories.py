"""Calculations of the classic lecture notes on backpropagation, by hand and by the engine, as in `examples/`.

Comparisons are exact if both do the same operations in the same order; if the engine groups them differently, the
test states a bound of one or two units in the last place.
"""

import math

import numpy as np
import pytest

import fastgrad as fg


def leaves(*values):
    return [fg.tensor(v, requires_grad=True) for v in values]


def within_ulps(hand, engine, ulps):
    """Equal to some units in the last place of the largest entry."""
    hand, engine = np.asarray(hand), np.asarray(engine)
    assert hand.shape == engine.shape
    assert np.abs(hand - engine).max() <= ulps * np.spacing(np.abs(hand).max())


def test_x_plus_y_times_z():
    x, y, z = leaves(-2.0, 5.0, -4.0)
    f = (x + y) * z
    f.backward()
    assert f.item() == -12.0
    assert (x.grad.item(), y.grad.item(), z.grad.item()) == (-4.0, -4.0, 3.0)


def test_sigmoid_neuron_to_the_last_digit():
    w, x = leaves([2.0, -3.0, -3.0], [-1.0, -2.0])
    f = (w[0] * x[0] + w[1] * x[1] + w[2]).sigmoid()
    f.backward()
    assert f.item() == 0.7310585786300049
    assert tuple(x.grad.tolist()) == (0.3932238664829637, -0.5898357997244456)
    assert tuple(w.grad.tolist()) == (-0.19661193324148185, -0.3932238664829637, 0.19661193324148185)


def test_sigmoid_neuron_as_a_dot_product_of_arrays():
    def neuron(w, x):
        return 1 / (1 + np.exp(-(np.dot(w[:2], x) + w[2])))

    dw, dx = fg.grad(neuron, (0, 1))(np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0]))
    within_ulps([0.3932238664829637, -0.5898357997244456], dx, 1)  # the sigmoid in pieces rounds differently
    within_ulps([-0.19661193324148185, -0.3932238664829637, 0.19661193324148185], dw, 1)


def staged(x, y):
    return (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)


def test_staged_computation_forward_and_backward():
    x, y = 3.0, -4.0
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy**2
    invden = 1.0 / den
    f = num * invden
    dden = (-1.0 / den**2) * num
    dxpy = 2 * xpy * dden
    dx = dxpy + ((1 - sigx) * sigx) * dden + invden
    dy = dxpy + ((1 - sigy) * sigy) * invden
    assert (f, dx, dy) == pytest.approx((1.5456448841066441, 2.0595697955721652, 1.5922327514838093), rel=1e-15)

    value, (gx, gy) = fg.value_and_grad(staged, (0, 1))(x, y)
    # One division by den, where the stages invert and multiply: up to two units in the last place.
    within_ulps(1.5456448841066441, value, 2)
    within_ulps(2.0595697955721652, gx, 2)
    within_ulps(1.5922327514838093, gy, 2)


@pytest.mark.parametrize("x", [-30.0, -2.0, 0.0, 1.0, 3.0])
def test_gates_grouped_and_decomposed_and_user_defined(x):
    ours = fg.primitive(lambda x: 1 / (1 + np.exp(-x)), vjp=lambda g, y: g * (1 - y) * y, name="ours")
    decomposed = fg.value_and_grad(lambda x: 1 / (1 + np.exp(-x)))(x)
    grouped = fg.value_and_grad(lambda x: x.sigmoid())(x)
    own = fg.value_and_grad(ours)(x)
    for value, gradient in grouped, own:
        assert value == pytest.approx(decomposed[0], rel=4e-16)
        # 1 - s inherits the roundings of s, at most 2**-52; relative to the gradient that is more where s is near 1.
        assert abs(gradient - decomposed[1]) <= 2**-52


def test_gradients_add_up_at_forks():
    x, y = leaves(0.5, -1.5)
    (x * y + fg.sin(x) + x * x).backward()
    assert x.grad.item() == pytest.approx(-1.5 + math.cos(0.5) + 2 * 0.5, rel=4e-16)
    assert y.grad.item() == 0.5
    (x * y).backward()  # and from call to call, until they are reset
    assert y.grad.item() == 1.0
    y.grad = None
    (x * y).backward()
    assert y.grad.item() == 0.5


def test_a_variable_multiplied_by_itself_receives_both_factors():
    (x,) = leaves(3.0)
    (x * x).backward()
    assert x.grad.item() == 6.0


def test_add_distributes():
    x, y = leaves([1.0, 2.0], [3.0, 4.0])
    (x + y).backward([5.0, 7.0])
    assert x.grad.tolist() == y.grad.tolist() == [5.0, 7.0]


def test_multiply_swaps():
    x, y = leaves([1.0, 2.0], [3.0, 4.0])
    (x * y).backward([5.0, 7.0])
    assert x.grad.tolist() == [15.0, 28.0]
    assert y.grad.tolist() == [5.0, 14.0]


def test_max_routes():
    x, y = leaves([1.0, 4.0], [3.0, 2.0])
    np.maximum(x, y).backward([5.0, 7.0])
    assert x.grad.tolist() == [0.0, 7.0]
    assert y.grad.tolist() == [5.0, 0.0]
    (x,) = leaves([1.0, 9.0, 4.0])
    x.max().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_a_tie_of_max_is_shared():
    x, y = leaves(2.0, 2.0)
    np.maximum(x, y).backward()
    assert x.grad.item() == y.grad.item() == 0.5


def test_copy_sums():
    (bias,) = leaves([0.5, -0.5])
    upstream = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    (np.zeros((3, 2)) + bias).backward(upstream)
    assert bias.grad.tolist() == [6.0, 60.0]


def test_the_circuit_of_all_gates():
    x, y, z, w = leaves(3.0, -4.0, 2.0, -1.0)
    f = 2 * (x * y + np.maximum(z, w))
    f.backward()
    assert f.item() == -20.0
    assert [v.grad.item() for v in (x, y, z, w)] == [-8.0, 6.0, 2.0, 0.0]


def test_larger_data_make_larger_gradients_of_the_weights():
    x = np.array([0.3, -0.7])
    (small,) = fg.gradients((fg.tensor(x) * (w := leaves([1.0, 1.0])[0])).sum(), [w])
    (large,) = fg.gradients((fg.tensor(1024 * x) * w).sum(), [w])
    np.testing.assert_array_equal(large.numpy(), 1024 * small.numpy())


def test_matmul_gradients():
    rng = np.random.default_rng(0)
    w, x, dd = rng.normal(size=(5, 10)), rng.normal(size=(10, 3)), rng.normal(size=(5, 3))
    W, X = leaves(w, x)
    D = W @ X
    D.backward(dd)
    within_ulps(w @ x, D.detach().numpy(), 0)
    within_ulps(dd @ x.T, W.grad.numpy(), 0)  # the same BLAS calls: exact
    within_ulps(w.T @ dd, X.grad.numpy(), 0)


def hinge_data():
    rng = np.random.default_rng(0)
    n, features, classes = 8, 4, 3
    x, w = rng.normal(size=(n, features)), rng.normal(size=(features, classes))
    return x, w, rng.integers(classes, size=n), np.arange(n)


def hinge_by_hand(x, w, labels, rows, strength=0.125):
    n = len(x)
    scores = x @ w
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
    margins[rows, labels] = 0
    loss = margins.sum() / n + strength * (w * w).sum()
    dscores = (margins > 0) / n
    dscores[rows, labels] = -(margins > 0).sum(axis=1) / n
    return loss, x.T @ dscores + 2 * strength * w, dscores @ w.T


def test_multiclass_hinge_loss_of_a_linear_classifier():
    x, w, labels, rows = hinge_data()
    loss, dw, dx = hinge_by_hand(x, w, labels, rows)

    def objective(w, x):
        scores = x @ w
        margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
        return margins.sum() / len(rows) - 1 + 0.125 * (w * w).sum()  # - 1: the right class has margin 1 in each row

    value, (gw, gx) = fg.value_and_grad(objective, (0, 1))(w, x)
    within_ulps(loss, value, 4)  # the ones of the right classes are summed too, and taken off
    within_ulps(dw, gw, 2)  # eighths are exact; the regulariser's gradient is added in another order
    within_ulps(dx, gx, 0)


def test_multiclass_hinge_loss_as_packaged():
    x, w, labels, rows = hinge_data()
    loss, dw, dx = hinge_by_hand(x, w, labels, rows)

    def objective(w, x):
        return fg.nn.functional.multiclass_hinge_loss(x @ w, labels) + 0.125 * (w * w).sum()

    value, (gw, gx) = fg.value_and_grad(objective, (0, 1))(w, x)
    within_ulps(loss, value, 2)
    within_ulps(dw, gw, 2)
    within_ulps(dx, gx, 1)


def network_data():
    rng = np.random.default_rng(1)
    data = rng.uniform(-1, 1, size=(64, 2))
    target = np.where(data[:, :1] * data[:, 1:] > 0, 1.0, -1.0)
    return data, target, [rng.normal(size=(2, 16)), np.zeros(16), rng.normal(size=(16, 1)) / 4, np.zeros(1)]


def test_a_network_trained_layer_by_layer():
    data, target, start = network_data()
    rate, n = 0.25, len(data)
    hand = [p.copy() for p in start]
    engine = leaves(*start)
    first = last = None
    for _ in range(100):
        w1, b1, w2, b2 = hand
        hidden = np.maximum(data @ w1 + b1, 0)
        error = hidden @ w2 + b2 - target
        last = (error * error).sum() / (2 * n)
        first = last if first is None else first
        doutput = error / n  # loss -> output
        dw2, db2 = hidden.T @ doutput, doutput.sum(axis=0)  # output -> hidden
        dhidden = doutput @ w2.T
        dhidden[hidden <= 0] = 0
        dw1, db1 = data.T @ dhidden, dhidden.sum(axis=0)  # hidden -> input
        for w, dw in zip(hand, (dw1, db1, dw2, db2), strict=True):
            w -= rate * dw

        w1, b1, w2, b2 = engine
        error = (data @ w1 + b1).relu() @ w2 + b2 - target
        loss = (error * error).sum() / (2 * n)
        loss.backward()
        within_ulps(last, loss.item(), 2)  # sums of 64 may be taken in another order
        with fg.no_grad():
            for w in engine:
                w -= rate * w.grad
                w.grad = None
    assert last < 0.3 * first
    # All divisions are by powers of two, and thus exact; so a hundred steps differ by roundings of sums at most.
    for a, b in zip(hand, engine, strict=True):
        within_ulps(a, b.detach().numpy(), 2)


def test_the_same_network_through_value_and_grad():
    data, target, start = network_data()

    def loss(p):
        error = np.maximum(data @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"] - target
        return (error * error).sum() / (2 * len(data))

    p = dict(zip(("w1", "b1", "w2", "b2"), start, strict=True))
    losses = []
    for _ in range(50):
        value, g = fg.value_and_grad(loss)(p)
        losses.append(value)
        p = {name: p[name] - 0.25 * g[name] for name in p}
    assert losses[-1] < 0.4 * losses[0]
    fg.testing.check_grads(loss, (p,))
