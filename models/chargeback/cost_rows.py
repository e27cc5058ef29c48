"""Turning sums of allocated lines into daily costs with owners, list and contracted cost, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from models.allocation.apportion import apportion_many, apportion_rows
from models.ownership.matching import Owner, OwnershipBook
from models.ownership.timeline import Timeline
from models.vocabulary.errors import LakeInconsistent

Units = npt.NDArray[np.int64]

CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
GAINS = ("oversell_gain", "burst_gain")
WEIGHTS = ("idle_share_weight", "overhead_share_weight", "oversell_share_weight")
"""What a row would pay of idle, overhead and oversell gain if its own node-hours' tenants shared them."""
_PRICE_LEVELS = ("list_cost", "contracted_cost")
_MONEY = (*CAUSES, *GAINS, *WEIGHTS, "total_cost", *_PRICE_LEVELS)
_QUANTITIES = {
    "request_seconds": "request_thousandths",
    "usage_seconds": "usage_thousandths",
    "capacity_seconds": "capacity_thousandths",
    "allocatable_seconds": "allocatable_thousandths",
    "billed_seconds": "billed_thousandths",
    "idle_seconds": "idle_thousandths",
}
_KEY = (
    "billing_date",
    "line_kind",
    "resource",
    "node_pool",
    "namespace",
    "workload_kind",
    "workload_name",
    "team",
    "cost_centre",
    "ownership_source",
    "currency",
    "provenance",
)
_WORKLOAD = ("workload_kind", "workload_name")
_PRICE_KEY = ["hour_group", "currency", "provenance", "price_id"]
_NULL = "\0"
"""Stands for null in group keys: no text of a cluster holds it."""


@dataclass(frozen=True)
class Labels:
    """Labels that name owners.

    Parameters
    ----------
    by_set : mapping of str to mapping
        Pod labels by label set id.
    by_namespace : mapping of str to mapping
        Labels of namespaces.
    """

    by_set: Mapping[str, Mapping[str, str]]
    by_namespace: Mapping[str, Mapping[str, str]]


def build_cost_rows(
    lines: pa.Table,
    prices: pa.Table,
    timeline: Timeline,
    book: OwnershipBook,
    labels: Labels,
    *,
    cluster: str,
) -> pa.Table:
    """Build the rows of ``cost_day`` for one cluster and the billing days of a timeline.

    Parameters
    ----------
    lines, prices : pyarrow.Table
        From ``warehouse.reads.allocation_sums.cost_sums``.
    timeline : Timeline
        ``hour_group`` in the tables is a position in ``timeline.groups``.
    book : OwnershipBook
    labels : Labels
    cluster : str

    Returns
    -------
    pyarrow.Table
        Rows of ``cost_day``, sorted by key. The totals add up to the effective cost of the asset-hours, to
        the last of nine decimals, in every currency; list and contracted cost likewise. A row of line_kind
        asset names the owner of its namespace; its cost is nobody's.

    Raises
    ------
    LakeInconsistent
        If allocated lines do not add up to the asset-hours they came from.
    """
    frame = _with_price_levels(_frame(lines), _frame(prices, money=(*_PRICE_LEVELS, "effective_cost")))
    pieces = _cut_hours(frame, timeline)
    owned = _with_owners(pieces, timeline, book, labels, cluster)
    return _table(_grouped(owned), cluster)


def _frame(table: pa.Table, money: Sequence[str] = (*CAUSES, *GAINS, *WEIGHTS)) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name)
        if name in money:
            columns[name] = decimal_units(column)
        elif pa.types.is_decimal(column.type):
            columns[name] = column.cast(pa.float64()).to_numpy()
        elif pa.types.is_string(column.type):
            columns[name] = pd.Categorical(column.fill_null(_NULL).to_pandas())
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns)


def decimal_units(column: pa.ChunkedArray) -> Units:
    """Return decimals of nine places as nano-units; null becomes 0.

    Raises
    ------
    LakeInconsistent
        If an amount does not fit 64 bits (more than nine thousand million units of a currency).
    """
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if len(array) == 0:
        return np.zeros(0, dtype=np.int64)
    words = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)
    words = words[array.offset : array.offset + len(array)].copy()
    if array.null_count:
        words[array.is_null().to_numpy(zero_copy_only=False)] = 0
    if (words[:, 1] != words[:, 0] >> 63).any():
        raise LakeInconsistent("a sum of costs is larger than nine thousand million units of its currency")
    units: Units = words[:, 0].copy()
    return units


