"""Conditions on annotations: ``owner=*@pay.example.com,team=pay-*,!legacy``. Values are globs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from models.vocabulary.errors import InputError


@dataclass(frozen=True)
class AnnotationCondition:
    """One condition. ``pattern`` None asks only whether the key is there."""

    key: str
    pattern: str | None
    is_negated: bool

    def matches(self, annotations: Mapping[str, str]) -> bool:
        """Whether the annotations meet it."""
        value = annotations.get(self.key)
        holds = value is not None and (self.pattern is None or fnmatchcase(value, self.pattern))
        return holds is not self.is_negated


@lru_cache(maxsize=4096)
def parse_annotation_selector(text: str) -> tuple[AnnotationCondition, ...]:
    """Return the conditions of a text; all must hold, empty text has none.

    Raises
    ------
    InputError
        If a part is neither ``key=glob``, ``key!=glob``, ``key`` nor ``!key``.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return tuple(map(_condition, parts))


def _condition(part: str) -> AnnotationCondition:
    key, sign, pattern = part.partition("=")
    is_negated = key.endswith("!") if sign else key.startswith("!")
    key = (key.removesuffix("!") if sign else key.removeprefix("!")).strip()
    if not key or any(character in key for character in ' !()"'):
        raise InputError(
            "is not an annotation selector: write key=glob, key!=glob, key or !key",
            field="annotation_selector",
            value=part,
        )
    return AnnotationCondition(key, pattern.strip() if sign else None, is_negated)


def annotations_match(text: str | None, annotations: Mapping[str, str]) -> bool:
    """Whether annotations meet every condition of a selector."""
    return all(condition.matches(annotations) for condition in parse_annotation_selector(text or ""))
