"""Checks the links of a built site: `python links.py FOLDER [--external]`. Exits with 1 if one is broken.

Every link within the site must lead to a file and, with a fragment, to an element of it. With --external, other sites
are asked too. A site that cannot be reached is reported and is not an error; a missing page is.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.request import Request, urlopen

_TIMEOUT = 10  # seconds


class _Page(HTMLParser):
    """The targets and the ids of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.update(found[key] for key in ("id", "name") if found.get(key))
        if found.get("rel") != "canonical":
            self.links.update(found[key] for key in ("href", "src") if found.get(key))


def internal(folder):
    """Return a message for every broken link within the site, and all links to other sites."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]  # templates of the theme
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in paths}
    broken, external = [], set()
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                external.update({urldefrag(link).url} if parts.scheme in ("http", "https") else ())
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                broken.append(f"{path.relative_to(folder)}: {link} leads to no file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                broken.append(f"{path.relative_to(folder)}: {link} leads to no element of the page")
    return broken, sorted(external)


def ask(url):
    """Return the answer of another site: "ok", "missing" or "not reached"."""
    try:
        with urlopen(Request(url, headers={"User-Agent": "fastgrad-docs"}), timeout=_TIMEOUT):
            return "ok"
    except HTTPError as error:
        return "missing" if error.code in (404, 410) else "not reached"
    except (URLError, OSError):
        return "not reached"


def main(arguments):
    folder = Path(arguments[0]).resolve()
    broken, external = internal(folder)
    if "--external" in arguments:
        with ThreadPoolExecutor(8) as pool:
            answers = dict(zip(external, pool.map(ask, external), strict=True))
        broken += [f"{url} is missing" for url, answer in answers.items() if answer == "missing"]
        print(*(f"{url} was not reached" for url, answer in answers.items() if answer == "not reached"), sep="\n")
    print(*broken, sep="\n")
    print(f"{len(broken)} broken links; {len(external)} links to other sites")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
