"""`python -m fastgrad`."""
