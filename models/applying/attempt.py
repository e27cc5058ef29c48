"""An attempt to carry out a suggestion in a cluster: how, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ApplyMethod(StrEnum):
    """How a change is sent to the API."""

    SERVER_SIDE = "server_side"
    STRATEGIC = "strategic"
    JSON = "json"
    RESIZE = "resize"


class ApplyResult(StrEnum):
    """What became of an attempt."""

    PASSED = "passed"
    APPLIED = "applied"
    CONFLICT = "conflict"
    CHANGED = "changed"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"

    @property
    def is_success(self) -> bool:
        """Whether the API took the change, or would have."""
        return self in (ApplyResult.PASSED, ApplyResult.APPLIED)


RESULT_TEXTS = {
    ApplyResult.PASSED: "the API would take it (dry run, nothing changed)",
    ApplyResult.APPLIED: "the API took it; the suggestion is applied once the cluster shows it",
    ApplyResult.CONFLICT: "another field manager owns the values",
    ApplyResult.CHANGED: "the object is not what the suggestion was made for",
    ApplyResult.REFUSED: "the API refused it",
    ApplyResult.FORBIDDEN: "Millicore's account lacks a right",
    ApplyResult.BLOCKED: "a rule of this installation forbids it now",
    ApplyResult.UNKNOWN: "the answer was lost and the object does not show the change",
}


@dataclass(frozen=True)
class FieldConflict:
    """A field that another manager owns."""

    manager: str
    field: str


@dataclass(frozen=True)
class ApplyOutcome:
    """What one attempt came to.

    Parameters
    ----------
    result : ApplyResult
    message : str
        In words; the API's own where it gave some.
    conflicts : tuple of FieldConflict
    details : tuple of str
        One line per pod of a resize, warnings of the server.
    status : int or None
        HTTP status of the answer that decided; None when the API was not asked.
    """

    result: ApplyResult
    message: str
    conflicts: tuple[FieldConflict, ...] = ()
    details: tuple[str, ...] = ()
    status: int | None = None
