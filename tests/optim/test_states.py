"""State dicts of optimizers and modules load completely, or are refused completely, whatever is wrong with them."""

import copy
import json
import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.errors import BadSetting, StateError

MAKES = {
    "SGD": lambda ps: optim.SGD(ps, 0.1, momentum=0.9),
    "Adam": lambda ps: optim.Adam(ps, 0.1),
    "AdamW": lambda ps: optim.AdamW(ps, 0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, 0.1, momentum=0.5, centered=True),
    "Adam amsgrad": lambda ps: optim.Adam(ps, 0.1, amsgrad=True),
    "Adagrad": lambda ps: optim.Adagrad(ps, 0.1, lr_decay=0.1),
    "Adadelta": lambda ps: optim.Adadelta(ps, 0.1),
    "Adamax": lambda ps: optim.Adamax(ps, 0.1),
    "RAdam": lambda ps: optim.RAdam(ps, 0.1),
    "LBFGS": lambda ps: optim.LBFGS(ps, max_iter=2, line_search_fn="strong_wolfe"),
}


def parameters(dtype=float):
    rng = np.random.default_rng(3)
    return [fg.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in ((3,), (2, 2), ())]


def train(opt, params, count=2):
    for _ in range(count):

        def closure():
            opt.zero_grad()
            loss = sum(((p - 1.0) ** 4).sum() for p in params)
            loss.backward()
            return loss

        opt.step(closure)


def trained(name, dtype=float):
    params = parameters(dtype)
    opt = MAKES[name](params)
    train(opt, params)
    return opt, params


def plain(value):
    """Convert a state as JSON does: lists for arrays, str for the numbers of parameters."""
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def same(a, b):
    assert plain(a) == plain(b)


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_state_goes_through_json_exactly(name, dtype):
    opt, params = trained(name, dtype)
    state = json.loads(json.dumps(plain(opt.state_dict())))
    others = [fg.tensor(p.detach(), requires_grad=True) for p in params]
    again = MAKES[name](others)
    again.load_state_dict(state)
    same(again.state_dict(), opt.state_dict())
    assert type(again.param_groups[0].get("betas", ())) is tuple
    train(opt, params), train(again, others)
    for p, q in zip(params, others):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def change(state, path, value):
    state = copy.deepcopy(state)
    at = state
    for key in path[:-1]:
        at = at[key]
    if value is KeyError:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return state


