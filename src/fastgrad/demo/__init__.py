"""The demo on handwritten digits: two models, training, timing and a report. Imported by the command line only."""


class DemoError(Exception):
    """The demo cannot continue. The message is one line for the user."""
