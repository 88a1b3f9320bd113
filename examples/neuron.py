"""A sigmoid neuron with two inputs, two weights and a bias: all five gradients."""

import argparse
import math

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

w = [2.0, -3.0, -3.0]
x = [-1.0, -2.0]

# By hand. The forward pass:
dot = w[0] * x[0] + w[1] * x[1] + w[2]
f = 1.0 / (1.0 + math.exp(-dot))
# The backward pass. The local gradient of the sigmoid is (1 - f) f, a function of its output.
ddot = (1 - f) * f
dx = [w[0] * ddot, w[1] * ddot]
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]

# By fastgrad:
W = fg.tensor(w, requires_grad=True)
X = fg.tensor(x, requires_grad=True)
F = (W[0] * X[0] + W[1] * X[1] + W[2]).sigmoid()
F.backward()

print(f"{'':6}{'by hand':>24}{'by fastgrad':>24}")
print(f"{'f':6}{f!r:>24}{F.item()!r:>24}")
for name, hand, engine in [("dx", dx, X.grad), ("dw", dw, W.grad)]:
    for k, (a, b) in enumerate(zip(hand, engine.tolist(), strict=True)):
        print(f"{name}[{k}] {a!r:>24}{b!r:>24}")
        assert a == b
