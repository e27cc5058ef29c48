"""Measurements of closed initiatives as documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from models.initiatives.initiative import Initiative
from models.initiatives.soak import Soak, SoakState
from service.runtime import Runtime
from service.usecases.initiatives_measure import Measurement

_AMOUNTS = (
    "before_per_day",
    "after_per_day",
    "counterfactual_per_day",
    "saving_per_month",
    "saving_lower_80_per_month",
    "saving_upper_80_per_month",
    "realised_per_month",
)
_LISTS = ("touched", "peers", "left_out_peers")


def to_document(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement as JSON values: decimals and days as text."""
    return {name: _plain(value) for name, value in asdict(measurement).items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def from_document(content: Mapping[str, Any]) -> Measurement:
    """Return the measurement of a document."""
    soak = content["soak"]
    confirmed = soak["confirmed_on"]
    days = content["days"]
    return Measurement(
        **{
            **content,
            **{name: None if content[name] is None else Decimal(content[name]) for name in _AMOUNTS},
            **{name: tuple(content[name]) for name in _LISTS},
            "days": None if days is None else tuple(date.fromisoformat(day) for day in days),
            "soak": Soak(
                SoakState(soak["state"]),
                soak["clean_day_count"],
                None if confirmed is None else date.fromisoformat(confirmed),
                soak["last_incident"],
            ),
        }
    )


def read_result(runtime: Runtime, initiative: Initiative) -> Measurement | None:
    """Return what was measured when an initiative was closed, None while it is open."""
    content = runtime.warehouse.initiatives.result(initiative.name)
    return None if content is None else from_document(content)
