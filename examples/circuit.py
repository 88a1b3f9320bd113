"""The smallest circuit, f = (x + y) z: forward left to right, then the chain rule right to left."""

import fastgrad as fg

x, y, z = -2.0, 5.0, -4.0

# By hand. Forward, one gate at a time:
q = x + y
f = q * z
# Backward: start with df/df = 1; each gate multiplies the upstream gradient by its local one.
df = 1.0
dq, dz = z * df, q * df  # a product hands each input the other
dx, dy = 1.0 * dq, 1.0 * dq  # a sum hands its gradient on unchanged

# By the engine: the same two lines forward; backward writes itself.
X, Y, Z = (fg.tensor(v, requires_grad=True) for v in (x, y, z))
F = (X + Y) * Z
F.backward()

print("           by hand   by engine")
for name, hand, engine in [("f", f, F), ("df/dx", dx, X.grad), ("df/dy", dy, Y.grad), ("df/dz", dz, Z.grad)]:
    print(f"{name:6}{hand:12g}{engine.item():12g}")
    assert hand == engine.item()
