"""Label selectors in Kubernetes' grammar (``app=web,tier in (api,job),!legacy,env!=dev``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from models.vocabulary.errors import InputError

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_SET = re.compile(rf"^({_KEY})\s+(in|notin)\s*\(([^()]*)\)$")
_EQUAL = re.compile(rf"^({_KEY})\s*(==|=|!=)\s*({_VALUE})$")
_EXISTS = re.compile(rf"^(!?)\s*({_KEY})$")
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


@dataclass(frozen=True)
class Requirement:
    """One condition on one label. ``operator`` is in, notin, exists or absent."""

    key: str
    operator: str
    values: frozenset[str]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet it; ``notin`` also holds when the label is absent, as in Kubernetes."""
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "absent":
            return self.key not in labels
        if self.operator == "in":
            return labels.get(self.key) in self.values
        return labels.get(self.key) not in self.values


@dataclass(frozen=True)
class LabelSelector:
    """All of its requirements must hold; without any it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement holds for the labels."""
        return all(requirement.matches(labels) for requirement in self.requirements)


@lru_cache(maxsize=4096)
def parse_selector(text: str) -> LabelSelector:
    """Return the selector that the text describes; empty text matches everything.

    Raises
    ------
    InputError
        If a part is neither ``key=value``, ``key!=value``, ``key in (a,b)``, ``key notin (a,b)``, ``key``
        nor ``!key``.
    """
    parts = [part.strip() for part in _COMMA_OUTSIDE_PARENTHESES.split(text)] if text.strip() else []
    return LabelSelector(tuple(_requirement(part) for part in parts))


def _requirement(part: str) -> Requirement:
    if match := _SET.match(part):
        values = frozenset(value.strip() for value in match[3].split(","))
        if all(re.fullmatch(_VALUE, value) for value in values):
            return Requirement(match[1], match[2], values)
    elif match := _EQUAL.match(part):
        return Requirement(match[1], "notin" if match[2] == "!=" else "in", frozenset({match[3]}))
    elif match := _EXISTS.match(part):
        return Requirement(match[2], "absent" if match[1] else "exists", frozenset())
    raise InputError(
        "is not a label selector: write key=value, key!=value, key in (a,b), key notin (a,b), key or !key",
        field="label_selector",
        value=part,
    )
