"""Errors of wrong calls name public functions only; calls that NumPy and Python allow are accepted."""

import copy
import inspect
import pickle
import re
import sys
import types
import warnings

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.errors import GradientWarning

rng = np.random.default_rng(3)
X = rng.normal(size=(2, 3))
Y = rng.normal(size=(3, 4))


def leaf(values=(1.0, 2.0)):
    return fg.tensor(values, requires_grad=True)


# --- calls with a keyword that nobody has ---


def public():
    """Yield every public callable with its public name."""
    for module in (fg, nn, nn.functional, nn.init, optim, fg.data):
        for name in sorted({*getattr(module, "__all__", ()), *(n for n in dir(module) if not n.startswith("_"))}):
            found = getattr(module, name)
            inside = (getattr(found, "__module__", None) or "").startswith("fastgrad")
            if found is nn.Identity:  # accepts the arguments of any layer
                continue
            if callable(found) and inside and not (isinstance(found, type) and issubclass(found, (Warning, Exception))):
                yield name, found
    for name in sorted(n for n in dir(fg.Tensor) if not n.startswith("_")):
        member = inspect.getattr_static(fg.Tensor, name)
        if callable(member):
            yield name, getattr(leaf(), name)


@pytest.mark.parametrize(("name", "called"), list(public()), ids=lambda v: v if isinstance(v, str) else "")
def test_a_wrong_keyword_is_told_by_the_public_name(name, called):
    with pytest.raises((TypeError, ValueError)) as caught:
        called(nothing_of_that_name=1)
    text = str(caught.value)
    word = re.match(r"([\w.]+)\(\)", text)
    if word is None:
        return  # a text of ours, which names what was wrong
    words = word.group(1).split(".")
    known = {name, getattr(called, "__name__", name), "Tensor", "__init__", "__new__", "__call__", "forward"}
    aliases = {words[-1]} if getattr(fg, name, None) is getattr(fg, words[-1], 0) else set()
    assert set(words) <= known | aliases, text
    assert not any(part.startswith("_") and not part.startswith("__") for part in words), text


@pytest.mark.parametrize("layer", [n for n in nn.__all__ if isinstance(getattr(nn, n), type)])
def test_layers_are_called_by_their_own_names(layer):
    kind = getattr(nn, layer)
    for name in ("__init__", "forward"):
        function = getattr(kind, name)
        if function is not getattr(nn.Module, name):
            assert function.__qualname__ == f"{layer}.{name}"
    assert pickle.loads(pickle.dumps(kind)) is kind


# --- NumPy's other spellings ---


def test_einsum_with_sublists():
    x = fg.tensor(X, requires_grad=True)
    for call in (np.einsum, fg.einsum):
        np.testing.assert_allclose(call(x, [0, 1], Y, [1, 2], [0, 2]).detach().numpy(), X @ Y)
        np.testing.assert_allclose(call(x, [..., 5], Y, [5, 2], [2, ...]).detach().numpy(), (X @ Y).T)
        np.testing.assert_allclose(call(x, [3, 1]).detach().numpy(), np.einsum(X, [3, 1]))
    (gx,) = fg.gradients([np.einsum(x, [0, 1], Y, [1, 2], [0, 2]).sum()], [x])
    np.testing.assert_allclose(gx.numpy(), np.ones((2, 4)) @ Y.T)
    with pytest.raises(fg.ShapeError, match="einsum: the term 'a' names 1 axes, but its operand has 2"):
        fg.einsum(X, [0])


def test_where_of_a_condition_alone_gives_places():
    x = leaf([1.0, -2.0, 3.0])
    assert [g.tolist() for g in np.where(x > 0)] == [[0, 2]]
    assert np.where(x > 0, x, 0).tolist() == [1, 0, 3]
    (g,) = fg.gradients([np.where(x > 0, x, 0).sum()], [x])
    assert g.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="either both or neither of x and y"):
        np.where(x > 0, x)


@pytest.mark.parametrize("pair", [(divmod, "floats"), (np.divmod, "ufunc")], ids=lambda p: p[1])
def test_divmod(pair):
    call = pair[0]
    a, b = np.array([5.5, -7.0]), np.array([2.0, 3.0])
    for x1, x2 in ((leaf(a), b), (leaf(a), leaf(b)), (a, leaf(b)), (leaf(a), 2.0), (5.0, leaf(b))):
        plain = [v.detach().numpy() if isinstance(v, fg.Tensor) else v for v in (x1, x2)]
        for got, wanted in zip(call(x1, x2), np.divmod(*plain), strict=True):
            np.testing.assert_array_equal(got.detach().numpy(), wanted)
    x = leaf(a)
    quotient, rest = call(x, b)
    assert fg.gradients([quotient.sum() + rest.sum()], [x])[0].tolist() == [1, 1]
    with pytest.raises(TypeError, match="unsupported operand"):
        divmod(x, "a")


