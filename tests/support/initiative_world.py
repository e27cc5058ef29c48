"""Three clusters that grow alike; one of them lets nodes go. Costs are stored, the clock stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from support.container_usage import Container, constant, observed

from models.initiatives.initiative import Initiative
from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate

START = datetime(2026, 10, 5, tzinfo=UTC)
STAGE = START + timedelta(days=7)
STAGE_END = STAGE + timedelta(days=1)
END = STAGE_END + timedelta(days=9)
PRICE = Decimal("0.40")
NODES = {"alpha": (6, 5), "beta": (6, 7), "gamma": (6, 7)}
"""Nodes before and from the stage on: untouched clusters grow by a sixth, alpha would have had 7."""
PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
NAME = "Fewer nodes in alpha"


def build(
    folder: Path,
    *,
    kills_after: int | None = None,
    clusters: tuple[str, ...] = tuple(NODES),
    is_committed: bool = False,
) -> Runtime:
    """Return the runtime of the world.

    Parameters
    ----------
    folder : Path
    kills_after : int, optional
        Days after the stage on which a pod of alpha is killed for memory.
    clusters : tuple of str
        Those that are observed.
    is_committed : bool
        Whether a commitment covers all nodes: they would cost 0.60 by contract.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = f"fixed_now: {END.isoformat()}\nreporting_currency: EUR\nperson_day_price: 480\n"
    (folder / "millicore.yaml").write_text(text, encoding="utf-8")
    runtime = Runtime.for_test(folder, now=END, reporting_currency="EUR", person_day_price=480)
    killed = set() if kills_after is None else {24 * (kills_after - 1)}
    for cluster in clusters:
        runtime.warehouse.clusters.register(cluster)
        before, after = NODES[cluster]
        for first, last, count in (
            (START, STAGE, before),
            (STAGE, STAGE_END, after),
            (STAGE_END, END, after),
        ):
            hours = int((last - first) / timedelta(hours=1))
            is_killed = cluster == "alpha" and first == STAGE_END
            web = Container(
                workload="web",
                cpu=constant(0.5),
                cpu_request=2.0,
                oom_hours=frozenset(killed if is_killed else ()),
                node=f"{cluster}-0",
            )
            nodes = [f"{cluster}-{n}" for n in range(count)]
            with holding(runtime, cluster) as held:
                runtime.warehouse.record(observed([web], nodes, first, hours, cluster), held.lease)
    price = PriceRow("m5.2xlarge", "EUR", PRICE, START)
    if is_committed:
        price = PriceRow("m5.2xlarge", "EUR", Decimal("0.60"), START, hourly_effective_price=PRICE)
    runtime.warehouse.prices.replace([price])
    allocate(runtime)
    stage = Initiative(
        NAME, "Two nodes less", STAGE, STAGE_END, cluster="alpha", target=Money(Decimal(500), "EUR")
    )
    runtime.warehouse.initiatives.save(stage)
    return runtime
