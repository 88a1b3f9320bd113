"""micrograd's demo with different imports: classifies two half moons. Every number is a Value.

The optional argument is the number of training steps (default: 100).
"""

import argparse
import math
import random

from fastgrad.micrograd.engine import Value
from fastgrad.micrograd.nn import MLP

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=100, help="number of steps (default: 100)")
steps = parser.parse_args().steps
random.seed(1337)


def moons(n):
    """Points on two interleaved half circles, with noise, and their labels, -1 or 1."""
    points, labels = [], []
    for k in range(n):
        t = random.uniform(0, math.pi)
        x, y = (math.cos(t), math.sin(t)) if k % 2 else (1 - math.cos(t), 0.5 - math.sin(t))
        points.append((x + random.gauss(0, 0.1), y + random.gauss(0, 0.1)))
        labels.append(1 if k % 2 else -1)
    return points, labels


points, labels = moons(100)
model = MLP(2, [16, 16, 1])
print(model)
print(f"{len(model.parameters())} parameters")


def loss():
    """Max-margin loss with L2 regularisation, and the accuracy."""
    inputs = [list(map(Value, point)) for point in points]
    scores = list(map(model, inputs))
    margins = [(1 + -label * score).relu() for label, score in zip(labels, scores)]
    data_loss = sum(margins) * (1.0 / len(margins))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    correct = [(label > 0) == (score.data > 0) for label, score in zip(labels, scores)]
    return data_loss + reg_loss, sum(correct) / len(correct)


for k in range(steps):
    total_loss, accuracy = loss()
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9 * k / 100
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    if k % 10 == 0 or k == steps - 1:
        print(f"step {k:3d}   loss {total_loss.data:.6f}   accuracy {accuracy:.0%}")

print("predicted labels in the plane ('#': 1, '.': -1):")
for row in range(12):
    y = 1.6 - 2.6 * row / 11
    print("  " + "".join("#" if model([-1.6 + 4.2 * column / 47, y]).data > 0 else "." for column in range(48)))
