"""Schedulers: learning rates step by step, composition, saving, errors."""

import json
import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import optim
from fastgrad.errors import BadSetting, DTypeError, StateError


def optimizer():
    a, b = (fg.tensor([1.0], requires_grad=True) for _ in range(2))
    return optim.SGD([{"params": [a]}, {"params": [b], "lr": 2.0}], lr=1.0)


def rates(schedule, count):
    out = []
    for _ in range(count):
        out.append(schedule.get_last_lr()[0])
        assert schedule.get_last_lr()[1] == pytest.approx(2 * out[-1])
        schedule.step()
    return out


COSINE = [1.0, 0.8535533905932737, 0.5, 0.1464466094067262, 0.0, 0.1464466094067262]


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda o: optim.StepLR(o, 2, 0.5), [1, 1, 0.5, 0.5, 0.25]),
        (lambda o: optim.CosineAnnealingLR(o, 4), COSINE),
        (lambda o: optim.LinearLR(o, 0.25, total_iters=3), [0.25, 0.5, 0.75, 1, 1]),
        (lambda o: optim.LinearLR(o, 1.0, 0.5, total_iters=2), [1, 0.75, 0.5, 0.5]),
        (lambda o: optim.LambdaLR(o, lambda t: 1 / (1 + t)), [1, 1 / 2, 1 / 3]),
        (
            lambda o: optim.SequentialLR(
                o, [optim.LinearLR(o, 0.5, total_iters=2), optim.CosineAnnealingLR(o, 4)], [2]
            ),
            [0.5, 0.75, *COSINE],
        ),
        (
            lambda o: optim.ChainedScheduler([optim.LinearLR(o, 0.5, total_iters=2), optim.StepLR(o, 1, 0.1)]),
            [0.5, 0.075, 0.01, 0.001],
        ),
    ],
)
def test_the_rates_of_a_schedule(make, wanted):
    np.testing.assert_allclose(rates(make(optimizer()), len(wanted)), wanted, atol=1e-15)


def test_a_schedule_ends_at_eta_min():
    opt = optimizer()
    schedule = optim.CosineAnnealingLR(opt, 4, eta_min=0.1)
    for _ in range(4):
        schedule.step()
    assert [g["lr"] for g in opt.param_groups] == [0.1, 0.1]
    assert [g["initial_lr"] for g in opt.param_groups] == schedule.base_lrs == [1, 2]


