"""Scenarios that people ask for by name: ``demo``, ``fortnight`` and ``fleet``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models.simulation.company import (
    PLATFORM_SERVICES,
    TEAMS,
    Draw,
    TeamSite,
    agents,
    bare_pod,
    leaking_service,
    size_pool,
    throttled_service,
)
from models.simulation.noise import seed_of
from models.simulation.scenario import (
    ClusterPlan,
    Gap,
    InitiativePlan,
    NamespacePlan,
    NodeChange,
    OwnershipPlan,
    PoolPlan,
    Rollout,
    Scenario,
    Schedule,
    Shape,
    WorkloadPlan,
)
from models.vocabulary.errors import UsageError

_HOUR, _DAY = 3600, 86_400
_EVERY_NIGHT = Schedule(_DAY, 2 * _HOUR, 1200, 5400)
_EVERY_15_MINUTES = Schedule(900, 240, 7, 40)
_EVERY_HOUR = Schedule(_HOUR, 600, 60, 900)


def build_scenario(name: str, *, seed: int, pods: int = 1000, days: int | None = None) -> Scenario:
    """Return a scenario by its name.

    Parameters
    ----------
    name : str
        ``demo``: three clusters, 1 September to 21 November 2026, with one optimisation stage.
        ``fortnight``: one small cluster, 14 days. ``fleet``: one cluster of about ``pods`` pods, one day.
    seed : int
        The same seed gives the same scenario.
    pods : int
        Size of ``fleet``; the others have their own.
    days : int or None
        Another length, from the same start (``demo``: up to the same end).

    Raises
    ------
    UsageError
        If there is no such scenario, or a number is not positive.
    """
    if name not in _PRESETS:
        raise UsageError(f"there is no scenario {name!r}: choose one of {', '.join(_PRESETS)}")
    if pods < 1 or (days is not None and days < 1):
        raise UsageError("a simulation needs at least one pod and one day")
    return _PRESETS[name](seed, pods, days)


def _instant(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


_MEMORY_TEAMS = ("data-platform", "ml-serving", "analytics")
_DEMO_BUDGETS = {"search": 1000.0, "catalog": 1000.0, "checkout": 600.0, "mobile": 600.0, "ml-serving": 600.0}


def _demo(seed: int, pods: int, days: int | None) -> Scenario:
    end = _instant(2026, 11, 21)
    start = _instant(2026, 9, 1) if days is None else end - days * _DAY
    stage_at = _instant(2026, 10, 14)
    clusters = (
        _demo_production(seed, start, end, stage_at),
        _demo_second(seed, start, end),
        _demo_development(seed, start, end),
    )
    changed_at = _instant(2026, 10, 16)
    return Scenario(
        name="demo",
        seed=seed,
        start=start,
        end=end,
        currency="USD",
        clusters=clusters,
        ownership=_ownership(clusters, start, changed_at),
        team_budgets={team: _DEMO_BUDGETS.get(team, 450.0) for team in TEAMS},
        company_budget=9_200.0,
        initiatives=(
            InitiativePlan(
                name="Right-size search and catalog",
                cluster="prod-eu",
                node_pool="general",
                team="platform",
                started_at=stage_at,
                finished_at=stage_at + 3 * _DAY,
                description="Requests of search, catalog and ads halved, then nodes drained and removed",
            ),
        ),
        price_change_at=_instant(2026, 11, 1),
        price_change_ratio=1.03,
    )


def _demo_production(seed: int, start: int, end: int, stage_at: int) -> ClusterPlan:
    draw = Draw(seed_of(seed, "prod-eu") % 2**32)
    optimised = ("search", "catalog", "ads")
    general = [_production_site(team, is_careless=team in optimised) for team in TEAMS[:9]]
    memory = [TeamSite(team, team, ("memory",), 2.6, memory_ratio=2.0) for team in _MEMORY_TEAMS]
    workloads = [*agents(), *_platform(draw, ("general",))]
    workloads += [*_services(draw, general, 3), *_services(draw, memory, 4)]
    crowded = [site for site in general if site.team in optimised]
    workloads += [draw.service(site, place) for site in crowded for place in range(3, 8)]
    sale = (_instant(2026, 11, 11), _instant(2026, 10, 1) + 10 * _HOUR)
    first_checkout = next(i for i, w in enumerate(workloads) if w.team == "checkout")
    workloads[first_checkout] = replace(workloads[first_checkout], shape=Shape.FLASH_SALE, sale_at=sale)
    workloads += [
        leaking_service(general[3], 31.0),
        throttled_service(general[0]),
        bare_pod(general[4]),
        draw.job(memory[0], _EVERY_NIGHT),
        draw.job(general[7], _EVERY_HOUR),
        draw.job(general[3], _EVERY_15_MINUTES),
    ]
    pools = (
        PoolPlan("general", "m6i.2xlarge", "on_demand", ("eu-central-1a", "eu-central-1b"), 0),
        PoolPlan("memory", "r6i.2xlarge", "on_demand", ("eu-central-1a",), 0, is_committed=True),
    )
    sized = [size_pool(pool, workloads, 0.91) for pool in pools]
    removed = _removable(sized[0], workloads, optimised)
    drains = tuple(NodeChange(stage_at + _DAY + 1800 * n, -1) for n in range(removed))
    lost_at = _instant(2026, 9, 20) + 7 * _HOUR + 35 * 60
    replaced = (NodeChange(lost_at, -1), NodeChange(lost_at + 600, 1))
    sized[0] = replace(sized[0], changes=(*replaced, *drains))
    rolled = [
        _with_rollouts(draw, workload, start, end, stage_at if workload.team in optimised else None)
        for workload in workloads
    ]
    gap_at = _instant(2026, 9, 9) + 13 * _HOUR + 25 * 60
    return ClusterPlan(
        name="prod-eu",
        provider="aws",
        region="eu-central-1",
        display_name="Production Europe",
        pools=tuple(sized),
        namespaces=_namespaces(rolled, "prod"),
        workloads=tuple(rolled),
        gaps=(Gap(gap_at, gap_at + 35 * 60), Gap(gap_at + 9 * _DAY, gap_at + 9 * _DAY + 2 * _HOUR, 1)),
    )


def _production_site(team: str, *, is_careless: bool) -> TeamSite:
    """Return where a team of the general pool goes; careless ones request twice what they should."""
    if is_careless:
        return TeamSite(team, team, ("general",), 4.6, use_ratio=0.5)
    return TeamSite(team, team, ("general",), 2.8)


def _platform(draw: Draw, pools: tuple[str, ...]) -> list[WorkloadPlan]:
    return [draw.platform_service(name, pools) for name in PLATFORM_SERVICES]


def _demo_second(seed: int, start: int, end: int) -> ClusterPlan:
    draw = Draw(seed_of(seed, "prod-us") % 2**32)
    sites = [
        TeamSite(team, team, ("general", "spot"), 3.6) for team in (*TEAMS[:4], "ml-serving", "notifications")
    ]
    workloads = [*agents(), *_platform(draw, ("general",)), *_services(draw, sites, 5)]
    workloads += [draw.job(sites[4], _EVERY_HOUR), leaking_service(sites[1], 55.0)]
    pools = (
        PoolPlan("general", "m6i.2xlarge", "on_demand", ("us-east-1a", "us-east-1b"), 0),
        PoolPlan("spot", "m6i.xlarge", "spot", ("us-east-1a", "us-east-1b"), 0),
    )
    sized = [size_pool(pool, workloads, 0.91) for pool in pools]
    reclaimed = _instant(2026, 10, 22) + 16 * _HOUR + 10 * 60
    sized[1] = replace(sized[1], changes=(NodeChange(reclaimed, -1), NodeChange(reclaimed + 900, 1)))
    sized[0] = replace(sized[0], changes=(NodeChange(_instant(2026, 11, 9) + 9 * _HOUR, 1),))
    rolled = [_with_rollouts(draw, workload, start, end, None) for workload in workloads]
    return ClusterPlan(
        "prod-us",
        "aws",
        "us-east-1",
        "Production United States",
        tuple(sized),
        _namespaces(rolled, "prod"),
        tuple(rolled),
        (Gap(_instant(2026, 9, 15) + 3 * _HOUR, _instant(2026, 9, 15) + 7 * _HOUR),),
    )


def _demo_development(seed: int, start: int, end: int) -> ClusterPlan:
    draw = Draw(seed_of(seed, "dev") % 2**32, 0.6)
    sites = [TeamSite(team, f"{team}-dev", ("default",)) for team in ("analytics", *TEAMS[:6:2])]
    workloads = [*agents(), *_platform(draw, ("default",)), *_services(draw, sites, 3), bare_pod(sites[0])]
    workloads.append(draw.job(sites[0], _EVERY_NIGHT))
    pool = PoolPlan("default", "n2-standard-4", "on_demand", ("europe-west1-b",), 0)
    rolled = [_with_rollouts(draw, workload, start, end, None) for workload in workloads]
    return ClusterPlan(
        "dev",
        "gcp",
        "europe-west1",
        "Development",
        (size_pool(pool, workloads, 0.9),),
        _namespaces(rolled, "dev"),
        tuple(rolled),
    )


def _fortnight(seed: int, pods: int, days: int | None) -> Scenario:
    start = _instant(2026, 11, 2)
    end = start + (days or 14) * _DAY
    draw = Draw(seed_of(seed, "fortnight") % 2**32, 0.5)
    sites = [TeamSite(team, team, ("general",)) for team in (*TEAMS[:5], "logistics")]
    workloads = [*agents(), *_services(draw, sites, 2)]
    workloads += [
        leaking_service(sites[0], 20.0),
        throttled_service(sites[1]),
        bare_pod(sites[2]),
        draw.job(sites[3], _EVERY_HOUR),
        draw.job(sites[4], Schedule(4 * _HOUR, 300, 7, 40)),
    ]
    pool = size_pool(
        PoolPlan("general", "m6i.xlarge", "on_demand", ("eu-central-1a", "eu-central-1b"), 0), workloads, 0.7
    )
    changes = (NodeChange(start + 5 * _DAY + 7 * _HOUR, 1), NodeChange(start + 9 * _DAY + 4500, -1))
    rolled = [_with_rollouts(draw, workload, start, end, None) for workload in workloads]
    gap_at = start + 3 * _DAY + 10 * _HOUR + 600
    cluster = ClusterPlan(
        "fortnight",
        "aws",
        "eu-central-1",
        "Fortnight",
        (replace(pool, changes=tuple(c for c in changes if c.at < end)),),
        _namespaces(rolled, "prod"),
        tuple(rolled),
        (Gap(gap_at, gap_at + 1500),),
    )
    return Scenario(
        name="fortnight",
        seed=seed,
        start=start,
        end=end,
        currency="USD",
        clusters=(cluster,),
        ownership=_ownership((cluster,), start, start + 6 * _DAY),
        team_budgets={site.team: 200.0 for site in sites},
    )


def _fleet(seed: int, pods: int, days: int | None) -> Scenario:
    start = _instant(2026, 11, 2)
    end = start + (days or 1) * _DAY
    draw = Draw(seed_of(seed, "fleet") % 2**32)
    workloads: list[WorkloadPlan] = list(agents())
    count, place = 0, 0
    while count < pods * 0.92:
        team = TEAMS[place % len(TEAMS)]
        plan = draw.service(TeamSite(team, team, ("general",)), place // len(TEAMS))
        plan = replace(plan, name=f"{plan.name}-{place}", busy_replicas=0)
        workloads.append(plan)
        count, place = count + plan.replicas, place + 1
    pool = size_pool(
        PoolPlan("general", "m6i.4xlarge", "on_demand", ("us-east-1a", "us-east-1b"), 0), workloads, 0.85
    )
    rolled = tuple(_with_rollouts(draw, workload, start, end, None) for workload in workloads)
    cluster = ClusterPlan("fleet", "aws", "us-east-1", "Fleet", (pool,), _namespaces(rolled, "prod"), rolled)
    return Scenario(
        name="fleet",
        seed=seed,
        start=start,
        end=end,
        currency="USD",
        clusters=(cluster,),
        ownership=_ownership((cluster,), start, end),
        team_budgets={},
    )


def _services(draw: Draw, sites: Sequence[TeamSite], each: int) -> list[WorkloadPlan]:
    return [draw.service(site, place) for site in sites for place in range(each)]


def _with_rollouts(
    draw: Draw, plan: WorkloadPlan, start: int, end: int, stage_at: int | None
) -> WorkloadPlan:
    """Return the workload with a rollout every 5 to 20 days, and one that halves requests at the stage."""
    if plan.kind not in ("Deployment", "StatefulSet"):
        return plan
    moments = []
    moment = start + draw.integers(2, 12) * _DAY + draw.integers(8 * _HOUR, 17 * _HOUR)
    while moment < end:
        moments.append(moment)
        moment += draw.integers(5, 20) * _DAY + draw.integers(-2 * _HOUR, 2 * _HOUR)
    release = [(moment, f"r{number}") for number, moment in enumerate(moments, start=2)]
    if stage_at is not None and start < stage_at < end:
        offset = draw.integers(0, 8 * _HOUR)
        release = sorted([*release, (stage_at + 8 * _HOUR + offset, "right-sized")])
    rollouts = tuple(
        Rollout(
            at,
            0.5 if stage_at is not None and at >= stage_at else 1.0,
            {"app.kubernetes.io/version": version},
        )
        for at, version in release
    )
    return replace(plan, rollouts=rollouts)


def _removable(pool: PoolPlan, workloads: Sequence[WorkloadPlan], optimised: Sequence[str]) -> int:
    """Return how many nodes of the pool the halved requests free, at the fill that the pool had."""
    halved = [
        replace(
            workload,
            containers=tuple(
                replace(
                    container,
                    cpu_request_cores=container.cpu_request_cores and container.cpu_request_cores / 2,
                    memory_request_bytes=container.memory_request_bytes
                    and container.memory_request_bytes / 2,
                )
                for container in workload.containers
            ),
        )
        if workload.team in optimised and workload.kind in ("Deployment", "StatefulSet")
        else workload
        for workload in workloads
    ]
    return max(0, pool.node_count - size_pool(pool, halved, 0.84).node_count)


def _namespaces(workloads: Sequence[WorkloadPlan], environment: str) -> tuple[NamespacePlan, ...]:
    teams = {workload.namespace: workload.team for workload in workloads}
    return tuple(
        NamespacePlan(name, {"team": team, "env": environment, "cost-centre": cost_centre(team)})
        for name, team in sorted(teams.items())
    )


def cost_centre(team: str) -> str:
    """Return the cost centre of a simulated team."""
    return f"CC{1001 + TEAMS.index(team)}"


_GUESSED = ("identity", "analytics-dev")
"""Namespaces that no ownership rule names, so that labels decide."""


def _ownership(clusters: Sequence[ClusterPlan], start: int, changed_at: int) -> tuple[OwnershipPlan, ...]:
    """Return one rule per namespace; logistics' goes to mobile in mid-month, kube-system is shared by two."""
    rules: list[OwnershipPlan] = []
    for cluster in clusters:
        for namespace in cluster.namespaces:
            team = namespace.labels["team"]
            if namespace.name in _GUESSED:
                continue
            first = OwnershipPlan(
                cluster.name, namespace.name, "", team, cost_centre(team), 1.0, 0, start, None
            )
            if team == "logistics":
                later = replace(
                    first, team="mobile", cost_centre=cost_centre("mobile"), valid_from=changed_at
                )
                rules += [replace(first, valid_to=changed_at), later]
            elif namespace.name == "catalog":
                partner = replace(first, team="search", cost_centre=cost_centre("search"), share_ratio=0.25)
                rules += [replace(first, share_ratio=0.75), partner]
            else:
                rules.append(first)
    return tuple(rules)


_PRESETS: dict[str, Callable[[int, int, int | None], Scenario]] = {
    "demo": _demo,
    "fortnight": _fortnight,
    "fleet": _fleet,
}
PRESET_NAMES = tuple(_PRESETS)
