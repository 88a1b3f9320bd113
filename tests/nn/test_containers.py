"""Sequences of modules support everything that lists do; a Sequential may have members besides its layers."""

import copy

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError


class Scaled(nn.Sequential):
    """A Sequential with a parameter before its layers, and a buffer and a parameter after them."""

    def __init__(self, *modules):
        self.gain = nn.Parameter(np.array([2.0]))
        super().__init__(*modules)
        self.register_buffer("calls", np.zeros((), int))
        self.shift = nn.Parameter(np.array([1.0]))

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * self.gain + self.shift


def test_a_sequential_with_a_parameter_and_a_buffer_of_its_own():
    model = Scaled(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    plain = nn.Sequential(*model)
    x = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_allclose(model(x).detach().numpy(), plain(x).detach().numpy() * 2 + 1, rtol=1e-15)
    assert model.calls.item() == 1 and len(model) == 3
    model(x).sum().backward()
    assert model.gain.grad is not None and model[0].weight.grad is not None
    assert list(model.state_dict()) == [
        "gain", "shift", "calls", "0.weight", "0.bias", "2.weight", "2.bias",
    ]  # fmt: skip
    other = Scaled(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other(x).detach().numpy(), model(x).detach().numpy())
    again = copy.deepcopy(model)
    again.append(nn.Identity())
    del again[1]
    assert [type(m).__name__ for m in again] == ["Linear", "Linear", "Identity"]
    assert again.gain.item() == 2 and len(list(again.parameters())) == 6
    assert repr(Scaled(nn.Tanh())) == "Scaled(\n  (0): Tanh()\n)"


def test_a_list_with_a_parameter_of_its_own():
    class Blocks(nn.ModuleList):
        def __init__(self, modules=()):
            super().__init__(modules)
            self.gain = nn.Parameter(np.ones(2))

    blocks = Blocks([nn.Tanh(), nn.ReLU()])
    blocks += [nn.Identity()]
    assert len(blocks) == 3 and blocks.pop(0).__class__ is nn.Tanh
    assert [name for name, _ in blocks.named_parameters()] == ["gain"] and len(blocks[1:]) == 1


def numbered(made):
    """Assert that the children of a list of modules are named by their positions."""
    assert [name for name, _ in made.named_modules() if name and "." not in name] == [
        str(k) for k, m in enumerate(made) if m not in list(made)[:k]
    ]
    return list(made)


CALLS = {
    "+= list": lambda m, new: m.__iadd__([new, new]),
    "+= itself": lambda m, new: m.__iadd__(m),
    "+= generator": lambda m, new: m.__iadd__(one for one in [new]),
    "+": lambda m, new: m + [new],
    "*": lambda m, new: m * 2,
    "2 *": lambda m, new: 2 * m,
    "*=": lambda m, new: m.__imul__(3),
    "* 0": lambda m, new: m * 0,
    "append": lambda m, new: m.append(new),
    "extend": lambda m, new: m.extend([new, new]),
    "extend itself": lambda m, new: m.extend(m),
    "insert": lambda m, new: m.insert(1, new),
    "insert -1": lambda m, new: m.insert(-1, new),
    "insert far": lambda m, new: m.insert(100, new),
    "pop": lambda m, new: m.pop(),
    "pop 0": lambda m, new: m.pop(0),
    "pop -2": lambda m, new: m.pop(-2),
    "remove": lambda m, new: m.remove(m[1]),
    "clear": lambda m, new: m.clear(),
    "reverse": lambda m, new: m.reverse(),
    "copy": lambda m, new: m.copy(),
    "index": lambda m, new: m.index(m[2]),
    "count": lambda m, new: m.count(m[2]),
    "in": lambda m, new: (m[1] in m, new in m),
    "reversed": lambda m, new: list(reversed(m)),
    "len": lambda m, new: len(m),
    "item": lambda m, new: m[-1],
    "slice": lambda m, new: m[::2],
    "set": lambda m, new: m.__setitem__(-1, new),
    "set slice": lambda m, new: m.__setitem__(slice(1, 3), [new]),
    "set step": lambda m, new: m.__setitem__(slice(None, None, 2), [new, new]),
    "delete": lambda m, new: m.__delitem__(-1),
    "delete slice": lambda m, new: m.__delitem__(slice(1, None)),
    "delete step": lambda m, new: m.__delitem__(slice(None, None, 2)),
    "sort": lambda m, new: m.sort(key=lambda one: type(one).__name__),
    "sort back": lambda m, new: m.sort(key=lambda one: type(one).__name__, reverse=True),
}


@pytest.mark.parametrize("make", [nn.ModuleList, lambda ms: nn.Sequential(*ms)], ids=["ModuleList", "Sequential"])
@pytest.mark.parametrize("name", CALLS)
def test_everything_that_a_list_does(name, make):
    parts, new = [nn.Tanh(), nn.Linear(2, 2), nn.ReLU(), nn.Identity()], nn.Flatten()
    made, wanted = make(parts), list(parts)
    got, want = CALLS[name](made, new), CALLS[name](wanted, new)
    assert numbered(made) == wanted
    if isinstance(got, (nn.ModuleList, nn.Sequential)) and want is not None:
        # of a slice of a Sequential, the modules keep their names
        assert (list(got) if name == "slice" else numbered(got)) == want
    elif want is not None:
        assert got == want or got is want


def test_an_attribute_that_is_extended_stays_the_childs_list():
    class Net(nn.Module):
        def __init__(self):
            self.blocks = nn.ModuleList()
            self.blocks += [nn.Linear(1, 1)]
            self.blocks += [nn.Linear(1, 1)]

    assert [name for name, _ in Net().named_parameters()] == [
        "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias",
    ]  # fmt: skip


@pytest.mark.parametrize("call", [
    lambda m: m.append(3), lambda m: m.extend([nn.Tanh(), None]), lambda m: m.insert(0, "x"), lambda m: m.__iadd__([3]),
    lambda m: m.__setitem__(0, None), lambda m: m.__setitem__(slice(0, 1), [nn.Tanh(), fg.relu]), lambda m: m + [1],
])  # fmt: skip
def test_what_is_no_module_changes_nothing(call):
    made = nn.ModuleList([nn.Tanh(), nn.ReLU()])
    before = list(made)
    with pytest.raises(DTypeError, match=r"ModuleList: child '\d' is of type \w+, not a Module"):
        call(made)
    assert numbered(made) == before


@pytest.mark.parametrize("call", [
    lambda m: m[5], lambda m: m.pop(2), lambda m: m.__delitem__(-3), lambda m: m.__setitem__(2, nn.Tanh()),
    lambda m: nn.ModuleList().pop(),
])  # fmt: skip
def test_an_index_out_of_range_changes_nothing(call):
    made = nn.ModuleList([nn.Tanh(), nn.ReLU()])
    with pytest.raises(IndexError, match=r"ModuleList: index -?[0-9] is out of range for [02] modules"):
        call(made)
    assert len(numbered(made)) == 2


def test_a_name_that_was_given_is_not_overwritten_by_appending():
    made = nn.Sequential({"1": nn.Tanh(), "first": nn.ReLU()})
    made.append(nn.Identity()).append(nn.Flatten())
    assert list(dict(made.named_children())) == ["1", "first", "2", "3"]
    made = nn.Sequential({"1": nn.Tanh()}).append(nn.Identity())
    assert [type(m).__name__ for m in made] == ["Tanh", "Identity"]
