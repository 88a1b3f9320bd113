"""The control: one NumPy call against itself. If the ratio differs from 1, the machine is busy."""

from bench.results import row
from fastgrad.benchmark.scalars import control

row("control", target=1.0, sense="~", note="one NumPy call against itself; met within 5 %")(lambda settings: control())
