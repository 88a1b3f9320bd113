"""Settings that the schedulers under PyTorch's names refuse, their states, and rates of groups added later."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import optim
from fastgrad.errors import BadSetting, StateError


def made(**settings):
    return optim.SGD([fg.tensor([1.0], requires_grad=True)], lr=0.1, **settings)


REFUSED = [
    (lambda o: optim.ExponentialLR(o, "x"), "ExponentialLR: gamma must be a finite number, got 'x'"),
    (lambda o: optim.MultiStepLR(o, [1.5]), r"MultiStepLR: milestones must be ints, got \[1.5\]"),
    (lambda o: optim.ConstantLR(o, 0.0), "ConstantLR: factor must be greater than 0 and at most 1, got 0.0"),
    (lambda o: optim.PolynomialLR(o, 0), "PolynomialLR: total_iters must be an int of at least 1, got 0"),
    (lambda o: optim.MultiplicativeLR(o, [abs, abs]).step(), "MultiplicativeLR: got 2 functions for 1 groups"),
    (lambda o: optim.CosineAnnealingWarmRestarts(o, 0), "CosineAnnealingWarmRestarts: T_0 must be an int of at least"),
    (lambda o: optim.CosineAnnealingWarmRestarts(o, 2).step(-1), "epoch must be at least 0, got -1"),
    (
        lambda o: optim.OneCycleLR(optim.Adagrad(o.param_groups[0]["params"]), 0.1, 9),
        "cycle_momentum must be False for an optimizer without momentum",
    ),
    (lambda o: optim.OneCycleLR(o, 0.1, epochs=3), "OneCycleLR without total_steps: steps_per_epoch must be an int"),
    (lambda o: optim.OneCycleLR(o, 0.1, 9, pct_start=2), "OneCycleLR: pct_start must be between 0 and 1, got 2"),
    (lambda o: optim.OneCycleLR(o, 0.1, 9, anneal_strategy="exp"), 'anneal_strategy must be "cos" or "linear"'),
    (lambda o: optim.OneCycleLR(o, 0.1, 9, div_factor=0), "OneCycleLR: div_factor must be greater than 0, got 0"),
    (lambda o: optim.OneCycleLR(o, [0.1] * 3, 9), "max_lr must be one number, or one for each of 1 groups"),
    (lambda o: optim.ReduceLROnPlateau(o, "best"), 'ReduceLROnPlateau: mode must be "min" or "max", got \'best\''),
    (lambda o: optim.ReduceLROnPlateau(o, threshold_mode="x"), 'threshold_mode must be "rel" or "abs", got \'x\''),
    (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), "ReduceLROnPlateau: factor must be less than 1, got 1.0"),
    (lambda o: optim.ReduceLROnPlateau(o, patience=-1), "patience must be an int of at least 0, got -1"),
    (lambda o: optim.ReduceLROnPlateau(o, min_lr=[0, 1]), "min_lr must be one number, or one for each of 1 groups"),
    (lambda o: optim.ReduceLROnPlateau(o).step("x"), "ReduceLROnPlateau.step: metrics must be a number, got 'x'"),
    (lambda o: optim.Adamax(o.param_groups[0]["params"], betas=0.9), "Adamax: betas must be a pair of numbers"),
    (lambda o: optim.Adagrad(o.param_groups[0]["params"], lr_decay=-1), "Adagrad: lr_decay must be at least 0"),
    (lambda o: optim.Adadelta(o.param_groups[0]["params"], rho=2), "Adadelta: rho must be at least 0 and less than"),
]


@pytest.mark.parametrize(("call", "text"), REFUSED, ids=[text[:30] for _, text in REFUSED])
def test_settings_out_of_range_are_refused(call, text):
    with pytest.raises(BadSetting, match=text):
        call(made())


def test_a_cycle_has_an_end():
    schedule = optim.OneCycleLR(made(momentum=0.9), 0.1, total_steps=2)
    schedule.step(), schedule.step()
    with pytest.raises(BadSetting, match="step 3 is after the last one of 2 steps: pass a larger total_steps"):
        schedule.step()
    assert schedule.last_epoch == 2


SCHEDULES = [
    lambda o: optim.ExponentialLR(o, 0.9), lambda o: optim.MultiStepLR(o, [2, 4]), lambda o: optim.ConstantLR(o),
    lambda o: optim.PolynomialLR(o, 9), lambda o: optim.CosineAnnealingWarmRestarts(o, 3, 2),
    lambda o: optim.OneCycleLR(o, 0.5, 20),
]  # fmt: skip


@pytest.mark.parametrize("make", SCHEDULES)
def test_a_schedule_continues_from_its_state(make, tmp_path):
    o = made(momentum=0.9)
    schedule = make(o)
    for _ in range(4):
        schedule.step()
    fg.nn.save({"schedule": schedule.state_dict(), "optimizer": o.state_dict()}, str(tmp_path / "state.npz"))
    wanted = []
    for _ in range(5):
        schedule.step()
        wanted.append(o.param_groups[0]["lr"])
    o = made(momentum=0.9)
    schedule, state = make(o), fg.nn.load(str(tmp_path / "state.npz"))
    o.load_state_dict(state["optimizer"]), schedule.load_state_dict(state["schedule"])
    for want in wanted:
        schedule.step()
        assert o.param_groups[0]["lr"] == want


def test_a_plateau_continues_from_its_state(tmp_path):
    o = made()
    schedule = optim.ReduceLROnPlateau(o, patience=2)
    schedule.step(1.0), schedule.step(2.0)
    fg.nn.save({"schedule": schedule.state_dict()}, str(tmp_path / "state.npz"))
    again = optim.ReduceLROnPlateau(made(), patience=7)
    again.load_state_dict(fg.nn.load(str(tmp_path / "state.npz"))["schedule"])
    assert (again.patience, again.best, again.num_bad_epochs) == (2, 1.0, 1)
    with pytest.raises(StateError, match="ReduceLROnPlateau: patience must be an int of at least 0, got -3"):
        again.load_state_dict({**schedule.state_dict(), "patience": -3})


def test_a_group_that_is_added_later_is_reduced_too():
    o = made()
    schedule = optim.ReduceLROnPlateau(o, patience=0)
    o.add_param_group({"params": [fg.tensor([1.0], requires_grad=True)], "lr": 1.0})
    schedule.step(1.0), schedule.step(1.0)
    np.testing.assert_allclose(schedule.get_last_lr(), [0.01, 0.1])


def test_the_module_of_the_schedulers_is_pytorchs():
    assert optim.lr_scheduler.LRScheduler is optim.Scheduler
    for name in optim.lr_scheduler.__all__:
        assert getattr(optim.lr_scheduler, name) is getattr(optim, name, optim.Scheduler)
