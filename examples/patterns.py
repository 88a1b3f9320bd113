"""Patterns in gradient flow: add distributes, multiply swaps, max routes, copy sums. f = 2 (x y + max(z, w))."""

import argparse

import numpy as np

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

x, y, z, w = 3.0, -4.0, 2.0, -1.0

# By hand. The forward pass:
p = x * y
m = max(z, w)
s = p + m
f = 2 * s
# The backward pass:
ds = 2.0
dp, dm = ds, ds  # add distributes the upstream gradient equally to its inputs
dx, dy = y * dp, x * dp  # multiply swaps: each input gets the other one times the upstream gradient
dz, dw = (dm, 0.0) if z > w else (0.0, dm)  # max routes the gradient to the largest input

# By fastgrad:
X, Y, Z, W = (fg.tensor(v, requires_grad=True) for v in (x, y, z, w))
F = 2 * (X * Y + np.maximum(Z, W))
F.backward()

print("gate        variable   by hand by fastgrad")
for gate, name, hand, engine in [
    ("multiply", "x", dx, X.grad), ("multiply", "y", dy, Y.grad), ("max", "z", dz, Z.grad), ("max", "w", dw, W.grad),
]:  # fmt: skip
    print(f"{gate:12}{name:8}{hand:10g}{engine.item():12g}")
    assert hand == engine.item()

# Copying is a gate, too: a bias that is added to four rows is copied four times, and the gradients are summed.
upstream = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
bias = fg.tensor([0.5, -0.5], requires_grad=True)
(np.zeros((4, 2)) + bias).backward(upstream)
print(f"{'copy':12}{'bias':8}{upstream.sum(axis=0)!s:>10}{bias.grad.numpy()!s:>12}")
assert (bias.grad.numpy() == upstream.sum(axis=0)).all()

# Since multiply swaps, gradients of weights are proportional to the data.
for scale in 1, 1000:
    g = fg.grad(lambda weight, scale=scale: weight * (3.0 * scale))(0.1)
    print(f"data x {scale:<5} gradient of the weight {g:g}")