def _with_price_levels(frame: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Give every line its part of the list and contracted cost of the asset-hours it came from."""
    frame = _sorted(frame)
    frame["total_cost"] = frame[list(CAUSES)].sum(axis=1)
    for level in _PRICE_LEVELS:
        frame[level] = np.int64(0)
    known = {_price_key(row): row for row in prices.to_dict("records")}
    totals = frame["total_cost"].to_numpy()
    levels: dict[str, Units] = {level: np.zeros(len(frame), dtype=np.int64) for level in _PRICE_LEVELS}
    for key, positions in _positions(frame).items():
        price = known.pop(key, None)
        own = totals[positions]
        expected = 0 if price is None else int(price["effective_cost"])
        if int(own.sum()) != expected:
            raise _not_conserved(key, int(own.sum()), expected)
        for level, values in levels.items():
            if price is not None:
                amount = int(price[level])
                values[positions] = own if amount == expected else apportion_many(amount, own)
    for key, price in known.items():
        if price["effective_cost"]:
            raise _not_conserved(key, 0, int(price["effective_cost"]))
    return frame.assign(**levels)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """Order lines by what they say, so that rounding does not depend on the order of a query's answer."""
    text = [name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.sort_values(["hour_group", *text], kind="stable", ignore_index=True)


def _positions(frame: pd.DataFrame) -> dict[tuple[Any, ...], Any]:
    grouped = frame.groupby(_PRICE_KEY, observed=True, sort=False)
    return dict(grouped.indices)  # type: ignore[arg-type]


def _price_key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _PRICE_KEY)


def _not_conserved(key: tuple[Any, ...], found: int, expected: int) -> LakeInconsistent:
    return LakeInconsistent(
        f"allocated lines add up to {found / 1e9:.9f}, their asset-hours to {expected / 1e9:.9f} "
        f"(price {key[3]}, {key[1]}): run the allocation of these days again"
    )


def _cut_hours(frame: pd.DataFrame, timeline: Timeline) -> pd.DataFrame:
    """Give every line its segment; lines of an hour that is cut are divided by seconds."""
    group = frame["hour_group"].to_numpy()
    single = np.array([len(one.pieces) == 1 for one in timeline.groups])
    segment_of = np.array([one.pieces[0][0] for one in timeline.groups])
    whole = frame[single[group]]
    parts = [whole.assign(segment=segment_of[whole["hour_group"].to_numpy()])]
    for number in np.flatnonzero(~single):
        rows = frame[group == number]
        if len(rows):
            pieces = timeline.groups[number].pieces
            shares = [Fraction(length, 3_600_000_000) for _, length in pieces]
            parts += [
                part.assign(segment=segment)
                for part, (segment, _) in zip(_divided(rows, shares), pieces, strict=True)
            ]
    joined: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return joined


def _divided(rows: pd.DataFrame, shares: Sequence[Fraction]) -> list[pd.DataFrame]:
    """Divide every amount by shares that add up to 1, exactly; quantities are divided alike."""
    money = {name: apportion_rows(rows[name].to_numpy(), shares) for name in _MONEY}
    quantities = [*_QUANTITIES.values(), "container_hours"]
    return [
        rows.assign(
            **{name: parts[index] for name, parts in money.items()},
            **{name: rows[name] * float(share) for name in quantities},
        )
        for index, share in enumerate(shares)
    ]


def _with_owners(
    frame: pd.DataFrame, timeline: Timeline, book: OwnershipBook, labels: Labels, cluster: str
) -> pd.DataFrame:
    """Join owners once per (namespace, label set, segment), then divide what several teams share.

    Where rules ask for the workload, it is part of what owners are joined by.
    """
    is_nobodys = (frame["line_kind"].to_numpy() == "node") | (frame["namespace"].to_numpy() == _NULL)
    nobody = {"team": _NULL, "cost_centre": _NULL, "ownership_source": _NULL}
    parts = [frame[is_nobodys].assign(**nobody)]
    workloads = frame[~is_nobodys]
    key = ["namespace", "label_set_id", "segment", *(_WORKLOAD if book.needs_workload else ())]
    grouped = workloads.groupby(key, observed=True, sort=True)
    by_owners: dict[tuple[Owner, ...], list[npt.NDArray[np.intp]]] = {}
    for (namespace, label_set, segment, *workload), positions in grouped.indices.items():
        owners = book.owners(
            cluster,
            namespace,
            labels.by_set.get(label_set, {}),
            labels.by_namespace.get(namespace, {}),
            timeline.segments[segment].start,
            (workload[0], workload[1]) if workload else None,
        )
        by_owners.setdefault(owners, []).append(positions)
    for owners, positions in by_owners.items():
        rows = workloads.iloc[np.concatenate(positions)]
        shares = [Fraction(owner.share_ratio) for owner in owners]
        divided = [rows] if len(owners) == 1 else _divided(rows, shares)
        parts += [part.assign(**_owner_columns(owner)) for part, owner in zip(divided, owners, strict=True)]
    joined: pd.DataFrame = pd.concat(parts, ignore_index=True)
    dates = np.array([segment.billing_date.toordinal() for segment in timeline.segments])
    joined["billing_date"] = dates[joined["segment"].to_numpy()]
    asked = joined["billing_date"].between(timeline.first.toordinal(), timeline.last.toordinal())
    kept: pd.DataFrame = joined[asked]
    kinds = kept["line_kind"].astype(str)
    return kept.assign(line_kind=kinds.where(kinds.isin(("node", "asset")), "workload"))


def _owner_columns(owner: Owner) -> dict[str, str]:
    return {
        "team": _NULL if owner.team is None else owner.team,
        "cost_centre": owner.cost_centre or _NULL,
        "ownership_source": _NULL if owner.source is None else owner.source.value,
    }


def _grouped(frame: pd.DataFrame) -> pd.DataFrame:
    for name in _KEY:
        if name != "billing_date":
            frame[name] = frame[name].astype("category")
    grouped = frame.groupby(list(_KEY), observed=True, sort=True)
    summed: pd.DataFrame = grouped[[*_MONEY, "container_hours", *_QUANTITIES.values()]].sum(min_count=1)
    hours = np.zeros(len(summed), dtype=np.int64)
    np.bitwise_or.at(hours, grouped.ngroup().to_numpy(), frame["hour_bits"].to_numpy().astype(np.int64))
    return summed.assign(hour_count=np.bitwise_count(hours)).reset_index()


def _table(frame: pd.DataFrame, cluster: str) -> pa.Table:
    count = len(frame)
    dates = [date.fromordinal(ordinal) for ordinal in frame["billing_date"].tolist()]
    columns: dict[str, Any] = {
        "billing_month": pa.array([f"{day:%Y-%m}" for day in dates], pa.string()),
        "billing_date": pa.array(dates, pa.date32()),
        "cluster": pa.array([cluster] * count, pa.string()),
    }
    for name in _KEY[1:]:
        texts = frame[name].astype(str).tolist()
        columns[name] = pa.array([None if text == _NULL else text for text in texts], pa.string())
    columns["container_hours"] = pa.array(frame["container_hours"].to_numpy(), from_pandas=True)
    for name, source in _QUANTITIES.items():
        columns[name] = pa.array(frame[source].to_numpy() / 1000, from_pandas=True)
    is_costed = (frame["currency"].astype(str) != _NULL).to_numpy()
    for name in _MONEY:
        columns[name] = units_as_decimals(frame[name].to_numpy().astype(np.int64), is_costed)
    columns["hour_count"] = pa.array(frame["hour_count"].to_numpy().astype(np.int32))
    return pa.table(columns)


def units_as_decimals(units: Units, is_known: npt.NDArray[np.bool_]) -> pa.Array:
    """Return nano-units as DECIMAL(38,9); null where ``is_known`` is false."""
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0] = units
    words[:, 1] = units >> 63
    valid = None if is_known.all() else pa.py_buffer(np.packbits(is_known, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(38, 9), len(units), [valid, pa.py_buffer(words)])
