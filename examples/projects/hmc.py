"""Hamiltonian Monte Carlo: draws samples from a density, using the gradient of its logarithm.

The density is a Gaussian, so that the samples can be compared with its mean and covariance. The optional argument is
the number of samples (default: 4000).
"""

import argparse

import numpy as np

import fastgrad as fg

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("samples", type=int, nargs="?", default=4000, help="number of samples (default: 4000)")
samples = parser.parse_args().samples
rng = np.random.default_rng(0)
mean = np.array([1.0, -2.0, 0.5])
spread = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [-0.3, 0.5, 0.4]])
covariance = spread @ spread.T
precision = np.linalg.inv(covariance)


def potential(q):
    """The negative logarithm of the density, up to a constant."""
    d = q - mean
    return 0.5 * np.sum(d * (precision @ d))


gradient = fg.grad(potential)


def leapfrog(q, p, step, n):
    """Integrate Hamilton's equations for n steps. Preserves volume, and the energy up to step**2."""
    p = p - 0.5 * step * gradient(q)
    for k in range(n):
        q = q + step * p
        p = p - (step if k < n - 1 else 0.5 * step) * gradient(q)
    return q, p


q = np.zeros(3)
chain, accepted = [], 0
for _ in range(samples):
    p = rng.normal(size=3)
    proposal, p_end = leapfrog(q, p, step=0.35, n=8)
    energy = potential(q) + 0.5 * p @ p
    energy_end = potential(proposal) + 0.5 * p_end @ p_end
    if np.log(rng.random()) < energy - energy_end:
        q, accepted = proposal, accepted + 1
    chain.append(q)

chain = np.array(chain[len(chain) // 10 :])
np.set_printoptions(precision=3, suppress=True)
print(f"{samples} samples, {accepted / samples:.0%} accepted, {8 * samples} gradients")
print("mean of the density  ", mean)
print("mean of the samples  ", chain.mean(axis=0))
print("covariance of the density and of the samples:")
for of_density, of_samples in zip(covariance, np.cov(chain.T)):
    print("  ", of_density, "  ", of_samples)
