"""Random schedules under random sequences of events, step by step against PyTorch's."""

import copy

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import optim
from fastgrad.errors import BadSetting
from tests.optim.random_schedules import composed

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


def pair(library, tensor, groups):
    make = lambda: tensor([1.0], requires_grad=True)
    return library.SGD([{"params": [make()], "lr": lr} for lr in groups], lr=0.1)


def run(seed):
    rng = np.random.default_rng(seed)
    rates = list(rng.uniform(0.01, 1.0, rng.integers(1, 4)))
    mine, theirs = pair(optim, fg.tensor, rates), pair(torch.optim, torch.tensor, rates)
    makes = composed(rng)
    libraries = (optim, mine), (torch.optim.lr_scheduler, theirs)
    schedules = [[make(library, opt) for make in makes] for library, opt in libraries]
    for t in range(20):
        now = [[group["lr"] for group in opt.param_groups] for opt in (mine, theirs)]
        # a rate near 0 / 0 of the cosine is a difference of equal numbers
        np.testing.assert_allclose(now[0], now[1], rtol=1e-9, atol=1e-12, err_msg=f"seed {seed}, step {t}")
        for a, b in zip(*schedules):
            np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-9, atol=1e-12)
        event = rng.integers(12)
        if event == 0:  # by hand
            k, lr = int(rng.integers(len(now[0]))), float(rng.uniform(0.01, 1.0))
            mine.param_groups[k]["lr"] = theirs.param_groups[k]["lr"] = lr
        elif event == 1 and min(now[0]) >= 0:  # saved and loaded, into new ones
            opts = pair(optim, fg.tensor, rates), pair(torch.optim, torch.tensor, rates)
            again = [[make(lib, opt) for make in makes] for (lib, _), opt in zip(libraries, opts)]
            for opt, old, new_ones, old_ones in zip(opts, (mine, theirs), again, schedules):
                opt.load_state_dict(copy.deepcopy(old.state_dict()))
                for new, one in zip(new_ones, old_ones):
                    new.load_state_dict(copy.deepcopy(one.state_dict()))
            (mine, theirs), schedules = opts, again
        elif event == 2:  # PyTorch's state
            try:
                for a, b in zip(*schedules):
                    a.load_state_dict(copy.deepcopy(b.state_dict()))
            except Exception as error:
                raise AssertionError(f"seed {seed}") from error
        theirs.step()
        if min(group["lr"] for group in mine.param_groups) < 0:  # a cosine and another, below eta_min: not followed
            with pytest.raises(BadSetting, match="got -"):
                mine.step()
        else:
            mine.step()
        for one in schedules[0] + schedules[1]:
            one.step()


@pytest.mark.parametrize("seed", range(60))
def test_random_schedules_are_pytorchs(seed):
    run(seed)


@pytest.mark.heavy
def test_many_random_schedules_are_pytorchs():
    for seed in range(1000, 4000):
        run(seed)


def test_a_group_added_midway_is_scheduled_as_pytorchs():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, steps = rng.uniform(0.05, 1.0), int(rng.integers(2, 9))
        make = [
            lambda s, o: s.StepLR(o, steps, a),  # noqa: B023
            lambda s, o: s.CosineAnnealingLR(o, 12),
            lambda s, o: s.LinearLR(o, a, total_iters=steps),  # noqa: B023
        ][seed % 3]
        mine, theirs = pair(optim, fg.tensor, [0.3]), pair(torch.optim, torch.tensor, [0.3])
        one, other = make(optim, mine), make(torch.optim.lr_scheduler, theirs)
        for t in range(10):
            if t == 4:
                mine.add_param_group({"params": [fg.tensor([1.0])], "lr": 0.7})
                theirs.add_param_group({"params": [torch.tensor([1.0])], "lr": 0.7})
            theirs.step(), one.step(), other.step()
            wanted = [group["lr"] for group in theirs.param_groups]
            np.testing.assert_allclose([group["lr"] for group in mine.param_groups], wanted, rtol=1e-12)
