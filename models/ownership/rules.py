"""Rules that say which team and cost centre pays for a namespace or a set of pods, and since when."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from models.vocabulary.errors import InputError
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import to_utc

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class OwnershipRow:
    """One rule. The fields are the columns of an ownership file (DESIGN section 5).

    Rows that say the same cluster, namespace, selector and priority share what they match by
    ``share_ratio``; what their shares leave of 1 is unowned.

    Parameters
    ----------
    cluster : str
        Name or glob; ``*`` is every cluster.
    namespace : str
        Name or glob.
    team : str
        Who pays.
    valid_from, valid_to : datetime
        Half-open range of instants; ``valid_to`` None means until further notice.
    label_selector : str or None
        Kubernetes label selector over the pod's labels.
    cost_centre : str or None
    share_ratio : Decimal
        In (0, 1].
    priority : int
        The higher wins; among equals the more specific rule does.
    source_file, source_row
        Where the row was read (1-based data row), for messages only.
    """

    cluster: str
    namespace: str
    team: str
    valid_from: datetime
    valid_to: datetime | None = None
    label_selector: str | None = None
    cost_centre: str | None = None
    share_ratio: Decimal = Decimal(1)
    priority: int = 0
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    @property
    def scope(self) -> tuple[str, str, str, int]:
        """What the rule matches and how strongly; rows of one scope share."""
        return self.cluster, self.namespace, self.label_selector or "", self.priority

    def applies_between(self, start: datetime, end: datetime) -> bool:
        """Whether the rule holds for some instant of ``[start, end)``."""
        return self.valid_from < end and start < self.ends_at


def check_ownership_rows(rows: Sequence[OwnershipRow]) -> None:
    """Refuse rules that name nobody, and rules of one scope that give away more than the whole.

    Raises
    ------
    InputError
        Naming file, row, field and value; for shares above 1, every row that takes part.
    """
    scopes: dict[tuple[str, str, str, int], list[tuple[int, OwnershipRow]]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        _check_row(row, row.source_row or number)
        scopes[row.scope].append((row.source_row or number, row))
    for group in scopes.values():
        _check_shares(group)


def _check_row(row: OwnershipRow, number: int) -> None:
    is_share = row.share_ratio.is_finite() and 0 < row.share_ratio <= 1
    problems = (
        ("cluster", row.cluster, bool(row.cluster), "is missing: write a name or *"),
        ("namespace", row.namespace, bool(row.namespace), "is missing: write a name or a glob like pay-*"),
        ("team", row.team, bool(row.team.strip()), "is missing"),
        ("share_ratio", row.share_ratio, is_share, "is not above 0 and at most 1"),
        ("valid_to", row.valid_to, row.valid_from < row.ends_at, "is not after valid_from"),
    )
    for name, value, is_right, reason in problems:
        if not is_right:
            raise InputError(reason, file=row.source_file, row=number, field=name, value=value)
    try:
        parse_selector(row.label_selector or "")
    except InputError as problem:
        raise InputError(
            problem.reason, file=row.source_file, row=number, field=problem.field, value=problem.value
        ) from problem


def _check_shares(group: Sequence[tuple[int, OwnershipRow]]) -> None:
    for number, row in group:
        together = [(other_number, other) for other_number, other in group if _holds(other, row.valid_from)]
        payers = [(other.team, other.cost_centre) for _, other in together]
        total = sum((other.share_ratio for _, other in together), Decimal(0))
        if total > 1 or len(set(payers)) < len(payers):
            names = ", ".join(str(other_number) for other_number, _ in together)
            raise InputError(
                f"rows {names} own {row.namespace} in {row.cluster} at the same time and give away "
                f"{total * 100:f} %: end the earlier row, or lower share_ratio",
                file=row.source_file,
                row=number,
                field="share_ratio",
                value=str(row.share_ratio),
            )


def _holds(row: OwnershipRow, moment: datetime) -> bool:
    return row.valid_from <= moment < row.ends_at


def hash_ownership_rows(rows: Iterable[OwnershipRow]) -> str:
    """Return a hash of what the rules say, whatever their order or file."""
    content = sorted(
        (
            *map(str, row.scope),
            row.team,
            row.cost_centre or "",
            format(row.share_ratio.normalize(), "f"),
            to_utc(row.valid_from).isoformat(),
            "" if row.valid_to is None else to_utc(row.valid_to).isoformat(),
        )
        for row in rows
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]