BAD_NUMBERS = [-1, math.nan, math.inf, 1.5, "x", None, True, [1, 2], 2.0**60]
ANY = [
    (("state", 7), {"step": 1}, "7 is not a parameter of any group"),
    (("state", "7"), {}, "7 is not a parameter of any group"),
    (("state", "a"), {}, "'a' is not the number of a parameter"),
    (("state", 1.5), {}, "1.5 is not the number"),
    (("state", -1), {}, "-1 is not a parameter"),
    (("state", "0"), {}, "0 occurs twice"),
    (("state", 0), [1], "0: list, not a dict"),
    (("state", 0, "extra"), 1.0, "0.extra: unexpected"),
    (("param_groups", 0, "params"), [0, 1, 1], "not distinct parameter numbers"),
    (("param_groups", 0, "params"), [0, 1], r"groups of \[2\] parameters, the optimizer of \[3\]"),
    (("param_groups", 0, "params"), 3, 'takes a dict with "state" and "param_groups"'),
    (("param_groups", 0), [0], "takes a dict with"),
    (("param_groups",), {}, "takes a dict with"),
    (("state",), [], "takes a dict with"),
    (("param_groups", 0, "lr"), -1.0, "lr must .* got -1.0"),
    (("param_groups", 0, "lr"), math.nan, "lr must .* got nan"),
    (("param_groups", 0, "lr"), None, "lr must .* got None"),
    (("param_groups", 0, "lr"), [0.1, "a"], "lr must"),
    (("param_groups", 0, "lr"), np.ones(2), "lr must"),
    (("param_groups", 0, "initial_lr"), math.nan, "initial_lr=nan is not a learning rate"),
]
MOMENTS = {
    "SGD": ["momentum_buffer"], "Adam": ["exp_avg", "exp_avg_sq"], "AdamW": ["exp_avg", "exp_avg_sq"],
    "RMSprop": ["square_avg", "grad_avg", "momentum_buffer"], "Adagrad": ["sum"],
    "Adadelta": ["square_avg", "acc_delta"], "Adamax": ["exp_avg", "exp_inf"], "RAdam": ["exp_avg", "exp_avg_sq"],
    "Adam amsgrad": ["max_exp_avg_sq"],
}  # fmt: skip
CASES = [(name, *case) for name in MAKES for case in ANY]
# flags that are not settings of the optimizer, and would change its steps
CASES += [("LBFGS", ("param_groups", 0, "maximize"), True, "maximize=True, which LBFGS does not support")]
CASES += [
    (name, ("param_groups", 0, "amsgrad"), True, f"amsgrad=True, which {name} does not support")
    for name in MAKES
    if not name.startswith("Adam") or name == "Adamax"
]
CASES += [
    (name, ("param_groups", 0, "maximize"), "no", "maximize='no' is neither") for name in MAKES if name != "LBFGS"
]
for name, moments in MOMENTS.items():
    CASES += [(name, ("state", 1, "step"), bad, "1.step: .* is not a number of steps") for bad in BAD_NUMBERS]
    for key in moments:
        CASES += [
            (name, ("state", 1, key), np.ones((2, 2)) * 1j, f"1.{key}: dtype complex128 for float64"),
            (name, ("state", 1, key), np.ones((2, 3)), rf"1.{key}: shape \(2, 3\) for \(2, 2\)"),
            (name, ("state", 1, key), [[1, 2], [3]], f"1.{key}: list is not an array"),
            (name, ("state", 1, key), [["a", "b"]] * 2, f"1.{key}: dtype <U1"),
        ]
CASES += [("Adam", ("state", 1, key), KeyError, f"1.{key}: missing") for key in ("step", "exp_avg", "exp_avg_sq")]
CASES += [
    ("Adam", ("state", 1, "exp_avg_sq"), -np.ones((2, 2)), "1.exp_avg_sq: a mean of squares is negative"),
    ("RMSprop", ("state", 2, "square_avg"), -1.0, "2.square_avg: a mean of squares is negative"),
    ("RMSprop", ("state", 2, "square_avg"), KeyError, "2.square_avg: missing"),
    ("RMSprop", ("param_groups", 0, "centered"), "no", "centered='no' is neither True nor False"),
    ("SGD", ("param_groups", 0, "nesterov"), None, "nesterov=None is neither"),
    ("Adam", ("param_groups", 0, "betas"), [0.9], r"betas must be a pair .* got \(0.9,\)"),
    ("LBFGS", ("param_groups", 0, "line_search_fn"), "wolfe", "line_search_fn must .* got 'wolfe'"),
    ("LBFGS", ("state", 1), {"n_iter": 1}, "1: LBFGS stores its state with parameter 0"),
    ("LBFGS", ("state", 0, "t"), math.nan, "0.t: nan is not a number"),
    ("LBFGS", ("state", 0, "H_diag"), 0.0, "0.H_diag: 0.0 is not a number above 0"),
    ("LBFGS", ("state", 0, "prev_loss"), "a", "0.prev_loss: 'a' is not a number"),
    ("LBFGS", ("state", 0, "d"), np.ones(9), r"0.d: shape \(9,\) for \(8,\)"),
    ("LBFGS", ("state", 0, "d"), np.ones(8) * 1j, "0.d: dtype complex128"),
    ("LBFGS", ("state", 0, "d"), KeyError, "0.d: missing"),
    ("LBFGS", ("state", 0, "prev_flat_grad"), None, "0.prev_flat_grad: missing"),
    ("LBFGS", ("state", 0, "old_dirs"), 3, "0.old_dirs: int, not a list of vectors"),
    ("LBFGS", ("state", 0, "old_dirs"), [np.ones(7)], r"0.old_dirs\[0\]: shape \(7,\)"),
    ("LBFGS", ("state", 0, "old_stps"), [], "0.old_stps: has 0 vectors, but"),
]
for key in ("n_iter", "func_evals"):
    CASES += [("LBFGS", ("state", 0, key), bad, f"0.{key}: .* is not a count") for bad in BAD_NUMBERS]
