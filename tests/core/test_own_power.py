"""Our own power, which replaces NumPy's loop on CPUs without AVX-512: errors, special values, same bits."""

import pytest

import fastgrad as fg

if fg.engine != "cython":
    pytest.skip("the pure-Python engine calls NumPy's functions", allow_module_level=True)

from fastgrad.core.loops import instruction_sets

from tests.core.test_own_math import SETUP, run

# Bases, exponents and exact values rounded to nearest, by mpmath with 120 digits: the largest errors found among random
# arguments, the borders of the table, results next to the ends of the range.
POWERS = [
    ("0x1.4e7dca7a3f0e0p-3", "0x1.9f59c0a655088p+1", "0x1.6e6123b7f0a11p-9"),
    ("0x1.30d3212e5612ep+2", "0x1.50e56983b098cp+0", "0x1.f32e30d96dc63p+2"),
    ("0x1.cac62a419f02dp-50", "-0x1.b4cba25a18625p+2", "0x1.6a9e535cd0c1fp+335"),
    ("0x1.a90f4c2534c05p-345", "0x1.dd896e49d713ep+0", "0x1.c0878f02f07bbp-643"),
    ("0x1.ffffef38a6a08p-1", "0x1.3f7874d45d69cp+19", "0x1.71221b5b70d3bp-1"),
    ("0x1.0000000000003p+0", "-0x1.b5362e15f3700p+17", "0x1.fffffffeb8176p-1"),
    ("0x1.e0bd563be9a53p-1", "-0x1.2709e950615c4p+11", "0x1.702bfbb6d3ed7p+214"),
    ("0x1.00f9c966446b3p+0", "0x1.69a1a9cbdce84p+11", "0x1.d675cf17f1fb4p+15"),
    ("-0x1.476872ed544dep+1", "-0x1.c000000000000p+2", "-0x1.6deb3365c8c6dp-10"),
    ("-0x1.458aee57aba93p+2", "-0x1.0000000000000p+0", "-0x1.92a04a9fcc08ap-3"),
    ("0x1.05c157f361df6p+3", "0x1.0000000000000p-1", "0x1.6e15ebb970b49p+1"),
    ("0x1.00a086370e42ep+6", "-0x1.8000000000000p+1", "0x1.fc418dac7bed7p-19"),
    ("0x1.0000000000000p+1", "0x1.fff3333333333p+9", "0x1.ddb680117aa8ep+1023"),
    ("0x1.0000000000000p+1", "-0x1.fec0000000000p+9", "0x1.6a09e667f3bcdp-1022"),
    ("0x1.4000000000000p+3", "-0x1.3300000000000p+8", "0x1.1fa182c40c60dp-1020"),
    ("0x1.0000000000001p+0", "0x1.e848000000000p+19", "0x1.00000000f4240p+0"),
    ("0x1.fffffffffffffp-1", "0x1.0000000000000p+20", "0x1.ffffffff00000p-1"),
    ("0x1.8000000000000p+0", "0x1.b340000000000p+10", "0x1.567106619f1f4p+1018"),
    ("-0x1.8000000000000p+1", "0x1.8000000000000p+1", "-0x1.b000000000000p+4"),
    ("-0x1.249ad2594c37dp+332", "0x1.8000000000000p+1", "-0x1.7e43c8800759cp+996"),
    ("0x1.6400000000000p-1", "0x1.999999999999ap-4", "0x1.edba6da767b0bp-1"),
    ("0x1.6400000000000p+0", "0x1.5e00000000000p+9", "0x1.02639f481799bp+333"),
    ("0x1.0400000000000p+0", "-0x1.7700000000000p+11", "0x1.dc9352a0dbca5p-68"),
    ("0x1.fc00000000000p-1", "0x1.86a0000000000p+15", "0x1.2d266895530b6p-566"),
    ("0x1.8000000000000p+1", "-0x1.3fd8000000000p+9", "0x1.1611b94d42822p-1014"),
    ("0x0.012688b70e62bp-1022", "0x1.6666666666666p-1", "0x1.1a66c1e139f6fp-721"),
    ("0x0.0000000000001p-1022", "-0x1.0000000000000p-1", "0x1.0000000000000p+537"),
    ("0x1.c000000000000p+2", "-0x1.7200000000000p+8", "0x0.00009b4651cfcp-1022"),
    ("0x1.199999999999ap+0", "0x1.d4c0000000000p+12", "inf"),
    ("0x1.000001ad7f29bp+0", "0x1.2a05f20000000p+32", "0x1.45b81b30a1ec6p+721"),
    ("-0x1.000001ad7f29bp+0", "0x1.2a05f20100000p+32", "-0x1.45b81d53193d5p+721"),
]

