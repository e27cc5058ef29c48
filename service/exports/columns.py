"""What a column of a chargeback file is: its name, its type, its meaning and the way to its value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.chargeback.lines import ChargeLine, LineKind
from models.exchange.convert import Converted

Cell = str | int | Decimal | datetime | date | None
"""A typed value: text, nano-units of money, a quantity or price, an instant in UTC, a day, or nothing."""


class Kind(StrEnum):
    """Types of columns, the same in every file type."""

    TEXT = "text"
    JSON = "json"
    MONEY = "money"
    """Nine decimals."""
    COINS = "coins"
    """Money in the smallest coin of its currency."""
    QUANTITY = "quantity"
    """Nine decimals."""
    PRICE = "price"
    """Twelve decimals."""
    INSTANT = "instant"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Charge:
    """One row of a file: a charge line and what belongs to it in this file.

    Parameters
    ----------
    line : ChargeLine
    ratio : int or None
        Share of its origin charge in parts of 10^12, with its sign; None if it has no origin.
    terms : mapping of LineKind to int, or None
        Effective cost by kind, in nano-units, where the row holds several kinds: a payer of the summary.
    converted : Converted or None
        The effective cost in the reporting currency, where there is one and a rate is known.
    """

    line: ChargeLine
    ratio: int | None = None
    terms: Mapping[LineKind, int] | None = None
    converted: Converted | None = None

    def cost_of(self, kinds: Collection[LineKind]) -> int:
        """Return the part of the effective cost that is of some kinds, in nano-units."""
        if self.terms is None:
            return self.line.effective if self.line.kind in kinds else 0
        return sum(cost for kind, cost in self.terms.items() if kind in kinds)


@dataclass(frozen=True)
class ChargeContext:
    """What all lines of a file share.

    Parameters
    ----------
    period : str
        Month, ``2026-10``.
    start, end : datetime
        Its bounds in UTC.
    zone : ZoneInfo
        The billing zone.
    run_id : str
        Hash of everything the file was made from.
    providers, regions : mapping of str to str
        By cluster.
    revision : int
        Which close of the month it is; 0 for a draft.
    policy_version : str or None
        Of the sharing of idle, overhead and platform cost.
    """

    period: str
    start: datetime
    end: datetime
    zone: ZoneInfo
    run_id: str
    providers: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    policy_version: str | None = None

    @property
    def invoice_id(self) -> str:
        """Name of the invoice; an open period has a draft."""
        return f"{self.period}-r{self.revision}" if self.revision else f"{self.period}-DRAFT"

    @property
    def period_state(self) -> str:
        """``draft``, or which close of the month the file shows."""
        return f"closed-r{self.revision}" if self.revision else "draft"


Value = Callable[[Charge, ChargeContext], Cell]


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Parameters
    ----------
    name : str
    value : callable
        From a row and what all rows share to the typed value.
    meaning : str
        One or two sentences, without a full stop at the end.
    kind : Kind
    unit : str
        What a number counts; the name of the column that holds it where it differs by row.
    is_nullable : bool
        Whether rows without a value exist.
    since : str
        Version of the column contract that brought it.
    """

    name: str
    value: Value
    meaning: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    is_nullable: bool = False
    since: str = "1.0"
