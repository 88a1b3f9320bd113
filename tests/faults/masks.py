"""Indexes tensors with masks and indices that another thread overwrites, in NumPy and without the GIL."""

import sys
import threading
import time

import numpy as np

import fastgrad as fg

sys.setswitchinterval(1e-6)
n = 1 << 19
mask, index = np.zeros(n, bool), np.arange(n)
x = fg.tensor(np.ones(n), requires_grad=True)
stop = False


def flip():
    while not stop:
        np.logical_not(mask, out=mask)
        np.subtract(n - 1, index, out=index)


thread = threading.Thread(target=flip)
thread.start()
end = time.monotonic() + 4
try:
    while time.monotonic() < end:
        for key in (mask, index):
            y = x[key]
            assert y.shape == (y.size,) and np.all(y.numpy() == 1.0)
            (g,) = fg.gradients(y.sum(), [x])
            assert g.numpy().sum() == y.size
finally:
    stop = True
    thread.join()
print("survived")
