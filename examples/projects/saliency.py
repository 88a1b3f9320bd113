"""Shows which pixels affect the score of a digit, by its gradient with respect to the image.

Trains a small network on the digits of the package, then prints digits next to the gradient of their score: more ink
increases the score at + and decreases it at -. The optional argument is the number of training steps (default: 300).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad.demo.digits import load_digits, split_digits
from fastgrad.nn import functional as F

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=300, help="number of steps (default: 300)")
steps = parser.parse_args().steps
split = split_digits(load_digits(), seed=0)
rng = np.random.default_rng(0)
w1 = fg.tensor(rng.normal(size=(64, 32)) / 8.0, requires_grad=True)
b1 = fg.tensor(np.zeros(32), requires_grad=True)
w2 = fg.tensor(rng.normal(size=(32, 10)) / 6.0, requires_grad=True)
b2 = fg.tensor(np.zeros(10), requires_grad=True)
parameters = [w1, b1, w2, b2]


def scores(x):
    return (fg.asarray(x) @ w1 + b1).tanh() @ w2 + b2


for _ in range(steps):
    batch = rng.integers(0, len(split.x), 64)
    loss = F.cross_entropy(scores(split.x[batch]), split.labels[batch])
    loss.backward()
    with fg.no_grad():
        for p in parameters:
            p -= 0.5 * p.grad
            p.grad = None

with fg.no_grad():
    predicted = scores(split.held_x).numpy().argmax(axis=1)
accuracy = np.mean(predicted == split.held_labels)
print(f"{accuracy:.1%} of {len(predicted)} held-out digits are classified correctly after {steps} steps")

for digit in (3, 8):
    picture = split.held_x[np.flatnonzero(split.held_labels == digit)[0]]
    slope = fg.grad(lambda x, digit=digit: scores(x[None])[0, digit])(picture).reshape(8, 8)
    largest = np.abs(slope).max()
    print(f"\na {digit}" + " " * 17 + f"gradient of the score of {digit}")
    for ink, gain in zip(picture.reshape(8, 8), slope):
        marks = "".join("  " if abs(g) < largest / 4 else "++" if g > 0 else "--" for g in gain)
        print("  " + "".join(" .:*#"[int(4 * v)] * 2 for v in ink) + "    |" + marks + "|")
