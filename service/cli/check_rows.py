"""The rows of ``millicore chargeback verify``: one per cluster and currency, with every term of the proof."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from service.cli.output import Column, Row, number
from service.cli.output import amount as amount_column

if TYPE_CHECKING:
    from service.usecases.chargeback_check import Check

_CAUSES = ("used", "unused_request", "unmeasured", "idle", "overhead")
_GAINS = ("oversell_gain", "burst_gain")
_KINDS = ("node", "volume", "load_balancer", "network", "control_plane", "unknown")
_TERMS = (
    "direct",
    "unowned",
    "idle_share",
    "overhead_share",
    "shared_in",
    "shared_out",
    "oversell_gain",
    "idle_left",
    "overhead_left",
)

CHECK_COLUMNS = (
    Column("cluster"),
    Column("currency"),
    amount_column("node_bill", "asset bill"),
    amount_column("allocated"),
    amount_column("daily_costs"),
    amount_column("lines"),
    amount_column("other_items", "bill items"),
    amount_column("corrections"),
    number("hours_checked", "hours"),
    number("hours_unequal", "unequal"),
    Column("largest_difference", is_in_table=False),
    Column("first_unequal", is_in_table=False),
    number("asset_hours_checked", "asset-hours"),
    *(Column(f"bill_{kind}", is_in_table=False) for kind in _KINDS),
    *(Column(name, is_in_table=False) for name in (*_CAUSES, *_GAINS)),
    *(Column(f"payer_{name}", is_in_table=False) for name in _TERMS),
    Column("is_equal", "equal"),
)


def check_row(check: Check) -> Row:
    """Return a check as a flat row; terms that were not computed are null."""
    proof, payers = check.proof, check.payers
    names = (*_CAUSES, *_GAINS)
    row: dict[str, object] = {
        field.name: getattr(check, field.name)
        for field in fields(check)
        if field.name not in ("proof", "payers")
    }
    row |= {f"bill_{kind}": None if proof is None else proof.bill.get(kind) for kind in _KINDS}
    row |= {name: None if proof is None else getattr(proof.causes, name) for name in names}
    row |= {f"payer_{name}": None if payers is None else getattr(payers, name) for name in _TERMS}
    hours = ("hours_checked", "asset_hours_checked", "hours_unequal", "largest_difference", "first_unequal")
    row |= {name: None if proof is None else getattr(proof.hours, name) for name in hours}
    return row | {"is_equal": check.is_equal}


def say_wrong(check: Check) -> str:
    """Return what is unequal of a check, with hour, cluster and asset where an hour is."""
    if check.proof is None or check.proof.hours.first_unequal is None:
        return check.cluster
    hours = check.proof.hours
    return (
        f"{check.cluster} ({hours.hours_unequal} of {hours.hours_checked} hours, first "
        f"{hours.first_unequal}, by up to {hours.largest_difference:f} {check.currency})"
    )
