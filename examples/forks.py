"""A variable that is used more than once: the gradients that come back along the branches add up."""

import math

import fastgrad as fg

x, y = 0.5, -1.5

# By hand. x goes into three places:
f = x * y + math.sin(x) + x * x
dx = y  # along x * y
dx += math.cos(x)  # along sin(x)
dx += x  # along x * x, first factor
dx += x  # along x * x, second factor
dy = x

# By the engine:
X = fg.tensor(x, requires_grad=True)
Y = fg.tensor(y, requires_grad=True)
F = X * Y + fg.sin(X) + X * X
F.backward()

print(f"{'':6}{'by hand':>24}{'by engine':>24}")
for name, hand, engine in [("f", f, F), ("df/dx", dx, X.grad), ("df/dy", dy, Y.grad)]:
    print(f"{name:6}{hand!r:>24}{engine.item()!r:>24}")
    assert abs(hand - engine.item()) <= 2 * math.ulp(hand)  # the engine may add the branches in another order

# The same holds from call to call: a leaf collects until it is reset.
F = X * Y
F.backward()
print(f"\nafter a second backward, of x y: {X.grad.item()!r} = {dx!r} + {y!r}")
X.grad = None
