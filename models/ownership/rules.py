"""Rules that say which team and cost centre pays for a namespace or a set of pods, and since when."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from models.ownership.annotations import parse_annotation_selector
from models.vocabulary.errors import InputError
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import to_utc

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class RuleOrigin(StrEnum):
    """Where a rule comes from. Rules that people wrote come before those of the CMDB."""

    FILE = "file"
    CMDB = "cmdb"


@dataclass(frozen=True)
class OwnershipRow:
    """One rule. The fields are the columns of an ownership file (DESIGN section 5).

    Rows that say the same cluster, namespace, workload, selectors and priority are one group and share
    what they match by ``share_ratio``. The shares of several teams add up to 1; one team alone may take
    less, and the rest is unowned.

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
    annotation_selector : str or None
        Conditions on annotations of the workload, else of its namespace; see `parse_annotation_selector`.
    workload : str or None
        Name or glob of the workload, or ``Kind/name``; None is every workload.
    origin : RuleOrigin
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
    annotation_selector: str | None = None
    workload: str | None = None
    origin: RuleOrigin = RuleOrigin.FILE

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    @property
    def scope(self) -> Scope:
        """What the rule matches and how strongly; rows of one scope share."""
        return (
            self.cluster,
            self.namespace,
            self.label_selector or "",
            self.priority,
            self.annotation_selector or "",
            self.workload or "",
            self.origin.value,
        )

    def applies_between(self, start: datetime, end: datetime) -> bool:
        """Whether the rule holds for some instant of ``[start, end)``."""
        return self.valid_from < end and start < self.ends_at

    def holds_at(self, moment: datetime) -> bool:
        """Whether the rule holds at the instant."""
        return self.valid_from <= moment < self.ends_at


Scope = tuple[str, str, str, int, str, str, str]
NumberedRow = tuple[int, OwnershipRow]


def check_ownership_rows(rows: Sequence[OwnershipRow]) -> None:
    """Refuse rules that name nobody, and rules of one scope that give away more than the whole.

    Raises
    ------
    InputError
        Naming file, row, field and value; for shares above 1, every row that takes part.
    """
    for number, row in enumerate(rows, start=1):
        _check_row(row, row.source_row or number)
    for group in groups_of(rows):
        _check_shares(group)


def groups_of(rows: Sequence[OwnershipRow]) -> list[list[NumberedRow]]:
    """Return the rows that share, group by group, each with its row in the file or list."""
    scopes: dict[Scope, list[NumberedRow]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        scopes[row.scope].append((row.source_row or number, row))
    return list(scopes.values())


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
        parse_annotation_selector(row.annotation_selector or "")
    except InputError as problem:
        raise InputError(
            problem.reason, file=row.source_file, row=number, field=problem.field, value=problem.value
        ) from problem


def _check_shares(group: Sequence[NumberedRow]) -> None:
    for number, row in group:
        together = [(other_number, other) for other_number, other in group if other.holds_at(row.valid_from)]
        payers = [(other.team, other.cost_centre) for _, other in together]
        total = sum((other.share_ratio for _, other in together), Decimal(0))
        is_too_much = total > 1 or len(set(payers)) < len(payers)
        if is_too_much and row.origin is RuleOrigin.CMDB:
            names = " and ".join(f"{other.source_file} ({other.team})" for _, other in together)
            raise InputError(
                f"{names} own {row.workload or row.namespace} in {row.cluster} at the same time: correct the "
                "CMDB, or reject one of the names in `millicore ownership review`",
                field="namespace",
                value=row.namespace,
            )
        if is_too_much:
            names = ", ".join(str(other_number) for other_number, _ in together)
            raise InputError(
                f"rows {names} own {row.namespace} in {row.cluster} at the same time and give away "
                f"{total * 100:f} %: end the earlier row, or lower share_ratio",
                file=row.source_file,
                row=number,
                field="share_ratio",
                value=str(row.share_ratio),
            )


def rule_text(row: OwnershipRow) -> str:
    """Return what a rule says, without when, as one text."""
    return repr(_content(row))


def _content(row: OwnershipRow) -> tuple[str, ...]:
    share = format(row.share_ratio.normalize(), "f")
    # rules that say no more than before keep the hash they had
    is_more = any(row.scope[4:6]) or row.origin is not RuleOrigin.FILE
    more = map(str, row.scope[4:]) if is_more else ()
    return (*map(str, row.scope[:4]), row.team, row.cost_centre or "", share, *more)


def hash_ownership_rows(rows: Iterable[OwnershipRow]) -> str:
    """Return a hash of what the rules say, whatever their order or file."""
    content = sorted(
        (
            *_content(row)[:7],
            to_utc(row.valid_from).isoformat(),
            "" if row.valid_to is None else to_utc(row.valid_to).isoformat(),
            *_content(row)[7:],
        )
        for row in rows
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]
