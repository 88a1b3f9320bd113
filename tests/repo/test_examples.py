"""Every example runs, prints, and passes its own comparisons; the projects run a few steps."""

import pathlib
import runpy
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))
# File: steps, and what must stand in the output after so many.
PROJECTS = {
    "moons": (3, "MLP of [Layer of [ReLUNeuron(2)"),
    "moons_replay": (3, "<Program of 65077 ops on 741 leaves>"),
    "custom_gate": (150, "the vjp of the gate agrees with finite differences"),
    "c_function": (60, "place 4.199, width 0.813, height 1.498"),
    "kepler": (40, "half-axis 2.000, eccentricity 0.600, period 5.999"),
    "pendulum": (12, "found [1.303  0.2489]"),
    "hmc": (60, "mean of the samples"),
    "many": (2, "all results are those of the loop, to the bit"),
    "saliency": (30, "gradient of the score of 8"),
    "digits_conv": (3, "held-out digits are classified correctly"),
    "digits_ranks": (3, "held-out digits are classified correctly"),
    "char_rnn": (2, "generated text:"),
    "logistic_lbfgs": (5, "loss 0.693147"),
    "neural_ode": (2, "mean distance from the true path"),
}

pytestmark = pytest.mark.skipif(not FILES, reason="the examples are not part of this distribution")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_example(file, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [file.name])
    runpy.run_path(str(file), run_name="__main__")
    assert "by hand" in capsys.readouterr().out


@pytest.mark.parametrize("name", PROJECTS)
def test_project(name, capsys, monkeypatch, tmp_path):
    steps, words = PROJECTS[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, str(steps)])
    runpy.run_path(str(EXAMPLES / "projects" / f"{name}.py"), run_name="__main__")
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("file", [*FILES, *sorted((EXAMPLES / "projects").glob("*.py"))], ids=lambda file: file.stem)
def test_help_is_the_first_sentence_of_the_file(file, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [file.name, "-h"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(file), run_name="__main__")
    assert stopped.value.code == 0
    first = file.read_text().split('"""')[1].split("\n")[0]
    assert first in capsys.readouterr().out


def test_the_readme_lists_every_example():
    text = (EXAMPLES / "README.md").read_text()
    projects = sorted((EXAMPLES / "projects").glob("*.py"))
    assert [file.name for file in [*FILES, *projects] if f"[{file.name}]" not in text] == []
    assert {file.stem for file in projects} == set(PROJECTS)
