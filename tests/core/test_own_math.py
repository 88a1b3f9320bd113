"""Our own elementary functions, which replace NumPy's loops where those are slow: errors, special values, same bits."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg

if fg.engine != "cython":
    pytest.skip("the pure-Python engine calls NumPy's functions", allow_module_level=True)

from fastgrad import core  # noqa: I001 these only where it was compiled
from fastgrad.core.loops import instruction_sets
from numpy._core._multiarray_umath import __cpu_features__ as features

if not any(name.endswith("(own)") for name in core.loops_in_use()):
    pytest.skip("this build or FASTGRAD_NO_NUMPY_LOOPS has none", allow_module_level=True)

# What keeps NumPy of this version from its loops for AVX-512.
WIDE = ["X86_V4"] if "X86_V4" in features else ["AVX512_SKX", "AVX512_CLX", "AVX512_CNL"]
DISABLED = " ".join([*WIDE, "AVX512_ICL", "AVX512_SPR"])  # those that the CPU lacks are ignored

SETUP = """
import math
import numpy as np
import fastgrad as fg
from fastgrad import core

np.seterr(all="ignore")
own = [name.split()[0] for name in core.loops_in_use() if name.endswith("(own)")]
assert {"exp:d->d", "log:d->d", "log1p:d->d", "log1p:f->f"} <= set(own), own
"""

# Arguments near the largest errors found among 10^7 random ones, and at the ends of the domains and of the reduction.
# Exact values rounded to nearest, by mpmath with 60 digits.
HARD = (
    SETUP
    + """
