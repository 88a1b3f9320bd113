"""Transforms inside and outside of vmap: equal to a loop over the elements."""

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(0)
W, X, Y = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 4))


def loss(w, x, y):
    return np.sum((np.tanh(w @ x) - y) ** 2)


def f(x):
    return np.stack([np.sin(x).sum(), np.prod(x), x[0] * x[-1]])


def scalar(x):
    return (np.exp(0.1 * x) ** 2).sum() * x[1]


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-10, atol=1e-12)


def looped(function, *args):
    return np.stack([np.asarray(function(*xs)) for xs in zip(*args, strict=True)])


def test_gradients_per_sample():
    """The weights are the same for all samples, and each sample has its own gradient of them."""
    per_sample = fg.vmap(fg.grad(loss), in_axes=(None, 0, 0))(W, X, Y)
    close(per_sample, looped(lambda x, y: fg.grad(loss)(W, x, y), X, Y))


def test_gradients_per_sample_of_nested_parameters():
    def of_params(params, x):
        h = np.tanh(params["layers"][0] @ x + params["bias"])
        return np.sum(h**2)

    params = {"layers": [W], "bias": 0.3}
    found = fg.vmap(fg.grad(of_params), in_axes=(None, 0))(params, X)
    for k, x in enumerate(X):
        g = fg.grad(of_params)(params, x)
        close(found["layers"][0][k], g["layers"][0])
        close(found["bias"][k], g["bias"])


