"""References for the rules of `fastgrad.linalg`: NumPy's functions, packed as the rules pack their results."""

import numpy as np

# Of complex vectors the phases are LAPACK's choice, which norms and products do not see: tests/rules/test_norms.py and
# tests/linalg/test_gradients.py
PHASED = ("eig", "eigh", "qr", "svd_full", "svd")


def _expm(x):
    """Taylor's series in extended precision, after 10 halvings."""
    x = x.astype(np.longdouble) / 1024
    term = total = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for k in range(1, 20):
        term = term @ x / k
        total = total + term
    for _ in range(10):
        total = total @ total
    return total.astype(float)


def _eig_packed(x, eig=np.linalg.eig):
    values, vectors = eig(x)
    return np.concatenate([vectors, values[..., None, :]], axis=-2)


def _svd_packed(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], np.swapaxes(vh, -1, -2)], axis=-2)


def _svd_full_packed(x):
    u, s, vh = np.linalg.svd(x)
    m, n = x.shape[-2:]
    wide = lambda part: np.concatenate([part, np.zeros((*part.shape[:-1], max(m, n) - part.shape[-1]))], axis=-1)
    return np.concatenate([wide(u), wide(s[..., None, :]), wide(np.swapaxes(vh, -1, -2))], axis=-2)


def _qr_packed(x, complete=False):
    q, r = np.linalg.qr(x, "complete" if complete else "reduced")
    return np.concatenate([q, np.swapaxes(r, -1, -2)], axis=-2)


LINALG = {
    "eig": _eig_packed,
    "eigh": lambda x, UPLO="L": _eig_packed(x, lambda x: np.linalg.eigh(x, UPLO)),
    "expm": _expm,
    "lstsq": lambda a, b: np.linalg.lstsq(a, b)[0],
    "pinv": np.linalg.pinv,
    "qr": _qr_packed,
    "slogdet": lambda x: np.stack(np.linalg.slogdet(x), axis=-1),
    "svd_full": _svd_full_packed,
    "svd": _svd_packed,
    "svdvals": np.linalg.svdvals,
}
