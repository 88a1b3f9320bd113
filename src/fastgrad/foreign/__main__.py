"""`python -m fastgrad.foreign pytorch`: the table of foreign names as Markdown, of one library or of all."""

import sys

from fastgrad.foreign.markdown import TITLES, markdown

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(TITLES)
    for library in chosen:
        if library not in TITLES:
            raise SystemExit(f"unknown library {library!r}: choose from {', '.join(TITLES)}")
        print(f"# Coming from {TITLES[library]}\n\n{markdown(library)}")
