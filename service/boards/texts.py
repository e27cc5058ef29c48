"""Every text that a person reads on a board: one catalogue, plain short English.

``say`` fills a text. Values from clusters (team, workload, label) are filled in as they are; whoever renders
a text as HTML or markdown escapes it there.
"""

from __future__ import annotations

from typing import Final

from service.boards.catalogue import (
    changes,
    chargeback,
    every_board,
    health,
    leadership,
    oversell,
    programme,
    suggestions,
)

TEXTS: Final[dict[str, str]] = {
    **every_board.TEXTS,
    **leadership.TEXTS,
    **changes.TEXTS,
    **suggestions.TEXTS,
    **chargeback.TEXTS,
    **oversell.TEXTS,
    **programme.TEXTS,
    **health.TEXTS,
}


def say(key: str, **values: object) -> str:
    """Return a text of the catalogue with its places filled.

    Raises
    ------
    KeyError
        If the catalogue has no such text or a place has no value.
    """
    return TEXTS[key].format(**values)


def say_or(key: str, otherwise: str) -> str:
    """Return a text of the catalogue, or ``otherwise`` for values that newer data may hold."""
    return TEXTS.get(key, otherwise)
