"""Messages and a progress line, which is updated in place on a terminal."""


class Console:
    """Prints messages and the progress of a long command. Prints nothing if `quiet`."""

    def __init__(self, stream, quiet=False):
        self.stream, self.quiet = stream, quiet
        self.live = stream.isatty()
        self.width = 0  # of the current progress line, which the next one overwrites
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
            filled = 24 * done // total
            text = f"[{'#' * filled}{' ' * (24 - filled)}] {text}" if done < total else text
            self.stream.write("\r" + text.ljust(self.width) + ("\n" if done == total else ""))
            self.width = 0 if done == total else len(text)
            self.stream.flush()
        elif done == total or done * 4 // total > self.quarter:
            self.line(text)
        self.quarter = 0 if done == total else done * 4 // total

    def end(self):
        """End the current progress line, so that the next message starts on a new line."""
        if self.width:
            self.stream.write("\n")
            self.stream.flush()
            self.width = 0