for key in ("max_iter", "max_eval", "history_size"):
    bad_counts = [0, -1, 2.5, "3", None, math.nan]
    CASES += [("LBFGS", ("param_groups", 0, key), bad, f"{key} must be an int of at least 1") for bad in bad_counts]


@pytest.mark.parametrize(("name", "path", "value", "text"), CASES)
def test_a_state_that_does_not_fit_changes_nothing(name, path, value, text):
    opt, _ = trained(name)
    other, others = trained(name)
    train(other, others)
    state = change(other.state_dict(), path, value)
    before = copy.deepcopy(opt.state_dict())
    with pytest.raises((StateError, BadSetting), match=text):
        opt.load_state_dict(state)
    same(opt.state_dict(), before)


def test_a_moment_too_large_for_float32_is_refused():
    opt, _ = trained("Adam", np.float32)
    state = change(opt.state_dict(), ("state", 0, "exp_avg"), [1.0, 1e300, 1.0])
    with pytest.raises(StateError, match=r"0.exp_avg: 1e\+300 is not a number of float32"):
        opt.load_state_dict(state)


def test_lbfgs_goes_on_from_a_first_step_that_had_converged():
    """PyTorch's state then holds nothing but counts."""
    x = fg.tensor([0.0], requires_grad=True)
    opt = optim.LBFGS([x])
    opt.load_state_dict({**opt.state_dict(), "state": {0: {"func_evals": 1, "n_iter": 0}}})
    train(opt, [x])
    assert x.item() != 0


def test_lbfgs_goes_on_from_a_loss_that_was_nan():
    x = fg.tensor([1.0], requires_grad=True)
    opt = optim.LBFGS([x], max_iter=1)

    def closure():
        opt.zero_grad()
        (x * x).sum().backward()
        return math.nan

    opt.step(closure)
    assert math.isnan(opt.state_dict()["state"][0]["prev_loss"])
    optim.LBFGS([x]).load_state_dict(opt.state_dict())


def test_the_weight_decay_of_adam_and_adamw_are_not_exchanged():
    adam, adamw = trained("Adam")[0], trained("AdamW")[0]
    state = adamw.state_dict()
    state["param_groups"][0]["decoupled_weight_decay"] = True
    adamw.load_state_dict(state)
    with pytest.raises(StateError, match="decoupled_weight_decay=True, which Adam does not support"):
        adam.load_state_dict(state)


def test_names_and_first_rates_of_groups_are_kept():
    a, b = (fg.tensor([1.0], requires_grad=True) for _ in range(2))
    opt = optim.SGD([{"params": [a], "name": "body"}, {"params": [b], "name": "head", "lr": 0.5}], lr=0.1)
    optim.StepLR(opt, 1).step()
    other = optim.SGD([{"params": [a]}, {"params": [b]}], lr=3.0)
    other.load_state_dict(json.loads(json.dumps(opt.state_dict())))
    assert [(g["name"], g["initial_lr"]) for g in other.param_groups] == [("body", 0.1), ("head", 0.5)]
    assert "name: body" in repr(other)
    a.grad = [1.0]
    other.step()
    assert a.item() == pytest.approx(0.99)


# --- modules


