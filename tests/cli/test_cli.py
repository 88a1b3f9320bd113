"""`python -m fastgrad`: its output, its one-line errors and its exit codes."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad import _interrupt
from fastgrad.benchmark import peers, race
from fastgrad.cli import MAX_ROUNDS, MAX_STEPS, bench, info, main
from fastgrad.cli.console import Console
from fastgrad.rules import RULES

SOURCES = str(Path(fg.__file__).parents[1])


def command(*words, **options):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [SOURCES, os.environ.get("PYTHONPATH")]))}
    return subprocess.Popen([sys.executable, "-m", "fastgrad", *words], text=True, env=environment, encoding="utf-8",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # fmt: skip


def test_the_demo_prints_accuracy_and_times_and_the_path_of_its_report(tmp_path, capsys):
    assert main(["demo", "--steps", "40", "--seed", "2", "--out", str(tmp_path / "r.html")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("1,797 digits", "largest relative difference", "held-out accuracy", "step 40/40", "NumPy by hand",
                  "pure-Python engine", "compiled engine", f"report: {(tmp_path / 'r.html').resolve()}"):  # fmt: skip
        assert words in out
    assert len(out.splitlines()) < 25 and "\r" not in out


def test_no_command_is_the_demo_and_quiet_prints_the_path_alone(tmp_path, capsys):
    assert main(["--steps", "5", "--quiet", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{(tmp_path / 'fastgrad-report.html').resolve()}\n"


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--steps", "nonsense"], 2, f"argument --steps: 'nonsense' is not a whole number from 1 to {MAX_STEPS:,}"),
        (["demo", "--steps", "0"], 2, f"argument --steps: '0' is not a whole number from 1 to {MAX_STEPS:,}"),
        (["--seed", "-1"], 2, "argument --seed: '-1' is not a whole number of at least 0"),
        (["bench", "--rounds", "2.5"], 2, f"argument --rounds: '2.5' is not a whole number from 1 to {MAX_ROUNDS:,}"),
        (
            ["--steps", f"{MAX_STEPS + 1}"],
            2,
            f"argument --steps: '{MAX_STEPS + 1}' is not a whole number from 1 to {MAX_STEPS:,}",
        ),
        (["--step", "5"], 2, "unrecognized arguments: --step 5"),
        (["--steps"], 2, "argument --steps: expected one argument"),
        (["paint"], 2, "unknown command 'paint': use one of demo, info, bench, draw, plan"),
        (["plan", "--step", "nan"], 2, "argument --step: 'nan' is not a number from 1e-06 to 1e+09"),
        (["plan", "--overlap", "some"], 2, "argument --overlap: 'some' is not a number from 0 to 1"),
        (["info", "more"], 2, "unrecognized arguments: more"),
    ],
)
def test_what_is_not_understood_gets_one_line_and_exit_code_2(words, code, line, capsys):
    assert main(words) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"fastgrad: {line}\n")


def test_a_folder_that_cannot_be_written_gets_one_line_and_exit_code_1(tmp_path, capsys):
    out = tmp_path / "absent" / "r.html"
    assert main(["--out", str(out)]) == 1
    printed, err = capsys.readouterr()
    assert printed == ""
    assert (
        err
        == f"fastgrad: cannot write the report to {out}: no such file or directory; choose another path with --out\n"
    )


@pytest.fixture
def interruptible():
    """Background jobs of a shell ignore SIGINT, and their children inherit that: restore the default."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "fork"), reason="needs POSIX signals")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_gets_one_line_and_exit_code_130(tmp_path):
    with command("--steps", str(MAX_STEPS), "--out", str(tmp_path)) as process:
        assert process.stdout.readline().startswith("fastgrad ")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "fastgrad: interrupted\n")
    assert "report" not in out and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_during_the_import_gets_one_line_and_exit_code_130(tmp_path):
    (tmp_path / "numpy.py").write_text("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)")
    path = os.pathsep.join([str(tmp_path), SOURCES])
    child = subprocess.run([sys.executable, "-m", "fastgrad", "info"], capture_output=True, text=True, timeout=60,
                           env=os.environ | {"PYTHONPATH": path})  # fmt: skip
    assert (child.returncode, child.stdout, child.stderr) == (130, "", "fastgrad: interrupted\n")
    as_library = subprocess.run([sys.executable, "-c", "import fastgrad"], capture_output=True, text=True, timeout=60,
                                env=os.environ | {"PYTHONPATH": path})  # fmt: skip
    assert as_library.stderr.rstrip().endswith("KeyboardInterrupt")


