"""The benchmarks are complete, rivals are correct, and the contenders of each row agree. No test measures time."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "bench").is_dir():
    pytest.skip("the benchmarks are part of the repository, not of the package", allow_module_level=True)

from bench import cost, machine, ops, readme, report, results, run  # noqa: E402
from bench import rows as _registers  # noqa: E402, F401
from bench.rows import derivatives, elementwise, layers, networks, recurrent, scalars, training  # noqa: E402
from fastgrad.benchmark import networks as shared  # noqa: E402
from fastgrad.benchmark import peers, race  # noqa: E402
from fastgrad.benchmark.elementwise import mixed_by_hand  # noqa: E402
from fastgrad.benchmark.scalars import neuron_by_hand, staged_lean  # noqa: E402
from fastgrad.rules.rule import RULES  # noqa: E402

NAMES = list(RULES)  # of the families that `bench.ops` loads; other tests may load those that need SciPy

QUICK = race.Settings(quick=True)
peers.choose([])  # what else is installed here is no business of the suite
TARGETS = {
    "add-0d": 3.0,
    "add-4x4": 0.25,
    "staged": 1.0,
    "staged-written": 1.4,
    "mlp-64-64-10": 0.65,
    "mlp-784-256-128-10": 0.9,
    "micrograd-2-16-16-1": 0.4,
    "linear-svm": 0.68,
    "rnn-100": 0.9,
    "mlp-adam": 0.33,
    "adam-1e6": 1.1,
    "rosenbrock-10": 0.6,
    "hvp-mlp": 1.5,
    "mixed-1e3": 0.6,
    "mixed-1e5": 1.0,
    "mixed-1e7": 1.0,
    "mixed-memory": 1.02,
    "centred-1e5": 0.7,
    "matmul-1024": 1.03,
    "matmul-256": 1.05,
    "matmul-64": 1.0,
    "chain": 2.0,
    "chain-memory": 120.0,
    "engines-60k": 60.0,
    "lstm-100": 0.33,
    "conv-digits": 1.0,
    "values-demo": 80.0,
    "values-demo-gc-off": 12.0,
    "values-demo-replay": 350.0,
    "values-chain": 120.0,
    "compiled-staged": 0.55,
    "compiled-rosenbrock-10": 0.14,
    "compiled-logistic-20": 0.35,
    "compiled-mlp-64-64-10": 0.85,
    "compiled-rnn-100": 0.45,
    "compiled-mixed-1e3": 0.35,
    "compiled-mixed-1e5": 0.65,
    "compiled-mixed-1e7": 0.6,
    "compiled-recording": 5.0,
    "import": 1.15,
    "draw-200": 1.0,
}
# How many times as fast: the more the better.
MORE = ["engines-60k", "values-demo", "values-demo-gc-off", "values-demo-replay"]


def test_every_promised_row_is_there_with_its_target():
    assert {name: results.ROWS[name].target for name in TARGETS} == TARGETS
    assert [name for name, entry in results.ROWS.items() if entry.sense == ">="] == MORE
    assert next(iter(results.ROWS)) == "control"


@pytest.mark.parametrize("name", results.ROWS)
def test_the_contenders_of_a_row_agree(name):
    try:
        found = results.run_row(results.ROWS[name], QUICK)
    except results.Skipped as reason:
        pytest.skip(str(reason))
    assert found
    assert all(r.fastgrad > 0 for r in found)


@pytest.mark.parametrize("library", peers.LIBRARIES)
def test_what_another_library_computes_has_a_row(library):
    pytest.importorskip(library)
    makers = importlib.import_module(f"fastgrad.benchmark.peers.with_{library}").MAKERS
    assert makers and makers.keys() <= results.ROWS.keys()


def test_an_op_without_a_row_fails_here():
    assert list(ops.ROWS) == NAMES, "give the rule a domain or samples"


@pytest.mark.parametrize("name", RULES)
def test_the_row_of_an_op_computes_what_numpy_computes(name):
    ops.small_case(RULES[name]).check()


@pytest.mark.parametrize("name", RULES)
def test_the_vjps_of_an_op_can_be_called_alone(name):
    """As the rows of `cost` do, with every operand and parameter as the engine passes it."""
    case = ops.small_case(RULES[name])
    if not case.places:
        pytest.skip("no gradient flows")
    cost._vjps(case).step()


def test_an_op_is_timed_small_and_large():
    names = [r.row for r in ops.measure(RULES["tanh"], QUICK)]
    assert names == ["tanh small", "tanh large"]


def test_the_cost_of_an_op_is_measured_forward_and_backward():
    assert [r.row for r in cost.measure(RULES["flip"], QUICK)] == ["flip forward", "flip backward"]
    assert [r.row for r in cost.measure(RULES["greater"], QUICK)] == ["greater forward"]


def _slope_by_differences(value_of, arrays, rng, step=1e-6):
    """Directional derivative by central differences, and the direction."""
    directions = [rng.normal(size=a.shape) for a in arrays]
    ends = (value_of([a + s * d for a, d in zip(arrays, directions)]) for s in (step, -step))
    return np.subtract(*ends) / (2 * step), directions


def _rivals_by_hand():
    rng = np.random.default_rng(20)
    x, labels, y = rng.normal(size=(8, 6)), rng.integers(0, 3, 8), rng.choice([-1.0, 1.0], (8, 1))
    yield "tanh network", shared.make_layers(rng, 6, 5, 3), shared.mlp_tanh_by_hand(x, labels)
    yield "relu network", shared.make_layers(rng, 6, 5, 4, 3), networks.mlp_relu_by_hand(x, labels)
    yield "micrograd", shared.make_layers(rng, 6, 5, 4, 1), networks.micrograd_by_hand(x, y, 0.01)
    yield "linear svm", [rng.normal(size=(3, 6))], networks.linear_svm_by_hand(x.T, labels, 0.01)

    def rnn(params):
        made = recurrent.HandRNN(inputs, *params).answer()
        return made.pop("loss"), list(made.values())

    inputs = rng.normal(size=(4, 3, 5))
    yield "lstm", [rng.normal(size=s) / 3 for s in ((16, 5), (16, 4), (16,), (16,))], layers.lstm_by_hand(inputs)
    shapes = (3, 1, 3, 3), (3,), (4, 3, 3, 3), (4,), (3, 16), (3,)
    images = rng.normal(size=(5, 1, 8, 8))
    yield "conv net", [rng.normal(size=s) for s in shapes], layers.conv_net_by_hand(images, rng.integers(0, 3, 5))
    yield "rnn", [rng.normal(size=(5, 5)) / 3, rng.normal(size=(5, 5)) / 3, rng.normal(size=5)], rnn

    def single(function):
        def both(params):
            value, gradient = function(params[0])
            return value, [gradient]

        return both

    def of_numbers(params):
        value, *gradients = neuron_by_hand(*params[0])
        return value, [np.array(gradients)]

    yield "neuron", [np.array([2.0, -3.0, -3.0])], of_numbers
    yield "rosenbrock", [rng.normal(size=10)], single(derivatives.rosenbrock_by_hand)
    yield "mixed", [rng.normal(size=50)], single(mixed_by_hand)
    yield "centred", [rng.normal(size=50)], single(elementwise.centred_by_hand)


@pytest.mark.parametrize(("arrays", "both"), [pytest.param(a, b, id=n) for n, a, b in _rivals_by_hand()])
def test_a_rival_by_hand_has_the_right_gradient(arrays, both):
    numerical, directions = _slope_by_differences(lambda p: both(p)[0], arrays, np.random.default_rng(21))
    by_hand = sum((g * d).sum() for g, d in zip(both(arrays)[1], directions))
    assert by_hand == pytest.approx(numerical, rel=1e-6)


def test_the_hessian_vector_product_by_hand_is_the_slope_of_the_gradient():
    rng = np.random.default_rng(22)
    x, labels = rng.normal(size=(8, 6)), rng.integers(0, 3, 8)
    arrays, v = shared.make_layers(rng, 6, 5, 3), shared.make_layers(rng, 6, 5, 3)
    gradient = shared.mlp_tanh_by_hand(x, labels)
    plus, minus = (gradient([a + s * d for a, d in zip(arrays, v)])[1] for s in (1e-5, -1e-5))
    for h, p, m in zip(derivatives.hvp_by_hand(x, labels)(arrays, v), plus, minus):
        np.testing.assert_allclose(h, (p - m) / 2e-5, rtol=1e-6, atol=1e-8)


def test_adam_by_hand_follows_its_definition():
    rng = np.random.default_rng(23)
    start, gradients = rng.normal(size=5), rng.normal(size=(3, 5))
    hand = training.HandAdam([start.copy()])
    p, m, v = start, 0, 0
    for t, g in enumerate(gradients, 1):
        hand.step([g.copy()])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - training.RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(hand.params[0], p, rtol=1e-13)


@pytest.mark.parametrize("by_hand", [scalars.staged_by_hand, staged_lean])
def test_the_staged_rivals_give_the_numbers_of_the_lecture_notes(by_hand):
    expected = (1.5456448841066441, 2.0595697955721652, 1.5922327514838093)
    assert by_hand(3.0, -4.0) == pytest.approx(expected, rel=1e-15)


def _constant(name, **answer):
    return race.Contender(name, lambda: None, lambda: answer)


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({"y": np.ones(2), "g": np.array([1.0, 1.001])}, "g of fastgrad and rival: differ by 0.001"),
        ({"y": np.ones(2), "g": np.ones((2, 1))}, r"shapes \(2,\) and \(2, 1\)"),
        ({"y": np.ones(2), "g": np.array([1.0, np.nan])}, "not finite"),
        ({"y": np.ones(2)}, r"fastgrad answers \['g', 'y'\], rival \['y'\]"),
    ],
)
def test_unequal_contenders_are_not_timed(theirs, words):
    pair = race.Race(_constant("fastgrad", y=np.ones(2), g=np.ones(2)), [_constant("rival", **theirs)])
    with pytest.raises(race.Unequal, match=words):
        results.race_result(results.Row("r", None, None, "<=", ""), pair, QUICK)


def test_contenders_take_turns():
    turns = []
    pair = [race.Contender(n, lambda n=n: turns.append(n), dict) for n in "AB"]
    timings = race.time_in_turns(pair, QUICK)
    rounds, (a, b) = timings[0].rounds, (t.inner for t in timings)
    assert rounds >= 2
    assert turns[-rounds * (a + b) :] == (["A"] * a + ["B"] * b) * rounds


def test_a_broken_row_is_named_and_the_others_still_run(tmp_path, capsys):
    def broken(settings):
        raise race.Unequal("broken: seven is not eight")

    def skipped(settings):
        raise results.Skipped("nothing here")

    entries = [
        results.Row("broken", broken, None, "<=", ""),
        results.Row("skipped", skipped, None, "<=", ""),
        results.ROWS["add-4x4"],
    ]
    assert run.run(entries, QUICK, tmp_path / "out.json", machine.facts()) == 1
    text = capsys.readouterr().out
    assert "UNEQUAL: broken: seven is not eight" in text
    assert "skipped: nothing here" in text
    written = json.loads((tmp_path / "out.json").read_text())
    assert [r["row"] for r in written["rows"]] == ["add-4x4"]
    assert written["rows"][0]["timings"]["fastgrad"].keys() >= {"median", "low", "high", "rounds", "inner"}
    assert written["machine"].keys() >= {"cpu", "python", "numpy", "blas", "date", "engine"}
    assert written["not_measured"]["broken"]["kind"] == "UNEQUAL"


def test_targets_are_met_from_the_right_side():
    def made(ratio, target, sense="<="):
        return results.Result("r", 1.0, ratio=ratio, target=target, sense=sense)

    assert made(0.9, 1.0).met is True
    assert made(1.1, 1.0).met is False
    assert made(61.0, 60.0, ">=").met is True
    assert made(1.04, 1.0, "~").met is True
    assert made(0.94, 1.0, "~").met is False
    assert made(0.9, None).met is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5e-8, "s", "25 ns"),
        (3.21e-5, "s", "32.1 us"),
        (0.123, "s", "123 ms"),
        (4e-10, "s", "0.4 ns"),
        (118.4, "B", "118 B"),
    ],
)
def test_quantities_read_easily(value, unit, text):
    assert report.quantity(value, unit) == text


def _run(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=machine.environment(OPENBLAS_CORETYPE="Nehalem"),
        capture_output=True,
        text=True,
    )


def test_the_command_prints_a_table_and_writes_json(tmp_path):
    path = tmp_path / "bench.json"
    done = _run(tmp_path, "--quick", "--row", "add-4*", "--row", "control", "--peers", "", "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith(("control", "add"))] == [
        "control",
        "add-4x4",
        "control",
    ]
    assert json.loads(path.read_text())["machine"]["threads"]["OPENBLAS_NUM_THREADS"] == "1"


def test_the_command_lists_rows_and_refuses_unknown_ones(tmp_path):
    assert "rnn-100" in _run(tmp_path, "--list").stdout
    assert "tanh" in _run(tmp_path, "ops", "--list").stdout
    done = _run(tmp_path, "--row", "nonsense")
    assert done.returncode == 2
    assert "no row matches ['nonsense']" in done.stderr
    done = _run(tmp_path, "--row", "control", "--json", str(tmp_path / "nowhere" / "bench.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cannot write ")


def test_the_command_writes_the_tables_of_the_readme(tmp_path, monkeypatch, capsys):
    text = readme.README.read_text(encoding="utf-8")
    monkeypatch.setattr(readme, "README", tmp_path / "README.md")
    readme.README.write_text(text, encoding="utf-8")
    names = [*readme.OWN, *readme.CHAINS]
    rows = [{"row": name, "fastgrad": 2e-6, "rival": 3e-5, "rival_name": "by hand", "ratio": 274.1} for name in names]
    machine = {"date": "2026-11-22T03:22:33", "cpu": "a CPU", "cores": 2, "python": "3.11.7", "numpy": "2.4.6"}
    machine["peers"] = {"torch": "2.13.0", "jax": "0.9"}
    rows += [{**rows[0], "row": name, "rival_name": rival} for name, (rival, *_) in readme.LIBRARIES.items()]
    path = tmp_path / "out.json"
    path.write_text(json.dumps({"machine": machine, "rows": rows}))
    assert readme.write(path) == 0
    written = readme.README.read_text(encoding="utf-8")
    assert "| recorded 4x4 `a + b` | 2 µs | `np.add` | 30 µs | 0.067 |" in written
    assert "Measured on 2026-11-22: a CPU, one core of 2, CPython 3.11.7, NumPy 2.4.6" in written
    assert "is 270 times as fast" in written and "(PyTorch 2.13.0), one thread each" in written
    around = [page.partition(readme.BEGIN)[::2] for page in (text, written)]
    assert around[0][0] == around[1][0]
    assert around[0][1].partition(readme.END)[2] == around[1][1].partition(readme.END)[2]

    path.write_text(json.dumps({"machine": machine, "rows": rows[1:]}))
    assert readme.write(path) == 2
    assert f"has no '{names[0]}'" in capsys.readouterr().err
    path.write_text(json.dumps({"machine": {**machine, "quick": True}, "rows": rows}))
    assert readme.write(path) == 2
    assert "is from a run with --quick" in capsys.readouterr().err
    assert readme.write(tmp_path / "nowhere.json") == 2
    assert readme.README.read_text(encoding="utf-8") == written


def test_the_tables_in_the_readme_have_the_form_that_the_command_writes():
    text = readme.README.read_text(encoding="utf-8")
    _, _, rest = text.partition(readme.BEGIN)
    now, _, after = rest.partition(readme.END)
    assert after
    cells = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in now.splitlines() if "|" in line]
    rows = [cell for cell in cells if len(cell) == 5 and cell[1] != "fastgrad" and "---" not in cell]
    words = [*readme.OWN.values(), *(tuple(words) for _, *words in readme.LIBRARIES.values())]
    assert [(row[0], row[2]) for row in rows] == [word for word in words if f"| {word[0]} |" in now]
    assert len(rows) > 19
    for row, mine, against, rival, ratio in rows:
        assert against, row
        assert all(re.fullmatch(r"\d+(\.\d+)? (ns|µs|ms|s)", figure) for figure in (mine, rival)), row
        assert re.fullmatch(r"\d+\.\d\d|0\.0\d\d", ratio), row
