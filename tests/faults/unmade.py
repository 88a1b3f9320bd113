"""Tries to use a tensor made without its constructor. A script: prints "ok" if that is impossible or harmless."""

import copy
import pickle

import fastgrad as fg

USES = (
    repr,
    len,
    float,
    copy.copy,
    copy.deepcopy,
    pickle.dumps,
    lambda t: t.shape,
    lambda t: t + 1.0,
    lambda t: t.sum(),
    lambda t: t[0],
    lambda t: t.requires_grad_(),
    lambda t: t.backward(),
    lambda t: t.numpy(),
    lambda t: memoryview(t),
    lambda t: fg.gradients(t, t),
)

for make in (lambda: fg.Tensor.__new__(fg.Tensor), lambda: fg.Tensor(), lambda: object.__new__(fg.Tensor)):
    for use in USES:
        try:
            use(make())
        except Exception as error:
            assert str(error)
print("ok")
