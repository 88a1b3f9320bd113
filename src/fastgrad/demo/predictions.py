"""Predictions of the trained network on the held-out digits, its mistakes, and the gradient of one input."""

from typing import NamedTuple

import numpy as np

import fastgrad as fg
from fastgrad.nn import functional as F


class Predictions(NamedTuple):
    """Results on the held-out digits: predicted classes, class probabilities, and confusion[true class, prediction]."""

    predicted: np.ndarray
    probabilities: np.ndarray
    confusion: np.ndarray


class InputGradient(NamedTuple):
    """One digit, the gradient of its loss, and the digit moved against that gradient until its class is correct."""

    number: int
    digit: np.ndarray
    truth: int
    predicted: int
    gradient: np.ndarray
    moved: np.ndarray
    moved_predicted: int
    length: float


def classify(model, split):
    """Classify the held-out digits."""
    with fg.no_grad():
        probabilities = F.softmax(model.scores(split.held_x)).numpy()
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((10, 10), dtype=np.int64)
    np.add.at(confusion, (split.held_labels, predicted), 1)
    return Predictions(predicted, probabilities, confusion)


def misclassified(predictions, split):
    """Return the indices of the misclassified held-out digits, the most confident mistakes first."""
    wrong = np.flatnonzero(predictions.predicted != split.held_labels)
    return wrong[np.argsort(-predictions.probabilities[wrong, predictions.predicted[wrong]])]


def input_gradient(model, split, predictions):
    """Compute the input gradient of the most confident mistake, or of the least certain digit if there is none."""
    wrong = misclassified(predictions, split)
    if len(wrong):
        number = int(wrong[0])
    else:
        number = int(predictions.probabilities.max(axis=1).argmin())
    x, truth = split.held_x[number : number + 1], split.held_labels[number : number + 1]
    pixels = fg.tensor(x, requires_grad=True)
    model.loss(pixels, truth).backward()
    gradient = pixels.grad.numpy()
    direction = gradient / max(float(np.linalg.norm(gradient)), 1e-300)
    for length in np.arange(0.0, 4.01, 0.1):
        moved = np.clip(x - length * direction, 0.0, 1.0)
        now = int(model.predict(moved)[0])
        if now == truth[0] and length > 0.0:
            break
    picture = (8, 8)
    return InputGradient(
        number, x.reshape(picture), int(truth[0]), int(predictions.predicted[number]), gradient.reshape(picture),
        moved.reshape(picture), now, float(length),
    )  # fmt: skip