def test_a_schedule_goes_on_from_a_saved_state():
    first, second = (optim.StepLR(optimizer(), 3) for _ in range(2))
    for _ in range(4):
        first.step()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.get_last_lr() == first.get_last_lr() == [0.1, 0.2]
    assert [g["lr"] for g in second.optimizer.param_groups] == [0.1, 0.2]
    assert second.state_dict() == first.state_dict() == {
        "step_size": 3, "gamma": 0.1, "base_lrs": [1, 2], "last_epoch": 4, "_last_lr": [0.1, 0.2], "lr": [0.1, 0.2],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda o: optim.StepLR(o, 0), ValueError, "step_size must be an int of at least 1, got 0"),
        (lambda o: optim.CosineAnnealingLR(o, -1), ValueError, "T_max must .* got -1"),
        (lambda o: optim.LinearLR(o, 2.0), ValueError, "start_factor must be between 0 and 1, got 2.0"),
        (lambda o: optim.LinearLR(o, total_iters=float("nan")), ValueError, "total_iters must .* got nan"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)], [3]), ValueError, "1 schedulers need 0 milestone"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 3, [3, 2]), ValueError, "ascending"),
        (lambda o: optim.ChainedScheduler([]), ValueError, "at least one scheduler"),
        (lambda o: optim.StepLR(o, 2.5), BadSetting, "step_size must .* got 2.5"),
        (lambda o: optim.StepLR(o, "3"), BadSetting, "step_size must .* got '3'"),
        (lambda o: optim.StepLR(o, 3, math.nan), BadSetting, "StepLR: gamma must be a finite number, got nan"),
        (lambda o: optim.CosineAnnealingLR(o, 3, None), BadSetting, "eta_min must be a finite number, got None"),
        (lambda o: optim.LinearLR(o, 0.0), BadSetting, "a rate of 0 cannot be scaled"),
        (lambda o: optim.LambdaLR(o, [lambda t: 1.0]), BadSetting, "LambdaLR: got 1 functions for 2 groups"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 2, [2.5]), BadSetting, "ints in ascending"),
        (lambda o: optim.SequentialLR(o, [], []), BadSetting, "SequentialLR: needs at least one scheduler"),
        (lambda o: optim.SequentialLR(None, [optim.StepLR(o, 1)], []), DTypeError, "takes an Optimizer, got NoneType"),
        (lambda o: optim.ChainedScheduler([3]), DTypeError, "schedulers\\[0\\] is of type int, not a Scheduler"),
        (
            lambda o: optim.ChainedScheduler([optim.StepLR(o, 1), optim.StepLR(optimizer(), 1)]),
            BadSetting,
            "schedulers\\[1\\] has another optimizer",
        ),
        (
            lambda o: optim.SequentialLR(optimizer(), [optim.StepLR(o, 1)], []),
            BadSetting,
            "schedulers\\[0\\] has another optimizer",
        ),
        (lambda o: optim.StepLR([1], 1), DTypeError, "StepLR takes an Optimizer, got list"),
    ],
)
def test_what_a_scheduler_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call(optimizer())


# --- what is not a scheduler's own doing stays


def one_group(lr=0.1):
    return optim.SGD([fg.tensor([1.0], requires_grad=True)], lr=lr)


def test_two_schedulers_one_after_another_multiply():
    opt = one_group()
    both = [optim.StepLR(opt, 4, 0.5), optim.CosineAnnealingLR(opt, 20, eta_min=0.02)]
    for _ in range(4):
        for one in both:
            one.step()
    # 0.05 + the share of the cosine between steps 3 and 4 of what lies above eta_min
    assert opt.param_groups[0]["lr"] == pytest.approx(0.046614, abs=1e-6)
    assert [len(one.get_last_lr()) for one in both] == [1, 1]


@pytest.mark.parametrize("make", [
    lambda o: optim.StepLR(o, 2, 0.5), lambda o: optim.CosineAnnealingLR(o, 6), lambda o: optim.LinearLR(o, 0.5),
    lambda o: optim.ChainedScheduler([optim.LinearLR(o, 0.5), optim.StepLR(o, 2)]),
    lambda o: optim.SequentialLR(o, [optim.LinearLR(o, 0.5), optim.StepLR(o, 2)], [9]),
], ids=["step", "cosine", "linear", "chained", "sequential"])  # fmt: skip
def test_a_rate_changed_by_hand_goes_on_from_there(make):
    opt, other = one_group(), one_group()
    schedule, same = make(opt), make(other)
    for _ in range(2):
        schedule.step(), same.step()
    opt.param_groups[0]["lr"] *= 3
    for _ in range(3):
        schedule.step(), same.step()
        assert opt.param_groups[0]["lr"] == pytest.approx(3 * other.param_groups[0]["lr"])


