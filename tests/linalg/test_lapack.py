"""The short ways to NumPy's loops of LAPACK: NumPy's bits, and NumPy's functions where they do not apply."""

import numpy as np
import pytest

from fastgrad.rules import lapack

CALLS = {
    "inv": (lapack.inv, np.linalg.inv), "det": (lapack.det, np.linalg.det),
    "slogdet": (lapack.slogdet, np.linalg.slogdet),
    "solve": (lambda a: lapack.solve(a, a[:, :2]), lambda a: np.linalg.solve(a, a[:, :2])),
    "solve1": (lambda a: lapack.solve(a, a[:, 0]), lambda a: np.linalg.solve(a, a[:, 0])),
    "cholesky": (lambda a: lapack.cholesky(a, False), np.linalg.cholesky),
    "cholesky upper": (lambda a: lapack.cholesky(a, True), lambda a: np.linalg.cholesky(a, upper=True)),
    "eigh": (lambda a: lapack.eigh(a, "L"), np.linalg.eigh),
    "eigh U": (lambda a: lapack.eigh(a, "U"), lambda a: np.linalg.eigh(a, "U")),
    "eigvalsh": (lambda a: lapack.eigvalsh(a, "L"), np.linalg.eigvalsh),
    "eigvalsh U": (lambda a: lapack.eigvalsh(a, "U"), lambda a: np.linalg.eigvalsh(a, "U")),
    "svdvals": (lapack.svdvals, np.linalg.svdvals),
    "svd": (lapack.svd, lambda a: np.linalg.svd(a, full_matrices=False)), "qr": (lapack.qr, np.linalg.qr),
    "pinv": (lambda a: lapack.pinv(a, 1e-15, False), np.linalg.pinv),
    "pinv cut off": (lambda a: lapack.pinv(a, 0.5, False), lambda a: np.linalg.pinv(a, 0.5)),
}  # fmt: skip
OBLONG = ("svdvals", "svd", "qr", "pinv", "pinv cut off")
LOOPS = [name for name, value in vars(lapack).items() if isinstance(value, np.ufunc)]


def outcome(f, a):
    """The results of `f`, or the class of its error."""
    try:
        found = f(a)
    except Exception as error:
        return type(error)
    return found if isinstance(found, tuple) else (found,)


def same(name, a):
    before = a.copy()
    got, wanted = (outcome(f, a) for f in CALLS[name])
    np.testing.assert_array_equal(a, before)  # LAPACK works in place
    if isinstance(wanted, type):
        assert got is wanted
        return
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.asarray(one).dtype == np.asarray(other).dtype


def positive(rng, n, dtype="f8"):
    a = rng.normal(size=(n, n))
    return (a @ a.T + np.eye(n)).astype(dtype)


@pytest.mark.parametrize("name", CALLS)
def test_results_are_numpys_to_the_bit(name, rng):
    for n in (1, 2, 3, 8, 40):
        same(name, positive(rng, n))
        same(name, np.asfortranarray(positive(rng, n)))
        same(name, positive(rng, 2 * n)[::2, ::2])
    for dtype in ("f4", "c16", "i4"):
        same(name, positive(rng, 3, dtype))
    if name in OBLONG:
        for shape in ((4, 2), (2, 4), (1, 3), (3, 1)):
            same(name, rng.normal(size=shape))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_lapack_cannot_do_is_left_to_numpy(name, rng):
    singular, nan, infinite = np.zeros((2, 2)), np.full((2, 2), np.nan), np.full((2, 2), np.inf)
    for a in (singular, nan, infinite, -np.eye(2), np.ones((2, 3)), np.zeros((0, 0)), np.stack([positive(rng, 2)] * 2)):
        if not ("solve" in name and a.ndim == 3):
            same(name, a)


@pytest.mark.parametrize("name", CALLS)
def test_without_the_loops_numpys_functions_are_called(name, rng, monkeypatch):
    for loop in LOOPS:
        monkeypatch.setattr(lapack, loop, None)
    same(name, positive(rng, 3))


def test_only_loops_with_the_expected_interface_are_used():
    assert lapack._loop("inv", "(m,m)->(m,m)", "d->d") is not None
    assert lapack._loop("inv", "(m,m)->()", "d->d") is None
    assert lapack._loop("inv", "(m,m)->(m,m)", "g->g") is None
    assert lapack._loop("no_such_loop", "(m,m)->(m,m)", "d->d") is None
