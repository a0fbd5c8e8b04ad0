# SPDX-License-Identifier: Apache-2.0
"""Figures and tables as docs/results.md has them. No figure is rounded in favour of recurrence."""

import math
import statistics

HAIR = 1e-9  # what is no rounding but an error of arithmetic


def floored(value, digits):
    return math.floor(value * 10**digits + HAIR) / 10**digits


def ceiled(value, digits):
    return math.ceil(value * 10**digits - HAIR) / 10**digits


def percent(share):
    """A gain, rounded down."""
    return f"{floored(100 * share, 2) + 0.0:.2f} %"  # + 0.0: no -0.00


def interval(gain):
    """The 95 % interval of a gain, both ends rounded down."""
    return "" if gain.interval is None else f"{percent(gain.interval[0])} to {percent(gain.interval[1])}"


def loss(value, carry="carried", recurrent=True, digits=4):
    """What speaks for recurrence is the loss of recurrent models with all carried: it is rounded up, others down."""
    rounded = ceiled if recurrent and carry == "carried" else floored
    return f"{rounded(value, digits):.{digits}f}"


def spread(values, as_text):
    """The mean and, of several, the lowest and the highest."""
    text = as_text(statistics.fmean(values))
    return text if len(values) == 1 else f"{text} ({as_text(min(values))} to {as_text(max(values))})"


def millions(number, digits=1):
    """Sizes and lengths; they are no results and rounded as usual."""
    return f"{number / 1e6:,.{digits}f} M"


def words(items, last="and"):
    """a, b and c."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def table(head, rows, left=1):
    """A table of Markdown, its first `left` columns to the left, the others to the right."""
    def line(cells):
        return "| " + " | ".join(str(cell) for cell in cells) + " |"
    marks = "|" + "|".join("---" if column < left else "--:" for column in range(len(head))) + "|"
    return "\n".join([line(head), marks, *(line(row) for row in rows)]) + "\n"


def commands(*patterns):
    """What made the runs of a table, and the page."""
    runs = "\n".join(f"tools/experiments run --only '{pattern}'" for pattern in dict.fromkeys(patterns))
    return f"```\n{runs}\nmake results\n```\n"


def programs(results):
    """The commits of the programs that made these results."""
    commits = dict.fromkeys(result.commit for result in results)
    return f"commit{'s' if len(commits) > 1 else ''} {words(f'`{commit}`' for commit in commits)}"


def heads(name):
    return name[:1].upper() + name[1:]
