"""fastgrad's benchmarks: `python -m bench` from the repository root. Nothing in the package imports this."""
