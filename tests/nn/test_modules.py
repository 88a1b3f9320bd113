"""Modules: registration, names, saving and loading, and `repr`."""

import copy
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, FastgradError, StateError


class Scale(nn.Module):
    def __init__(self, n):
        self.gain = nn.Parameter(np.full(n, 2.0))
        self.register_buffer("count", np.zeros((), np.int64))
        self.register_buffer("scratch", np.zeros(3), persistent=False)
        self.inner = nn.Linear(n, 1, rng=0)

    def forward(self, x):
        return self.inner(x * self.gain)


def network():
    nn.seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Sequential(Scale(4)))


def test_names_and_order_are_pytorchs():
    model = network()
    assert list(model.state_dict()) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
        "3.0.gain", "3.0.count", "3.0.inner.weight", "3.0.inner.bias",
    ]  # fmt: skip
    assert [name for name, _ in model.named_parameters()] == [
        "0.weight", "0.bias", "1.weight", "1.bias", "3.0.gain", "3.0.inner.weight", "3.0.inner.bias",
    ]  # fmt: skip
    assert [name for name, _ in model.named_buffers()][-2:] == ["3.0.count", "3.0.scratch"]
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "2", "3", "3.0", "3.0.inner"]
    assert [name for name, _ in model.named_children()] == ["0", "1", "2", "3"]
    assert [p.shape for p in Scale(4).parameters(recurse=False)] == [(4,)]


def test_what_is_assigned_decides_what_it_is():
    module = nn.Module()
    module.w = fg.tensor([1.0], requires_grad=True)
    module.constant = fg.tensor([1.0])
    module.result = module.w * 2.0
    module.child = nn.Identity()
    assert [name for name, _ in module.named_parameters()] == ["w"]
    assert list(module.children()) == [module.child]
    module.child = 3
    del module.w
    assert not list(module.parameters()) and not list(module.children())
    assert not hasattr(module, "w")


def test_a_parameter_is_not_replaced_by_something_that_would_not_be_trained():
    layer = nn.Linear(2, 2)
    with pytest.raises(DTypeError, match=r"'weight' is a parameter, got an object that is not a leaf"):
        layer.weight = fg.tensor(np.ones((2, 2)))
    with pytest.raises(DTypeError, match=r"'weight' is a parameter, got the result of 'multiply'"):
        layer.weight = layer.weight * 2.0
    with pytest.raises(DTypeError, match=r"'weight' is a parameter, got ndarray: assign a Tensor or None"):
        layer.weight = np.ones((2, 2))
    with pytest.raises(StateError, match=r"'a\.b' cannot name"):
        layer.register_buffer("a.b", np.ones(2))
    layer.weight = nn.Parameter(np.zeros((3, 2)))
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    assert layer(np.ones((1, 2))).tolist() == [[0.0, 0.0, 0.0]]
    layer.requires_grad_(False)
    assert [p.requires_grad for p in layer.parameters()] == [False]


def test_a_parameter_keeps_its_dtype_and_is_a_copy():
    values = np.ones(2, np.float32)
    p = nn.Parameter(values)
    values[:] = 5
    assert (p.dtype, p.requires_grad, p.is_leaf, p.tolist()) == (np.float32, True, True, [1.0, 1.0])
    assert nn.Parameter([1, 2]).dtype == np.float64
    assert nn.Parameter(p * 2.0).is_leaf
    assert not nn.Parameter(values, False).requires_grad


def test_shared_parameters_come_once_and_are_saved_under_both_names():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    model = nn.Sequential(first, second, first)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(model.state_dict()) == 6
    assert len(list(model.modules())) == 3


def test_a_state_dict_goes_from_one_network_to_another():
    model, other = network(), network()
    for p in other.parameters():
        nn.init.normal_(p, rng=5)
    x = np.random.default_rng(0).normal(size=(5, 3))
    kept = other[0].weight
    assert other.load_state_dict(model.state_dict()) == ([], [])
    assert other[0].weight is kept
    np.testing.assert_array_equal(other.eval()(x).numpy(), model.eval()(x).numpy())