def network(p, x, label):
    return fg.nn.functional.cross_entropy(np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"], label)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [np.asarray, fg.asarray])
def test_gradients_per_sample_of_a_network(dtype, kind):
    rng = np.random.default_rng(1)
    shapes = {"w1": (6, 9), "b1": (9,), "w2": (9, 4), "b2": (4,)}
    p = {name: kind(rng.normal(size=shape).astype(dtype)) for name, shape in shapes.items()}
    x, labels = rng.normal(size=(7, 6)).astype(dtype), rng.integers(0, 4, 7)
    values, found = fg.vmap(fg.value_and_grad(network), in_axes=(None, 0, 0))(p, x, labels)
    for k in range(7):
        value, g = fg.value_and_grad(network)(p, x[k], labels[k])
        np.testing.assert_allclose(values[k], value, rtol=1e-5 if dtype == "float32" else 1e-12)
        for name in p:
            assert found[name].dtype == dtype and type(found[name]) is type(g[name])
            atol = 1e-6 if dtype == "float32" else 1e-14  # a few roundings of values near 1
            np.testing.assert_allclose(found[name][k], g[name], rtol=1e-5 if dtype == "float32" else 1e-12, atol=atol)


def test_gradients_per_sample_are_differentiated_with_respect_to_the_weights():
    def norms(gradients):
        return (np.tanh(gradients) ** 2).sum()

    batch = fg.grad(lambda w: norms(fg.vmap(fg.grad(loss), in_axes=(None, 0, 0))(w, X, Y)))(W)
    one_by_one = sum(fg.grad(lambda w, x=x, y=y: norms(fg.grad(loss)(w, x, y)))(W) for x, y in zip(X, Y, strict=True))
    close(batch, one_by_one)
    w = fg.tensor(W, requires_grad=True)
    norms(fg.vmap(fg.grad(loss), in_axes=(None, 0, 0))(w, X, Y)).backward()
    close(w.grad, one_by_one)


def test_gradients_per_sample_have_memory_of_their_own():
    """Also where the gradient is the same for all samples, and for two arguments."""
    p, q = fg.vmap(fg.grad(lambda p, q, x: (p + q).sum(), (0, 1)), in_axes=(None, None, 0))(W, W, X)
    p[0] = -1.0
    assert (q == 1).all() and (p[1:] == 1).all()


def test_a_shared_value_that_is_differentiated_cannot_be_written():
    """It is the same memory for all elements; others are copies, which the function may write to."""

    def f(w, x):
        with fg.no_grad():
            w[0] = 2.0
        return (w**2 * x).sum()

    close(fg.vmap(fg.grad(f))(X, X), 2 * np.where(np.arange(3) == 0, 2.0, X) * X)
    with pytest.raises(fg.errors.ReadOnlyError, match=r"write to x\.copy\(\)"):
        fg.vmap(fg.grad(f), in_axes=(None, 0))(X[0], X)


@pytest.mark.parametrize("argnums", [0, -2, (0,)])
def test_an_argument_that_is_not_used_is_named(argnums):
    with pytest.warns(fg.GradientWarning, match="^grad: .* argument 0"):
        found = fg.vmap(fg.grad(lambda w, x: (x * x).sum(), argnums), in_axes=(None, 0))(W, X)
    assert not np.asarray(found).any()


def test_gradients_of_values_that_the_function_closes_over():
    found = fg.vmap(lambda x: fg.grad(lambda w: np.sum((w @ x) ** 2))(W))(X)
    close(found, looped(lambda x: fg.grad(lambda w: np.sum((w @ x) ** 2))(W), X))


def test_value_and_grad_with_aux():
    def with_aux(x, scale):
        return scalar(x) * scale, {"norm": np.sqrt(np.sum(x**2)), "kind": "exp", "n": 3}

    (value, aux), g = fg.vmap(lambda x: _without_text(fg.value_and_grad(with_aux, has_aux=True)(x, 2.0)))(X)
    for k, x in enumerate(X):
        (v, a), d = fg.value_and_grad(with_aux, has_aux=True)(x, 2.0)
        close(value[k], v)
        close(aux["norm"][k], a["norm"])
        close(g[k], d)
    close(aux["n"], [3] * 5)


def _without_text(result):
    (value, aux), g = result
    assert aux.pop("kind") == "exp"
    return (value, aux), g


@pytest.mark.parametrize("argnums", [1, (0, 2), -1])
def test_argnums(argnums):
    found = fg.vmap(fg.grad(loss, argnums), in_axes=(None, 0, 0))(W, X, Y)
    for k in range(5):
        expected = fg.grad(loss, argnums)(W, X[k], Y[k])
        pairs = zip(found, expected, strict=True) if type(argnums) is tuple else [(found, expected)]
        for a, b in pairs:
            close(a[k], b)


TRANSFORMS = {
    "grad": lambda x: fg.grad(scalar)(x),
    "value_and_grad": lambda x: fg.value_and_grad(scalar)(x)[0],
    "grad of grad": lambda x: fg.grad(lambda x: np.sum(fg.grad(scalar)(x) ** 2))(x),
    "jacobian": lambda x: fg.jacobian(f)(x),
    "jacobian of more results": lambda x: fg.jacobian(lambda x: np.concatenate([f(x), f(2 * x)]))(x),
    "hessian": lambda x: fg.hessian(scalar)(x),
    "jacobian of grad": lambda x: fg.jacobian(fg.grad(scalar))(x),
    "hvp": lambda x: fg.hvp(scalar, (x,), (X[0],)),
    "hvp of the element": lambda x: fg.hvp(scalar, (x,), (x * 2,)),
    "jvp": lambda x: fg.jvp(f, (x,), (X[0],))[1],
    "jvp, the value": lambda x: fg.jvp(f, (x,), (x,))[0],
    "jvp of a constant point": lambda x: fg.jvp(f, (X[0],), (x,))[1],
    "vjp": lambda x: fg.vjp(f, x)[1](np.array([1.0, 2.0, 3.0]))[0],
    "vjp, the value": lambda x: fg.vjp(f, x)[0],
    "vjp of a cotangent of the element": lambda x: fg.vjp(f, X[0])[1](x)[0],
    "elementwise_grad": lambda x: fg.elementwise_grad(np.sin)(x),
    "checkpoint": lambda x: fg.checkpoint(f)(x),
    "grad of checkpoint": lambda x: fg.grad(lambda x: fg.checkpoint(f)(x).sum())(x),
    "vmap in grad in vmap": lambda x: fg.grad(lambda x: np.sum(fg.vmap(lambda a: a * x @ x)(x)))(x),
    "vmap of grad in vmap": lambda x: fg.vmap(lambda y: fg.grad(lambda z: np.sum(z * x * y))(y))(np.stack([x, 2 * x])),
    "jacobian of vmap": lambda x: fg.jacobian(fg.vmap(lambda a: np.stack([a, a**2])))(x),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_inside_vmap(name):
    function = TRANSFORMS[name]
    close(fg.vmap(function)(X), looped(function, X))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_inside_vmap_inside_grad(name):
    function = TRANSFORMS[name]
    weights = RNG.normal(size=np.shape(fg.vmap(function)(X)))
    found = fg.grad(lambda X: np.sum(fg.vmap(function)(X) * weights))(X)
    expected = fg.grad(lambda X: np.sum(np.stack([function(X[k]) for k in range(5)]) * weights))(X)
    close(found, expected)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_inside_two_vmaps(name):
    function = TRANSFORMS[name]
    twice = np.stack([X, X * 0.5])
    close(fg.vmap(fg.vmap(function))(twice), np.stack([looped(function, x) for x in twice]))


def test_grad_hessian_and_jvp_of_vmap():
    def total(X):
        return np.sum(fg.vmap(loss, (None, 0, 0))(W, X, Y))

    def by_hand(X):
        return np.sum((np.tanh(X @ W.T) - Y) ** 2)

    close(fg.grad(total)(X), fg.grad(by_hand)(X))
    close(fg.hessian(total)(X), fg.hessian(by_hand)(X))
    close(fg.jvp(total, (X,), (X,))[1], fg.jvp(by_hand, (X,), (X,))[1])


def test_vmap_of_a_pullback():
    """The idiom for Jacobians: the pullback of the rows of the identity."""
    _, pullback = fg.vjp(f, X[0])
    (rows,) = fg.vmap(pullback)(np.eye(3))
    close(rows, fg.jacobian(f)(X[0]))


def test_vmap_of_jvp_over_tangents():
    close(fg.vmap(lambda v: fg.jvp(f, (X[0],), (v,))[1], out_axes=1)(np.eye(3)), fg.jacobian(f)(X[0]))
