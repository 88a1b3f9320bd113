"""`check_grads` of autograd draws its directions from NumPy's global generator."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeded():
    before = np.random.get_state()
    np.random.seed(42)
    yield
    np.random.set_state(before)
