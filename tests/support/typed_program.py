"""A program with types, as a user writes it. It is read by type checkers, and not run.

Two lines are wrong on purpose.
"""

from pathlib import Path
from typing import reveal_type

import numpy as np
import numpy.typing as npt

import fastgrad as fg
from fastgrad import nn, optim


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        self.gain = nn.Parameter(np.ones(2))

    def forward(self, x: fg.Tensor) -> fg.Tensor:
        y: fg.Tensor = self.layers(x)
        return y * self.gain


model = Net()
x = fg.tensor(np.ones((2, 3)))
logits: fg.Tensor = model(x)
hidden: fg.Tensor = nn.Linear(3, 4)(x)
loss = nn.functional.cross_entropy(model(x), np.array([0, 1]))
adam = optim.Adam(model.parameters(), lr=0.1)
adam.zero_grad()
loss.backward()
adam.step()
norm: fg.Tensor = optim.clip_grad_norm_(model.parameters(), 1.0)


def f(x: npt.NDArray[np.float64], scale: float = 1.0) -> fg.Tensor:
    return fg.sum(x * scale)


reveal_type(fg.grad(f))
fg.grad(f)(np.ones(3), scale=2.0)
fg.grad(f)("wrong")  # an error
fg.checkpoint(f)(np.ones(3), scale="wrong")  # an error


@fg.primitive(vjp=lambda g, y: g * y)
def gate(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.exp(x)


reveal_type(gate)
z: fg.Tensor = gate(x)
picture = fg.draw(loss)
saved: Path = picture.save("a.svg")
text: str = picture.svg
print(fg.explain(loss))
reveal_type(fg.tanh)
h: float = fg.tensor(1.0).item()
handle = x.register_hook(lambda g: g * 2)
handle.remove()
value, pullback = fg.vjp(f, np.ones(3))
for batch in fg.data.batches(np.ones(3), size=2):
    print(batch)
fg.testing.check_grads(f, (np.ones(3),))
with fg.detect_anomaly():
    pass
