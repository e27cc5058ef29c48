"""Which of several rules decides: a documented order, and a refusal where the order cannot tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, combinations, product

from models.ownership.annotations import parse_annotation_selector
from models.ownership.globs import can_meet, is_glob, literal_length
from models.ownership.rules import NumberedRow, OwnershipRow, RuleOrigin, check_ownership_rows, groups_of
from models.vocabulary.errors import InputError
from models.vocabulary.selector import Requirement, parse_selector

Rank = tuple[bool, int, int, int, int, bool, int, bool, int]


def rank(row: OwnershipRow) -> Rank:
    """Return how strong a rule is; of those that match, the greatest decides.

    In this order: rules that people wrote before those of the CMDB; the higher ``priority``; a workload by
    kind and name, by name, by glob (the more letters it fixes the better), none; the more conditions on
    labels and annotations; an exact namespace, then the glob that fixes more letters; the same for the
    cluster.
    """
    workload = row.workload or ""
    return (
        row.origin is RuleOrigin.FILE,
        row.priority,
        _exactness(workload),
        literal_length(workload) if is_glob(workload) else 0,
        len(parse_selector(row.label_selector or "").requirements)
        + len(parse_annotation_selector(row.annotation_selector or "")),
        *_closeness(row.namespace),
        *_closeness(row.cluster),
    )


def _exactness(workload: str) -> int:
    if not workload or is_glob(workload):
        return int(bool(workload))
    return 3 if "/" in workload else 2


def _closeness(pattern: str) -> tuple[bool, int]:
    return (False, literal_length(pattern)) if is_glob(pattern) else (True, 0)


def in_order(rows: Iterable[OwnershipRow]) -> list[OwnershipRow]:
    """Return rules from the strongest to the weakest; of equal ones by what they say, never by position."""
    return sorted(rows, key=lambda row: (rank(row), repr(row.scope), row.team), reverse=True)


def check_rule_set(rows: Sequence[OwnershipRow]) -> None:
    """Refuse rules that cannot be followed together, before they are stored.

    Raises
    ------
    InputError
        As `check_ownership_rows`; if the shares of a split do not add up to 1 at some instant; if two rules
        of equal precedence can match one pod at one time and name different payers. File and rows are named.
    """
    check_ownership_rows(rows)
    for group in groups_of(rows):
        _check_split(group)
    _check_contradictions(rows)


def _check_split(group: Sequence[NumberedRow]) -> None:
    """Several teams divide the whole; one team alone may own a part of it, which leaves the rest unowned."""
    if len({row.team for _, row in group}) == 1:
        return
    edges = {edge for _, row in group for edge in (row.valid_from, row.ends_at)}
    for moment in sorted(edges):
        together = [(number, row) for number, row in group if row.holds_at(moment)]
        total = sum((row.share_ratio for _, row in together), Decimal(0))
        if together and total != 1:
            number, row = together[0]
            raise InputError(
                f"rows {', '.join(str(found) for found, _ in together)} divide {row.namespace} in "
                f"{row.cluster} and give away {(total * 100).normalize():f} % at {_shown(moment)}: the "
                "shares of a split add up to 1",
                file=row.source_file,
                row=number,
                field="share_ratio",
                value=str(row.share_ratio),
            )


def _check_contradictions(rows: Sequence[OwnershipRow]) -> None:
    payers: dict[object, set[tuple[object, ...]]] = defaultdict(set)
    for row in rows:
        payers[row.scope].add((row.team, row.cost_centre, row.share_ratio))
    buckets: dict[Rank, list[NumberedRow]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        buckets[rank(row)].append((row.source_row or number, row))
    for bucket in buckets.values():
        for (number, row), (other_number, other) in _pairs_that_may_meet(bucket):
            if payers[row.scope] != payers[other.scope] and _can_both_hold(row, other):
                raise InputError(
                    f"{_named(number, row)} ({row.team}) and {_named(other_number, other)} ({other.team}"
                    f"{_where(row, other)}) have the same precedence and can match the same pod: "
                    f"{_remedy(row)}",
                    file=row.source_file,
                    row=number,
                    field="priority",
                    value=str(row.priority),
                )


def _pairs_that_may_meet(bucket: Sequence[NumberedRow]) -> Iterator[tuple[NumberedRow, NumberedRow]]:
    """Yield pairs of one rank; names that are exact in all rows are compared within equal names only."""
    groups: dict[tuple[str, ...], list[NumberedRow]] = defaultdict(list)
    for numbered in bucket:
        row = numbered[1]
        names = (row.cluster, row.namespace, row.workload or "")
        groups[tuple("*" if is_glob(name) else name for name in names)].append(numbered)
    for group in groups.values():
        yield from _pairs_by_selector(group)


def _pairs_by_selector(group: Sequence[NumberedRow]) -> Iterator[tuple[NumberedRow, NumberedRow]]:
    """Yield pairs, without those whose only condition asks the same label for different values."""
    by_label: dict[str, dict[str, list[NumberedRow]]] = defaultdict(lambda: defaultdict(list))
    for numbered in group:
        key, value = _only_condition(numbered[1])
        by_label[key][value].append(numbered)
    for by_value in by_label.values():
        for members in by_value.values():
            yield from combinations(members, 2)
    of_label = [list(chain.from_iterable(by_value.values())) for by_value in by_label.values()]
    for one, other in combinations(of_label, 2):
        yield from product(one, other)


def _only_condition(row: OwnershipRow) -> tuple[str, str]:
    requirements = parse_selector(row.label_selector or "").requirements
    if len(requirements) == 1 and requirements[0].operator == "in" and len(requirements[0].values) == 1:
        return requirements[0].key, next(iter(requirements[0].values))
    return "", ""


def _can_both_hold(one: OwnershipRow, other: OwnershipRow) -> bool:
    return (
        one.scope != other.scope
        and one.applies_between(other.valid_from, other.ends_at)
        and can_meet(one.cluster, other.cluster)
        and can_meet(one.namespace, other.namespace)
        and can_meet(_workload_name(one), _workload_name(other))
        and not _are_apart(one, other)
    )


def _workload_name(row: OwnershipRow) -> str:
    workload = row.workload or "*"
    return workload if "/" in workload else f"*/{workload}"


def _are_apart(one: OwnershipRow, other: OwnershipRow) -> bool:
    """Whether no pod can meet both label selectors."""
    left = parse_selector(one.label_selector or "").requirements
    right = parse_selector(other.label_selector or "").requirements
    return any(_exclude_each_other(a, b) or _exclude_each_other(b, a) for a in left for b in right)


def _exclude_each_other(one: Requirement, other: Requirement) -> bool:
    if one.key != other.key or one.operator not in ("in", "exists"):
        return False
    if other.operator == "absent":
        return True
    if one.operator == "in" and other.operator == "in":
        return not one.values & other.values
    return one.operator == "in" and other.operator == "notin" and one.values <= other.values


def _named(number: int, row: OwnershipRow) -> str:
    return f"row {number}" if row.origin is RuleOrigin.FILE else row.source_file or f"row {number}"


def _remedy(row: OwnershipRow) -> str:
    if row.origin is RuleOrigin.CMDB:
        return "correct the CMDB, or reject one of the names in `millicore ownership review`"
    return "give one a higher priority"


def _where(row: OwnershipRow, other: OwnershipRow) -> str:
    is_written = other.origin is RuleOrigin.FILE
    return (
        f" in {other.source_file}"
        if is_written and other.source_file and other.source_file != row.source_file
        else ""
    )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
