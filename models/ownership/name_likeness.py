"""How near two names are, with the reason: same words, abbreviations, letters swapped or missing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from models.ownership.names import split_form

_MOST_CANDIDATES = 40
_FILLERS = frozenset({"a", "and", "of", "the"})
_SHORTENED_SCORE = 0.85
_INITIALS_SCORE = 0.8


@dataclass(frozen=True)
class Likeness:
    """How near two names are, from 0 to 1, and what that rests on."""

    score: float
    evidence: str


def likeness(one: str, other: str) -> Likeness:
    """Return the best of five measures of two names.

    Same letters without separators (0.97), same words in another order (0.95), words shortened one by one
    (0.85), initials (0.8), words in common (up to 0.9), letters in common (`difflib`'s ratio, at most 0.96).
    """
    left, right = _words(one), _words(other)
    found = [
        _same_letters(left, right),
        _same_words(left, right),
        _shortened(left, right),
        _initials(left, right),
        _common_words(left, right),
        _common_letters(left, right),
    ]
    return max(found, key=lambda likeness: likeness.score)


def _words(name: str) -> tuple[str, ...]:
    return tuple(split_form(name).split("-"))


def _same_letters(left: Sequence[str], right: Sequence[str]) -> Likeness:
    is_same = "".join(left) == "".join(right)
    return Likeness(0.97 if is_same else 0.0, "the same letters, separated elsewhere")


def _same_words(left: Sequence[str], right: Sequence[str]) -> Likeness:
    is_same = Counter(left) == Counter(right)
    return Likeness(0.95 if is_same else 0.0, "the same words in another order")


def _shortened(left: Sequence[str], right: Sequence[str]) -> Likeness:
    kept = [tuple(word for word in words if word not in _FILLERS) for words in (left, right)]
    is_same = len(kept[0]) == len(kept[1]) and all(
        _is_short_for(*sorted(pair, key=len)) for pair in zip(*kept, strict=True)
    )
    return Likeness(_SHORTENED_SCORE if is_same else 0.0, "words shortened")


def _is_short_for(short: str, whole: str) -> bool:
    """Whether a word begins like another and keeps its letters' order: ``pymt`` for ``payment``."""
    if short == whole:
        return True
    if not short or short[0] != whole[0] or any(letter.isdigit() for letter in short + whole):
        return False
    rest = iter(whole)
    return all(letter in rest for letter in short)


def _initials(left: Sequence[str], right: Sequence[str]) -> Likeness:
    short, whole = sorted((left, right), key=len)
    letters = "".join(word[0] for word in whole if word and word not in _FILLERS)
    is_same = len(short) == 1 and len(letters) >= 2 and short[0] == letters
    return Likeness(_INITIALS_SCORE if is_same else 0.0, "initials")


def _common_words(left: Sequence[str], right: Sequence[str]) -> Likeness:
    common = sum((Counter(left) & Counter(right)).values())
    largest = max(len(left), len(right))
    if common == 0 or common < min(len(left), len(right)):
        return Likeness(0.0, "")
    more = sorted((Counter(left) - Counter(right)) + (Counter(right) - Counter(left)))
    return Likeness(0.6 + 0.3 * common / largest, f"one has the words of the other and {' '.join(more)}")


def _common_letters(left: Sequence[str], right: Sequence[str]) -> Likeness:
    one, other = "".join(left), "".join(right)
    ratio = SequenceMatcher(None, one, other, autojunk=False).ratio()
    if sorted(one) == sorted(other) and one != other:
        return Likeness(max(min(ratio, 0.96), 0.9), "letters swapped")
    return Likeness(min(ratio, 0.96), f"{ratio:.0%} of the letters in common")


class NameIndex:
    """Finds the few names that may be near another, without comparing it with all.

    Parameters
    ----------
    names : iterable of str
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._by_piece: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(self._names):
            for piece in _pieces(name):
                self._by_piece[piece].append(number)

    def candidates(self, name: str) -> list[str]:
        """Return the names with most pieces in common: pairs of letters, first letters, initials."""
        shared: dict[int, float] = defaultdict(float)
        for piece in _pieces(name):
            members = self._by_piece.get(piece, ())
            for number in members:
                shared[number] += 1 / len(members)  # a rare piece says more than a common one
        best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CANDIDATES]
        return [self._names[number] for number, _ in best]


def _pieces(name: str) -> set[str]:
    words = _words(name)
    text = "".join(words)
    pairs = {text[start : start + 2] for start in range(len(text) - 1)}
    starts = "".join(word[0] for word in words if word and word not in _FILLERS)
    whole = {f"initials:{starts}", f"first:{text[:1]}{len(words)}"}
    return pairs | whole | ({f"initials:{text}"} if len(words) == 1 else set())