cases = {
    "exp": [
        ("0x1.0000000000000p+0", "0x1.5bf0a8b145769p+1"),
        ("-0x1.0000000000000p+0", "0x1.78b56362cef38p-2"),
        ("0x1.62e42fefa39efp+9", "0x1.fffffffffff2ap+1023"),
        ("-0x1.6232bdd7abcd2p+9", "0x1.000000000007cp-1022"),
        ("-0x1.74910d52d3051p+9", "0x0.0000000000001p-1022"),
        ("0x1.62e42fefa39efp-2", "0x1.6a09e667f3bccp+0"),
        ("-0x1.62e42fefa39efp-2", "0x1.6a09e667f3bcdp-1"),
        ("0x1.0000000000000p-53", "0x1.0000000000001p+0"),
        ("0x1.6ad21cd56d808p-2", "0x1.6cda5f789b6cbp+0"),
        ("0x1.6f1377fbce3bcp-2", "0x1.6e5f51ecc5111p+0"),
        ("0x1.639342bc1432cp-2", "0x1.6a47d1896ab29p+0"),
        ("0x1.7162571d3f124p-2", "0x1.6f32f6b79b29fp+0"),
        ("-0x1.c2e1f00b5e533p+8", "0x1.6d8ea92462ae5p-651"),
        ("0x1.5ff22bb0c5760p+9", "0x1.6a664d0072a6dp+1015"),
        ("-0x1.20b20867410b1p+8", "0x1.6a2b44ff356f3p-417"),
        ("0x1.1a780cd41b3cep+8", "0x1.6e370ced481fdp+407"),
        ("-0x1.6206233d464cep+9", "0x1.6ab9a7854ed75p-1022"),
        ("-0x1.62061e59e31e7p+9", "0x1.6ac781f490a53p-1022"),
        ("-0x1.62064f8c63843p+9", "0x1.6a3c2d3b6558dp-1022"),
        ("-0x1.6205d891ddce6p+9", "0x1.6b8d7e5a39a07p-1022"),
    ],
    "log": [
        ("0x0.0000000000001p-1022", "-0x1.74385446d71c3p+9"),
        ("0x1.0000000000000p-1022", "-0x1.6232bdd7abcd2p+9"),
        ("0x0.fffffffffffffp-1022", "-0x1.6232bdd7abcd2p+9"),
        ("0x1.fffffffffffffp+1023", "0x1.62e42fefa39efp+9"),
        ("0x1.6a09e667f3bcdp-1", "-0x1.62e42fefa39eep-2"),
        ("0x1.6a09e667f3bcdp+0", "0x1.62e42fefa39f0p-2"),
        ("0x1.fffffffffffffp-1", "-0x1.0000000000000p-53"),
        ("0x1.0000000000001p+0", "0x1.fffffffffffffp-53"),
        ("0x1.66a594c24d3efp+0", "0x1.5940a21e0b291p-2"),
        ("0x1.6671b372f6074p-1", "-0x1.6d1be8f5a3c75p-2"),
        ("0x1.6882272d1f524p+0", "0x1.5e8dcfa520623p-2"),
        ("0x1.6615a583fbc5bp+0", "0x1.57a55a2cc1801p-2"),
        ("0x1.3a3017f4f7c00p-1", "-0x1.f40db3c9788bdp-2"),
        ("0x1.9d82160f9e618p+0", "0x1.eb01fd5aa2687p-2"),
        ("0x1.41e114016416dp-1", "-0x1.db49af1669f9bp-2"),
        ("0x1.9382debf3b12cp+0", "0x1.d1f28d85eac71p-2"),
        ("0x1.69f21cfbce7c3p-1", "-0x1.632779a260877p-2"),
        ("0x1.69e8bfa432923p-1", "-0x1.6341f86cefb55p-2"),
        ("0x1.69a0161993cf7p-1", "-0x1.640fa50179f0dp-2"),
        ("0x1.68ef762509e3fp-1", "-0x1.6604438320c3fp-2"),
        ("0x1.6a0229971893bp+0", "0x1.62ce4d1be4059p-2"),
        ("0x1.67872c2e8ea05p+0", "0x1.5bc3f264e88f7p-2"),
        ("0x1.68019b0730839p+0", "0x1.5d206d18697e1p-2"),
        ("0x1.687f807d61801p+0", "0x1.5e8647da92ff1p-2"),
    ],
    "log1p": [
        ("-0x1.fffffffffffffp-1", "-0x1.25e4f7b2737fap+5"),
        ("0x1.fffffffffffffp+1023", "0x1.62e42fefa39efp+9"),
        ("0x1.0000000000000p+53", "0x1.25e4f7b2737fap+5"),
        ("0x1.0000000000000p-53", "0x1.0000000000000p-53"),
        ("-0x1.0000000000000p-54", "-0x1.0000000000000p-54"),
        ("0x1.fffffffffffffp-1", "0x1.62e42fefa39efp-1"),
        ("0x1.0000000000000p+0", "0x1.62e42fefa39efp-1"),
        ("0x0.0000000000003p-1022", "0x0.0000000000003p-1022"),
        ("0x1.a827999fcef34p-2", "0x1.62e42fefa39f0p-2"),
        ("-0x1.2bec333018866p-2", "-0x1.62e42fefa39eep-2"),
        ("0x1.a5b1282da3cfep-2", "0x1.61260463dbd35p-2"),
        ("-0x1.2d251daec9a8ap-2", "-0x1.649f175b5ab41p-2"),
        ("-0x1.3052a86c3605ap-2", "-0x1.6922197c906b3p-2"),
        ("-0x1.2eea000808b0ap-2", "-0x1.67216f7ff6887p-2"),
        ("0x1.b5e8b69abdd5ap+0", "0x1.fe8c34b3890ffp-1"),
        ("0x1.b2a855a6da8e6p+0", "0x1.fc2497bd48c87p-1"),
        ("0x1.2041ec407b02dp-2", "0x1.fbf86bab0be23p-3"),
        ("0x1.215c81da221abp-2", "0x1.fdb14186048adp-3"),
        ("-0x1.2c905785bea02p-2", "-0x1.63cc6bfd62253p-2"),
        ("-0x1.2f791445b077ap-2", "-0x1.67ecb2b704aadp-2"),
        ("-0x1.2cae5b7846cfap-2", "-0x1.63f6e93eb99c3p-2"),
        ("-0x1.30bee3c5772d2p-2", "-0x1.69bc24c1e7ee3p-2"),
        ("0x1.99d8adc4a54f3p-2", "0x1.58b93afb5c5a7p-2"),
        ("0x1.a4133cd6cc743p-2", "0x1.6000ab5b4fc6fp-2"),
        ("0x1.a2773d6e5b403p-2", "0x1.5edc5b69edd41p-2"),
        ("0x1.99c3637bbe4adp-2", "0x1.58aa067a39fb5p-2"),
    ],
    "expm1": [
        ("0x1.0000000000000p+0", "0x1.b7e151628aed3p+0"),
        ("-0x1.0000000000000p+0", "-0x1.43a54e4e98864p-1"),
        ("0x1.659d467edb444p-2", "0x1.ac02be5522af5p-2"),
        ("0x1.6666666666666p-2", "0x1.ad200b20177b2p-2"),
        ("-0x1.62e33eff19503p-2", "-0x1.2beb88d14a0a4p-2"),
        ("0x1.28b1bc838452cp+5", "0x1.6b4698426cfd7p+53"),
        ("-0x1.2c00000000000p+5", "-0x1.0000000000000p+0"),
        ("0x1.4400000000000p+5", "0x1.58b03e6797728p+58"),
        ("0x1.62e0000000000p+9", "0x1.ef85a11e73f2dp+1023"),
        ("0x1.56e1fc2f8f359p-997", "0x1.56e1fc2f8f359p-997"),
        ("-0x1.5798ee2308c3ap-27", "-0x1.5798ee0636111p-27"),
        ("0x1.62eb1c432ca58p-2", "0x1.a831641af1de4p-2"),
    ],
    "exp2": [
        ("0x1.0000000000000p-1", "0x1.6a09e667f3bcdp+0"),
        ("-0x1.0000000000000p-1", "0x1.6a09e667f3bcdp-1"),
        ("0x1.999999999999ap-4", "0x1.125fbee250664p+0"),
        ("0x1.fffffcb923a2ap+9", "0x1.fff6ea43bd988p+1023"),
        ("-0x1.ff26666666666p+9", "0x0.cfefc5e672a12p-1022"),
        ("-0x1.06acccccccccdp+10", "0x0.00000009d9624p-1022"),
        ("-0x1.0c80000000000p+10", "0x0.0000000000001p-1022"),
        ("0x1.70ef54646d497p-57", "0x1.0000000000000p+0"),
        ("0x1.fffff94a03595p-2", "0x1.6a09e4c2ef37fp+0"),
    ],
    "log2": [
        ("0x1.8000000000000p+1", "0x1.95c01a39fbd68p+0"),
        ("0x1.4000000000000p+3", "0x1.a934f0979a371p+1"),
        ("0x1.6a09e667f3bccp-1", "-0x1.0000000000001p-1"),
        ("0x1.6a09e667f3bcdp+0", "0x1.0000000000001p-1"),
        ("0x1.fffffffffffffp-1", "-0x1.71547652b82fep-53"),
        ("0x1.0000000000001p+0", "0x1.71547652b82fdp-52"),
        ("0x0.0000000000001p-1022", "-0x1.0c80000000000p+10"),
        ("0x1.fffffffffffffp+1023", "0x1.0000000000000p+10"),
        ("0x1.6b851eb851eb8p-1", "-0x1.f9f7ba65de00ap-2"),
    ],
    "log10": [
        ("0x1.0000000000000p+1", "0x1.34413509f79ffp-2"),
        ("0x1.8000000000000p+1", "0x1.e8927964fd5fdp-2"),
        ("0x1.6a09e667f3bccp-1", "-0x1.34413509f7a00p-3"),
        ("0x1.6a09e667f3bcdp+0", "0x1.34413509f7a00p-3"),
        ("0x1.fffffffffffffp-1", "-0x1.bcb7b1526e50fp-55"),
        ("0x1.0000000000001p+0", "0x1.bcb7b1526e50dp-54"),
        ("0x0.0000000000001p-1022", "-0x1.434e6420f4374p+8"),
        ("0x1.fffffffffffffp+1023", "0x1.34413509f79ffp+8"),
        ("0x1.6b851eb851eb8p-1", "-0x1.309f767e6fd67p-3"),
    ],
    "tanh": [
        ("0x1.56e1fc2f8f359p-997", "0x1.56e1fc2f8f359p-997"),
        ("0x0.0000000000001p-1022", "0x0.0000000000001p-1022"),
        ("-0x1.5798ee2308c3ap-27", "-0x1.5798ee2308c3ap-27"),
        ("0x1.5c28f5c28f5c3p-3", "0x1.58d8296a405bdp-3"),
        ("0x1.62eb1c432ca58p-3", "0x1.5f6851a72a671p-3"),
        ("0x1.62eb1c432ca58p-2", "0x1.555b7cb87b1cap-2"),
        ("-0x1.199999999999ap-1", "-0x1.00442f6419203p-1"),
        ("0x1.0000000000000p+0", "0x1.85efab514f394p-1"),
        ("0x1.4000000000000p+1", "0x1.f9258260a71c2p-1"),
        ("-0x1.231f30ecb4880p+4", "-0x1.ffffffffffffdp-1"),
        ("0x1.2b33333333333p+4", "0x1.fffffffffffffp-1"),
        ("0x1.319999999999ap+4", "0x1.0000000000000p+0"),
        ("0x1.1716f4384ba0fp-2", "0x1.1060e4f0bcfc6p-2"),
        ("0x1.fb0aaedf0e4d3p-2", "0x1.d54cc1ffb8d79p-2"),
        ("0x1.00a16df29adb6p-1", "0x1.da3301d8e01e3p-2"),
        ("-0x1.9a84a2e6f0737p-1", "-0x1.547fde9200179p-1"),
        ("0x1.01146577c4e54p+0", "0x1.86d71552a2ca1p-1"),
        ("0x1.0000000000000p-1", "0x1.d9353d7568af3p-2"),
        ("0x1.fffffffffffffp-2", "0x1.d9353d7568af3p-2"),
        ("0x1.3000000000000p+4", "0x1.fffffffffffffp-1"),
        ("0x1.2ffffffffffffp+4", "0x1.fffffffffffffp-1"),
        ("0x1.30fbe76c8b439p+4", "0x1.fffffffffffffp-1"),
        ("0x1.30fc504816f00p+4", "0x1.0000000000000p+0"),
    ],
    "erf": [
        ("0x1.bd41f4c99772ep-9", "0x1.f66ae23180d11p-9"),
        ("0x1.e4b0ff009069cp-2", "0x1.fcad2e0cf8413p-2"),
        ("0x1.001523e205f11p-1", "0x1.0a91893daef6dp-1"),
        ("-0x1.afe73e36e043cp-1", "-0x1.88c4177c5c01dp-1"),
        ("0x1.3bb1305afbba2p+0", "0x1.d6719c8b480a9p-1"),
        ("0x1.274d5f5dc0760p+1", "0x1.ff6f554cae059p-1"),
        ("0x1.70a5aaaff4768p+2", "0x1.ffffffffffffdp-1"),
        ("0x0.0000000000001p-1022", "0x0.0000000000001p-1022"),
        ("0x1.0000000000000p-1022", "0x1.20dd750429b6dp-1022"),
        ("-0x1.0000000000000p-30", "-0x1.20dd750429b6dp-30"),
        ("0x1.0000000000000p-1", "0x1.0a7ef5c18edd2p-1"),
        ("0x1.fffffffffffffp-2", "0x1.0a7ef5c18edd2p-1"),
        ("0x1.0000000000000p+0", "0x1.af767a741088bp-1"),
        ("-0x1.4000000000000p+1", "-0x1.ffcaa8f4c9beap-1"),
        ("0x1.6000000000000p+2", "0x1.fffffffffffbep-1"),
        ("0x1.799999999999ap+2", "0x1.fffffffffffffp-1"),
        ("0x1.7afb48dc96626p+2", "0x1.fffffffffffffp-1"),
        ("0x1.7afb48dc96628p+2", "0x1.0000000000000p+0"),
        ("0x1.7cccccccccccdp+2", "0x1.0000000000000p+0"),
    ],
    "sigmoid": [
        ("0x1.0000000000000p+0", "0x1.764d4f5d5a2bdp-1"),
        ("-0x1.0000000000000p+0", "0x1.136561454ba86p-2"),
        ("0x1.62eb1c432ca58p-2", "0x1.2bed0a34e54cep-1"),
        ("-0x1.62eb1c432ca58p-2", "0x1.a825eb9635664p-2"),
        ("-0x1.2666666666666p+5", "0x1.e0a4a85f0f835p-54"),
        ("0x1.259999999999ap+5", "0x1.fffffffffffffp-1"),
        ("-0x1.5e40000000000p+9", "0x1.4ff475c68ca02p-1011"),
        ("-0x1.625999999999ap+9", "0x0.bcf8b155b3ee0p-1022"),
        ("-0x1.7200000000000p+9", "0x0.0000000000055p-1022"),
        ("0x1.70ef54646d497p-57", "0x1.0000000000000p-1"),
        ("-0x1.a666666666666p+1", "0x1.236630d362b36p-5"),
    ],
    "softplus": [
        ("0x1.0000000000000p+0", "0x1.5031eafefb049p+0"),
        ("-0x1.0000000000000p+0", "0x1.40c7abfbec124p-2"),
        ("0x1.62eb1c432ca58p-2", "0x1.c3456d328b718p-1"),
        ("-0x1.c28f5c28f5c29p-1", "0x1.634db3e84cd38p-2"),
        ("-0x1.ccccccccccccdp-1", "0x1.5d5770fb8311ep-2"),
        ("-0x1.2666666666666p+5", "0x1.e0a4a85f0f835p-54"),
        ("0x1.259999999999ap+5", "0x1.259999999999ap+5"),
        ("-0x1.5e40000000000p+9", "0x1.4ff475c68ca02p-1011"),
        ("-0x1.62c0000000000p+9", "0x0.54e90c99fb878p-1022"),
        ("-0x1.7200000000000p+9", "0x0.0000000000055p-1022"),
        ("0x0.0p+0", "0x1.62e42fefa39efp-1"),
        ("0x1.3f33333333333p+5", "0x1.3f33333333333p+5"),
        ("0x1.40ccccccccccdp+5", "0x1.40ccccccccccdp+5"),
        ("-0x1.a666666666666p+1", "0x1.28b54a8ab7016p-5"),
    ],
}
for name, pairs in cases.items():
    x, exact = np.array([[float.fromhex(v) for v in pair] for pair in pairs]).T
    padded = np.zeros((3, len(x), 2))
    padded[1, :, 0] = x
    for a in (fg.tensor(x), fg.tensor(np.tile(x, 50)), fg.tensor(padded)[1, :, 0]):
        y = getattr(fg, name)(a).numpy()
        exact_y = np.resize(exact, y.shape)
        off = np.abs(y.view(np.int64) - exact_y.view(np.int64))
        assert off.max() <= 1, (name, x[off.argmax() % len(x)].hex())

