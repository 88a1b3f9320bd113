"""Messages and a progress line, which is updated in place on a terminal."""

from fastgrad._progress import Line, columns

BAR = 24  # columns of the bar of a progress line, if the terminal has room for it


class Console:
    """Prints messages and the progress of a long command. Prints nothing if `quiet`."""

    def __init__(self, stream, quiet=False):
        self.stream, self.quiet = stream, quiet
        self.live = stream.isatty()
        self._line = Line(stream)
        self.quarter = 0

    def line(self, text):
        if not self.quiet:
            self.stream.write(text + "\n")
            self.stream.flush()

    def progress(self, text, done, total):
        """Show that `done` of `total` steps are finished. If stdout is not a terminal, print a line per quarter."""
        if self.quiet:
            return
        text = f"{text}  step {done:,}/{total:,}"
        if self.live:
            self._line.write(text if done >= total else _bar(done / total, columns(self.stream) - len(text) - 4) + text)
            if done >= total:
                self._line.end()
        elif done == total or done * 4 // total > self.quarter:
            self.line(text)
        self.quarter = 0 if done == total else done * 4 // total

    def end(self):
        """End the current progress line, so that the next message starts on a new line."""
        if self._line.width:
            self._line.end()


def _bar(share, room):
    """Return a bar of at most `room` columns and a space, or nothing if there is no room for a useful one."""
    width = min(BAR, room)
    return f"[{'#' * int(width * share):<{width}}] " if width >= 5 else ""
