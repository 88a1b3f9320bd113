"""Pictures as SVG text: tags, ink, signed maps, line charts, bars. Knows nothing of digits; every text is escaped here.

Colours are CSS classes of the page's style sheet, so that one picture works in light and dark mode.
"""

import math
from html import escape


def tag(name, *children, **attributes):
    """One element. `class_` stands for class, `text_anchor` for text-anchor; children are markup already."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{words}>{''.join(children)}</{name}>" if children else f"<{name}{words}/>"


def _short(value):
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def words(text, **attributes):
    """A text element; `text` is escaped."""
    return tag("text", escape(str(text)), **attributes)


def figure(width, height, label, *children, **attributes):
    """An svg element that scales with its box and tells screen readers what it shows."""
    return tag("svg", *children, viewBox=f"0 0 {width} {height}", role="img", aria_label=label, **attributes)


def ink(values, label):
    """A picture of ink on paper; `values` is a matrix in 0..1."""
    return _pixels(values, label, lambda value: ("ink", value))


def signed(values, label, peak=None):
    """A picture of signed numbers: `pos` above zero, `neg` below, paler near zero.

    `peak` is the magnitude drawn at full strength; the largest one otherwise.
    """
    peak = peak or max(abs(value) for row in values for value in row) or 1.0
    return _pixels(values, label, lambda value: ("pos" if value > 0 else "neg", min(1.0, abs(value) / peak)))


def _pixels(values, label, colour):
    cells = []
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            name, strength = colour(float(value))
            if strength >= 0.005:
                cells.append(
                    f'<rect class="{name}" x="{j}" y="{i}" width="1" height="1" opacity="{_short(strength)}"/>'
                )
    height, width = len(values), len(values[0])
    return figure(
        width, height, label, tag("rect", class_="paper", width=width, height=height), *cells, class_="pixels"
    )


def nice_ticks(low, high, count=5):
    """Round numbers from `low` to `high`, about `count` of them."""
    span = max(high - low, 1e-12)
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next(k for k in (1, 2, 5, 10) if span / (k * step) <= count)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def decade_ticks(low, high):
    """1, 2 and 5 times powers of ten between `low` and `high`; only powers of ten if those are enough."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [k * 10.0**d for d in decades for k in steps if low <= k * 10.0**d <= high]
        if len(ticks) >= 3:
            break
    return ticks


class Chart:
    """Axes with a few grid lines; then lines, bands and labels in data coordinates."""

    left, right, top, bottom = 44, 14, 12, 30

    def __init__(self, label, x_range, y_range, x_title, *, log=False, percent=False, width=360, height=230):
        self.label, self.width, self.height, self.log = label, width, height, log
        self.x_range = x_range if x_range[1] > x_range[0] else (x_range[0], x_range[0] + 1)
        self.y_range = y_range if y_range[1] > y_range[0] else (y_range[0] * 0.9, y_range[0] * 1.1 + 1e-3)
        self.parts = []
        for tick in decade_ticks(*self.y_range) if log else nice_ticks(*self.y_range):
            y = self.y(tick)
            self.parts.append(tag("line", class_="grid", x1=self.left, x2=width - self.right, y1=y, y2=y))
            text = f"{tick:.0%}" if percent else f"{tick:g}"
            self.parts.append(words(text, class_="tick", x=self.left - 7, y=y + 3.5, text_anchor="end"))
        for tick in nice_ticks(*self.x_range, count=4):
            self.parts.append(
                words(f"{tick:,.0f}", class_="tick", x=self.x(tick), y=height - 14.0, text_anchor="middle")
            )
        self.parts.append(words(x_title, class_="tick", x=width - self.right, y=height - 2.0, text_anchor="end"))

    def x(self, value):
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (self.width - self.left - self.right)

    def y(self, value):
        low, high = self.y_range
        if self.log:
            value, low, high = (math.log(max(v, 1e-300)) for v in (value, low, high))
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def line(self, points, colour):
        path = "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        self.parts.append(tag("path", class_=f"line {colour}", d=path))

    def band(self, xs, lows, highs, colour):
        edge = [*zip(xs, highs, strict=True), *zip(reversed(xs), reversed(lows), strict=True)]
        path = "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in edge) + "Z"
        self.parts.append(tag("path", class_=f"band {colour}", d=path))

    def draw(self):
        return figure(self.width, self.height, self.label, *self.parts, class_="chart")


def bar(share, colour):
    """A horizontal bar that fills `share` of its box."""
    filled = tag("rect", class_=colour, width=max(0.6, 100.0 * min(1.0, share)), height=8, rx=1.5)
    return tag("svg", filled, viewBox="0 0 100 8", preserveAspectRatio="none", class_="bar", aria_hidden="true")
