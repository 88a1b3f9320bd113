"""A recurrent network that learns to write a text, character by character.

The optional argument is the number of training steps (default: 400).
"""

import argparse

import numpy as np

import fastgrad as fg
from fastgrad import nn, optim

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("steps", type=int, nargs="?", default=400, help="number of steps (default: 400)")
steps = parser.parse_args().steps
TEXT = """gradients flow backward through the graph.
an add gate distributes the gradient to all of its inputs.
a multiply gate swaps its inputs and scales them by the gradient.
a max gate routes the gradient to the largest of its inputs.
where a value forks, the gradients of its branches add up.
"""
letters = sorted(set(TEXT))
code = np.array([letters.index(c) for c in TEXT])
LENGTH, BATCH = 48, 16

nn.seed(1)
rng = np.random.default_rng(1)


class Writer(nn.Module):
    """Computes scores of the next character from characters."""

    def __init__(self, n, width):
        super().__init__()
        self.embedding = nn.Embedding(n, 16)
        self.lstm = nn.LSTM(16, width, batch_first=True)
        self.head = nn.Linear(width, n)

    def forward(self, x, state=None):
        h, state = self.lstm(self.embedding(x), state)
        return self.head(h), state


model = Writer(len(letters), 64)
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for k in range(steps):
    starts = rng.integers(0, len(code) - LENGTH - 1, BATCH)
    x = np.stack([code[s : s + LENGTH] for s in starts])
    targets = np.stack([code[s + 1 : s + LENGTH + 1] for s in starts])
    scores, _ = model(x)
    loss = nn.functional.cross_entropy(scores.reshape(-1, len(letters)), targets.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optim.clip_grad_norm_(list(model.parameters()), 1.0)
    optimizer.step()
    if k % 50 == 0 or k == steps - 1:
        print(f"step {k:4d}   loss {loss.item():.4f} per character")

with fg.no_grad():
    text, state = "a", None
    for _ in range(120):
        scores, state = model(np.array([[letters.index(text[-1])]]), state)
        text += letters[int(scores[0, -1].numpy().argmax())]
print("generated text:")
print(text)
