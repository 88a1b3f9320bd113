"""Classifies handwritten digits with a small convolutional network.

The optional argument is the number of training steps (default: 300).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad import data, nn, optim
from fastgrad.demo.digits import load_digits, split_digits

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=300, help="number of steps (default: 300)")
steps = parser.parse_args().steps
nn.seed(0)
split = split_digits(load_digits(), seed=0)
pictures, held = (x.reshape(-1, 1, 8, 8) for x in (split.x, split.held_x))

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 2 * 2, 10),
)  # fmt: skip
print(model)
optimizer = optim.Adam(model.parameters(), lr=3e-3)
loss_of = nn.CrossEntropyLoss()

done = 0
while done < steps:
    for x, labels in data.batches(pictures, split.labels, size=64, seed=done):
        loss = loss_of(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if done % 50 == 0 or done == steps - 1:
            print(f"step {done:4d}   loss {loss.item():.4f}")
        done += 1
        if done == steps:
            break

with fg.no_grad():
    predicted = model(held).numpy().argmax(axis=1)
print(f"{np.mean(predicted == split.held_labels):.1%} of {len(predicted)} held-out digits are classified correctly")
