"""The demo on real data: digits, two models, training, timing, a report. Imported by the command line only."""


class DemoError(Exception):
    """The reason why the demo cannot continue, in one line for the user."""
