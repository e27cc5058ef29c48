from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from models.vocabulary.recommendation import SilenceReason
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
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
from service.boards.coverage import ABSENT
from service.boards.texts import TEXTS, say
from warehouse.observed import WindowState

_PARTS = (every_board, leadership, changes, suggestions, chargeback, oversell, programme, health)


def _calls(repository: Path) -> list[tuple[str, set[str], str]]:
    """Return every ``say("literal key", name=...)`` of boards and service: key, names, place."""
    found = []
    for folder in ("dashboards", "service"):
        for file in sorted((repository / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                    first = node.args[0] if node.args else None
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        names = {keyword.arg or "**" for keyword in node.keywords}
                        found.append((first.value, names, f"{file.name}:{node.lineno}"))
    return found


def test_every_text_that_a_board_asks_for_is_in_the_catalogue_with_its_places_filled(
    repository: Path,
) -> None:
    calls = _calls(repository)
    assert len(calls) > 150
    for key, names, place in calls:
        assert key in TEXTS, f"{place} asks for {key}"
        if "**" not in names:
            wanted = {name for _, name, _, _ in string.Formatter().parse(TEXTS[key]) if name}
            assert wanted <= names, f"{place}: {key} needs {wanted - names}"


def test_no_text_stands_twice() -> None:
    assert sum(len(part.TEXTS) for part in _PARTS) == len(TEXTS)


@pytest.mark.parametrize(
    "key",
    [
        *(f"state.{state}" for state in RecommendationState),
        *(f"reason.{reason}" for reason in RejectionReason),
        *(f"silence.{reason}" for reason in SilenceReason),
        *(f"hour.{state}" for state in (*WindowState, ABSENT)),
    ],
)
def test_every_value_that_is_shown_has_a_text(key: str) -> None:
    assert say(key)


def test_texts_are_plain_and_short() -> None:
    for key, text in TEXTS.items():
        assert text == text.strip(), key
        assert "TODO" not in text
        assert len(text) < 260, key
