"""Draws log-log plots as SVG, without a library."""
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, TOP = 330, 230, 64, 44
# Room for a plot with its axes.
PLOT_WIDTH, PLOT_HEIGHT = 450, 370


def digits(value):
    return f"{int(value):,}".replace(",", " ")


def powers(values):
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def plot(title, x_title, lines, column, row):
    """One plot: `lines` are (name, colour, dashes, [(x, y)]). A thin line of slope 1 starts where the first line ends."""
    points = [point for *_, line in lines for point in line]
    (x_low, x_high), (y_low, y_high) = powers([x for x, _ in points]), powers([y for _, y in points])
    left, top = LEFT + column * PLOT_WIDTH, TOP + row * PLOT_HEIGHT
    x_at = lambda x: left + (log10(x) - x_low) / (x_high - x_low) * WIDTH
    y_at = lambda y: top + HEIGHT - (log10(y) - y_low) / (y_high - y_low) * HEIGHT
    out = [f'<text x="{left}" y="{top - 16}" font-weight="bold">{title}</text>']
    for power in range(x_low, x_high + 1):
        x = x_at(10**power)
        out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + HEIGHT}" stroke="#d8dee4"/>')
        out.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 18}" text-anchor="middle">{digits(10**power)}</text>')
    for power in range(y_low, y_high + 1):
        y = y_at(10.0**power)
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}" stroke="#d8dee4"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    out.append(f'<text x="{left + WIDTH / 2}" y="{top + HEIGHT + 38}" text-anchor="middle">{x_title}</text>')
    out.append(linear(lines[0][-1][-1], x_at, y_at, (10.0**x_low, 10.0**y_low)))
    for name, colour, dashes, line in lines:
        path = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in line)
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        out += [f'<circle cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
    out.append(legend([*((name, colour, dashes) for name, colour, dashes, _ in lines), ("linear", "#57606a", "2 3")],
                      left - 40, top + HEIGHT + 60))
    return "\n".join(out)


def linear(end, x_at, y_at, floor_of):
    """The line of slope 1 through a point, down to the edge of the plot."""
    x, y = end
    factor = min(x / floor_of[0], y / floor_of[1])
    return (f'<line x1="{x_at(x / factor):.1f}" y1="{y_at(y / factor):.1f}" x2="{x_at(x):.1f}" y2="{y_at(y):.1f}" '
            'stroke="#57606a" stroke-dasharray="2 3"/>')


def legend(names, left, top):
    """Names below the plot, three to a row."""
    out = []
    for place, (name, colour, dashes) in enumerate(names):
        x, y = left + place % 3 * 138, top + place // 3 * 18
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        out.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" stroke="{colour}" stroke-width="2"{dash}/>')
        out.append(f'<text x="{x + 24}" y="{y}" font-size="11">{name}</text>')
    return "\n".join(out)


def svg(plots):
    """Lays plots out in two columns."""
    rows = -(-len(plots) // 2)
    width, height = 2 * PLOT_WIDTH, rows * PLOT_HEIGHT + 10
    drawn = "\n".join(plot(title, x_title, lines, place % 2, place // 2) for place, (title, x_title, lines) in enumerate(plots))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="{width}" height="{height}" fill="white"/>\n{drawn}\n</svg>\n')
