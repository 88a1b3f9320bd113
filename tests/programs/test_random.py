"""Random functions and training steps give the same bits compiled and called as they are."""

import pytest

from tests.support import random_steps, random_training

FEW, MANY, PART = 200, 6000, 50


def pytest_generate_tests(metafunc):
    if "first" in metafunc.fixturenames:
        last = MANY if metafunc.config.getoption("--slow") else FEW
        metafunc.parametrize("first", range(0, last, PART))


@pytest.mark.parametrize("compare", [random_steps.compare, random_training.compare], ids=["functions", "training"])
def test_programs_agree_with_their_functions(first, compare):
    """None differs, and none is refused by a CompileError."""
    for seed in range(first, first + PART):
        said = compare(seed)
        assert said is None, f"seed {seed}: {said}"