def test_round():
    x = leaf([1.256, -2.5])
    assert round(x).tolist() == [1, -2]
    assert round(x, 2).tolist() == [1.26, -2.5]
    assert round(fg.tensor(2.7)).item() == 3


@pytest.mark.parametrize(("call", "wanted"), [
    (lambda x, y: np.linalg.outer(x[0], y[0]), lambda x, y: np.outer(x[0], y[0])),
    (lambda x, y: np.outer(a=x[0], b=y[0]), lambda x, y: np.outer(x[0], y[0])),
    (lambda x, y: np.outer(x[0], b=y[0]), lambda x, y: np.outer(x[0], y[0])),
    (lambda x, y: np.dot(a=x, b=y), lambda x, y: x @ y), (lambda x, y: np.dot(x, b=y), lambda x, y: x @ y),
    (lambda x, y: np.linalg.matmul(x, y), lambda x, y: x @ y),
    (lambda x, y: np.linalg.tensordot(x, y, axes=1), lambda x, y: x @ y),
    (lambda x, y: np.linalg.tensordot(x, y, axes=[[1], [0]]), lambda x, y: x @ y),
    (lambda x, y: np.tensordot(a=x, b=y, axes=1), lambda x, y: x @ y),
    (lambda x, y: np.linalg.vecdot(x, x), lambda x, y: np.vecdot(x, x)),
    (lambda x, y: np.linalg.matrix_transpose(x), lambda x, y: x.T),
    (lambda x, y: np.concatenate(arrays=[x, x], axis=1), lambda x, y: np.concatenate([x, x], axis=1)),
    (lambda x, y: np.stack(arrays=[x, x]), lambda x, y: np.stack([x, x])),
    (lambda x, y: np.linalg.norm(x=x), lambda x, y: np.linalg.norm(x)),
    (lambda x, y: np.sum(a=x, axis=0), lambda x, y: np.sum(x, axis=0)),
])  # fmt: skip
def test_operands_by_name_and_numpys_namespaces(call, wanted):
    x, y = fg.tensor(X, requires_grad=True), fg.tensor(Y, requires_grad=True)
    got = call(x, y)
    assert got.requires_grad
    np.testing.assert_allclose(got.detach().numpy(), wanted(X, Y), rtol=1e-14)
    fg.gradients([got.sum()], [x])


def test_functions_without_a_rule_are_told_by_their_own_name():
    x = leaf()
    with pytest.raises(fg.NotDifferentiableError, match=r"^qr with mode='raw' has no rule"):
        np.linalg.qr(fg.tensor(np.eye(2), requires_grad=True), "raw")
    with pytest.raises(fg.NotDifferentiableError, match=r"^np\.spacing has no rule"):
        np.spacing(x)


def test_ufuncs_of_scipy_are_ours_where_we_have_them():
    """SciPy's expm1 is not NumPy's: a ufunc is recognised by its module, and otherwise reported by its name."""
    special = pytest.importorskip("scipy.special", reason="SciPy is not there")
    x = leaf([0.25, 0.5])
    for name, op in {"expm1": "expm1", "log1p": "log1p", "erf": "erf", "erfc": "erfc", "expit": "sigmoid"}.items():
        y = getattr(special, name)(x)
        np.testing.assert_allclose(y.detach().numpy(), getattr(special, name)(x.detach().numpy()), rtol=1e-14)
        assert y.op == op
    with pytest.raises(fg.NotDifferentiableError, match=r"^scipy\.special\.kolmogi has no rule"):
        special.kolmogi(x)


def test_a_foreign_ufunc_is_recognised_by_where_it_stands(monkeypatch):
    """The same without SciPy, with a module of that name in its place."""
    module = types.ModuleType("scipy.special")
    module.absolute = np.absolute
    monkeypatch.setitem(sys.modules, "scipy.special", module)
    from fastgrad.counterparts import full_name

    assert full_name(np.absolute) == "np.absolute"
    stranger = np.frompyfunc(abs, 1, 1)
    assert full_name(stranger) == stranger.__name__
    setattr(module, stranger.__name__, stranger)
    assert full_name(stranger) == f"scipy.special.{stranger.__name__}"


