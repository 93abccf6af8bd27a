"""Parts of HTML pages that stand alone: style, tables, numbers, pictures. Whoever hands in a text has escaped it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING_FROM_ELSEWHERE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content-Security-Policy of the pages: no scripts, no requests."""
STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1a1a1a; margin: 2rem auto;
       max-width: 68rem; padding: 0 1.2rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; } h4 { font-size: .92rem; margin: .8rem 0 0; }
.question { font-size: 1.1rem; color: #444; margin-top: 0; }
table { border-collapse: collapse; margin: .6rem 0 1rem; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top; }
th { border-bottom: 1.5px solid #666; } th:first-child, td:first-child, .words td, .words th { text-align: left; }
.interval { color: #666; white-space: nowrap; display: inline-block; }
.note { color: #555; font-size: .88rem; max-width: 52rem; }
.wrong { border: 2px solid #b00020; background: #fdf0f1; padding: .5rem 1rem; border-radius: 4px; }
.wary { border: 1px solid #b58900; background: #fdf8e8; padding: .2rem 1rem; border-radius: 4px; margin-top: 1rem; }
.wrong strong { color: #b00020; } figure { margin: 1.2rem 0; break-inside: avoid; } img { max-width: 100%; }
figcaption { font-weight: 600; } pre { background: #f4f4f4; padding: .7rem 1rem; overflow-x: auto; }
code { font-size: .86rem; } summary { cursor: pointer; font-weight: 600; margin: .4rem 0; }
tr { break-inside: avoid; } .wide { overflow-x: auto; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: .6rem; }
.row figure { margin: .4rem 0; } .row img { width: 100%; } .row figcaption { font-size: .88rem; }
section.run { border-top: 3px solid #444; margin-top: 3rem; }
@media print { body { font-size: 11px; margin: 0; max-width: none; } h2 { break-after: avoid; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page; the title is text, the parts are HTML."""
    guard = f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_FROM_ELSEWHERE}">'
    head = f'<meta charset="utf-8">{guard}<title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """HTML table, without a head where none is given; the cells are HTML already."""
    top = "<thead><tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr></thead>" if head else ""
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    made = f'<table class="{kind}">{top}<tbody>\n{body}\n</tbody></table>'
    return f'<div class="wide">{made}</div>'


def number(value: float | int | None) -> str:
    """A number to be read: three digits, all of whole numbers, powers of ten where large or small, a dash for none."""
    if value is None or value != value:
        return "–"
    if value and not 1e-3 <= abs(value) < 1e5:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits}\u00a0·\u00a010{str(int(power)).translate(SUPERSCRIPTS)}".replace("-", "−")
    text = f"{value:.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")
    return text.replace("-", "−")


def folded(title: str, inside: str, first: bool = False) -> str:
    """A part below its title; parts after the first open on demand."""
    if first:
        return (f"<h3>{escape(title)}</h3>" if title else "") + inside
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def picture(data: bytes, kind: str, caption: str, seen: str = "") -> str:
    """A picture inside the page; kind is "png", "jpeg" or "svg+xml"; caption and what is seen are text."""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    image = f'<img alt="{escape(seen or caption)}" src="{source}">'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{image}</figure>"


def note(text: str) -> str:
    """Small gray print; HTML."""
    return f'<p class="note">{text}</p>'


def wary(title: str, lines: Iterable[str]) -> str:
    """An amber box with a list; title and lines are text. Nothing where there are no lines."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<div class="wary"><p><strong>{escape(title)}</strong></p><ul>{items}</ul></div>' if items else ""


def duration(seconds: float) -> str:
    """Seconds as 48 s, 3 min 20 s or 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def printable(text: str, longest: int = 120) -> str:
    """One line without control characters, cut where too long."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= longest else line[: longest - 1] + "…"
