"""The smallest circuit, f = (x + y) z: the forward pass, then the chain rule backward."""

import argparse

import fastgrad as fg

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

x, y, z = -2.0, 5.0, -4.0

# By hand. The forward pass, one gate at a time:
q = x + y
f = q * z
# The backward pass starts with df/df = 1. Each gate multiplies the upstream gradient by its local gradient.
df = 1.0
dq, dz = z * df, q * df  # the local gradient of each factor is the other factor
dx, dy = 1.0 * dq, 1.0 * dq  # the local gradients of a sum are 1

# By fastgrad: the same two lines, and `backward`.
X, Y, Z = (fg.tensor(v, requires_grad=True) for v in (x, y, z))
F = (X + Y) * Z
F.backward()

print("           by hand by fastgrad")
for name, hand, engine in [("f", f, F), ("df/dx", dx, X.grad), ("df/dy", dy, Y.grad), ("df/dz", dz, Z.grad)]:
    print(f"{name:6}{hand:12g}{engine.item():12g}")
    assert hand == engine.item()
