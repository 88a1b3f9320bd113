"""The model of the cost: known values, limits, and the command that prints it."""

import numpy as np
import pytest

from fastgrad.cli import main
from fastgrad.parallel import cost

NETWORK = cost.Network(latency=2e-6, bandwidth=1e10, overlap=0.5)
SETTINGS = {"bucket": 1000.0, "large": 0.0, "spread": 0.0}


def test_the_time_of_a_sum_by_hand():
    assert cost.all_reduce(1e6, 1, NETWORK) == 0
    assert cost.all_reduce(8, 16, NETWORK) == pytest.approx(4 * (2e-6 + 8e-10))  # recursive doubling
    assert cost.all_reduce(1e9, 4, NETWORK) == pytest.approx(8e-6 + 1.5 * 0.1)  # reduce-scatter, all-gather
    times = [cost.all_reduce(1e6, n, NETWORK) for n in (2, 4, 8, 100, 10_000)]
    assert times == sorted(times)


def test_what_is_hidden_and_what_is_not():
    step = cost.predict(2, 4000.0, 1.0, NETWORK, **SETTINGS)
    one = cost.all_reduce(1000, 2, NETWORK)
    assert step.sending == pytest.approx(4 * one)
    assert step.visible == pytest.approx(one)  # three of four buckets are sent while a second is computed
    busy = cost.predict(2, 4000.0, 1.0, NETWORK._replace(overlap=0.0), **SETTINGS)
    assert busy.visible == pytest.approx(4 * one)
    assert busy.total == pytest.approx(1 + 4 * one)
    assert busy.efficiency == pytest.approx(1 / (1 + 4 * one))
    large = cost.predict(2, 4000.0, 1.0, NETWORK, **{**SETTINGS, "large": 3000.0})
    assert large.sending == pytest.approx(cost.all_reduce(3000, 2, NETWORK) + one)
    assert cost.predict(1, 4000.0, 1.0, NETWORK, **SETTINGS).efficiency == 1


def test_the_slowest_of_many_ranks():
    """The model of the waiting, against draws: an upper bound that is not far."""
    rng = np.random.default_rng(0)
    for n in (4, 64, 1000):
        found = rng.normal(1.0, 0.02, (2000, n)).max(1).mean() - 1
        step = cost.predict(n, 8.0, 1.0, NETWORK, **{**SETTINGS, "spread": 0.02})
        assert found < step.waiting < 1.7 * found


def test_the_command(capsys):
    assert main(["plan", "--parameters", "1e6", "--step", "10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1,000,000 parameters of 8 bytes, 10 ms of computing")
    assert [int(line.split()[0]) for line in lines[5:]] == [1, 2, 4, 8, 16, 64, 256, 1000, 4000, 10_000]
    efficiencies = [float(line.split()[-2]) for line in lines[5:]]
    assert efficiencies[0] == 1 and efficiencies == sorted(efficiencies, reverse=True)


def test_durations():
    assert [cost.seconds(t) for t in (0, 2.5e-6, 0.0123, 3.0, 1234.0)] == [
        "0",
        "2.5 µs",
        "12.3 ms",
        "3 s",
        "1.23e+03 s",
    ]
