# SPDX-License-Identifier: Apache-2.0
"""Line plots over a logarithmic axis as SVG files: panels one above the other, with the same x.

They have their own white ground, as bench/page.py's, so that they read the same on light and dark pages.
"""

import dataclasses
import html
import math

COLOURS = ("#1f5fa8", "#d9822b", "#7a8a3a", "#9a5f9f", "#b3372f", "#3a8a8a")
DASHES = {"solid": "", "dashed": "7 4", "dotted": "2 3", "mixed": "9 3 2 3"}
WIDTH, LEFT, RIGHT = 760, 64, 18
TITLE, LEGEND_ROW, X_AXIS, GAP = 26, 18, 44, 12
CHARACTER = 6.6  # width of a character of 12 pixels, roughly


@dataclasses.dataclass
class Series:
    label: str  # empty: not in the legend
    points: list
    colour: int = 0
    dash: str = "solid"
    markers: bool = False
    line: bool = True
    band: list = dataclasses.field(default_factory=list)  # (x, low, high)


@dataclasses.dataclass
class Panel:
    title: str
    y_label: str
    series: list
    height: int = 230  # of the frame
    zero_line: bool = False


def linear_ticks(low, high, count=6):
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if rough <= step * (1 + 1e-9))
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def decade_ticks(low, high):
    """Powers of ten and, the shorter the axis, the more of what lies between them."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = math.log10(high / low)
    factors = (1, 1.5, 2, 3, 4, 5, 7) if decades < 1 else (1, 2, 5) if decades < 3 else (1,)
    return [factor * 10.0**exponent for exponent in exponents for factor in factors
            if low <= factor * 10.0**exponent <= high]


def binary_ticks(low, high):
    first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
    return [2.0**exponent for exponent in range(first, last + 1, max(1, math.ceil((last - first) / 12)))]


def number_text(value, thousand=1000):
    for unit, letter in ((thousand**2, "M"), (thousand, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{letter}"
    return f"{0 if abs(value) < 1e-12 else value:.4g}"


def binary_text(value):
    return number_text(value, 1024)


class Axes:
    """From data to pixels."""

    def __init__(self, panel, x_range, top):
        ys = [y for series in panel.series for _, y in series.points]
        ys += [y for series in panel.series for _, *limits in series.band for y in limits]
        ys += [0.0] if panel.zero_line else []
        margin = 0.05 * (max(ys) - min(ys)) or 0.05 * abs(max(ys)) or 1.0
        self.low, self.high = min(ys) - margin, max(ys) + margin
        self.x_range, self.top, self.bottom = x_range, top, top + panel.height

    def x(self, value):
        low, high = self.x_range
        return LEFT + math.log(value / low) / math.log(high / low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def path(self, points):
        return "".join(f"{'L' if index else 'M'}{self.x(x):.1f} {self.y(y):.1f}" for index, (x, y) in enumerate(points))


def stroke_of(series):
    dash = f' stroke-dasharray="{DASHES[series.dash]}"' if DASHES[series.dash] else ""
    return f'fill="none" stroke="{COLOURS[series.colour % len(COLOURS)]}" stroke-width="2"{dash}'


def series_text(series, axes):
    colour = COLOURS[series.colour % len(COLOURS)]
    parts = []
    if series.band:
        forth = [(x, high) for x, _, high in series.band]
        back = [(x, low) for x, low, _ in reversed(series.band)]
        parts.append(f'<path d="{axes.path(forth + back)}Z" fill="{colour}" opacity="0.16"/>')
    if series.line and len(series.points) > 1:
        parts.append(f'<path d="{axes.path(series.points)}" {stroke_of(series)}/>')
    if series.markers:
        parts += [marker_text(series, axes.x(x), axes.y(y)) for x, y in series.points]
    return "\n".join(parts)


def marker_text(series, x, y):
    """Dots of lines that are not solid are hollow, so that a point without a line is known too."""
    colour = COLOURS[series.colour % len(COLOURS)]
    fill = colour if series.dash == "solid" else "#fff"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{fill}" stroke="{colour}" stroke-width="1.4"/>'


def legend_text(all_series, top):
    """The entries in columns, and the height that they take."""
    entries = [series for series in all_series if series.label]
    width = 34 + CHARACTER * max((len(series.label) for series in entries), default=0) + 20
    columns = max(1, int((WIDTH - LEFT) // width))
    parts = []
    for place, series in enumerate(entries):
        x, y = LEFT + place % columns * width, top + 12 + place // columns * LEGEND_ROW
        if series.line:
            parts.append(f'<path d="M{x:.1f} {y - 4}h26" {stroke_of(series)}/>')
        if series.markers:
            parts.append(marker_text(series, x + 13, y - 4))
        parts.append(f'<text x="{x + 34:.1f}" y="{y}">{html.escape(series.label)}</text>')
    return "\n".join(parts), math.ceil(len(entries) / columns) * LEGEND_ROW + 2 if entries else 0


def grid_text(axes, panel, x_ticks, x_text):
    parts = []
    for value in linear_ticks(axes.low, axes.high):
        y = axes.y(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{number_text(value)}</text>')
    for value in x_ticks:
        x = axes.x(value)
        parts.append(f'<path d="M{x:.1f} {axes.top}V{axes.bottom}" stroke="#ddd"/>')
        if x_text:
            parts.append(f'<text x="{x:.1f}" y="{axes.bottom + 17}" text-anchor="middle">{x_text(value)}</text>')
    if panel.zero_line:
        parts.append(f'<path d="M{LEFT} {axes.y(0.0):.1f}H{WIDTH - RIGHT}" stroke="#555" stroke-width="1.5"/>')
    middle = (axes.top + axes.bottom) / 2
    parts.append(f'<text transform="translate(15 {middle:.1f}) rotate(-90)" text-anchor="middle">'
                 f"{html.escape(panel.y_label)}</text>")
    return "\n".join(parts)


def svg_plot(panels, x_label, binary=False):
    """The file's text. Panels without points are left out; there must be one with some."""
    panels = [dataclasses.replace(panel, series=[series for series in panel.series if series.points]) for panel in panels]
    panels = [panel for panel in panels if panel.series]
    xs = [x for panel in panels for series in panel.series for x, _ in series.points]
    x_range = (min(xs) / 1.12, max(xs) * 1.12)
    x_ticks = (binary_ticks if binary else decade_ticks)(*x_range)
    x_text = binary_text if binary else number_text
    parts, top = [], 4
    for panel in panels:
        parts.append(f'<text x="{LEFT}" y="{top + 16}" class="head">{html.escape(panel.title)}</text>')
        legend, height = legend_text(panel.series, top + TITLE)
        axes = Axes(panel, x_range, top + TITLE + height)
        is_last = panel is panels[-1]
        parts += [legend, grid_text(axes, panel, x_ticks, x_text if is_last else None)]
        parts += [series_text(series, axes) for series in panel.series]
        parts.append(f'<rect x="{LEFT}" y="{axes.top}" width="{WIDTH - LEFT - RIGHT}" height="{panel.height}" fill="none" '
                     'stroke="#999"/>')
        top = axes.bottom + GAP
    height = top - GAP + X_AXIS
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 9}" text-anchor="middle">{html.escape(x_label)}</text>')
    drawing = "\n".join(part for part in parts if part)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
            "<style>text{font:12px sans-serif;fill:#222}.head{font-weight:bold}</style>\n"
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{drawing}\n</svg>\n')
