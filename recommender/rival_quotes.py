"""What VPA's and KRR's rules say for the same containers and days, quoted beside our answer."""

from __future__ import annotations

from models.profiles.buckets import FloatArray
from models.vocabulary.recommendation import RivalQuote
from recommender.basis_use import DailyUse
from recommender.rivals_fleet import advise_as_krr, advise_as_vpa

VPA_RULE = "p90 of CPU and of daily memory peaks, half-life 24 h, +15 %"
KRR_RULE = "CPU p95 and memory maximum +15 % of 14 days"


def quote_rivals(use: DailyUse) -> list[tuple[RivalQuote, ...]]:
    """Return per container what VPA 1.8 and KRR (strategy simple) would advise, in their style.

    Their rules are run on pooled 5-minute values of whole days (`rivals_fleet`).

    Parameters
    ----------
    use : DailyUse
    """
    columns = [_values(column) for rule in (advise_as_vpa, advise_as_krr) for column in rule(use)]
    return [
        (
            RivalQuote("vpa", VPA_RULE, vpa_cpu, vpa_memory),
            RivalQuote("krr", KRR_RULE, krr_cpu, krr_memory),
        )
        for vpa_cpu, vpa_memory, krr_cpu, krr_memory in zip(*columns, strict=True)
    ]


def _values(column: FloatArray) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]
