"""`fg.explain` and `fg.draw` of compiled functions."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.cli import main
from fastgrad.errors import PictureError

only_recorded = pytest.mark.skipif(fg.engine != "cython", reason="this engine records no programs")


def made():
    def f(x):
        return (fg.sin(x) * x).sum()

    program = fg.compile(fg.value_and_grad(f))
    program(np.linspace(0.0, 1.0, 700))
    program(2.0)
    return program


@only_recorded
def test_the_table_has_the_steps_of_each_program():
    program = made()
    listing = fg.explain(program)
    assert [len(steps) for steps in listing.variants] == [len(steps) for steps in program.steps()]
    text = str(listing)
    assert "program 1 of 2" in text and "program 2 of 2" in text
    assert "sin" in text and "block by block" in text and "on single numbers" in text
    read = {name for steps in listing.variants for step in steps for name in step["reads"]}
    assert any(name.startswith("a") for name in read), "nothing reads the argument"


@only_recorded
def test_every_step_reads_what_is_an_input_or_was_written_before():
    for steps, buffers in zip(made().steps(), made().buffers()):
        written = {k for k, (kind, _) in enumerate(buffers) if kind in ("argument", "constant", "tensor", "gradient")}
        for op, reads, writes, *_ in steps:
            assert op
            unknown = [b for b in reads if b not in written and buffers[b][0] != "number"]
            assert not unknown, f"{op} reads {unknown}"
            written.update(writes)


@only_recorded
def test_the_picture_shows_ops_and_arguments():
    picture = fg.draw(made(), title="steps")
    assert "sin" in picture.svg and "results" in picture.svg
    assert {node.kind for node in picture.graph.nodes} >= {"leaf", "gate"}
    for k, node in enumerate(picture.graph.nodes):
        assert all(wire.source < k for wire in node.wires)


@only_recorded
def test_long_programs_are_folded():
    def f(x):
        for _ in range(40):
            x = fg.sin(x)
        return x.sum()

    program = fg.compile(f)
    program(np.ones((3, 4)))
    picture = fg.draw(program, limit=8)
    assert len(picture.graph.nodes) < 20 and "33 steps" in picture.svg


def test_a_program_that_recorded_nothing():
    program = fg.compile(np.sin)
    assert "no steps" in str(fg.explain(program))
    with pytest.raises(PictureError, match="has no steps to draw"):
        fg.draw(program)


@only_recorded
def test_the_command_draws_a_program(tmp_path, capsys):
    assert main(["draw", "--program", "x * sin(x) + y**2", "x=3", "y=-4", "-o", str(tmp_path / "p.svg")]) == 0
    assert "sin" in (tmp_path / "p.svg").read_text()