inf, nan = np.inf, np.nan
special = {
    "exp": [(0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (nan, nan),
            (709.7827128933841, inf), (1e308, inf), (-745.1332191019411, 5e-324), (-745.1332191019412, 0), (-1e308, 0),
            (5e-324, 1), (-5e-324, 1)],
    "log": [(0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (nan, nan), (-1, nan), (-5e-324, nan)],
    "log1p": [(0, 0), (-0.0, -0.0), (-1, -inf), (inf, inf), (-inf, nan), (nan, nan), (-2, nan), (-1 - 2**-52, nan),
              (5e-324, 5e-324), (-5e-324, -5e-324), (1e-300, 1e-300), (-(2.0**-60), -(2.0**-60))],
    "expm1": [(0, 0), (-0.0, -0.0), (inf, inf), (-inf, -1), (nan, nan), (709.7827128933841, inf), (-1e308, -1),
              (5e-324, 5e-324), (-5e-324, -5e-324), (-746, -1)],
    "exp2": [(0, 1), (-0.0, 1), (inf, inf), (-inf, 0), (nan, nan), (1024, inf), (1023, 2.0**1023), (-1022, 2.0**-1022),
             (-1074, 5e-324), (-1075.1, 0), (10, 1024), (-1, 0.5)],
    "log2": [(0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (nan, nan), (-1, nan), (5e-324, -1074)]
            + [(2.0**k, k) for k in range(-1074, 1024)],
    "log10": [(0, -inf), (-0.0, -inf), (1, 0), (inf, inf), (-inf, nan), (nan, nan), (-1, nan)]
             + [(10.0**k, k) for k in range(23)],
    "tanh": [(0, 0), (-0.0, -0.0), (inf, 1), (-inf, -1), (nan, nan), (1e308, 1), (-20.5, -1), (5e-324, 5e-324),
             (-5e-324, -5e-324)],
    "erf": [(0, 0), (-0.0, -0.0), (inf, 1), (-inf, -1), (nan, nan), (1e308, 1), (-6, -1), (5e-324, 5e-324),
            (-5e-324, -5e-324)],
    "sigmoid": [(0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (nan, nan), (1e308, 1), (-1e308, 0), (709, 1),
                (-746, 0), (40, 1)],
    "softplus": [(inf, inf), (-inf, 0), (nan, nan), (1e308, 1e308), (-1e308, 0), (709, 709), (-746, 0)],
    "sin": [(0, 0), (-0.0, -0.0), (inf, nan), (-inf, nan), (nan, nan), (5e-324, 5e-324), (-5e-324, -5e-324),
            (1e-300, 1e-300), (-(2.0**-60), -(2.0**-60)), (np.pi, 1.2246467991473532e-16)],
    "cos": [(0, 1), (-0.0, 1), (inf, nan), (-inf, nan), (nan, nan), (5e-324, 1), (np.pi / 2, 6.123233995736766e-17),
            (-np.pi, -1)],
}
for name, pairs in special.items():
    x, wanted = np.array(pairs, dtype=float).T
    y = getattr(fg, name)(fg.tensor(x)).numpy()
    np.testing.assert_array_equal(y, wanted, err_msg=name)
    np.testing.assert_array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(wanted[~np.isnan(y)]), err_msg=name)
    if name != "log10" and f"{name}:f->f" in own:      # 1e11 and above are not exact in float32
        narrow = x.astype(np.float32)
        y = getattr(fg, name)(fg.tensor(narrow)).numpy()
        exact = getattr(np, name, None) or np.vectorize(getattr(math, name))
        wanted = exact(narrow.astype(float)).astype(np.float32)
        np.testing.assert_array_equal(y, wanted)
        np.testing.assert_array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(wanted[~np.isnan(y)]))

# Every length below, at and above a chunk and a block gives the same bits, in the place of the operand as well.
x = np.random.default_rng(3).uniform(0.01, 4, 200)
for name in [*cases, "sin", "cos"]:
    f = getattr(fg, name)
    whole = f(fg.tensor(x)).numpy()
    for n in (2, 7, 8, 9, 63, 64, 65, 129, 200):
        np.testing.assert_array_equal(f(fg.tensor(x[:n])).numpy(), whole[:n])
        np.testing.assert_array_equal(f(fg.tensor(x[n - 1 :: -1])).numpy(), whole[n - 1 :: -1])

# No value depends on those beside it, of which some may take the loops to their far paths.
for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tanh", "sigmoid", "softplus",
             "erf"):
    f = getattr(fg, name)
    for bound in (3, 60, 750, 13000):
        x = np.random.default_rng(6).uniform(0 if name.startswith("log") else -bound, bound, 50_000)
        beside = x.copy()
        beside[::32] = -2 if name.startswith("log") else 1e5
        same = np.array_equal(np.delete(f(fg.tensor(x)).numpy(), np.s_[::32]),
                              np.delete(f(fg.tensor(beside)).numpy(), np.s_[::32]))
        assert same, (name, bound)
"""
)

RANDOM = (
    SETUP
    + """
rng = np.random.default_rng(SEED)
n = 1_000_000
patterns = rng.integers(1, 0x7FEFFFFFFFFFFFFF, n).view(np.float64)
subnormal = rng.integers(1, 1 << 52, n).view(np.float64)
sign = rng.choice([-1.0, 1.0], n)
references = {
    "sigmoid": lambda x: np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
draws = {
    "exp": [rng.uniform(-1, 1, n), rng.uniform(-708, 709.7, n), rng.uniform(-745, -708, n), rng.normal(size=n) * 1e-3],
    "log": [rng.uniform(0.5, 2, n), rng.uniform(0.7, 0.72, n), 1 + rng.normal(size=n) * 1e-4, patterns, subnormal],
    "exp2": [rng.uniform(-1, 1, n), rng.uniform(-1020, 1023.9, n), rng.uniform(-1074, -1020, n)],
    "expm1": [rng.uniform(-1, 1, n), rng.uniform(0.3, 0.4, n), rng.uniform(-40, 45, n), rng.uniform(-708, 709.7, n),
              sign * subnormal, sign * 2.0 ** -rng.uniform(0, 1070, n)],
    "log2": [rng.uniform(0.5, 2, n), rng.uniform(0.7, 0.72, n), 1 + rng.normal(size=n) * 1e-4, patterns, subnormal],
    "log10": [rng.uniform(0.5, 2, n), rng.uniform(0.7, 0.72, n), 1 + rng.normal(size=n) * 1e-4, patterns, subnormal],
    "tanh": [rng.uniform(-1, 1, n), rng.uniform(0.1, 0.4, n), rng.uniform(-25, 25, n), sign * subnormal,
             sign * 2.0 ** -rng.uniform(0, 1070, n), sign * patterns],
    "sigmoid": [rng.uniform(-2, 2, n), rng.uniform(-45, 45, n), rng.uniform(-745, 745, n)],
    "softplus": [rng.uniform(-2, 2, n), rng.uniform(-45, 45, n), rng.uniform(-745, 745, n)],
    "log1p": [rng.uniform(-0.99999, 2, n), rng.uniform(0.3, 0.5, n), rng.uniform(-0.4, -0.2, n), patterns, subnormal,
              rng.normal(size=n) * 1e-5, -(2.0 ** -rng.uniform(0, 1070, n))],
}
for name, arrays in draws.items():
    for x in arrays:
        exact = references.get(name, getattr(np, name, None))(x.astype(np.longdouble))  # 11 bits more
        y = getattr(fg, name)(fg.tensor(x)).numpy()
        error = np.abs((y - exact) / np.spacing(np.abs(exact.astype(np.float64))))
        assert error.max() < 0.95, (name, x[error.argmax()].hex(), error.max())
x = np.concatenate([rng.uniform(-0.99999, 3, n), rng.integers(1, 0x7F7FFFFF, n, dtype=np.int32).view(np.float32)])
x = x.astype(np.float32)
exact = np.log1p(x.astype(np.float64))
y = fg.log1p(fg.tensor(x)).numpy()
error = np.abs((y - exact) / np.spacing(np.abs(exact.astype(np.float32))))
assert error.max() < 0.501, (x[error.argmax()], error.max())
"""
)


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": DISABLED, "FASTGRAD_NO_NUMPY_LOOPS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("simd", instruction_sets())
def test_hard_and_special_arguments(simd):
    run(HARD, FASTGRAD_SIMD=simd)


@pytest.mark.slow
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than double")
@pytest.mark.parametrize("seed", range(3))
def test_random_arguments_are_within_an_ulp(seed):
    run(RANDOM.replace("SEED", str(seed)))


def test_every_instruction_set_gives_the_same_bits():
    code = SETUP + (
        "import hashlib\n"
        "x = np.random.default_rng(4).integers(-(2**63), 2**63, 100_000).view(np.float64)\n"
        "draw = np.random.default_rng(5)\n"
        "for a in (x, draw.normal(size=100_001), draw.uniform(30, 720, 100_001), -draw.uniform(30, 720, 100_001)):\n"
        "    for name in ('exp', 'exp2', 'expm1', 'log', 'log2', 'log10', 'log1p', 'sin', 'cos', 'tanh', 'sigmoid',\n"
        "                 'softplus', 'erf'):\n"
        "        y = getattr(fg, name)(fg.tensor(a)).numpy().copy()\n"
        "        y[np.isnan(y)] = np.nan\n"
        "        print(name, hashlib.sha256(y.tobytes()).hexdigest())\n"
    )
    assert len({run(code, FASTGRAD_SIMD=name) for name in instruction_sets()}) == 1


def test_where_loops_of_our_own_are_used():
    listed = "from fastgrad import core; print(*(n for n in core.loops_in_use() if n.endswith('(own)')), sep=', ')"
    assert "exp:d->d (own)" in run(listed)
    assert run(listed, FASTGRAD_NO_NUMPY_LOOPS="1").strip() == ""
    if any(features.get(name) for name in WIDE):
        found = run(listed, NPY_DISABLE_CPU_FEATURES="")
        listed = set(found.strip().split(", "))
        # Faster than NumPy's for AVX-512; erf is none of NumPy's.
        assert {f"{name} (own)" for name in ("expm1:d->d", "sin:d->d", "cos:d->d", "erf:d->d", "erf:f->f")} <= listed
        assert not {"exp:d->d (own)", "log:d->d (own)", "tanh:d->d (own)"} & listed