HARD = (
    SETUP
    + f"""
assert "power:dd->d" in own, own
x, e, exact = np.array([[float.fromhex(v) for v in row] for row in {POWERS}]).T
wide = np.zeros((3, len(x), 2))
wide[0, :, 0], wide[1, :, 0] = x, e
wide = fg.tensor(wide)
for base, exponent in ((x, e), (np.tile(x, 50), np.tile(e, 50)), (wide[0, :, 0], wide[1, :, 0])):
    y = fg.power(fg.tensor(base), fg.tensor(exponent)).numpy()
    off = np.abs(y.view(np.int64) - np.resize(exact, y.shape).view(np.int64))
    assert off.max() <= 1, (x[off.argmax() % len(x)].hex(), e[off.argmax() % len(x)].hex())
for base, exponent, wanted in zip(x, e, exact):
    for n in (2, 3, 8, 64, 65):
        y = (fg.full((n,), base) ** exponent).numpy()
        assert (np.abs(y.view(np.int64) - np.array(wanted).view(np.int64)) <= 1).all(), (base, exponent)
"""
)

# C99, F.9.4.4, and powers that are exact.
SPECIAL = (
    SETUP
    + """
inf, nan, tiny = np.inf, np.nan, 5e-324
cases = [(z, e, np.copysign(inf, z)) for z in (0.0, -0.0) for e in (-1.0, -3.0, -1001.0)]
cases += [(z, e, inf) for z in (0.0, -0.0) for e in (-2.0, -0.5, -inf, -1e300, -tiny)]
cases += [(z, e, z) for z in (0.0, -0.0) for e in (1.0, 3.0, 1001.0)]
cases += [(z, e, 0.0) for z in (0.0, -0.0) for e in (2.0, 0.5, inf, 1e300, tiny)]
cases += [(-1.0, e, 1.0) for e in (inf, -inf)]
cases += [(1.0, e, 1.0) for e in (inf, -inf, nan, 0.0, 3.5, 1e308, -tiny)]
cases += [(x, z, 1.0) for x in (0.0, -0.0, inf, -inf, nan, -2.5, tiny, 1e308) for z in (0.0, -0.0)]
cases += [(x, e, nan) for x in (-2.0, -0.5, -1e300, -tiny) for e in (0.5, -1.5, 1e-300, 0.1, 524287.5)]
cases += [(x, -inf, inf) for x in (0.5, -0.5, tiny, -tiny)] + [(x, -inf, 0.0) for x in (1.5, -1.5, inf, -inf)]
cases += [(x, inf, 0.0) for x in (0.5, -0.5, tiny, -tiny)] + [(x, inf, inf) for x in (1.5, -1.5, inf, -inf)]
cases += [(-inf, -3.0, -0.0), (-inf, -2.0, 0.0), (-inf, -2.5, 0.0), (-inf, 3.0, -inf), (-inf, 2.0, inf)]
cases += [(-inf, 0.5, inf)]
cases += [(inf, e, 0.0) for e in (-tiny, -3.0, -1e300)] + [(inf, e, inf) for e in (tiny, 3.0, 1e300)]
cases += [(nan, e, nan) for e in (1.0, -2.5, inf, nan)] + [(x, nan, nan) for x in (0.0, -1.0, 2.0, inf, -inf)]
cases += [(z, float(k), z**k) for z in (2.0, -2.0) for k in range(-1074, 1024)]
cases += [(2.0, 1024.0, inf), (-2.0, 1025.0, -inf), (2.0, -1076.0, 0.0), (-2.0, -1077.0, -0.0), (-1.0, 1e300, 1.0)]
cases += [(-1.0, 2.0**53 - 1, -1.0), (-1.0, 2.0**53, 1.0), (-1.0, 1048577.0, -1.0), (-1.0, 1048575.0, -1.0)]
cases += [(float(b), float(k), float(b**k)) for b in range(-99, 100) for k in range(1, 8) if b]
cases += [(float(b * b), 0.5, float(b)) for b in range(1, 3000)]
cases += [(x, 1.0, x) for x in (0.1, -7.3, 1e-300, tiny, 1e308)]
x, e, wanted = np.array(cases).T
order = np.random.default_rng(1).permutation(len(x))
for pick in (np.arange(len(x)), order):
    y = fg.power(fg.tensor(x[pick]), fg.tensor(e[pick])).numpy()
    same = (y == wanted[pick]) & (np.signbit(y) == np.signbit(wanted[pick]))
    wrong = ~(same | np.isnan(y) & np.isnan(wanted[pick]))
    assert not wrong.any(), [(x[i], e[i]) for i in pick[wrong]][:5]

# No value depends on those beside it, of which some are computed by the C library, nor on the length.
rng = np.random.default_rng(6)
x, e = rng.uniform(-2, 9, 50_000), rng.integers(-9, 9, 50_000) / rng.choice([1, 1, 2, 7], 50_000)
far = x.copy()
far[::32] = rng.choice([0, -inf, nan, 5e-324, -3], len(far[::32]))
y = fg.power(fg.tensor(x), fg.tensor(e)).numpy()
beside = fg.power(fg.tensor(far), fg.tensor(e)).numpy()
np.testing.assert_array_equal(np.delete(y, np.s_[::32]), np.delete(beside, np.s_[::32]))
for n in (2, 7, 8, 9, 63, 64, 65, 129, 200):
    np.testing.assert_array_equal(fg.power(fg.tensor(x[:n]), fg.tensor(e[:n])).numpy(), y[:n])
    back = np.s_[n - 1 :: -1]
    np.testing.assert_array_equal(fg.power(fg.tensor(x[back]), fg.tensor(e[back])).numpy(), y[back])
    np.testing.assert_array_equal((fg.tensor(x[:n]) ** 2.5).numpy(), (fg.tensor(x[:200]) ** 2.5).numpy()[:n])
"""
)