def test_modules_are_loaded_as_a_whole_even_where_memory_is_read_only():
    fixed = np.ones(3)
    fixed.flags.writeable = False
    module = nn.Module()
    module.first = nn.Parameter(np.zeros(2))
    module.register_buffer("second", fg.tensor(np.zeros(2)))
    module.register_buffer("fixed", fg.asarray(fixed))
    module.register_buffer("last", fg.tensor(np.zeros(2)))
    state = {"first": np.ones(2), "second": np.ones(2), "fixed": np.zeros(3), "last": np.ones(2)}
    with pytest.raises(StateError, match=r"nothing was loaded\. fixed: this tensor's memory is read-only"):
        module.load_state_dict(state)
    assert [v.tolist() for v in module.state_dict().values()] == [[0, 0], [0, 0], [1, 1, 1], [0, 0]]
    del state["fixed"]
    assert module.load_state_dict(state, strict=False).missing_keys == ["fixed"]
    assert module.last.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        (np.int64, math.nan, "nan is not a number of int64"),
        (np.int64, math.inf, "inf is not a number of int64"),
        (np.int64, 1.5, "1.5 is not a number of int64"),
        (np.int64, 2.0**63, "9.22.*e.18 is not a number of int64"),
        (np.int64, np.float32(2.0**63), "9.22.*e.18 is not a number of int64"),
        (np.uint64, 2.0**64, "1.84.*e.19 is not a number of uint64"),
        (np.int64, np.float16(np.inf), "inf is not a number of int64"),
        (np.int8, 300, "300 is not a number of int8"),
        (np.uint8, -1, "-1 is not a number of uint8"),
        (np.bool_, 2, "2 is not a number of bool"),
        (np.float32, 1e300, r"1e\+300 is not a number of float32"),
        (np.float64, 1j, "dtype complex128 for float64"),
        (np.float64, "1", "dtype <U1 for float64"),
        (np.float64, np.datetime64("2020"), "dtype datetime64.* for float64"),
        (np.float64, {}, "dtype object for float64"),
    ],
)
def test_a_value_that_would_become_another_is_refused(dtype, value, text):
    module = nn.Module()
    module.register_buffer("a", fg.tensor(np.zeros((), dtype)))
    module.register_buffer("b", fg.tensor(np.zeros(2, dtype)))
    with pytest.raises(StateError, match=f"b: {text}"):
        module.load_state_dict({"a": 1, "b": np.array([0, value], dtype=np.asarray(value).dtype)})
    assert module.a.item() == 0


def test_values_that_fit_are_converted():
    bounds = {np.int8: 127, np.uint8: 255, np.int64: 2**63 - 1024, np.uint64: 2**64 - 2048}
    for dtype, bound in bounds.items():
        module = nn.Module()
        module.register_buffer("a", fg.tensor(np.zeros((), dtype)))
        module.load_state_dict({"a": float(bound)})
        assert module.a.item() == bound
    module = nn.Module()
    for name, dtype in (("i", np.int32), ("b", np.bool_), ("f", np.float32), ("c", np.complex64)):
        module.register_buffer(name, fg.tensor(np.zeros(2, dtype)))
    module.load_state_dict({"i": [2.0, -3.0], "b": [1, 0], "f": np.array([np.inf, 0.1]), "c": [1, np.nan]})
    assert module.i.tolist() == [2, -3] and module.b.tolist() == [True, False]
    assert module.f.tolist() == [np.inf, np.float32(0.1)] and module.c.tolist()[0] == 1


@pytest.mark.parametrize("what", ["module", "optimizer"])
def test_gradients_are_forgotten_or_filled_with_zeros(what):
    layer = nn.Linear(2, 1)
    opt = optim.SGD(layer.parameters())
    owner = layer if what == "module" else opt
    layer.weight.grad = np.array([[math.nan, 3.0]])
    kept = layer.weight.grad
    owner.zero_grad(set_to_none=False)
    assert layer.weight.grad is kept and kept.tolist() == [[0, 0]] and layer.bias.grad is None
    loss = (layer(np.ones((1, 2))) ** 2).sum()
    loss.backward(create_graph=True)
    owner.zero_grad(set_to_none=False)
    assert layer.bias.grad.tolist() == [0] and not layer.bias.grad.requires_grad
    owner.zero_grad()
    assert layer.weight.grad is None and layer.bias.grad is None
