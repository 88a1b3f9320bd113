"""Mini-batches and the training loop. Prints nothing; progress is reported to a function.

The settings were chosen on splits of the training digits. The held-out digits were not used for any choice, nor for
the step at which training stops.
"""

from time import perf_counter

import numpy as np

BATCH = 32
PATIENCE = 0.2  # seconds between reports, at most
CHECKS = 20  # evaluations of the accuracy on the held-out digits


def batches(x, labels, steps, seed, noise=0.0):
    """Yield `steps` pairs of (BATCH, 64) and (BATCH,): every digit once, in random order, before any repeats."""
    draw = np.random.default_rng(seed)
    size = min(BATCH, len(labels))
    order = np.empty(0, dtype=np.intp)
    for _ in range(steps):
        if len(order) < size:
            order = draw.permutation(len(labels))
        chosen, order = order[:size], order[size:]
        rows = x[chosen]
        if noise:
            rows += noise * draw.standard_normal(rows.shape)
        yield rows, labels[chosen]


class History:
    """The result of training: `losses` of every step, and `checks`, pairs of (steps done, held-out accuracy)."""

    def __init__(self, steps):
        self.losses = np.empty(steps)
        self.checks = []

    @property
    def accuracy(self):
        return self.checks[-1][1]


def accuracy(model, x, labels):
    return float(np.mean(model.predict(x) == labels))


def train(kind, model, split, steps, seed, watch=None):
    """Train `model`, of the given kind, in place; the learning rate falls linearly from `kind.rate` to 0.

    Parameters
    ----------
    watch : function of (steps done, steps, loss, held-out accuracy), optional
        Called after each of the CHECKS evaluations on the held-out digits, and at least every PATIENCE seconds.

    Returns
    -------
    History
    """
    history = History(steps)
    due, silent_until = 0, 0.0
    for done, (x, labels) in enumerate(batches(split.x, split.labels, steps, seed, kind.noise), start=1):
        history.losses[done - 1] = model.step(x, labels, kind.rate * (1.0 - (done - 1) / steps))
        if done == 1 or done >= due:
            due = (done * CHECKS // steps + 1) * steps / CHECKS
            history.checks.append((done, accuracy(model, split.held_x, split.held_labels)))
        elif perf_counter() < silent_until:
            continue
        if watch is not None:
            watch(done, steps, history.losses[done - 1], history.accuracy)
        silent_until = perf_counter() + PATIENCE
    return history
