"""Values that an owner edited before accepting, as a document beside the advice, and the etag of both."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from models.vocabulary.recommendation import ResourceValues, StatedRisk


@dataclass(frozen=True)
class Agreement:
    """What an owner agrees to instead of the advised values.

    Parameters
    ----------
    values : ResourceValues
    risk : StatedRisk or None
        Of these values on the container's own past; None where nothing was measured.
    requested_saving_per_month : Decimal or None
        In the currency of the advice; None when a price is missing.
    is_signed : bool
        The owner signed for values under a floor.
    """

    values: ResourceValues
    risk: StatedRisk | None = None
    requested_saving_per_month: Decimal | None = None
    is_signed: bool = False


def to_document(agreement: Agreement) -> dict[str, Any]:
    """Return the column ``agreed``."""
    saving = agreement.requested_saving_per_month
    return {
        "values": dataclasses.asdict(agreement.values),
        "risk": None if agreement.risk is None else dataclasses.asdict(agreement.risk),
        "requested_saving_per_month": None if saving is None else format(saving, "f"),
        "is_signed": agreement.is_signed,
    }


def agreed_fields(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a stored suggestion that come from the column ``agreed``."""
    if document is None:
        return {}
    risk, saving = document["risk"], document["requested_saving_per_month"]
    return {
        "agreed": ResourceValues(**_floats(document["values"])),
        "agreed_risk": None if risk is None else StatedRisk(**risk),
        "agreed_saving_per_month": None if saving is None else Decimal(saving),
    }


def etag_of(row: Mapping[Any, Any]) -> str:
    """Return the etag of a row: the hash of the advice, and of the agreed values where there are any."""
    if row["agreed"] is None:
        return str(row["content_hash"])
    content = [row["content_hash"], sorted(_floats(row["agreed"]["values"]).items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _floats(values: Mapping[str, Any]) -> dict[str, float | None]:
    # JSON of PostgreSQL gives large whole floats back as integers
    return {name: None if value is None else float(value) for name, value in values.items()}
