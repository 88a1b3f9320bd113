"""How gradients flow: add distributes, multiply swaps, max routes, copy sums. f = 2 (x y + max(z, w))."""

import numpy as np

import fastgrad as fg

x, y, z, w = 3.0, -4.0, 2.0, -1.0

# By hand. Forward:
p = x * y
m = max(z, w)
s = p + m
f = 2 * s
# Backward:
ds = 2.0
dp, dm = ds, ds  # add distributes the upstream gradient to all its inputs alike
dx, dy = y * dp, x * dp  # multiply swaps: each input receives the other, times the upstream gradient
dz, dw = (dm, 0.0) if z > w else (0.0, dm)  # max routes it to the winner

# By the engine:
X, Y, Z, W = (fg.tensor(v, requires_grad=True) for v in (x, y, z, w))
F = 2 * (X * Y + np.maximum(Z, W))
F.backward()

print("gate        variable   by hand   by engine")
for gate, name, hand, engine in [
    ("multiply", "x", dx, X.grad), ("multiply", "y", dy, Y.grad), ("max", "z", dz, Z.grad), ("max", "w", dw, W.grad),
]:  # fmt: skip
    print(f"{gate:12}{name:8}{hand:10g}{engine.item():12g}")
    assert hand == engine.item()

# Copying is a gate as well: one bias added to four rows is four copies, and their gradients are summed.
upstream = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
bias = fg.tensor([0.5, -0.5], requires_grad=True)
(np.zeros((4, 2)) + bias).backward(upstream)
print(f"{'copy':12}{'bias':8}{upstream.sum(axis=0)!s:>10}{bias.grad.numpy()!s:>12}")
assert (bias.grad.numpy() == upstream.sum(axis=0)).all()

# What follows from "multiply swaps": if the data are a thousand times larger, so are the weights' gradients.
for scale in 1, 1000:
    g = fg.grad(lambda weight, scale=scale: weight * (3.0 * scale))(0.1)
    print(f"data x {scale:<5} weight's gradient {g:g}")
