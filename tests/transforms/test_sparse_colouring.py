"""Groups of columns determine all elements of a matrix, and are few where the pattern allows it."""

import itertools

import numpy as np
import pytest

from fastgrad.transforms.sparse.colouring import UNUSED, _star, distance_two, star
from fastgrad.transforms.sparse.plan import jacobian_plan, symmetric_plan
from fastgrad.transforms.sparse.sets import Sets


def sets_of(matrix):
    return Sets.of_pairs(*np.nonzero(matrix), *matrix.shape)


def random_pattern(seed):
    rng = np.random.default_rng(seed)
    return rng.random(rng.integers(0, 12, 2)) < rng.choice((0.0, 0.05, 0.2, 0.5, 1.0))


def symmetric(pattern):
    n = min(pattern.shape)
    return pattern[:n, :n] | pattern[:n, :n].T


def grid(n):
    """Return the five-point stencil on a square grid."""
    line = np.eye(n, k=1) + np.eye(n, k=-1)
    return np.kron(line, np.eye(n)) + np.kron(np.eye(n), line) + np.eye(n * n) != 0


ARROW = np.eye(20, dtype=bool)
ARROW[0] = ARROW[:, 0] = True
BAND = np.abs(np.subtract.outer(np.arange(20), np.arange(20))) <= 2


@pytest.mark.parametrize("seed", range(100))
def test_columns_of_one_colour_have_no_row_in_common(seed):
    pattern = random_pattern(seed)
    colours = distance_two(sets_of(pattern).transposed())
    assert np.array_equal(colours == UNUSED, ~pattern.any(axis=0))
    for c in range(colours.max(initial=-1) + 1):
        assert pattern[:, colours == c].sum(axis=1).max() == 1


@pytest.mark.parametrize("seed", range(100))
def test_each_element_of_a_symmetric_matrix_is_alone_in_one_of_two_products(seed):
    pattern = symmetric(random_pattern(seed))
    colours = star(sets_of(pattern))

    def alone(i, j):
        return np.count_nonzero(pattern[i] & (colours == colours[j])) == 1

    assert all(alone(i, j) or alone(j, i) for i, j in zip(*np.nonzero(pattern), strict=True))


@pytest.mark.parametrize("seed", range(50))
def test_greedy_star_colourings_have_no_path_of_four_vertices_in_two_colours(seed):
    pattern = symmetric(random_pattern(seed))
    order = np.random.default_rng(seed).permutation(len(pattern)).tolist()
    colours = _star(sets_of(pattern), order)
    edges = pattern & ~np.eye(len(pattern), dtype=bool)
    for i, j in zip(*np.nonzero(edges), strict=True):
        assert colours[i] != colours[j]
        for h, k in itertools.product(np.flatnonzero(edges[i]), np.flatnonzero(edges[j])):
            assert len({h, i, j, k}) < 4 or len({*colours[[h, i, j, k]]}) > 2


@pytest.mark.parametrize(
    ("pattern", "products", "of_hessian"),
    [(BAND, 5, 5), (ARROW, 20, 2), (ARROW[::-1, ::-1], 20, 2), (np.eye(9, dtype=bool), 1, 1), (grid(7), 6, 6)],
)
def test_groups_are_few(pattern, products, of_hessian):
    assert jacobian_plan(sets_of(pattern)).n_products <= products
    assert symmetric_plan(sets_of(pattern)).n_products <= of_hessian


def test_the_direction_with_fewer_groups_is_taken():
    pattern = np.zeros((6, 9), bool)
    pattern[0] = pattern[:, 0] = True
    assert jacobian_plan(sets_of(pattern)).n_products == 6
    assert not jacobian_plan(sets_of(pattern)).forward
    assert jacobian_plan(sets_of(pattern.T)).forward
