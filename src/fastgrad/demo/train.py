"""Mini-batches and the training loop. Prints nothing; a callback reports the progress.

The settings were chosen on splits of the training digits. The held-out digits were used neither for these choices nor
to decide when training stops.
"""

from time import perf_counter

import numpy as np

BATCH = 32
REPORT_INTERVAL = 0.2  # maximum number of seconds between reports
CHECKS = 20  # evaluations of the accuracy on the held-out digits


def batches(x, labels, steps, seed, noise=0.0):
    """Yield `steps` batches of inputs and labels, in random order. Every digit is used once before any is repeated."""
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
    """Train `model` in place. The learning rate decreases linearly from `kind.rate` to 0.

    Parameters
    ----------
    watch : function of (steps done, steps, loss, held-out accuracy), optional
        Called after each of the CHECKS evaluations on the held-out digits, and at least every REPORT_INTERVAL seconds.

    Returns
    -------
    History
    """
    history = History(steps)
    due, next_report = 0, 0.0
    for done, (x, labels) in enumerate(batches(split.x, split.labels, steps, seed, kind.noise), start=1):
        history.losses[done - 1] = model.step(x, labels, kind.rate * (1.0 - (done - 1) / steps))
        if done == 1 or done >= due:
            due = (done * CHECKS // steps + 1) * steps / CHECKS
            history.checks.append((done, accuracy(model, split.held_x, split.held_labels)))
        elif perf_counter() < next_report:
            continue
        if watch is not None:
            watch(done, steps, history.losses[done - 1], history.accuracy)
        next_report = perf_counter() + REPORT_INTERVAL
    return history
