"""Initiatives as HTML, every value escaped: four values beside each other, reasons in words below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from service.boards.programme_initiatives import Cell, InitiativeCard


def write_initiatives(cards: Sequence[InitiativeCard]) -> str:
    """Return the HTML of initiatives, one below the other."""
    return "".join(_card(card) for card in cards)


def _card(card: InitiativeCard) -> str:
    mark = (
        f'<span class="mc-mark mc-{card.tone}" data-initiative-state="{escape(card.state, quote=True)}">'
        f"{escape(card.state_text)}</span>"
    )
    cells = "".join(_cell(cell) for cell in card.cells)
    lines = "".join(f'<div class="mc-note">{escape(line)}</div>' for line in card.lines)
    return (
        f'<div class="mc-stage"><div class="mc-stage-name"><div>{escape(card.name)} '
        f'<span class="mc-note">{escape(card.when)}</span></div>{mark}</div>'
        f'<div class="mc-initiative">{cells}</div>{lines}</div>'
    )


def _cell(cell: Cell) -> str:
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return f"<div><span>{escape(cell.label)}</span><b>{escape(cell.value)}</b>{note}</div>"
