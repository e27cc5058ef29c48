"""Reading a mapping from its document (the content of a YAML file), every field checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from models.chargeback.lines import LineKind
from models.journal.mapping import (
    PERIOD_NAMES,
    REFERENCE_NAMES,
    CostCentreRow,
    IntercompanyRow,
    JournalMapping,
    KindRow,
    Mode,
    ProviderRow,
    RoundingRow,
    placeholders,
)
from models.vocabulary.errors import InputError
from models.vocabulary.windows import month_bounds

Row = TypeVar("Row")

SECTIONS = {
    "effective_month": "",
    "document_reference": "",
    "posting_period": "",
    "fiscal_year_start_month": "",
    "posting_periods": "",
    "rounding": "entity account",
    "accrual": "account",
    "cost_centres": "cost_centre entity account mode from_month project tax_code",
    "kinds": "kind account cost_centre",
    "providers": "cluster provider entity account",
    "intercompany": "payer_entity provider_entity due_to_account due_from_account",
}
"""Keys of the document, with the fields of their rows."""

_OPTIONAL = {"project", "tax_code", "provider"}
_DEFAULT_REFERENCE = "MC-{month}-{entity}-{currency}"
_LONGEST = 100
"""Characters of a name or account: no ledger takes more."""


@dataclass(frozen=True)
class _Reader:
    """Where values of a document stand, for messages."""

    file: str | None

    def refuse(self, reason: str, field: str, value: object = None, row: int | None = None) -> InputError:
        return InputError(reason, file=self.file, row=row, field=field, value=value)

    def text(self, value: object, field: str, row: int | None = None) -> str:
        if not isinstance(value, (str, int)) or isinstance(value, bool) or not str(value).strip():
            raise self.refuse("is empty or no text", field, value, row)
        found = str(value).strip()
        if len(found) > _LONGEST or not found.isprintable():
            raise self.refuse(f"has more than {_LONGEST} or unprintable characters", field, value, row)
        return found

    def month(self, value: object, field: str, row: int | None = None) -> str:
        """Return a month; its first day means the same. Other days are refused: periods are booked whole."""
        text = self.text(value, field, row)
        try:
            month_bounds(text.removesuffix("-01") if text.count("-") == 2 else text)
        except InputError:
            raise self.refuse("is not a month like 2026-10", field, value, row) from None
        return text[:7]

    def pattern(self, value: object, field: str, known: Sequence[str]) -> str:
        text = self.text(value, field)
        for name in placeholders(text):
            if name not in known:
                shown = ", ".join(f"{{{one}}}" for one in known)
                raise self.refuse(f"knows no {{{name}}}: use {shown}", field, value)
        return text

    def rows(
        self, document: Mapping[str, Any], section: str, build: Callable[[Mapping[str, str], int], Row]
    ) -> tuple[Row, ...]:
        """Return the rows of a section, each cell a checked text."""
        listed = document.get(section) or ()
        if isinstance(listed, (str, Mapping)) or not isinstance(listed, Sequence):
            raise self.refuse("is not a list of rows", section, listed)
        return tuple(
            build(self.cells(row, section, number), number) for number, row in enumerate(listed, start=1)
        )

    def cells(self, row: object, section: str, number: int | None = None) -> dict[str, str]:
        """Return the fields of a row that are filled in."""
        known = SECTIONS[section].split()
        if not isinstance(row, Mapping):
            raise self.refuse(f"is not a row with {', '.join(known)}", section, row, number)
        for name in row:
            if name not in known:
                raise self.refuse(f"is not a field of {section}: known are {', '.join(known)}", name, None)
        filled = {name: value for name, value in row.items() if value is not None and value != ""}
        return {name: self.text(value, f"{section}.{name}", number) for name, value in filled.items()}

    def need(self, cells: Mapping[str, str], section: str, number: int | None = None) -> None:
        """Refuse a row in which a field is empty that it cannot do without."""
        for name in SECTIONS[section].split():
            if name not in _OPTIONAL and name not in cells:
                raise self.refuse("is missing", f"{section}.{name}", row=number)


def parse_mapping(document: Mapping[str, Any], file: str | None = None) -> JournalMapping:
    """Return the mapping of a document.

    Parameters
    ----------
    document : mapping
        Texts, lists and mappings, as YAML or JSON gives them.
    file : str, optional
        Its name, for messages.

    Raises
    ------
    InputError
        Naming section, row, field and value: an unknown or missing field, a month that is none, a pattern
        that cannot tell documents apart, two rows for the same thing, a cost centre that no row maps.
    """
    read = _Reader(file)
    for name in document:
        if name not in SECTIONS:
            raise read.refuse(f"is not a section: known are {', '.join(SECTIONS)}", str(name))
    effective = read.month(document.get("effective_month"), "effective_month")
    mapping = JournalMapping(
        effective_month=effective,
        document_reference=_reference(read, document),
        posting_period=read.pattern(
            document.get("posting_period", "{month}"), "posting_period", PERIOD_NAMES
        ),
        cost_centres=read.rows(
            document,
            "cost_centres",
            lambda cells, number: _cost_centre(read, {"from_month": effective, **cells}, number),
        ),
        providers=read.rows(document, "providers", lambda cells, number: _provider(read, cells, number)),
        rounding=_rounding(read, document),
        kinds=read.rows(document, "kinds", lambda cells, number: _kind(read, cells, number)),
        intercompany=read.rows(
            document, "intercompany", lambda cells, number: _intercompany(read, cells, number)
        ),
        accrual_account=_accrual(read, document),
        posting_periods=_period_names(read, document),
        fiscal_year_start_month=_start_month(read, document),
    )
    _check_whole(read, mapping)
    return mapping


def _reference(read: _Reader, document: Mapping[str, Any]) -> str:
    value = document.get("document_reference", _DEFAULT_REFERENCE)
    pattern = read.pattern(value, "document_reference", REFERENCE_NAMES)
    has_month = {"month"} <= {*placeholders(pattern)} or {"fiscal_year", "fiscal_month"} <= {
        *placeholders(pattern)
    }
    if not has_month or not {"entity", "currency"} <= {*placeholders(pattern)}:
        raise read.refuse(
            "must hold {month} (or {fiscal_year} and {fiscal_month}), {entity} and {currency}: each document "
            "balances by itself",
            "document_reference",
            value,
        )
    return pattern


def _cost_centre(read: _Reader, cells: Mapping[str, str], number: int) -> CostCentreRow:
    read.need(cells, "cost_centres", number)
    if cells["mode"] not in [mode.value for mode in Mode]:
        raise read.refuse("is neither showback nor chargeback", "cost_centres.mode", cells["mode"], number)
    return CostCentreRow(
        cost_centre=cells["cost_centre"],
        entity=cells["entity"],
        account=cells["account"],
        mode=Mode(cells["mode"]),
        from_month=read.month(cells["from_month"], "cost_centres.from_month", number),
        project=cells.get("project"),
        tax_code=cells.get("tax_code"),
    )


def _provider(read: _Reader, cells: Mapping[str, str], number: int) -> ProviderRow:
    full = {"cluster": "*", **cells}
    read.need(full, "providers", number)
    return ProviderRow(full["cluster"], full["entity"], full["account"], full.get("provider"))


def _kind(read: _Reader, cells: Mapping[str, str], number: int) -> KindRow:
    kinds = {kind.value: kind for kind in LineKind if kind is not LineKind.ROUNDING}
    name = cells.get("kind")
    if name not in kinds:
        raise read.refuse(f"is not one of {', '.join(kinds)}", "kinds.kind", name, number)
    if not {"account", "cost_centre"} & set(cells):
        raise read.refuse("needs an account or a cost_centre", "kinds.kind", name, number)
    return KindRow(kinds[name], cells.get("account"), cells.get("cost_centre"))


def _intercompany(read: _Reader, cells: Mapping[str, str], number: int) -> IntercompanyRow:
    read.need(cells, "intercompany", number)
    return IntercompanyRow(**cells)


def _rounding(read: _Reader, document: Mapping[str, Any]) -> RoundingRow:
    cells = read.cells(document.get("rounding") or {}, "rounding")
    read.need(cells, "rounding")
    return RoundingRow(cells["entity"], cells["account"])


def _accrual(read: _Reader, document: Mapping[str, Any]) -> str | None:
    if "accrual" not in document:
        return None
    cells = read.cells(document["accrual"] or {}, "accrual")
    read.need(cells, "accrual")
    return cells["account"]


def _period_names(read: _Reader, document: Mapping[str, Any]) -> dict[str, str]:
    named = document.get("posting_periods") or {}
    if not isinstance(named, Mapping):
        raise read.refuse("is not a list of months with names", "posting_periods", named)
    return {
        read.month(month, "posting_periods"): read.text(name, "posting_periods")
        for month, name in named.items()
    }


def _start_month(read: _Reader, document: Mapping[str, Any]) -> int:
    text = read.text(document.get("fiscal_year_start_month", "1"), "fiscal_year_start_month")
    if not text.isdigit() or not 1 <= int(text) <= 12:
        raise read.refuse("is not a month from 1 to 12", "fiscal_year_start_month", text)
    return int(text)


def _check_whole(read: _Reader, mapping: JournalMapping) -> None:
    """Refuse rows that contradict each other or lead nowhere."""
    if not mapping.cost_centres:
        raise read.refuse("has no row", "cost_centres")
    if not mapping.providers:
        raise read.refuse("has no row: costs need a clearing account", "providers")
    _refuse_twice(
        read, "cost_centres.cost_centre", [(row.cost_centre, row.from_month) for row in mapping.cost_centres]
    )
    _refuse_twice(read, "kinds.kind", [(row.kind.value,) for row in mapping.kinds])
    known = {row.cost_centre for row in mapping.cost_centres}
    for number, row in enumerate(mapping.kinds, start=1):
        if row.cost_centre is not None and row.cost_centre not in known:
            raise read.refuse("has no row in cost_centres", "kinds.cost_centre", row.cost_centre, number)


def _refuse_twice(read: _Reader, field: str, keys: Sequence[tuple[str, ...]]) -> None:
    seen: set[tuple[str, ...]] = set()
    for number, key in enumerate(keys, start=1):
        if key in seen:
            raise read.refuse("is there twice", field, " ".join(key), number)
        seen.add(key)
