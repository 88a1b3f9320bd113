"""One rule per op. Importing this package imports them all, each family after the families whose ops its rules use."""

from fastgrad.rules import shapes  # noqa: I001
from fastgrad.rules import logic, arithmetic, exponential, trigonometric, hyperbolic, comparison, complex
from fastgrad.rules import reductions, statistics, norms, erf, activations
from fastgrad.rules import indexing, joining, linear_algebra, singular, einsum
from fastgrad.rules.rule import FUNCTIONS, RULES, Rule, rule

__all__ = ["FUNCTIONS", "RULES", "Rule", "rule"]