# --- arrays of tensors ---


@pytest.mark.parametrize("make", [
    lambda x: fg.tensor([x[0], x[1]]), lambda x: np.array([x, x]), lambda x: np.asarray([x[0], 1.0]),
    lambda x: np.eye(2).dot(x),
])  # fmt: skip
def test_arrays_of_what_records_say_stack(make):
    with pytest.raises(fg.NotDifferentiableError, match=r"combine several with fg\.stack"):
        make(leaf())
    with fg.no_grad():
        assert np.isfinite(np.asarray(make(leaf()))).all()


def test_dot_of_an_array_with_a_constant_works():
    assert np.eye(2).dot(fg.tensor([1.0, 2.0])).tolist() == [1, 2]


# --- the gradient of what keeps none ---


def test_reading_the_gradient_of_a_result_warns():
    w = leaf()
    (w * w).sum().backward()
    stepped = w - 0.1 * w.grad
    with pytest.warns(GradientWarning, match=r"the \.grad of this result of 'subtract' is None: gradients are kept"):
        assert stepped.grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert leaf().grad is None
        assert fg.tensor(1.0).grad is None
        kept = w * 2
        kept.retain_grad()
        assert kept.grad is None
        kept.sum().backward()
        assert kept.grad.tolist() == [1, 1]


def test_it_warns_once_per_line():
    y = leaf() * 2
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            assert y.grad is None
    assert len(seen) == 1
    assert seen[0].filename == __file__


# --- frozen parameters ---


class Net(nn.Module):
    def __init__(self):
        self.frozen = nn.Parameter(np.ones(2), requires_grad=False)
        self.weight = nn.Parameter(np.ones(2))
        self.constant = fg.tensor([3.0])


def test_frozen_parameters_belong_to_the_module():
    net = Net()
    for module in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert [name for name, _ in module.named_parameters()] == ["frozen", "weight"]
        assert list(module.state_dict()) == ["frozen", "weight"]
        assert not module.frozen.requires_grad
        assert module.weight.requires_grad
    net.weight.requires_grad_(False)
    assert len(list(net.parameters())) == 2
    later = nn.Parameter(np.ones(2))
    later.requires_grad_(False)
    for given in (later, copy.copy(later), copy.deepcopy(later), pickle.loads(pickle.dumps(later))):
        net.later = given
        assert "later" in dict(net.named_parameters())
        del net.later
    net.load_state_dict({"frozen": [5.0, 6.0], "weight": [1.0, 2.0]})
    assert net.frozen.tolist() == [5, 6]


def test_optimizers_pass_frozen_parameters_over():
    net = Net()
    for make in (optim.SGD, optim.Adam):
        optimizer = make(net.parameters(), lr=0.5)
        optimizer.zero_grad()
        (net.weight * net.frozen).sum().backward()
        optimizer.step()
        assert net.frozen.tolist() == [1, 1]
        assert net.weight.tolist() != [1, 1]
    net.frozen.requires_grad_()
    (net.weight.detach() * net.frozen).sum().backward()
    assert net.frozen.grad is not None


# --- clipping ---


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_clipping_with_a_used_up_generator_says_so(clip):
    net = Net()
    given = net.parameters()
    list(given)
    with pytest.warns(UserWarning, match=rf"{clip.__name__}: got no parameters, nothing is clipped"):
        clip(given, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip([], 1.0)
        clip(net.parameters(), 1.0)


@pytest.mark.parametrize("same", [lambda g: g, lambda g: g.detach()], ids=["object", "memory"])
@pytest.mark.parametrize("norm_type", [2, 1, 3, "inf"])
def test_a_gradient_that_two_parameters_share_counts_twice_and_is_scaled_once(same, norm_type):
    a, b = leaf([0.0, 0.0]), leaf([0.0, 0.0])
    g = fg.tensor([3.0, -4.0])
    a.grad, b.grad = g, same(g)
    norm = optim.clip_grad_norm_([a, b, a], 1.0, norm_type)
    wanted = np.linalg.norm([3.0, -4.0, 3.0, -4.0], float(norm_type))
    assert norm.item() == pytest.approx(wanted)
    np.testing.assert_allclose(a.grad.numpy(), np.array([3.0, -4.0]) / wanted, rtol=1e-5)
    np.testing.assert_array_equal(b.grad.numpy(), a.grad.numpy())
    assert np.linalg.norm([*a.grad.numpy(), *b.grad.numpy()], float(norm_type)) == pytest.approx(1, rel=1e-5)
