"""`python -m bench readme RESULT.json`: updates the tables of README.md from the JSON file of a run."""

import json
import sys

from bench.machine import ROOT
from fastgrad.benchmark.race import duration

README = ROOT / "README.md"
BEGIN, END = "<!-- numbers: begin (from the JSON of `python -m bench`) -->\n", "<!-- numbers: end -->"
HEAD = "| | fastgrad | against | | ratio |\n|---|---|---|---|---|\n"
_NUMPY = "NumPy with gradients by hand"
# Row of the benchmark -> what is measured, and against what, in README.md.
OWN = {
    "add-0d": ("recorded `a + b` of two numbers", "`float + float`"),
    "add-4x4": ("recorded 4x4 `a + b`", "`np.add`"),
    "staged": (
        "the expression above: leaves, forward, backward",
        "Python floats by hand, stage by stage as in lecture notes",
    ),
    "staged-lean": ("the same", "Python floats by hand, stages merged, no powers"),
    "staged-written": ("the same, with its three numbers read", "the same floats"),
    "mlp-64-64-10": ("network 64-64-10, batch 32, training step", _NUMPY),
    "mlp-784-256-128-10": ("network 784-256-128-10, batch 128, training step", _NUMPY),
    "micrograd-2-16-16-1": ("network 2-16-16-1 on 100 points, training step", _NUMPY),
    "rnn-100": ("recurrent network, 100 steps, forward and backward", _NUMPY),
    "rosenbrock-10": ("Rosenbrock, n = 10, value and gradient, NumPy in and out", _NUMPY),
    "compiled-staged": (
        "the expression above, value and gradients, by `fg.compile`",
        "Python floats by hand, stages merged",
    ),
    "compiled-rosenbrock-10": ("Rosenbrock as above, by `fg.compile`", _NUMPY),
    "compiled-rnn-100": ("the recurrent network, by `fg.compile`", _NUMPY),
    "compiled-mixed-1e7": ("the row of 10^7 elements below, by `fg.compile`", _NUMPY),
    "per-sample-mlp-32": ("the first network, one gradient per sample by `vmap` of `grad`", "NumPy, batched by hand"),
    "hessian-rosenbrock-10": (
        "Hessian of Rosenbrock, n = 10",
        "NumPy by hand, as a matrix of zeros with three diagonals",
    ),
    "hessian-sparse": ("sparse Hessian of Rosenbrock, n = 1000", "NumPy by hand, the three diagonals"),
    "hvp-mlp": ("Hessian-vector product of the first network", "NumPy with the R-operator by hand"),
    "mixed-1e3": ("`sum(tanh(x)*sigmoid(x) + exp(-x*x))`, 10^3 elements, per element", _NUMPY),
    "mixed-1e5": ("the same, 10^5", _NUMPY),
    "mixed-1e5-kept": ("the same", "NumPy by hand, with buffers that are kept between calls"),
    "mixed-1e7": ("the same, 10^7", _NUMPY),
    "centred-1e5": ("`mean((x - mean(x))**2 / (1 + abs(x)))`, 10^5, per element", _NUMPY),
    "matmul-1024": ("matmul and both gradients, 1024", "three bare `np.matmul`"),
    "matmul-256": ("the same, 256", "three bare `np.matmul`"),
    "matmul-64": ("the same, 64", "three bare `np.matmul`"),
    "import": ("`import fastgrad`", "`import numpy`"),
}
# Row of the benchmark -> rival, what is measured, and against what. These rows require PyTorch or micrograd.
LIBRARIES = {
    "mlp-adam": ("torch", "network 64-64-10, batch 32, training step with Adam", "PyTorch"),
    "lstm-100": ("torch", "LSTM of width 32, 100 steps, batch 16, forward and backward", "PyTorch"),
    "conv-digits": ("torch", "convolutional net on 8x8 digits, batch 64, training step", "PyTorch"),
    "adam-1e6": ("torch", "Adam's step over 10^6 float32 numbers", "PyTorch's fused one"),
    "values-demo": ("micrograd", "micrograd's demo, a training step", "micrograd"),
    "values-demo-gc-off": ("micrograd", "the same, `gc.disable()` for both", "micrograd"),
    "values-demo-replay": ("micrograd", "the same with `replay`", "micrograd"),
}
CHAINS = "chain-1e4", "chain-1e6", "chain-memory-rss", "engines-60k"


def tables(found):
    """Return the text between the markers.

    Parameters
    ----------
    found : dict
        Content of the JSON file of a complete run of `python -m bench`.

    Raises
    ------
    KeyError
        If a row that requires no other library is missing.
    """
    machine, rows = found["machine"], {r["row"]: r for r in found["rows"]}
    own = "".join(line(*words, rows[name]) for name, words in OWN.items())
    short, long, memory, engines = (rows[name] for name in CHAINS)
    text = (
        f"Measured on {machine['date'][:10]}: {machine['cpu']}, one core of {machine['cores']}, CPython "
        f"{machine['python']}, NumPy {machine['numpy']}, one BLAS thread.\n\n{HEAD}{own}\n"
        f"In a chain of 10^4 scalar operations, forward, backward and release together take {time(short['fastgrad'])} "
        f"per operation; in a chain of 10^6, {time(long['fastgrad'])}. A node takes {memory['fastgrad']:.0f} bytes.\n"
        "On a scalar graph of 60,000 nodes, the compiled engine is "
        f"{float(format(engines['ratio'], '.2g')):.0f} times as fast as the pure-Python one.\n"
    )
    others = {n: words for n, (rival, *words) in LIBRARIES.items() if rows.get(n, {}).get("rival_name") == rival}
    if others:
        versions = {"torch": "PyTorch", "micrograd": "micrograd"}
        used = {LIBRARIES[name][0] for name in others}
        named = ", ".join(f"{versions[k]} {v}" for k, v in machine.get("peers", {}).items() if k in used)
        text += f"\nAgainst other libraries{f' ({named})' if named else ''}, one thread each:\n\n{HEAD}"
        text += "".join(line(*words, rows[name]) for name, words in others.items())
    return text


def line(what, against, row):
    """Format one row: the time of fastgrad, what it is compared with, the time of that, and their ratio."""
    ratio = row["fastgrad"] / row["rival"]
    shown = f"{ratio:.2f}" if ratio >= 0.095 else f"{ratio:.3f}"
    return f"| {what} | {time(row['fastgrad'])} | {against} | {time(row['rival'])} | {shown} |\n"


def time(seconds):
    return duration(seconds).replace(" us", " µs")


def write(path):
    """Rewrite README.md between the markers. Returns the exit status: 2 if the file is not from a complete run."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        new = tables(found)
    except OSError as error:
        print(f"cannot read {path}: {error.strerror}", file=sys.stderr)
        return 2
    except json.JSONDecodeError as error:
        print(f"cannot read {path}: {error}", file=sys.stderr)
        return 2
    except KeyError as missing:
        print(
            f"{path} has no {missing}: README.md needs the results of a complete run of `python -m bench`",
            file=sys.stderr,
        )
        return 2
    if found["machine"].get("quick"):
        print(f"{path} is from a run with --quick, whose figures are meaningless", file=sys.stderr)
        return 2
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + new + END + rest.partition(END)[2], encoding="utf-8")
    print(f"updated the tables of {README}")
    return 0
