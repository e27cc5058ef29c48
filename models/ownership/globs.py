"""Whether two globs (``*``, ``?``, ``[ab]``) can match one and the same name."""

from __future__ import annotations

import re
import string
from fnmatch import fnmatchcase, translate
from functools import lru_cache

_ALPHABET = string.ascii_letters + string.digits + "-._/:@"
"""What names of Kubernetes and of CMDBs are made of; decides whether two sets have a letter in common."""


def is_glob(pattern: str) -> bool:
    """Whether a pattern is more than a plain name."""
    return any(character in pattern for character in "*?[")


def glob_matches(pattern: str, name: str) -> bool:
    """Whether a name matches; as `fnmatchcase`, which compiles again beyond 256 patterns."""
    if pattern == "*":
        return True
    return _compiled(pattern).match(name) is not None if is_glob(pattern) else pattern == name


@lru_cache(maxsize=65_536)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def literal_length(pattern: str) -> int:
    """Return how many characters of a name a pattern fixes: the more, the more specific it is."""
    return sum(len(part) == 1 and not is_glob(part) for part in _parts(pattern))


@lru_cache(maxsize=65_536)
def can_meet(one: str, other: str) -> bool:
    """Whether some name matches both patterns."""
    if not is_glob(one) or not is_glob(other):
        return fnmatchcase(other, one) if not is_glob(other) else fnmatchcase(one, other)
    left, right = _parts(one), _parts(other)
    reachable = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        row, column = waiting.pop()
        if (row, column) == (len(left), len(right)):
            return True
        for step in _steps(left, right, row, column):
            if step not in reachable:
                reachable.add(step)
                waiting.append(step)
    return False


def _steps(left: list[str], right: list[str], row: int, column: int) -> list[tuple[int, int]]:
    steps = []
    here = left[row] if row < len(left) else None
    there = right[column] if column < len(right) else None
    if here == "*":
        steps.append((row + 1, column))
        if there is not None and there != "*":
            steps.append((row, column + 1))
    if there == "*":
        steps.append((row, column + 1))
        if here is not None and here != "*":
            steps.append((row + 1, column))
    if here not in (None, "*") and there not in (None, "*") and _share_a_letter(str(here), str(there)):
        steps.append((row + 1, column + 1))
    return steps


def _share_a_letter(one: str, other: str) -> bool:
    if not is_glob(one) and not is_glob(other):
        return one == other
    letters = {*_ALPHABET, *(part for part in (one, other) if not is_glob(part))}
    return any(fnmatchcase(letter, one) and fnmatchcase(letter, other) for letter in letters)


def _parts(pattern: str) -> list[str]:
    """Cut a pattern into letters, ``*``, ``?`` and whole sets."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        end = pattern.find("]", position + 2) if pattern[position] == "[" else -1
        stop = end + 1 if end > 0 else position + 1
        parts.append(pattern[position:stop])
        position = stop
    return parts
