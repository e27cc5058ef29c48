"""The pieces that queries are made of: selectors, ranges that lie within a bin or an hour, unions."""

from __future__ import annotations

from models.vocabulary.windows import BIN_SECONDS

Matchers = tuple[str, ...]

BIN_RANGE = f"[{BIN_SECONDS}s] offset 1ms"
HOUR_RANGE = "[1h] offset 1ms"


def select(metric: str, *matchers: str) -> str:
    """Return a selector of a metric with matchers; empty ones are left out."""
    given = ",".join(matcher for matcher in matchers if matcher)
    return f"{metric}{{{given}}}" if given else metric


def one_of(**expressions: str) -> str:
    """Return the union of expressions, each series marked with the label ``fact``."""
    return " or ".join(
        f'label_replace({expression},"fact","{fact}","","")' for fact, expression in expressions.items()
    )
