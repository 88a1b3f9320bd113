"""The main job on real data: digits, two models, training, timing, a report. Imported by the command line only."""


class DemoError(Exception):
    """Why the main job cannot go on, in one line for people."""