def test_only_this_command_is_recognised():
    assert _interrupt.is_command(["python", "-X", "dev", "-m", "fastgrad", "info"])
    assert _interrupt.is_command(["python", "-mfastgrad"])
    assert not _interrupt.is_command(["python", "-m", "pytest", "fastgrad"])
    assert not _interrupt.is_command(["python", "program.py", "-m"])


def test_a_reader_that_leaves_early_gets_no_traceback():
    with command("info") as process:
        process.stdout.close()
        err = process.stderr.read()
    assert err == "" and process.returncode in (0, 1)


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{fg.__version__}\n"
    assert main(["--help"]) == 0
    assert "{demo,info,bench,draw,plan}" in capsys.readouterr().out


def test_info_names_engine_and_machine(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    assert list(facts) == [
        "fastgrad",
        "engine",
        "kernels",
        "threads",
        "build",
        "Python",
        "NumPy",
        "BLAS",
        "CPU",
        "system",
    ]
    assert facts["fastgrad"].strip() == fg.__version__ and facts["engine"].split()[0] == fg.engine
    assert all(value.strip() for value in facts.values())


@pytest.mark.parametrize("width", [40, 80])
def test_info_fits_the_terminal(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["info"]) == 0
    few = capsys.readouterr().out.splitlines()
    assert main(["info", "--all"]) == 0
    every = capsys.readouterr().out.splitlines()
    for lines in few, every:
        assert max(map(len, lines)) <= width
    assert len(few) <= 24
    text = "\n".join(every)
    assert "loops in use:" in text and "CPU features:" in text
    assert len(every) > len(few)


def test_info_lists_the_functions_with_their_implementations(capsys):
    assert main(["info", "--coverage"]) == 0
    head, *table, _, total = capsys.readouterr().out.splitlines()
    assert head.split() == ["function", "how", "dtypes", "vjp", "jvp", "vmap"]
    listed = {line.split()[0]: line.split()[1:] for line in table}
    how = "kernel" if fg.engine == "cython" else "rule"
    assert listed["tanh"] == [how, "float", "complex", "int", "yes", "diagonal", "broadcasts"]
    assert listed["greater"][0] == "rule" and listed["greater"][-3:] == ["no", "no", "broadcasts"]
    assert listed["linalg.inv"][-1] == listed["fft.fft"][-1] == listed["concat"][-1] == "rule"
    assert listed["concat"][-2] == "linear" and listed["matmul"][-2] == "multilinear"
    assert listed["lstsq"][-1] == "loop"
    assert listed["argmax"] == ["constant", "all", "no", "no", "yes"]
    assert set(RULES) <= {name.rpartition(".")[2] for name in listed}
    assert total.startswith(f"{len(table)} functions: ")


def test_info_tells_what_the_build_leaves_out():
    switches = {"debug": False, "pools": True, "address_sanitizer": False}
    assert info._build(None) == "not compiled"
    assert info._build(lambda: switches) == "release"
    assert info._build(lambda: {**switches, "debug": True, "pools": False}) == "debug, no memory pools"
    assert info._build(lambda: dict.fromkeys(switches, True)) == "debug, address sanitizer"


def test_info_tells_loops_in_whatever_form_the_engine_has_them():
    assert info._loops("python", None) == "NumPy's functions, called from Python"
    assert info._loops("cython", lambda: "own") == "own"
    assert info._loops("cython", lambda: {"numpy": ["exp", "tanh"], "own": ("add",)}) == "numpy: exp tanh; own: add"


# The overhead table


@pytest.mark.parametrize("title", bench.ROWS)
def test_contenders_agree_before_they_are_timed(title):
    race.check(title, bench.ROWS[title]())


def test_the_table_has_a_line_for_every_row(capsys):
    assert main(["bench", "--rounds", "1"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for title in bench.ROWS:
        (line,) = (line for line in out.splitlines() if line.startswith(title))
        assert "x)" in line


def test_a_contender_with_other_values_is_named_and_left_out(monkeypatch, capsys):
    title, wrong = "scalar neuron, forward, backward", race.Contender("wrong", "pass", lambda: {"y": 1.0})
    made = bench.ROWS[title]()
    made.rivals.append(wrong)
    monkeypatch.setattr(bench, "ROWS", {title: lambda: made})
    assert main(["bench", "--rounds", "1"]) == 1
    out, err = capsys.readouterr()
    assert err == f"fastgrad: results differ from fastgrad's in {title}: wrong\n"
    assert title in out and wrong not in made.rivals


def test_a_library_that_does_not_import_is_named(monkeypatch):
    monkeypatch.setattr(peers, "LIBRARIES", ("math", "absent_library"))
    monkeypatch.setattr(peers, "_selected", {"math", "absent_library"})
    assert peers.missing() == ["absent_library", "math (ModuleNotFoundError on import)"]
    assert peers.chosen() == []


def test_ratios_read_well():
    assert [bench.times(r) for r in (0.5561, 12.34, 999.7, 12345.6)] == ["0.556x", "12.3x", "1,000x", "12,346x"]


# The progress line


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(written, width):
    """Return the lines on a terminal of `width` columns after `written`, with no control characters but CR, LF."""
    lines, row, column = [""], 0, 0
    for char in written:
        if char == "\r":
            column = 0
        elif char == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            if column == width:  # a terminal wraps at the next character
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            lines[row] = lines[row].ljust(column)[:column] + char + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_progress_fits_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = Terminal()
    console = Console(terminal)
    for done in range(1, 2001, 100):
        console.progress("two-layer network  loss 0.0123, accuracy 98.1%", done, 2000)
    assert len(shown(terminal.getvalue(), width)) == 1
    console.progress("two-layer network  loss 0.0123, accuracy 98.1%", 2000, 2000)
    assert len(shown(terminal.getvalue(), width)) == 2
    assert ("#" in terminal.getvalue()) == (width == 80)


def test_progress_fits_a_terminal_that_is_made_narrower(monkeypatch):
    terminal = Terminal()
    console = Console(terminal)
    monkeypatch.setenv("COLUMNS", "80")
    console.progress("two-layer network  loss 0.0123", 10, 2000)
    monkeypatch.setenv("COLUMNS", "40")
    start = len(terminal.getvalue())
    console.progress("two-layer network", 20, 2000)
    assert len(shown(terminal.getvalue()[start:], 40)) == 1


def test_on_a_terminal_progress_is_one_line_that_is_rewritten():
    terminal = Terminal()
    console = Console(terminal)
    console.progress("a long beginning", 1, 4)
    console.progress("short", 4, 4)
    console.line("next")
    first, second = terminal.getvalue().split("\r")[1:]
    assert "a long beginning" in first and "\n" not in first
    assert second.startswith("short  step 4/4") and second.endswith("\nnext\n")
    assert len(second.splitlines()[0]) >= len(first)


def test_elsewhere_progress_is_a_few_plain_lines():
    out = io.StringIO()
    console = Console(out)
    for done in range(1, 101):
        console.progress("training", done, 100)
    assert out.getvalue().splitlines() == [f"training  step {done}/100" for done in (25, 50, 75, 100)]


def test_an_unfinished_progress_line_is_closed():
    terminal = Terminal()
    console = Console(terminal)
    console.progress("training", 1, 4)
    console.end()
    console.end()
    assert terminal.getvalue().endswith("step 1/4\n")


def test_quiet_says_nothing():
    terminal = Terminal()
    console = Console(terminal, quiet=True)
    console.line("a")
    console.progress("b", 1, 2)
    console.end()
    assert terminal.getvalue() == ""
