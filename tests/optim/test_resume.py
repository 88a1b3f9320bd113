"""A run that resumes from files ends with the same bits as an uninterrupted one."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.errors import StateError

OPTIMIZERS = {
    "SGD": lambda ps: optim.SGD(ps, 0.05, momentum=0.9, nesterov=True),
    "Adam": lambda ps: optim.Adam(ps, 0.01, weight_decay=0.1),
    "AdamW": lambda ps: optim.AdamW(ps, 0.01),
    "RMSprop": lambda ps: optim.RMSprop(ps, 0.01, momentum=0.5, centered=True),
    "LBFGS": lambda ps: optim.LBFGS(ps, max_iter=3, line_search_fn="strong_wolfe"),
}
SCHEDULES = {
    "plain": lambda o: optim.StepLR(o, 2, 0.5),
    "composed": lambda o: optim.SequentialLR(o, [optim.LinearLR(o, 0.5), optim.CosineAnnealingLR(o, 5)], [2]),
}
X = np.random.default_rng(0).normal(size=(40, 3))
Y = X.sum(1, keepdims=True)


class Run:
    def __init__(self, optimizer, schedule, dtype, seed):
        nn.seed(seed)
        self.model = nn.Sequential(
            nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Tanh(), nn.Dropout(0.3, rng=seed), nn.Linear(8, 1)
        ).to(dtype)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.schedule = SCHEDULES[schedule](self.optimizer)
        self.batches = fg.data.batches(X.astype(dtype), Y.astype(dtype), size=16, seed=seed)

    def epoch(self):
        for x, y in self.batches:

            def closure(x=x, y=y):
                self.optimizer.zero_grad()
                loss = nn.functional.mse_loss(self.model(x), y)
                loss.backward()
                return loss

            self.optimizer.step(closure)
        self.schedule.step()

    def save(self, path, apart):
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule, "batches": self.batches}
        parts = {name: part.state_dict() for name, part in parts.items()} | {"rng": nn.get_rng_state(self.model)}
        if not apart:
            return nn.save(parts, path)
        for name, part in parts.items():
            nn.save(part, path.with_name(name + path.suffix))

    def load(self, path, apart):
        names = ("model", "optimizer", "schedule", "batches", "rng")
        parts = {name: nn.load(path.with_name(name + path.suffix)) for name in names} if apart else nn.load(path)
        for name in names[:4]:
            getattr(self, name).load_state_dict(parts[name])
        nn.set_rng_state(parts["rng"], self.model)

    def bits(self):
        return [value.numpy().tobytes() for value in self.model.state_dict().values()]


@pytest.mark.parametrize("apart", [False, True], ids=["one file", "a file each"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_a_run_goes_on_bit_for_bit(tmp_path, optimizer, schedule, dtype, apart, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{ending}"
    run = Run(optimizer, schedule, dtype, 1)
    for _ in range(3):
        run.epoch()
    run.save(path, apart)
    for _ in range(3):
        run.epoch()
    again = Run(optimizer, schedule, dtype, 2)
    again.load(path, apart)
    for _ in range(3):
        again.epoch()
    assert again.bits() == run.bits()


def test_random_numbers_go_on_where_their_state_was_taken():
    nn.seed(3)
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5, rng=7))
    x = np.ones((4, 5))
    model(x)
    state = nn.get_rng_state(model)
    assert list(state) == ["", "1.rng"]
    first = model(x).tolist()
    assert model(x).tolist() != first
    nn.set_rng_state(state, model)
    assert model(x).tolist() == first
    own = model[1].rng
    for wrong, text in [
        ({"": state[""]}, "'1.rng': missing"),
        ({**state, "2.rng": 1}, "'2.rng': unexpected"),
        ({**state, "": {"bit_generator": "MT19937"}}, "'': "),
        ({**state, "": np.random.Generator(np.random.SFC64(1)).bit_generator.state}, "'': of a SFC64"),
        ({**state, "1.rng": {"bit_generator": "Generator"}}, "'1.rng': .* is not a bit generator of NumPy"),
        ({**state, "1.rng": 3}, "'1.rng': "),
        ([], "list, not a dict"),
    ]:
        before = nn.get_rng_state(model)
        with pytest.raises(StateError, match=f"none was set. .*{text}"):
            nn.set_rng_state(wrong, model)
        assert nn.get_rng_state(model) == before and model[1].rng is own


def test_batches_go_on_with_their_next_order():
    made, again = (fg.data.batches(np.arange(9), size=4, seed=seed) for seed in (1, 2))
    list(made)
    again.load_state_dict(made.state_dict())
    assert [b.tolist() for b in made] == [b.tolist() for b in again]
    with pytest.raises(StateError, match="batches"):
        again.load_state_dict({"rng": 3})
