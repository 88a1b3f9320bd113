"""Pictures as SVG text: images, line charts and bars. All text is escaped here.

Colours are CSS classes from the style sheet of the page, so that pictures adapt to light and dark mode.
"""

import math
from html import escape


def tag(name, *children, **attributes):
    """Return an element. Attribute names such as `class_` and `text_anchor` mean class and text-anchor."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{pairs}>{''.join(children)}</{name}>" if children else f"<{name}{pairs}/>"


def _short(value):
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def label(text, **attributes):
    """Return a text element."""
    return tag("text", escape(str(text)), **attributes)


def figure(width, height, title, *children, **attributes):
    """Return an svg element that scales with its container and has a title, for screen readers and as a tooltip."""
    return tag(
        "svg",
        tag("title", escape(title)),
        *children,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=title,
        **attributes,
    )


def image(values, title):
    """Draw a matrix of values in 0..1 as a greyscale image."""
    return _pixels(values, title, lambda value: ("ink", value))


def signed_image(values, title, peak=None):
    """Draw a matrix of signed values: blue is positive, orange is negative, paler is closer to zero.

    `peak` is the magnitude drawn at full strength. The default is the largest one.
    """
    peak = peak or max(abs(value) for row in values for value in row) or 1.0
    return _pixels(values, title, lambda value: ("pos" if value > 0 else "neg", min(1.0, abs(value) / peak)))


def _pixels(values, title, colour):
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
        width, height, title, tag("rect", class_="paper", width=width, height=height), *cells, class_="pixels"
    )


def nice_ticks(low, high, count=5):
    """Return about `count` round numbers from `low` to `high`."""
    span = max(high - low, 1e-12)
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next(k for k in (1, 2, 5, 10) if span / (k * step) <= count)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def decade_ticks(low, high):
    """Return powers of ten between `low` and `high`. If there are few, add 3, or 2 and 5, times powers of ten."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [k * 10.0**d for d in decades for k in steps if low <= k * 10.0**d <= high]
        if len(ticks) >= 3:
            break
    return ticks


class Chart:
    """Axes with grid lines, and lines and bands in data coordinates."""

    left, right, top, bottom = 44, 14, 12, 30

    def __init__(self, title, x_range, y_range, x_title, *, log=False, percent=False, width=360, height=230):
        self.title, self.width, self.height, self.log = title, width, height, log
        self.x_range = x_range if x_range[1] > x_range[0] else (x_range[0], x_range[0] + 1)
        self.y_range = y_range if y_range[1] > y_range[0] else (y_range[0] * 0.9, y_range[0] * 1.1 + 1e-3)
        self.parts = []
        for tick in decade_ticks(*self.y_range) if log else nice_ticks(*self.y_range):
            y = self.y(tick)
            self.parts.append(tag("line", class_="grid", x1=self.left, x2=width - self.right, y1=y, y2=y))
            text = f"{tick:.0%}" if percent else f"{tick:g}"
            self.parts.append(label(text, class_="tick", x=self.left - 7, y=y + 3.5, text_anchor="end"))
        for tick in nice_ticks(*self.x_range, count=4):
            self.parts.append(
                label(f"{tick:,.0f}", class_="tick", x=self.x(tick), y=height - 14.0, text_anchor="middle")
            )
        self.parts.append(label(x_title, class_="tick", x=width - self.right, y=height - 2.0, text_anchor="end"))

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
        return figure(self.width, self.height, self.title, *self.parts, class_="chart")


def bar(share, colour):
    """Draw a horizontal bar that fills `share` of its container."""
    filled = tag("rect", class_=colour, width=max(0.6, 100.0 * min(1.0, share)), height=8, rx=1.5)
    return tag("svg", filled, viewBox="0 0 100 8", preserveAspectRatio="none", class_="bar", aria_hidden="true")