@pytest.mark.parametrize("make", [
    lambda o: optim.StepLR(o, 2, 0.5), lambda o: optim.CosineAnnealingLR(o, 4, 0.1), lambda o: optim.LinearLR(o, 0.5),
    lambda o: optim.LambdaLR(o, lambda t: 1 / (1 + t)),
    lambda o: optim.ChainedScheduler([optim.LinearLR(o, 0.5), optim.StepLR(o, 2)]),
    lambda o: optim.SequentialLR(o, [optim.LinearLR(o, 0.5), optim.StepLR(o, 2)], [3]),
], ids=["step", "cosine", "linear", "lambda", "chained", "sequential"])  # fmt: skip
def test_a_group_added_midway_is_scheduled(make):
    opt = one_group(1.0)
    schedule = make(opt)
    schedule.step()
    opt.add_param_group({"params": [fg.tensor([1.0])], "lr": opt.param_groups[0]["lr"], "initial_lr": 1.0})
    for _ in range(9):
        schedule.step()
        assert opt.param_groups[1]["lr"] == pytest.approx(opt.param_groups[0]["lr"])
    assert len(schedule.get_last_lr()) == len(schedule.base_lrs) == 2
    later = optim.SGD([fg.tensor([1.0])], lr=0.5)
    optim.StepLR(later, 1).step()
    later.add_param_group({"params": [fg.tensor([1.0])], "lr": 7.0})
    schedule = optim.StepLR(later, 1)
    schedule.step()
    assert [g["initial_lr"] for g in later.param_groups] == [0.5, 7.0]
    assert [g["lr"] for g in later.param_groups] == pytest.approx([0.005, 0.7])


def test_a_group_taken_away_by_hand_is_refused():
    opt = optimizer()
    schedule = optim.StepLR(opt, 1)
    del opt.param_groups[0]
    with pytest.raises(BadSetting, match="the optimizer has 1 groups, but had 2"):
        schedule.step()
    assert opt.param_groups[0]["lr"] == 2.0


def test_a_scheduler_of_ones_own():
    class Inverse(optim.Scheduler):
        def rate(self, base, t):
            return base / (1 + t)

    class Halves(optim.Scheduler):
        def get_lr(self):
            return [group["lr"] / 2 for group in self.optimizer.param_groups]

    opt = one_group(1.0)
    inverse, halves = Inverse(opt), Halves(opt)
    assert opt.param_groups[0]["lr"] == 0.5
    halves.step()
    assert opt.param_groups[0]["lr"] == 0.25
    inverse.step()
    assert opt.param_groups[0]["lr"] == 0.5

    class TooMany(optim.Scheduler):
        def get_lr(self):
            return [0.1, 0.2, 0.3]

    with pytest.raises(BadSetting, match="TooMany: get_lr returned 3 rates for 2 groups"):
        TooMany(optimizer())


def test_a_step_that_fails_is_none():
    def factor(t):
        if t == 2:
            raise KeyError("no rate")
        return 1 / (1 + t)

    opt = one_group(1.0)
    schedule = optim.LambdaLR(opt, factor)
    schedule.step()
    with pytest.raises(KeyError):
        schedule.step()
    assert schedule.last_epoch == 1 and opt.param_groups[0]["lr"] == 0.5


# --- states


MAKES = {
    "step": lambda o: optim.StepLR(o, 2, 0.5),
    "cosine": lambda o: optim.CosineAnnealingLR(o, 4, 0.01),
    "linear": lambda o: optim.LinearLR(o, 0.5),
    "lambda": lambda o: optim.LambdaLR(o, lambda t: 1 / (1 + t)),
    "chained": lambda o: optim.ChainedScheduler([optim.LinearLR(o, 0.5), optim.StepLR(o, 2)]),
    "sequential": lambda o: optim.SequentialLR(o, [optim.LinearLR(o, 0.5), optim.CosineAnnealingLR(o, 5)], [3]),
    "nested": lambda o: optim.SequentialLR(
        o, [optim.LinearLR(o, 0.5), optim.ChainedScheduler([optim.StepLR(o, 2), optim.CosineAnnealingLR(o, 7)])], [3]
    ),
}


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("order", ["optimizer", "scheduler", "both ways"])
@pytest.mark.parametrize("steps", [0, 2, 3, 6])
def test_a_schedule_goes_on_exactly_whoever_is_loaded_first(name, order, steps):
    opt = optimizer()
    schedule = MAKES[name](opt)
    for _ in range(steps):
        schedule.step()
    opt.param_groups[1]["lr"] *= 1.5
    states = json.loads(json.dumps([schedule.state_dict(), opt.state_dict()]))
    other = optimizer()
    again = MAKES[name](other)
    if order != "scheduler":
        other.load_state_dict(states[1])
    again.load_state_dict(states[0])
    if order == "both ways":
        other.load_state_dict(states[1])
    for _ in range(9):
        assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in opt.param_groups]
        schedule.step(), again.step()
    assert again.state_dict() == schedule.state_dict()


