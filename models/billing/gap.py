"""Why a bill and the allocated cost of a cluster differ: causes that add up to the gap, exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from models.chargeback.lines import UNITS


class Cause(StrEnum):
    """Why the bill of a cluster is not its allocated cost."""

    PRICE = "price"
    NOT_OBSERVED = "hours_not_observed"
    NOT_BILLED = "hours_not_billed"
    NOT_PRICED = "assets_not_priced"
    COMMITMENT = "commitment"
    ROUNDING = "rounding"


@dataclass(frozen=True)
class AssetMonth:
    """One asset of a cluster in one month and currency, as billed and as allocated.

    Parameters
    ----------
    asset_kind : str
        node, volume, load_balancer, or ``other`` for lines that only a tag or rule gives to the cluster.
    billed, billed_contracted : Decimal
        Effective and contracted cost of its bill lines; 0 without any.
    allocated, allocated_contracted : Decimal
        Effective and contracted cost of its hours; 0 without any.
    billed_hours, observed_hours : float or None
        None where not counted.
    """

    asset_kind: str
    asset: str
    billed: Decimal = Decimal(0)
    billed_contracted: Decimal = Decimal(0)
    allocated: Decimal = Decimal(0)
    allocated_contracted: Decimal = Decimal(0)
    billed_hours: float | None = None
    observed_hours: float | None = None
    is_billed: bool = False
    is_observed: bool = False


@dataclass(frozen=True)
class Gap:
    """Bill less allocated cost of one cluster and currency, in nano-units.

    ``causes`` add up to ``gap``; positive means that the bill is higher.
    """

    cluster: str
    currency: str
    billed: int
    allocated: int
    causes: dict[Cause, int] = field(default_factory=dict)

    @property
    def gap(self) -> int:
        """Bill less allocated."""
        return self.billed - self.allocated

    @property
    def ratio(self) -> float | None:
        """Size of the gap as a share of the bill; None without a bill."""
        return abs(self.gap) / abs(self.billed) if self.billed else None


def explain_gap(cluster: str, currency: str, allocated: int, assets: Iterable[AssetMonth]) -> Gap:
    """Explain the gap of a cluster.

    Parameters
    ----------
    cluster, currency : str
    allocated : int
        Nano-units that the cluster's lines add up to.
    assets : iterable of AssetMonth
        Everything that the bill or the allocation names.

    Notes
    -----
    Per asset, billed - allocated = (contracted billed - contracted allocated) + difference of the discounts.
    The first part of a node billed for more hours than observed is split: the hours that nobody saw, at the
    bill's hourly price, are ``hours_not_observed``, the rest is ``price``; the other way round hours that no
    line bills, at the allocated hourly price, are ``hours_not_billed``. The discounts are ``commitment``.
    """
    exact: dict[Cause, Fraction] = dict.fromkeys(Cause, Fraction(0))
    billed = Fraction(0)
    for asset in assets:
        billed += Fraction(asset.billed)
        for cause, part in _parts(asset).items():
            exact[cause] += part
    causes = {cause: _nano(part) for cause, part in exact.items()}
    whole = _nano(billed)
    causes[Cause.ROUNDING] += whole - allocated - sum(causes.values())
    return Gap(cluster, currency, whole, allocated, causes)


def _nano(amount: Fraction) -> int:
    return round(amount * UNITS)


def _parts(asset: AssetMonth) -> dict[Cause, Fraction]:
    billed, allocated = Fraction(asset.billed), Fraction(asset.allocated)
    if not asset.is_observed:
        return {Cause.NOT_OBSERVED if asset.asset_kind == "node" else Cause.NOT_PRICED: billed}
    if not asset.is_billed:
        return {Cause.NOT_BILLED: -allocated}
    if asset.asset_kind != "node" and not allocated:
        return {Cause.NOT_PRICED: billed}
    contracted = Fraction(asset.billed_contracted)
    own = Fraction(asset.allocated_contracted)
    parts = {Cause.COMMITMENT: (billed - contracted) - (allocated - own)}
    unseen, unbilled = _hours(asset, contracted, own)
    parts[Cause.NOT_OBSERVED] = unseen
    parts[Cause.NOT_BILLED] = unbilled
    parts[Cause.PRICE] = contracted - own - unseen - unbilled
    return parts


def _hours(asset: AssetMonth, contracted: Fraction, own: Fraction) -> tuple[Fraction, Fraction]:
    if not asset.billed_hours or not asset.observed_hours:
        return Fraction(0), Fraction(0)
    billed, observed = Fraction(asset.billed_hours), Fraction(asset.observed_hours)
    if billed > observed:
        return contracted * (billed - observed) / billed, Fraction(0)
    return Fraction(0), -own * (observed - billed) / observed
