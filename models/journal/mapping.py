"""The mapping from charges to journal entries: entities, accounts, who is charged and who only shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from models.chargeback.lines import LineKind

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
REFERENCE_NAMES = ("month", "entity", "currency", "revision", "fiscal_year", "fiscal_month")
PERIOD_NAMES = ("month", "fiscal_year", "fiscal_month")


class Mode(StrEnum):
    """Whether a cost centre is booked or only shown its cost."""

    SHOWBACK = "showback"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True)
class CostCentreRow:
    """Where the cost of a cost centre is booked, from a month on until its next row."""

    cost_centre: str
    entity: str
    account: str
    mode: Mode
    from_month: str
    project: str | None = None
    tax_code: str | None = None


@dataclass(frozen=True)
class KindRow:
    """What is special of a kind of charge line.

    Parameters
    ----------
    account : str or None
        Debited in place of the cost centre's account.
    cost_centre : str or None
        Bears lines of the kind that have none of their own.
    """

    kind: LineKind
    account: str | None = None
    cost_centre: str | None = None


@dataclass(frozen=True)
class ProviderRow:
    """Who provides a cluster and the clearing account that its cost is credited to.

    Parameters
    ----------
    cluster : str
        Glob on the cluster's name; ``*`` also takes lines that belong to no cluster.
    provider : str or None
        Only clusters of this provider.
    """

    cluster: str
    entity: str
    account: str
    provider: str | None = None


@dataclass(frozen=True)
class IntercompanyRow:
    """Accounts between the entity that pays and the one that provides; ``*`` is any other."""

    payer_entity: str
    provider_entity: str
    due_to_account: str
    due_from_account: str


@dataclass(frozen=True)
class RoundingRow:
    """Where the cents go that close the rounding of a whole statement."""

    entity: str
    account: str


@dataclass(frozen=True)
class JournalMapping:
    """One version of the mapping.

    Parameters
    ----------
    effective_month : str
        First month that it is for.
    document_reference, posting_period : str
        Patterns with ``{month}``, ``{fiscal_year}``, ``{fiscal_month}``; a reference also with ``{entity}``,
        ``{currency}``, ``{revision}``.
    accrual_account : str or None
        Liability of each entity for cost that is not yet invoiced.
    posting_periods : mapping of str to str
        Names of single months, in place of the pattern.
    fiscal_year_start_month : int
        1 to 12; the year is named after the calendar year in which it ends.
    """

    effective_month: str
    document_reference: str
    posting_period: str
    cost_centres: tuple[CostCentreRow, ...]
    providers: tuple[ProviderRow, ...]
    rounding: RoundingRow
    kinds: tuple[KindRow, ...] = ()
    intercompany: tuple[IntercompanyRow, ...] = ()
    accrual_account: str | None = None
    posting_periods: Mapping[str, str] = field(default_factory=dict)
    fiscal_year_start_month: int = 1

    def cost_centre(self, name: str, month: str) -> CostCentreRow | None:
        """Return the newest row of a cost centre that holds in a month, or None."""
        rows = [row for row in self.cost_centres if row.cost_centre == name and row.from_month <= month]
        return max(rows, key=lambda row: row.from_month, default=None)

    def kind(self, kind: LineKind) -> KindRow:
        """Return the row of a kind of line; an empty one where there is none."""
        return next((row for row in self.kinds if row.kind is kind), KindRow(kind))

    def provider(self, cluster: str, provider: str | None) -> ProviderRow | None:
        """Return the first row that matches a cluster and its provider, or None."""
        return next(
            (
                row
                for row in self.providers
                if fnmatchcase(cluster, row.cluster) and row.provider in (None, provider)
            ),
            None,
        )

    def between(self, payer_entity: str, provider_entity: str) -> IntercompanyRow | None:
        """Return the first row between two entities, or None."""
        return next(
            (
                row
                for row in self.intercompany
                if row.payer_entity in ("*", payer_entity) and row.provider_entity in ("*", provider_entity)
            ),
            None,
        )

    def period_name(self, month: str) -> str:
        """Return the posting period of a month."""
        return self.posting_periods.get(month) or fill(self.posting_period, self._fiscal(month))

    def reference(self, month: str, entity: str, currency: str, revision: str) -> str:
        """Return the reference of a document: one per month, entity and currency."""
        values = {"entity": entity, "currency": currency, "revision": revision}
        return fill(self.document_reference, {**self._fiscal(month), **values})

    def _fiscal(self, month: str) -> dict[str, str]:
        year, number = map(int, month.split("-"))
        start = self.fiscal_year_start_month
        fiscal_year = year + 1 if start > 1 and number >= start else year
        return {
            "month": month,
            "fiscal_year": str(fiscal_year),
            "fiscal_month": f"{(number - start) % 12 + 1:02d}",
        }


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Return a pattern with its placeholders replaced; unknown ones were refused when it was read."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], pattern)


def placeholders(pattern: str) -> tuple[str, ...]:
    """Return the names between braces, in order."""
    return tuple(_PLACEHOLDER.findall(pattern))
