"""A network with one hidden layer, trained twice from the same weights: with gradients by hand and by fastgrad.

By hand, the backward pass goes layer by layer: loss -> output -> hidden -> input. Then the weights are updated:
W -= learning_rate * dW.
"""

import argparse

import numpy as np

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

rng = np.random.default_rng(1)
data = rng.uniform(-1, 1, size=(64, 2))
target = np.where(data[:, :1] * data[:, 1:] > 0, 1.0, -1.0)  # same sign or not, which is not linearly separable
start = [rng.normal(size=(2, 16)), np.zeros(16), rng.normal(size=(16, 1)) / 4, np.zeros(1)]
learning_rate = 0.25
steps = 300


def train_by_hand():
    w1, b1, w2, b2 = (p.copy() for p in start)
    losses = []
    for _ in range(steps):
        hidden = np.maximum(data @ w1 + b1, 0)
        output = hidden @ w2 + b2
        error = output - target
        losses.append((error * error).sum() / (2 * len(data)))
        # loss -> output
        doutput = error / len(data)
        # output -> hidden
        dw2, db2 = hidden.T @ doutput, doutput.sum(axis=0)
        dhidden = doutput @ w2.T
        dhidden[hidden <= 0] = 0  # relu passes the gradient where its output is positive
        # hidden -> input
        dw1, db1 = data.T @ dhidden, dhidden.sum(axis=0)
        for p, dp in (w1, dw1), (b1, db1), (w2, dw2), (b2, db2):
            p -= learning_rate * dp
    return losses, [w1, b1, w2, b2]


def train_by_fastgrad():
    parameters = [fg.tensor(p, requires_grad=True) for p in start]
    w1, b1, w2, b2 = parameters
    losses = []
    for _ in range(steps):
        hidden = (data @ w1 + b1).relu()
        error = hidden @ w2 + b2 - target
        loss = (error * error).sum() / (2 * len(data))
        loss.backward()
        with fg.no_grad():
            for p in parameters:
                p -= learning_rate * p.grad
                p.grad = None
        losses.append(loss.item())
    return losses, parameters


hand_losses, hand_weights = train_by_hand()
fastgrad_losses, fastgrad_weights = train_by_fastgrad()

print(f"{'step':>6}{'loss by hand':>24}{'loss by fastgrad':>24}")
for step in 0, 1, 10, 100, steps - 1:
    print(f"{step:6}{float(hand_losses[step])!r:>24}{fastgrad_losses[step]!r:>24}")
assert hand_losses[-1] < 0.2 * hand_losses[0]
for hand, engine in zip(hand_weights, fastgrad_weights, strict=True):
    # The divisors are powers of two, so both round alike.
    np.testing.assert_array_max_ulp(hand, engine.numpy(), 2)
print("all weights agree within two units in the last place")
