"""A neural ordinary differential equation: a network learns the velocity field of a spiral from points along it.

The gradient is computed through all steps of a fourth-order Runge-Kutta integrator. The optional argument is the number
of training steps (default: 300).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad import nn, optim

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=300, help="number of steps (default: 300)")
steps = parser.parse_args().steps
DT, N = 0.1, 25
A = np.array([[-0.1, 2.0], [-2.0, -0.1]])


def integrate(velocity, y, n):
    """Return y and the n following states, DT apart."""
    states = [y]
    for _ in range(n):
        k1 = velocity(y)
        k2 = velocity(y + DT / 2 * k1)
        k3 = velocity(y + DT / 2 * k2)
        k4 = velocity(y + DT * k3)
        y = y + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(y)
    return states


rng = np.random.default_rng(0)
start = rng.uniform(-2, 2, size=(32, 2))
truth = np.stack(integrate(lambda y: (y**3) @ A.T / 4 + y @ A.T / 2, start, N))

nn.seed(0)
model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for k in range(steps):
    states = fg.stack(integrate(model, fg.asarray(start), N))
    loss = fg.mean(fg.abs(states - truth))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if k % 50 == 0 or k == steps - 1:
        print(f"step {k:4d}   mean distance from the true path {loss.item():.4f}")