@pytest.mark.parametrize("simd", instruction_sets())
def test_hard_arguments(simd):
    run(HARD, FASTGRAD_SIMD=simd)


@pytest.mark.parametrize("simd", instruction_sets())
def test_special_arguments(simd):
    run(SPECIAL, FASTGRAD_SIMD=simd)


def test_every_instruction_set_gives_the_same_bits():
    code = SETUP + (
        "import hashlib\n"
        "draw = np.random.default_rng(5)\n"
        "patterns = draw.integers(-(2**63), 2**63, (2, 100_000)).view(np.float64)\n"
        "for x, e in (patterns, draw.uniform(0, 9, (2, 100_001)), draw.uniform(-2, 2, (2, 100_001)).round(),\n"
        "             (draw.uniform(0.9, 1.1, 100_001), draw.uniform(-7000, 7000, 100_001))):\n"
        "    y = fg.power(fg.tensor(x), fg.tensor(e)).numpy().copy()\n"
        "    y[np.isnan(y)] = np.nan\n"
        "    print(hashlib.sha256(y.tobytes()).hexdigest())\n"
    )
    assert len({run(code, FASTGRAD_SIMD=name) for name in instruction_sets()}) == 1


def test_gradients_of_a_constant_power_call_the_loop():
    code = (
        "import numpy as np\n"
        "import fastgrad as fg\n"
        "x = np.random.default_rng(8).uniform(0.1, 5, 3001)\n"
        "for c in (-2.5, 0.3, 1.7, 5):\n"
        "    g = fg.grad(lambda x: (x**c).sum())(x)\n"
        "    np.testing.assert_array_equal(g, c * (fg.tensor(x) ** (c - 1)).numpy())\n"
    )
    run(code)
    run(code, NPY_DISABLE_CPU_FEATURES="")


@pytest.mark.parametrize("simd", instruction_sets())
def test_a_number_that_is_passed_gives_what_a_constant_does(simd):
    code = SETUP + (
        "x = np.concatenate([np.random.default_rng(3).uniform(0, 5, 3001), [0.0, np.inf, np.nan, 5e-324, 1e200]])\n"
        "program = fg.compile(lambda x, c: x**c)\n"
        "for c in (1.7, 2.0, 0.5, -1.0, 3.0):\n"
        "    wanted = (fg.tensor(x) ** c).numpy()\n"
        "    np.testing.assert_array_equal(program(x, c), wanted)\n"
        "    np.testing.assert_array_equal(fg.power(fg.tensor(x), np.full_like(x, c)).numpy(), wanted)\n"
        "    for z in (np.array([-0.0, -np.inf, -2.0, 4.0]), np.array([-0.0])):\n"
        "        assert program(z, c).tobytes() == (fg.tensor(z) ** c).numpy().tobytes()\n"
        "y = fg.power(fg.tensor([-0.0, -np.inf]), np.array([0.5, 0.5])).numpy()\n"
        "assert y.tobytes() == np.array([0.0, np.inf]).tobytes()\n"
    )
    run(code, FASTGRAD_SIMD=simd)
