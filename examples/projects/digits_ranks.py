"""Trains the network of digits on any number of processes: python, or mpiexec -n 4 python, digits_ranks.py.

The optional argument is the number of training steps (default: 300). A run that was interrupted goes on.
"""

import argparse
import os

import numpy as np

import fastgrad as fg
from fastgrad import data, nn, optim, parallel
from fastgrad.demo.digits import load_digits, split_digits

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=300, help="number of steps (default: 300)")
parser.add_argument("--checkpoint", default="digits-ranks.npz", help="file of the run (default: digits-ranks.npz)")
options = parser.parse_args()

ranks = parallel.ranks()
nn.seed(0)
split = split_digits(load_digits(), seed=0)
pictures, held = (x.reshape(-1, 1, 8, 8) for x in (split.x, split.held_x))

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 2 * 2, 10),
)  # fmt: skip
parallel.synchronize_batch_norm(model)
optimizer = parallel.distributed(optim.Adam(model.parameters(), lr=3e-3), model=model, verify=100)
schedule = optim.CosineAnnealingLR(optimizer, options.steps)
batches = data.batches(pictures, split.labels, size=64, seed=0, ranks=ranks)
loss_of = nn.CrossEntropyLoss()

parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "batches": batches}
checkpoint = parallel.Checkpoint(options.checkpoint, every=100, **parts)
checkpoint.load()
with checkpoint:
    while checkpoint.steps < options.steps:
        for x, labels in batches:
            optimizer.zero_grad()
            loss = loss_of(model(x), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            if checkpoint.steps % 50 == 0 or checkpoint.steps == options.steps - 1:
                mean = ranks.mean(loss)
                if ranks.is_first:
                    print(f"step {checkpoint.steps:4d}   loss {mean:.4f}", flush=True)
            checkpoint.step()
            if checkpoint.steps == options.steps:
                break

if ranks.is_first:
    os.remove(options.checkpoint)  # the run is complete
    with fg.no_grad():
        predicted = model.eval()(held).numpy().argmax(axis=1)
    correct = np.mean(predicted == split.held_labels)
    print(f"{ranks.size} ranks: {correct:.1%} of {len(predicted)} held-out digits are classified correctly")