def test_a_rate_set_after_the_optimizers_state_was_loaded_stays():
    opt, other = one_group(), one_group()
    schedule, again = optim.StepLR(opt, 1), optim.StepLR(other, 1)
    schedule.step()
    other.load_state_dict(opt.state_dict())
    other.param_groups[0]["lr"] = 0.1  # what it was at first, too
    again.load_state_dict(schedule.state_dict())
    assert other.param_groups[0]["lr"] == 0.1 and again.last_epoch == 1


def test_a_scheduler_made_after_the_optimizers_state_was_loaded_knows_the_first_rates():
    opt, other = one_group(), one_group(9.0)
    schedule = optim.CosineAnnealingLR(opt, 10)
    for _ in range(4):
        schedule.step()
    other.load_state_dict(opt.state_dict())
    assert optim.CosineAnnealingLR(other, 10).base_lrs == [0.1]


STATES = {
    "step": [
        ({"base_lrs": [1.0]}, r"base_lrs: \[1.0\] is not a rate for each of 2 groups"),
        ({"base_lrs": [1.0, math.nan]}, "base_lrs: .* is not a rate"),
        ({"base_lrs": "12"}, "base_lrs: '12' is not a rate"),
        ({"lr": [1.0, "2"]}, "lr: .* is not a rate"),
        ({"_last_lr": [1.0] * 3}, "_last_lr: .* is not a rate"),
        ({"last_epoch": -2}, "last_epoch: -2 is not a number of steps"),
        ({"last_epoch": math.nan}, "last_epoch: nan is not a number of steps"),
        ({"last_epoch": math.inf}, "last_epoch: inf is not a number of steps"),
        ({"last_epoch": "3"}, "last_epoch: '3' is not a number of steps"),
        ({"last_epoch": None}, "last_epoch: None is not a number of steps"),
        ({"step_size": 0}, "step_size must be an int of at least 1, got 0"),
        ({"T_max": 3}, "T_max: unexpected"),
    ],
    "linear": [({"start_factor": 2.0}, "start_factor must be between 0 and 1, got 2.0")],
    "chained": [
        ({"_schedulers": [{}]}, "_schedulers: not the states of 2 schedulers"),
        ({"_schedulers": [{}, 3]}, "0.base_lrs: missing; 0.last_epoch: missing; 1.: int, not a dict"),
        ({"_schedulers": None}, "_schedulers: not the states"),
        ({"base_lrs": [1.0]}, "base_lrs"),
    ],
    "sequential": [({"_milestones": [3, 4]}, "need 1 milestone"), ({"base_lrs": [1.0]}, "base_lrs")],
    "lambda": [({"lr_lambdas": [{"a": 1}, None]}, "lr_lambdas: unexpected")],
}


@pytest.mark.parametrize(("name", "change", "text"), [(n, *case) for n, cases in STATES.items() for case in cases])
def test_a_state_that_does_not_fit_leaves_the_schedule_as_it_was(name, change, text):
    schedule = MAKES[name](optimizer())
    schedule.step()
    before = schedule.state_dict()
    with pytest.raises(StateError, match=f"nothing was loaded. .*{text}"):
        schedule.load_state_dict({**before, "last_epoch": 7, **change})
    assert schedule.state_dict() == before
    with pytest.raises(StateError, match="the state: list, not a dict"):
        schedule.load_state_dict([])
    with pytest.raises(StateError, match=r"missing|_schedulers: not the states"):
        schedule.load_state_dict({})
    assert schedule.state_dict() == before
