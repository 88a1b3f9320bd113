"""Hooks, other dtypes, containers by name, and calls with other parameters."""

import copy
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.devices import DeviceError
from fastgrad.errors import BadSetting, DTypeError, StateError

X = np.ones((2, 3))


def test_a_forward_hook_sees_arguments_and_output_and_may_replace_it():
    layer, seen = nn.Linear(3, 2), []
    first = layer.register_forward_hook(lambda module, args, output: seen.append((module, args, output)))
    y = layer(X)
    [(module, args, output)] = seen
    assert module is layer and args[0] is X and output is y
    with layer.register_forward_hook(lambda module, args, output: output * 2):
        np.testing.assert_array_equal(layer(X).detach().numpy(), 2 * y.detach().numpy())
    first.remove(), first.remove()
    layer(X)
    assert len(seen) == 2


def test_hooks_are_called_in_order_and_may_replace_the_arguments():
    layer, calls = nn.Identity(), []
    layer.register_forward_pre_hook(lambda module, args: calls.append("second"))
    layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    layer.register_forward_pre_hook(lambda module, args: calls.append("first"), prepend=True)
    layer.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] * 2,), kwargs), with_kwargs=True)
    layer.register_forward_hook(lambda module, args, kwargs, output: (output, kwargs), with_kwargs=True)
    assert layer(fg.asarray(3.0)) == (8.0, {}) and calls == ["first", "second"]
    with pytest.raises(BadSetting, match="always_call=True is not supported"):
        layer.register_forward_hook(print, always_call=True)


def test_hooks_of_inner_modules_run_inside_containers():
    model, shapes = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda module, args, output, name=name: shapes.update({name: output.shape}))
    model(X)
    assert shapes == {"": (2, 2), "0": (2, 2), "1": (2, 2)}


def double_it(module, args, output):
    return output * 2


def test_a_module_with_hooks_is_copied_and_pickled():
    layer = nn.Linear(3, 2, rng=0)
    layer.register_forward_hook(double_it)
    want = layer(X).detach().numpy()
    for made in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(made(X).detach().numpy(), want)


def test_conversions_to_another_dtype():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert model.float() is model and model[0].weight.dtype == np.float32
    assert model[1].running_mean.dtype == np.float32 and model[1].num_batches_tracked.dtype == np.int64
    assert model.double()[0].weight.dtype == np.float64
    for given in ((np.float32,), ("float32",), ("cpu", np.float32), (fg.ones(1, dtype=np.float32),)):
        assert model.double().to(*given)[0].weight.dtype == np.float32
    assert model.to(dtype=np.float64, device="cpu", non_blocking=True)[0].weight.dtype == np.float64
    assert model.type(np.float32)[0].bias.dtype == np.float32
    weight = model[0].weight
    for same in (model.cpu(), model.to("cpu"), model.to("cpu:0"), model.to(np.float32), model.to()):
        assert same is model and model[0].weight is weight and weight.requires_grad


def test_other_devices_and_dtypes_are_refused():
    layer = nn.Linear(3, 2)
    for call in (layer.cuda, lambda: layer.to("cuda"), lambda: layer.to(device="cuda:0"), lambda: layer.to("mps")):
        with pytest.raises(DeviceError, match=r"fastgrad computes on the CPU, got device '(cuda|mps)"):
            call()
    with pytest.raises(DTypeError, match="Linear can be converted to floating and complex dtypes, got int64"):
        layer.to(np.int64)


def test_a_module_dict():
    layers = nn.ModuleDict([("a", nn.Linear(3, 2)), ("b", nn.ReLU())])
    assert (
        list(layers) == list(layers.keys()) == ["a", "b"] and len(layers) == 2 and "a" in layers and "c" not in layers
    )
    assert layers["b"] is layers.values()[1] is dict(layers.items())["b"] is layers.get("b")
    assert layers.get("c") is None
    layers.update({"c": nn.Tanh(), "a": nn.Linear(3, 4)})
    assert [name for name, _ in layers.named_parameters()] == ["a.weight", "a.bias"]
    assert layers["a"].out_features == 4
    popped = layers.pop("a")
    del layers["b"]
    assert isinstance(popped, nn.Linear) and list(layers) == ["c"] and list(layers.parameters()) == []
    layers.clear()
    assert len(layers) == 0
    for call in (lambda: layers["a"], lambda: layers.pop("a"), lambda: layers.__delitem__("a"), lambda: layers["keys"]):
        with pytest.raises(KeyError):
            call()


