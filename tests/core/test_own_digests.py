"""Our own elementary functions give the same bits on every processor, with every compiler and C library.

Arguments are made of integers alone. After a change that is meant to change results, print the table anew with
`python -m tests.core.test_own_digests`.
"""

import pytest

from tests.core.test_own_math import SETUP, instruction_sets, run  # skips this file as well where there are none

TABLE = """
cos:d->d       3addc7f74322681e
erf:d->d       25c8e8d455928791
erf:f->f       7fdc48cb64bcfcfd
exp2:d->d      2dee0b35dd85ef2f
exp2:f->f      8f0121b72bd86476
exp:d->d       67d826a0b4ddc246
expm1:d->d     468c3ac33dab10c5
expm1:f->f     d33cda0e78f6c22e
log10:d->d     b969fc3ceb3ad5d8
log10:f->f     35ab5c394899eac4
log1p:d->d     7102cbcf5c696511
log1p:f->f     1fb49d7d370a6f86
log2:d->d      41e327185774b512
log2:f->f      e67f8704c394afb7
log:d->d       e447ec890533d6b7
power:dd->d    63751a2e1a35481e
sigmoid:d->d   1486559f01042fab
sin:d->d       6747e290970aba78
softplus:d->d  1fd0b32b7c85d745
tanh:d->d      5cb2f9fffdd38b2a
"""

DIGESTS = (
    SETUP
    + """
import hashlib
import sys

def arguments(letter, seed):
    \"""Any bits at all, and as many numbers of a magnitude from 2**-40 up to 2**13.\"""
    size, mantissa, bias = (8, 52, 1023) if letter == "d" else (4, 23, 127)
    n = 40_001      # no multiple of the width of a vector
    x = np.arange(seed, seed + 2 * n, dtype=np.uint64) * 0x9E3779B97F4A7C15
    x ^= x >> 29
    x *= 0xBF58476D1CE4E5B9
    x >>= 64 - 8 * size
    near = x[n:]
    exponent = (near >> mantissa) % 53 + bias - 40
    near &= (1 << 8 * size - 1) | (1 << mantissa) - 1     # sign and mantissa
    near |= exponent << mantissa
    return x.astype(f"u{size}").view(letter)

for name in sorted(own):
    function, _, types = name.partition(":")
    x = [arguments(letter, 10**6 * k) for k, letter in enumerate(types.partition("->")[0])]
    if function == "power":
        x[1] = np.roll(x[1], 20_000)    # any bits to powers near 1, too
    if function in ("sin", "cos"):
        x[0][np.abs(x[0]) > 11_999] = 1.5   # those of the C library
    y = getattr(fg, function)(*map(fg.tensor, x)).numpy().copy()
    y[np.isnan(y)] = np.nan     # what a NaN carries is free
    bits = y.view(f"u{y.itemsize}").astype(f"<u{y.itemsize}")
    print(f"{name:<14}", hashlib.sha256(bits.tobytes()).hexdigest()[:16])
"""
)


@pytest.mark.parametrize("simd", instruction_sets())
def test_digests(simd):
    assert run(DIGESTS, FASTGRAD_SIMD=simd).split("\n") == TABLE.lstrip().split("\n")


if __name__ == "__main__":
    print(run(DIGESTS), end="")
