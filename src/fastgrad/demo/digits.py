"""The digits that the package contains, and their split into training and held-out sets."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

TITLE = "Optical Recognition of Handwritten Digits"
AUTHORS = "E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository"
DOI = "10.24432/C50P49"
LICENCE = "CC BY 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
HELD_OUT = 360


class Digits(NamedTuple):
    """All digits: `images` (1797, 8, 8) of uint8 in 0..16, `labels` (1797,) of int64 in 0..9."""

    images: np.ndarray
    labels: np.ndarray


class Split(NamedTuple):
    """Digits as rows of 64 float64 in 0..1: the training set and the held-out set, which serves only for the score."""

    x: np.ndarray
    labels: np.ndarray
    held_x: np.ndarray
    held_labels: np.ndarray


def load_digits():
    """Read the 1,797 digits of 8 by 8 pixels that are embedded in the package (UCI, CC BY 4.0; see digits.txt).

    Returns
    -------
    Digits
        `images`, uint8 of shape (1797, 8, 8) with values 0 to 16, and `labels`, int64 of shape (1797,).
    """
    with np.load(Path(__file__).with_name("digits.npz")) as stored:
        return Digits(stored["images"], stored["labels"].astype(np.int64))


def split_digits(digits, seed, held_out=HELD_OUT):
    """Shuffle with `seed` and hold out the last `held_out` digits."""
    order = np.random.default_rng(seed).permutation(len(digits.labels))
    x = digits.images.reshape(len(digits.labels), 64) / 16.0
    learn, held = order[:-held_out], order[-held_out:]
    return Split(x[learn], digits.labels[learn], x[held], digits.labels[held])