def test_names_and_values_that_a_module_dict_refuses():
    with pytest.raises(DTypeError, match=r"ModuleDict: child 'a' is of type function, not a Module: use fg.nn.ReLU()"):
        nn.ModuleDict({"a": lambda x: x})
    for name, text in (
        ("a.b", "cannot name a parameter, buffer or module"),
        ("", "cannot name"),
        ("keys", "ModuleDict: 'keys' cannot name an entry, since it is an attribute: use another name"),
        ("training", "since it is an attribute"),
    ):
        with pytest.raises(StateError, match=text):
            nn.ModuleDict({name: nn.ReLU()})


def test_parameters_by_number_and_by_name():
    kept = nn.Parameter(X)
    many = nn.ParameterList([kept, np.zeros(2)])
    assert many[0] is kept and many[-1].requires_grad and len(many) == 2 and list(many)[1] is many[1]
    many.append(fg.ones(3)).extend([fg.ones(4)])
    many += [fg.ones(5)]
    assert [p.size for p in many[1:]] == [2, 3, 4, 5] and isinstance(many[1:], nn.ParameterList)
    many[1] = np.ones(7)
    assert [name for name, _ in many.named_parameters()] == ["0", "1", "2", "3", "4"] and many[1].size == 7
    with pytest.raises(IndexError, match="ParameterList: index 9 is out of range for 5 parameters"):
        many[9]
    named = nn.ParameterDict({"w": X, "b": kept})
    assert named["b"] is kept and named["w"].requires_grad and list(named) == ["w", "b"]
    named["c"] = fg.ones(2)
    assert list(named.state_dict()) == ["w", "b", "c"]
    assert "(c): Parameter of shape (2,), float64" in repr(named) and "(0): Parameter of shape (2, 3)" in repr(many)


def test_modules_and_parameters_are_found_by_name():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 2)))
    assert model.get_submodule("0.0") is model[0][0] and model.get_submodule("") is model
    assert model.get_parameter("0.0.bias") is model[0][0].bias
    with pytest.raises(StateError, match=r"Sequential has no module .0\.1.: named_modules\(\) lists them"):
        model.get_submodule("0.1")
    with pytest.raises(StateError, match=r"Sequential has no parameter '0.0.gain'"):
        model.get_parameter("0.0.gain")


def test_a_module_is_called_with_other_parameters_and_keeps_its_own():
    layer = nn.Linear(3, 2)
    weight, bias = layer.weight, layer.bias
    w = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = fg.func.functional_call(layer, {"weight": w * 2}, X)
    np.testing.assert_allclose(y.detach().numpy(), X @ w.detach().numpy().T * 2 + bias.detach().numpy())
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.full((2, 3), 4.0))
    assert layer.weight is weight and layer.bias is bias and weight.grad is None
    with pytest.raises(ValueError):
        fg.func.functional_call(layer, {"weight": w}, (np.ones((2, 4)),))
    assert layer.weight is weight


def test_gradients_of_a_loss_as_a_function_of_the_parameters():
    model, labels = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), np.array([0, 1])
    inputs = np.random.default_rng(0).normal(size=(2, 3))

    def loss(parameters):
        return nn.functional.cross_entropy(fg.func.functional_call(model, parameters, (inputs,)), labels)

    gradients = fg.func.grad(loss)({name: p.detach() for name, p in model.named_parameters()})
    nn.functional.cross_entropy(model(inputs), labels).backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(gradients[name].numpy(), p.grad.numpy(), rtol=1e-12)


class Tied(nn.Module):
    def __init__(self):
        self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("shift", np.zeros(3))

    def forward(self, x, *, scale=1.0):
        return self.second(self.first(x)) * scale + self.shift


def test_tied_parameters_are_replaced_under_all_their_names():
    model, one = Tied(), fg.asarray(np.eye(3) * 2)
    call = fg.func.functional_call
    np.testing.assert_array_equal(call(model, {"first.weight": one}, X).detach().numpy(), 4 * X)
    parts = ({"second.weight": one}, {"shift": fg.ones(3)})
    np.testing.assert_array_equal(call(model, parts, (X,), {"scale": 0.5}).detach().numpy(), 2 * X + 1)
    with pytest.raises(StateError, match=r"'second.weight' is another name of a Tensor that is given with a different"):
        call(model, {"first.weight": one, "second.weight": one + 1}, X)
    untied = call(model, {"first.weight": one, "second.weight": one + 0}, X, tie_weights=False)
    np.testing.assert_array_equal(untied.detach().numpy(), 4 * X)
    with pytest.raises(StateError, match="unexpected: gain"):
        call(model, {"gain": one}, X)
    with pytest.raises(StateError, match="missing: shift"):
        call(model, {"first.weight": one}, X, strict=True)
