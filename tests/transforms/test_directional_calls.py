"""Arguments and tangents of `jvp` and `hvp` may be nested; results take the types of the arguments."""

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])
B = np.array([1.0, -0.5, 3.0])


def total(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (tuple, list)):
        return sum(map(total, tree), 0.0)
    return 0.0 if tree is None else (tree * tree * tree).sum()


def flat(tree):
    if isinstance(tree, dict):
        tree = tree.values()
    elif tree is None:
        return []
    elif not isinstance(tree, (tuple, list)):
        return [np.asarray(tree.detach() if isinstance(tree, fg.Tensor) else tree)]
    return [leaf for child in tree for leaf in flat(child)]


PAIRS = {
    "array": (A, B), "float": (2.0, 3.0), "NumPy scalar": (np.float64(2), 3.0), "integer tangent": (2.0, 3),
    "nested": ((A, [2.0, (A,)]), (B, [1.0, (B,)])), "dict": ({"w": A, "b": [1.0]}, {"b": [2.0], "w": B}),
    "other dtype": (A, B.astype(np.float32)), "float32": (A.astype(np.float32), B.astype(np.float32)),
    "strided": (np.repeat(A, 2)[::2], B[::-1]), "none": ((None, A), (None, B)), "list tangent": ([A, 2.0], (B, 1.0)),
    "Tensor tangent": (A, fg.tensor(B)), "Tensor": (fg.tensor(A), B),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_arguments_and_tangents_are_nested_alike(name):
    x, v = PAIRS[name]
    tensors = "Tensor" in name
    value, tangent = fg.jvp(lambda x, y: total(x) * y, (x, 2.0), (v, 0.0))
    assert isinstance(value, fg.Tensor if tensors else np.floating)
    assert isinstance(tangent, fg.Tensor if tensors else np.floating)
    pairs = list(zip(flat(x), flat(dict((k, v[k]) for k in x) if isinstance(v, dict) else v), strict=True))
    np.testing.assert_allclose(float(tangent), 2 * sum((3 * a * a * b).sum() for a, b in pairs), rtol=1e-6)
    product, other = fg.hvp(lambda x, y: total(x) * y, (x, 2.0), (v, 0.0))
    for h, (a, b) in zip(flat(product), pairs, strict=True):
        np.testing.assert_allclose(h, 12 * a * b, rtol=1e-6)
        assert h.dtype == np.asarray(a).dtype
    assert type(product) is type(x) or not isinstance(x, (tuple, list, dict, np.ndarray))
    np.testing.assert_allclose(float(other), sum((3 * a * a * b).sum() for a, b in pairs), rtol=1e-6)


@pytest.mark.parametrize(
    ("primals", "tangents"),
    [((A,), (B, B)), ((A, B), (A,)), (([A],), ([],)), (([A, [B]],), ([A, B],)), ((A,), (None,)), (((A,),), ({0: A},))],
)
@pytest.mark.parametrize("verb", ["jvp", "hvp"])
def test_tangents_that_are_nested_otherwise_are_refused(verb, primals, tangents):
    with pytest.raises(TypeError, match=f"{verb}: the tangents must be nested as the values they belong to"):
        getattr(fg, verb)(lambda *xs: total(xs), primals, tangents)


@pytest.mark.parametrize("verb", ["jvp", "hvp"])
def test_what_is_no_tuple_is_refused(verb):
    transform = getattr(fg, verb)
    with pytest.raises(TypeError, match=f"{verb}: primals must be a tuple with one entry per argument, got ndarray"):
        transform(total, A, (A,))
    with pytest.raises(TypeError, match=f"{verb}: tangents must be a tuple with one entry per argument, got dict"):
        transform(total, (A,), {})
    with pytest.raises(TypeError, match=f"{verb} takes a function"):
        transform(1.0, (A,), (A,))
    with pytest.raises(fg.ShapeError, match=f"{verb}: tangent 1 has shape"):
        transform(lambda x, y: total((x, y)), (2.0, A), (1.0, A[:2]))


def test_results_that_do_not_depend_on_the_arguments_have_zero_tangents():
    value, tangent = fg.jvp(lambda x: {"a": x * x, "b": A, "c": 1.5, "d": [fg.tensor(2.0), None]}, (A,), (B,))
    np.testing.assert_array_equal(tangent["a"], 2 * A * B)
    assert value["d"] == [2.0, None] and tangent["d"] == [0.0, None] and tangent["c"] == 0.0
    np.testing.assert_array_equal(tangent["b"], np.zeros(3))
    with pytest.warns(fg.GradientWarning, match="jvp: the output seems independent of the input, all arguments"):
        assert fg.jvp(lambda x: fg.tensor(1.0), (A,), (B,))[1] == 0.0
    with pytest.raises(TypeError, match="jvp: the function must return a Tensor, an array or a number, got str"):
        fg.jvp(lambda x: "no", (A,), (B,))


def test_results_share_no_memory():
    value, tangent = fg.jvp(lambda x: (x, x), (A,), (B,))
    for array in (*value, *tangent):
        array[:] = 7
    np.testing.assert_array_equal(A, [0.25, -1.25, 2.0])
    np.testing.assert_array_equal(B, [1.0, -0.5, 3.0])
    value, tangent = fg.jvp(lambda x: (x, x), (A,), (B,))
    tangent[0][:] = 7
    np.testing.assert_array_equal(tangent[1], B)
    first, second = fg.hvp(lambda x, y: ((x + y) ** 2).sum(), (A, A), (B, B))
    first[:] = 7
    np.testing.assert_array_equal(second, 4 * B)


def test_tangents_are_differentiated_too():
    def slope(v):
        return fg.jvp(lambda x: (x * x).sum(), (A,), (v,))[1]

    np.testing.assert_allclose(fg.grad(slope)(B), 2 * A)
    v = fg.tensor(B, requires_grad=True)
    (g,) = fg.gradients(fg.hvp(lambda x: (x**3).sum(), (A,), (v,)).sum(), v)
    np.testing.assert_allclose(g.numpy(), 6 * A)
