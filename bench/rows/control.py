"""The control: one NumPy call against itself. A ratio far from 1.00 points to a noisy machine, not to slow code."""

from bench.results import row
from fastgrad.benchmark.scalars import control

row("control", target=1.0, sense="~", note="one NumPy call at two places; met within 5 %")(lambda settings: control())
