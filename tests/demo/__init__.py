"""`python -m fastgrad demo`."""
