"""Programs for NumPy run with one import changed: the same values, and gradients that finite differences confirm."""

import numpy
import pytest

import fastgrad as fg

PROGRAMS = {
    "logistic regression": """
import numpy as np

rng = np.random.default_rng(0)
inputs, labels = rng.normal(size=(20, 3)), np.arange(20) % 2

def sigmoid(x):
    return 0.5 * (np.tanh(x / 2.0) + 1)

def main(w):
    p = sigmoid(np.dot(inputs, w))
    return -np.sum(np.log(p * labels + (1 - p) * (1 - labels)))

start = np.array([0.3, -0.2, 0.1])
""",
    "two layers": """
import numpy as np

rng = np.random.RandomState(1)
x, y = rng.randn(8, 2), rng.randn(8, 1)

def unpack(p):
    return np.reshape(p[:6], (2, 3)), p[6:9], np.reshape(p[9:12], (3, 1))

def main(p):
    w1, b1, w2 = unpack(p)
    hidden = np.maximum(np.einsum("ij,jk->ik", x, w1) + b1, 0.01 * x[:, :1])
    return np.mean(np.square(hidden @ w2 - y)) + 1e-3 * np.linalg.norm(p)

start = np.linspace(-1, 1, 12)
""",
    "a pendulum": """
import numpy as np

def step(state, dt):
    angle, speed = state
    return np.array([angle + dt * speed, speed - dt * np.sin(angle)])

def main(p):
    state, path = np.array([p[0], p[1]]), []
    for _ in range(30):
        state = step(state, 0.1)
        path.append(state[0])
    return np.max(np.asarray(path)) + np.std(path)

start = np.array([0.5, 1.0])
""",
    "a spectrum": """
import numpy as np

def main(x):
    window = np.hanning(len(x))
    power = np.abs(np.fft.rfft(x * window)) ** 2
    return np.sum(power * np.fft.rfftfreq(len(x))) / np.add.reduce(power)

start = np.cos(np.arange(16) * 0.7) + 0.1 * np.arange(16)
""",
    "rotations": """
import numpy as np

points = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 0.0]])

def rotation(a):
    return np.array([[np.cos(a), -np.sin(a), 0.0], [np.sin(a), np.cos(a), 0.0], [0.0, 0.0, 1.0]])

def main(p):
    turned = np.matmul(points, rotation(p[0]).T)
    both = np.concatenate([turned, p[1] * points, [[p[2], 1.0, 0.0]]])
    return np.sum(np.where(both > 0, both, 0.1 * both) ** 2) + np.prod(np.r_[p, 2.0])

start = np.array([0.4, 1.2, -0.3])
""",
    "Lennard-Jones": """
import numpy as np

def main(flat):
    x = flat.reshape(-1, 2)
    i, j = np.triu_indices(len(x), k=1)
    r2 = np.sum((x[i] - x[j]) ** 2, axis=-1)
    return np.sum(4 * (1 / r2**6 - 1 / r2**3))

start = np.array([0.0, 0.0, 1.1, 0.1, 0.4, 1.2])
""",
    "a mixture": """
import numpy as np

data = np.array([-1.2, -0.8, 0.9, 1.1, 1.3])

def main(p):
    means, scales = p[:2], np.exp(p[2:4])
    logs = -0.5 * ((data[:, np.newaxis] - means) / scales) ** 2 - np.log(scales) - 0.5 * np.log(2 * np.pi)
    return -np.sum(np.logaddexp.reduce(logs, axis=1)) + np.logaddexp(*p[2:4])

start = np.array([-1.0, 1.0, -0.5, 0.2])
""",
}


def run(name, module):
    names = {}
    exec(compile(PROGRAMS[name].replace("import numpy as np", f"import {module} as np"), name, "exec"), names)
    return names


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_with_one_import_changed(name):
    wanted, ported = run(name, "numpy"), run(name, "fastgrad.numpy")
    start = wanted["start"]
    assert type(ported["start"]) is numpy.ndarray
    numpy.testing.assert_array_equal(ported["start"], start)
    numpy.testing.assert_allclose(ported["main"](start), wanted["main"](start), rtol=1e-15)
    value, gradient = fg.value_and_grad(ported["main"])(start)
    numpy.testing.assert_allclose(value, wanted["main"](start), rtol=1e-14)
    along = numpy.cos(numpy.arange(start.size))
    ends = [wanted["main"](start + h * along) for h in (1e-6, -1e-6)]
    assert gradient @ along == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)
    if name in DISPATCHED:
        numpy.testing.assert_allclose(fg.grad(wanted["main"])(start), gradient, rtol=1e-12)


# Programs that NumPy's own dispatch carries as well, since they make no array of Tensors.
DISPATCHED = {"logistic regression", "two layers", "a spectrum", "Lennard-Jones", "a mixture"}
