"""Schedulers: the rates they give, step by step, as numbers; how they are put together, saved, refused."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import optim
from fastgrad.errors import DTypeError


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
    second.load_state_dict(first.state_dict())
    assert second.get_last_lr() == first.get_last_lr() == [0.1, 0.2]
    assert second.state_dict() == {"last_epoch": 4, "base_lrs": [1, 2]}


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda o: optim.StepLR(o, 0), ValueError, "step_size=0 is not at least 1"),
        (lambda o: optim.CosineAnnealingLR(o, -1), ValueError, "T_max=-1 is not"),
        (lambda o: optim.LinearLR(o, 2.0), ValueError, "start_factor=2.0 does not lie between 0 and 1"),
        (lambda o: optim.LinearLR(o, total_iters=float("nan")), ValueError, "total_iters=nan"),
        (
            lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)], [3]),
            ValueError,
            "1 schedulers need one milestone less",
        ),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 3, [3, 2]), ValueError, "ascending"),
        (lambda o: optim.ChainedScheduler([]), ValueError, "at least one scheduler"),
        (lambda o: optim.StepLR([1], 1), DTypeError, "StepLR takes an Optimizer, got list"),
    ],
)
def test_what_a_scheduler_refuses(call, error, text):
    with pytest.raises(error, match=text):
        call(optimizer())
