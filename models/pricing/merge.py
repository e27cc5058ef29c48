"""Taking a new version of a price list into the stored one without losing what held before.

Per asset (kind, type, region, zone, option, selector, window) the rows are a timeline. What the new list says
holds where it says it; the row that held until then ends there; everything else stays. Three things are
refused: to change what held in a closed month, to change anything before the newest stored row of an asset,
and to rewrite that row, unless the caller names the instant from which rows are replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from models.pricing.price_list import PriceRow, check_price_rows
from models.vocabulary.errors import Conflict, InputError

_Piece = tuple[datetime, datetime, PriceRow]


@dataclass(frozen=True)
class ClosedMonth:
    """A month whose prices can no longer change."""

    month: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class PriceMerge:
    """A price list with a new version taken in.

    Parameters
    ----------
    rows : tuple of PriceRow
        All rows, stored ones first.
    added_count : int
        Rows of the new list that now hold for some time.
    ended_count : int
        Stored rows that hold for less time than before.
    removed_count : int
        Stored rows that were replaced altogether.
    unchanged_count : int
        Rows of the new list that say what is stored already.
    changes_from : datetime or None
        First instant whose price is another now.
    """

    rows: tuple[PriceRow, ...]
    added_count: int
    ended_count: int
    removed_count: int
    unchanged_count: int
    changes_from: datetime | None


def clip_rows(rows: Iterable[PriceRow], start: datetime) -> list[PriceRow]:
    """Return the rows that hold at or after an instant, none beginning before it."""
    return [
        row if row.valid_from >= start else replace(row, valid_from=start)
        for row in rows
        if row.ends_at > start
    ]


def merge_price_rows(
    stored: Sequence[PriceRow],
    incoming: Sequence[PriceRow],
    *,
    closed: Sequence[ClosedMonth] = (),
    replace_from: datetime | None = None,
) -> PriceMerge:
    """Take a new version of a price list into the stored rows.

    Parameters
    ----------
    stored, incoming : sequence of PriceRow
        Each without overlaps.
    closed : sequence of ClosedMonth
    replace_from : datetime or None
        From then on the stored rows of the assets in the new list are dropped, also newer ones; what the new
        list says of the time before is not looked at.

    Raises
    ------
    InputError
        If a row is wrong, overlaps another, or changes what is older than the newest stored row.
    Conflict
        If a price of a closed month would change; names the month.
    """
    chosen = incoming if replace_from is None else clip_rows(incoming, replace_from)
    wanted = [replace(row) for row in chosen]  # own objects: rows are told apart by identity below
    check_price_rows(wanted)
    by_key: dict[tuple[str, ...], list[PriceRow]] = defaultdict(list)
    for row in stored:
        by_key[row.asset_key].append(row)
    new_by_key: dict[tuple[str, ...], list[PriceRow]] = defaultdict(list)
    for row in wanted:
        new_by_key[row.asset_key].append(row)
    lines = {key: _Timeline(by_key[key], rows, replace_from) for key, rows in new_by_key.items()}
    _check_closed([line for line in lines.values() if line.changed], closed)
    if replace_from is None:
        _check_back_dated(lines.values())
    return _joined(stored, wanted, lines)


class _Timeline:
    """One asset: which row holds when, before and after."""

    def __init__(
        self, stored: Sequence[PriceRow], incoming: Sequence[PriceRow], replace_from: datetime | None
    ) -> None:
        self.newest = max((row.valid_from for row in stored), default=None)
        self.changed: list[tuple[datetime, datetime, PriceRow | None, PriceRow | None]] = []
        self._pieces: list[_Piece] = []
        old_rows, new_rows = (sorted(rows, key=lambda row: row.valid_from) for rows in (stored, incoming))
        edges = {edge for row in (*stored, *incoming) for edge in (row.valid_from, row.ends_at)}
        cuts = sorted(edges | ({replace_from} if replace_from else set()))
        old_at, new_at = _Cursor(old_rows), _Cursor(new_rows)
        for start, end in pairwise(cuts):
            is_replaced = replace_from is not None and start >= replace_from
            self._choose(start, end, old_at.at(start), new_at.at(start), is_replaced=is_replaced)

    def _choose(
        self,
        start: datetime,
        end: datetime,
        old: PriceRow | None,
        new: PriceRow | None,
        *,
        is_replaced: bool,
    ) -> None:
        if new is None:
            chosen = None if is_replaced else old
        else:
            chosen = old if old is not None and old.terms == new.terms else new
        if chosen is not old:
            self.changed.append((start, end, old, new))
        if chosen is None:
            return
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last[2] is chosen and last[1] == start:
            self._pieces[-1] = (last[0], end, chosen)
        else:
            self._pieces.append((start, end, chosen))

    def parts(self) -> dict[int, list[PriceRow]]:
        """Return what is left of each row, by its identity."""
        found: dict[int, list[PriceRow]] = defaultdict(list)
        for start, end, row in self._pieces:
            is_whole = start == row.valid_from and end == row.ends_at
            until = row.valid_to if end == row.ends_at else end
            found[id(row)].append(row if is_whole else replace(row, valid_from=start, valid_to=until))
        return found


class _Cursor:
    """Walks along sorted rows without overlaps; asked for later and later instants."""

    def __init__(self, rows: Sequence[PriceRow]) -> None:
        self._rows = rows
        self._index = 0

    def at(self, moment: datetime) -> PriceRow | None:
        while self._index < len(self._rows) and self._rows[self._index].ends_at <= moment:
            self._index += 1
        if self._index == len(self._rows) or moment < self._rows[self._index].valid_from:
            return None
        return self._rows[self._index]


def _check_closed(lines: Iterable[_Timeline], closed: Sequence[ClosedMonth]) -> None:
    for line in lines:
        for start, end, old, new in line.changed:
            for month in closed:
                if start < month.end and month.start < end:
                    row = new or old
                    assert row is not None
                    raise Conflict(
                        f"{_named(row)} would change a price of {month.month}, which is closed: import "
                        f"with --valid-from {_after(closed, month):%Y-%m-%dT%H:%M:%SZ}, or reopen "
                        f"{month.month}"
                    )


def _after(closed: Sequence[ClosedMonth], month: ClosedMonth) -> datetime:
    """Return the end of the last closed month: the first instant that may change."""
    return max(one.end for one in (*closed, month))


def _check_back_dated(lines: Iterable[_Timeline]) -> None:
    found = {
        id(new): new
        for line in lines
        for start, _, old, new in line.changed
        if new is not None and old is not None and line.newest is not None and start <= line.newest
    }
    if not found:
        return
    first, *others = found.values()
    more = f" (and {len(others)} more rows: {', '.join(_place(row) for row in others[:5])})" if others else ""
    raise InputError(
        f"changes a price that a newer or equally old stored row replaced{more}; give the row a later "
        "valid_from, or replace the stored rows with --replace-from",
        file=first.source_file,
        row=first.source_row,
        field="valid_from",
        value=f"{first.valid_from:%Y-%m-%dT%H:%M:%SZ}",
    )


def _place(row: PriceRow) -> str:
    return f"row {row.source_row} {row.instance_type or row.node_selector or row.asset_kind}"


def _named(row: PriceRow) -> str:
    where = f"{row.source_file}, row {row.source_row}" if row.source_file else "a row"
    return f"{where}: {row.instance_type or row.node_selector or row.asset_kind}"


def _joined(
    stored: Sequence[PriceRow], wanted: Sequence[PriceRow], lines: dict[tuple[str, ...], _Timeline]
) -> PriceMerge:
    parts = {key: line.parts() for key, line in lines.items()}
    kept: list[PriceRow] = []
    ended = removed = 0
    for row in stored:
        left = parts[row.asset_key].get(id(row), []) if row.asset_key in parts else [row]
        kept += left
        removed += not left
        ended += bool(left) and left != [row]
    added = [piece for row in wanted for piece in parts[row.asset_key].get(id(row), [])]
    unchanged = sum(1 for row in wanted if not parts[row.asset_key].get(id(row)))
    rows = (*kept, *added)
    check_price_rows(rows)
    starts = [start for line in lines.values() for start, _, _, _ in line.changed]
    return PriceMerge(
        rows, len(wanted) - unchanged, ended, removed, unchanged, min(starts) if starts else None
    )