def test_state_dicts_that_do_not_fit_are_refused_as_a_whole():
    model = network()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()}
    del state["0.bias"], state["3.0.count"]
    state["1.weight"] = np.ones(7)
    state["3.0.gain"] = np.full(4, "a")
    state["head.weight"] = state["tail"] = np.ones(1)
    with pytest.raises(StateError) as caught:
        model.load_state_dict(state)
    assert str(caught.value) == (
        "the state dict does not fit Sequential, nothing was loaded. missing: 0.bias, 3.0.count. unexpected: "
        "head.weight, tail. of the wrong shape or dtype: 1.weight: shape (7,) for (4,); 3.0.gain: dtype <U1 for float64"
    )
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    with pytest.raises(StateError, match=r"nothing was loaded\. of the wrong shape"):
        model.load_state_dict(state, strict=False)
    del state["1.weight"], state["3.0.gain"]
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert unexpected == ["head.weight", "tail"] and "0.bias" in missing
    np.testing.assert_array_equal(model[0].weight.detach().numpy(), before["0.weight"] + 1)
    with pytest.raises(DTypeError, match="takes a mapping of names to arrays, got list"):
        model.load_state_dict([1])


def test_loading_converts_to_the_dtype_of_the_parameter():
    layer = nn.Linear(2, 1, dtype=np.float32)
    layer.load_state_dict({"weight": [[1, 2]], "bias": np.array([0.1])})
    assert layer.weight.dtype == np.float32
    assert layer(np.ones((1, 2), np.float32)).item() == np.float32(3) + np.float32(0.1)


def test_a_graph_that_needs_the_old_weights_knows_when_they_were_overwritten():
    layer = nn.Linear(2, 2)
    x = fg.tensor(np.ones((1, 2)), requires_grad=True)
    y = layer(x).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(fg.MutationError):
        y.backward()


def test_train_eval_apply_zero_grad():
    model = network()
    assert all(not m.training for m in model.eval().modules()) and all(m.training for m in model.train().modules())
    model(np.random.default_rng(0).normal(size=(5, 3))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    seen = []
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Linear", "Scale", "Sequential", "Sequential"]


def test_to_converts_parameters_and_floating_buffers():
    model = network().to(np.float32)
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert model.state_dict()["1.num_batches_tracked"].dtype == np.int64
    assert model(np.ones((2, 3), np.float32)).dtype == np.float32
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_parameters_of_their_own(again):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    other = again(model)
    assert list(other.state_dict()) == list(model.state_dict())
    with fg.no_grad():
        other[0].weight *= 0.0
    assert model[0].weight.detach().numpy().any()
    assert all(p.requires_grad for p in other.parameters())


def test_the_picture_of_a_network():
    assert (
        repr(network())
        == """\
Sequential(
  (0): Linear(in_features=3, out_features=4, bias=True)
  (1): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
  (2): ReLU()
  (3): Sequential(
    (0): Scale(
      (inner): Linear(in_features=4, out_features=1, bias=True)
    )
  )
)"""
    )
    assert (
        repr(nn.ModuleList([nn.Flatten(), nn.Tanh(), nn.Tanh(), nn.Sequential()]))
        == """\
ModuleList(
  (0): Flatten(start_dim=1, end_dim=-1)
  (1-2): 2 x Tanh()
  (3): Sequential()
)"""
    )
    assert repr(nn.Module()) == "Module()"


def test_sequences_of_modules():
    model = nn.Sequential({"first": nn.Linear(2, 3), "second": nn.Tanh()})
    assert list(model.state_dict()) == ["first.weight", "first.bias"]
    assert isinstance(model[-1], nn.Tanh) and len(model) == 2 and isinstance(model[:1][0], nn.Linear)
    blocks = nn.ModuleList([nn.Tanh()]).append(nn.ReLU()).extend([nn.Linear(1, 1)]).insert(0, nn.Identity())
    assert [type(m).__name__ for m in blocks] == ["Identity", "Tanh", "ReLU", "Linear"]
    blocks[1] = nn.Flatten()
    del blocks[2]
    assert [type(m).__name__ for m in blocks] == ["Identity", "Flatten", "Linear"]
    assert list(blocks.state_dict()) == ["2.weight", "2.bias"]
    assert len(blocks[1:]) == 2
    with pytest.raises(IndexError, match="ModuleList: index 5 is out of range for 3 modules"):
        blocks[5]
    with pytest.raises(DTypeError, match="Sequential: child '1' is of type function, not a Module"):
        nn.Sequential(nn.Tanh(), lambda x: x)
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        blocks(1)


def test_every_error_is_fastgrads_own():
    assert issubclass(StateError, FastgradError) and issubclass(StateError, ValueError)
