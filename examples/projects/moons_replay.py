"""Two half moons as in moons.py, but the graph is built once: `replay` makes it a program of its 65,000 operations.

The optional argument is the number of training steps (default: 300).
"""

import argparse
import math
import random
import time

from fastgrad.micrograd.engine import Value, replay
from fastgrad.micrograd.nn import MLP

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=300, help="number of steps (default: 300)")
steps = parser.parse_args().steps
random.seed(1337)


def moon(label):
    """A point on one of two interleaved half circles, with noise."""
    t = random.uniform(0, math.pi)
    x, y = (math.cos(t), math.sin(t)) if label > 0 else (1 - math.cos(t), 0.5 - math.sin(t))
    return [x + random.gauss(0, 0.1), y + random.gauss(0, 0.1)]


labels = [1 if k % 2 else -1 for k in range(100)]
inputs = [[Value(v) for v in moon(label)] for label in labels]
model = MLP(2, [16, 16, 1])

scores = [model(x) for x in inputs]
margins = [(1 + -label * score).relu() for label, score in zip(labels, scores)]
loss = sum(margins) * (1.0 / len(margins)) + 1e-4 * sum(p * p for p in model.parameters())
program = replay(loss, refresh=scores)
print(program)

start = time.perf_counter()
for k in range(steps):
    for x, label in zip(inputs, labels):  # other points in every step: the program reads what the leaves hold
        x[0].data, x[1].data = moon(label)
    model.zero_grad()
    value = program()
    accuracy = sum((score.data > 0) == (label > 0) for label, score in zip(labels, scores)) / len(labels)
    learning_rate = 1.0 - 0.9 * k / steps
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    if k % 50 == 0 or k == steps - 1:
        print(f"step {k:3d}   loss {value:.6f}   accuracy {accuracy:.0%}")
print(f"{(time.perf_counter() - start) / max(steps, 1) * 1e3:.2f} ms per step")
