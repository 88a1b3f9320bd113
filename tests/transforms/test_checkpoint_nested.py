"""Which values a checkpoint recomputes and which it reads from outside: nested, in transforms, threads, hooks."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg

G, C = fg.grad, fg.checkpoint
A = np.array([0.25, -1.25, 2.0])


def leaf(*values):
    return fg.tensor(values if len(values) > 1 else values[0], requires_grad=True)


def test_nested_checkpoints_may_close_over_a_traced_value():
    assert G(G(lambda w: C(lambda x: C(lambda z: z * w**3)(x))(2.0)))(3.0) == 36.0
    h = fg.hessian(lambda p: C(lambda x: C(lambda z: z * z * p[1])(x))(p[0]))(np.array([2.0, 3.0]))
    np.testing.assert_array_equal(h, [[6.0, 4.0], [4.0, 0.0]])


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_nested_to_any_depth_over_a_result_and_its_operand(depth):
    def program(wrap):
        w = leaf(0.5, -1.0)
        h = np.sin(w)

        def block(k):
            if not k:
                return lambda x: np.tanh(x * h) * w
            return wrap(lambda x: block(k - 1)(x + h) * w.sum())

        x = leaf(0.3, 0.7)
        y = block(depth)(x * h).sum()
        first = fg.gradients(y, [x, h, w], create_graph=True)
        return first + fg.gradients(sum(g.sum() for g in first), [x, h, w])

    for got, want in zip(program(C), program(lambda f: f), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("nested", [False, True])
def test_a_function_runs_once_forward_and_once_in_the_sweep_for_each_checkpoint_around_it(nested):
    runs = []
    w = leaf(2.0)
    h = w * w

    def f(x):
        runs.append(1)
        return x * h * (w + 1)

    x = leaf(3.0)
    y = C(lambda x: C(f)(x))(x) if nested else C(f)(x)
    assert len(runs) == 1
    y.backward()
    assert len(runs) == (3 if nested else 2)
    assert (x.grad.item(), w.grad.item()) == (12.0, 3.0 * (3 * 4 + 2 * 2))


# --- leaves made inside ---


def test_a_leaf_made_inside_has_its_gradient():
    made = []

    def f(x, scale):
        t = leaf(scale)
        made.append(t)
        return {"y": x * t * t, "leaf": t}

    x = leaf(3.0)
    out = C(f)(x, 2.0)
    assert out["leaf"] is made[0] and out["leaf"].is_leaf
    (out["y"] * out["leaf"]).backward()
    assert (x.grad.item(), made[0].grad.item()) == (8.0, 3.0 * 12.0)


def test_a_leaf_made_inside_may_be_all_that_has_a_gradient():
    y = C(lambda a: leaf(2.0) * a)(3.0)
    y.backward()
    assert y.item() == 6.0


def test_a_constant_from_outside_may_become_a_leaf_inside():
    t, x = fg.tensor(2.0), leaf(3.0)
    C(lambda x: x * t.requires_grad_())(x).backward()
    assert (x.grad.item(), t.grad.item()) == (2.0, 3.0)


def test_a_leaf_of_random_numbers_is_refused_in_the_sweep():
    rng = np.random.default_rng(0)
    y = C(lambda x: x + 0 * leaf(rng.random()))(leaf(3.0))
    with pytest.raises(fg.BackwardError, match="gave other results when the sweep called it again"):
        y.backward()


def test_leaves_from_outside_are_told_from_equal_ones_made_inside():
    x, w = leaf(3.0), leaf(2.0)
    made = []

    def f(x):
        made.append(leaf(2.0))
        return x * w + made[-1] * w * w

    C(f)(x).backward()
    assert (x.grad.item(), w.grad.item(), made[0].grad.item()) == (2.0, 3.0 + 8.0, 4.0)


@pytest.mark.parametrize(
    "inner",
    [
        lambda x: fg.value_and_grad(lambda t: t * t * x)(2.0)[0] * x,
        lambda x: fg.value_and_grad(lambda t: t * t * x)(2.0)[1] * x,
        lambda x: fg.vjp(lambda t: t * t * x, 2.0)[0] * x,
        lambda x: fg.vjp(lambda t: t * t * x, 2.0)[1](1.0)[0] * x,
        lambda x: fg.jvp(lambda t: t * t * x, (2.0,), (1.0,))[0] * x,
        lambda x: fg.jvp(lambda t: t * t * x, (2.0,), (1.0,))[1] * x,
        lambda x: fg.hvp(lambda t: t * t * t * x, (2.0,), (1.0,)) * x,
        lambda x: fg.jacobian(lambda t: t * t * x)(2.0) * x,
        lambda x: fg.hessian(lambda t: t * t * t * x)(2.0) * x,
        lambda x: fg.elementwise_grad(lambda t: t * t * x)(2.0) * x,
        lambda x: fg.value_and_grad(lambda t: (t * t * x).sum())(A)[1].sum() * x,
    ],
)
def test_transforms_of_plain_numbers_work_inside(inner):
    for order in range(1, 4):
        plain, wrapped = inner, C(inner)
        for _ in range(order):
            plain, wrapped = G(plain), G(wrapped)
        assert wrapped(3.0) == pytest.approx(plain(3.0), rel=1e-14)


def test_what_only_an_unused_derivative_reads_from_outside_is_kept_for_the_second_run():
    x = leaf(2.0)
    h = x * x

    def f(t):
        fg.vjp(lambda s: s * h, 1.0)[1](1.0)
        return t * t

    y = C(f)(h * 3)
    (y + h).backward()  # lets go of the graph, results before operands
    assert x.grad.item() == 2 * 12 * 12 + 4


# --- hooks ---


def test_hooks_on_a_tensor_from_outside_see_its_total_once():
    w, x = leaf(2.0), leaf(3.0)
    h = w * w
    seen = []
    for t in w, h:
        t.register_hook(lambda g: seen.append(g.item()))
    y = C(lambda x: C(lambda x: x * h)(x) * w)(x) + h
    y.backward()
    assert seen == [3.0 * 2 + 1, 3.0 * 4 + 4.0 * (3.0 * 2 + 1)]
    assert w.grad.item() == seen[1]


def test_a_hook_that_is_registered_inside_runs_in_the_sweep():
    def f(x):
        x.register_hook(lambda g: g * 10)
        y = x * 2
        y.register_hook(lambda g: g + 1)
        return y * 3

    x = leaf(1.0)
    C(f)(x).backward()
    assert x.grad.item() == 80.0


# --- what is refused ---


def test_random_numbers_are_refused_in_the_sweep():
    rng = np.random.default_rng(0)
    x = fg.tensor(np.ones(100), requires_grad=True)
    y = C(lambda x: x * (rng.random(100) < 0.5))(x)
    with pytest.raises(fg.BackwardError, match=r"gave other results .* random numbers"):
        y.sum().backward()
    assert x.grad is None


def test_state_that_counts_is_refused_in_the_sweep():
    state = [1.0]

    def f(x):
        state[0] += 1.0
        return x * state[0]

    with pytest.raises(fg.BackwardError, match="gave other results"):
        G(C(f))(2.0)


def test_values_that_are_not_finite_are_repeated_too():
    x = leaf(0.0, -1.0, 2.0)
    with np.errstate(all="ignore"):
        y = C(lambda x: np.log(x) / x)(x)
        y.sum().backward()
        assert np.isfinite(x.grad.numpy()).tolist() == [False, False, True]


def test_written_in_place_inside():
    def f(x):
        y = x * 2
        y += x
        z = fg.zeros(3)
        z[1] = y[0]
        return y * z.sum()

    np.testing.assert_allclose(fg.jacobian(C(f))(A), fg.jacobian(f)(A), rtol=1e-15)
    np.testing.assert_allclose(fg.hessian(C(lambda x: f(x).sum()))(A), fg.hessian(lambda x: f(x).sum())(A), rtol=1e-15)


def test_what_was_read_from_outside_may_not_be_written_in_place_inside():
    h = leaf(1.0, 2.0) * 1

    def f(x):
        nonlocal h
        h += x
        return h * x

    with pytest.raises(fg.BackwardError):
        C(f)(leaf(3.0, 4.0)).sum().backward()


def test_parts_may_be_computed_in_other_threads():
    w = leaf(0.5, 1.5)

    def f(x):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda k: np.sin(x * k) * w, (1.0, 2.0)))

    x = leaf(0.3, 0.7)
    got = fg.gradients(C(f)(x).sum(), [x, w])
    for a, b in zip(got, fg.gradients(f(x).sum(), [x, w]), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-15)
