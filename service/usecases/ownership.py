"""Who owns what: rules, names and CMDB brought together for a cluster, and shown to people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from models.ownership.annotations import parse_annotation_selector
from models.ownership.label_keys import team_label
from models.ownership.matching import OwnershipBook, OwnershipFacts
from models.ownership.names import NameAlias, TeamNames, normal_form
from models.ownership.places import PlaceHistory, PlaceVersion, Workload
from models.ownership.rules import OwnershipRow
from models.ownership.teams import TeamDirectory
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from warehouse.reads.ownership import OwnershipReads

_SEEN_DAYS = 35
_READERS = (Role.LEADERSHIP, Role.FINANCE, Role.PLATFORM)
MISSING_CHOICES = ("cost-centre", "contact")


@dataclass(frozen=True)
class TeamEntry:
    """A team, and what is known of it now. ``sources`` are cmdb, rule and cost (it has cost by a label)."""

    team: str
    cost_centre: str | None
    owner_contact: str | None
    parent: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True)
class OwnerAnswer:
    """One payer of a place, and the rule, label or guess behind it."""

    team: str | None
    cost_centre: str | None
    share_ratio: Decimal
    ownership_source: str | None
    because: str


@dataclass(frozen=True)
class Place:
    """What is asked about. ``labels`` are those of the pod."""

    cluster: str
    namespace: str
    workload: Workload | None = None
    labels: Mapping[str, str] | None = None


def ownership_book(runtime: Runtime, cluster: str) -> OwnershipBook:
    """Return everything that decides who owns what in a cluster, at any time.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    """
    ownership = runtime.warehouse.ownership
    rows = ownership.all()
    facts = OwnershipFacts(
        TeamNames(ownership.aliases(), ownership.known_teams()),
        TeamDirectory(ownership.cmdb.versions()),
        place_history(runtime, cluster, rows),
        runtime.settings.team_label_keys,
    )
    return OwnershipBook(rows, facts)


def place_history(runtime: Runtime, cluster: str, rows: Sequence[OwnershipRow]) -> PlaceHistory:
    """Return what of labels and annotations over time owners in a cluster may depend on.

    Of labels only those that can name a team, of annotations only those that a rule asks for: nothing else
    can change an owner.
    """
    asked = {key for row in rows for key in _annotation_keys(row.annotation_selector)}
    keys = runtime.settings.team_label_keys
    versions = []
    for row in OwnershipReads(runtime.warehouse.lake).places(cluster, with_workloads=bool(asked)):
        spec = json.loads(row["spec"])
        is_namespace = row["kind"] == "Namespace"
        labels = {name: str(value) for name, value in (spec.get("labels") or {}).items()}
        labels = {name: value for name, value in labels.items() if team_label({name: value}, keys)}
        annotations = {
            name: str(value) for name, value in (spec.get("annotations") or {}).items() if name in asked
        }
        namespace = row["name"] if is_namespace else row["namespace"]
        workload = None if is_namespace else (row["kind"], row["name"])
        kept = labels if is_namespace else {}
        versions.append(PlaceVersion(namespace, workload, row["valid_from"], kept, annotations))
    return PlaceHistory(_that_say_something(versions))


def _that_say_something(versions: Sequence[PlaceVersion]) -> list[PlaceVersion]:
    """Leave out places of which no version ever said anything: they decide nothing."""
    speaking = {(one.namespace, one.workload) for one in versions if one.labels or one.annotations}
    return [one for one in versions if (one.namespace, one.workload) in speaking]


def _annotation_keys(selector: str | None) -> list[str]:
    return [condition.key for condition in parse_annotation_selector(selector or "")]


def annotation_doubts(runtime: Runtime) -> list[str]:
    """Return in words which rules ask for annotations that no cluster has ever shown.

    Prometheus and files do not tell annotations; the Kubernetes API does (setting ``kubeconfig``).
    """
    rows = [row for row in runtime.warehouse.ownership.all() if row.annotation_selector]
    asked = {key for row in rows for key in _annotation_keys(row.annotation_selector)}
    if not asked:
        return []
    reads = OwnershipReads(runtime.warehouse.lake)
    shown = {
        key
        for cluster in runtime.warehouse.clusters.list()
        for place in reads.places(cluster.name, with_workloads=True)
        for key in json.loads(place["spec"]).get("annotations") or {}
    }
    return [
        f"rules ask for the annotation {key}, which no namespace or workload was seen with: annotations come "
        "from the Kubernetes API only (kubeconfig or in_cluster), and only keys of the list in "
        "docs/ownership.md are kept"
        for key in sorted(asked - shown)
    ]


def explain_owner(
    runtime: Runtime, principal: Principal, place: Place, moment: datetime
) -> list[OwnerAnswer]:
    """Return who pays for a place at an instant, and why.

    Raises
    ------
    Forbidden
        If the principal may not see the rules of all teams.
    """
    principal.require(*_READERS)
    book = ownership_book(runtime, place.cluster)
    labels = place.labels or {}
    owners = book.owners(place.cluster, place.namespace, labels, {}, moment, place.workload)
    rows = book.deciding_rows(place.cluster, place.namespace, labels, moment, place.workload)
    because = _because(rows, labels, runtime.settings.team_label_keys, owners[0].source)
    return [
        OwnerAnswer(
            owner.team,
            owner.cost_centre,
            owner.share_ratio,
            None if owner.source is None else owner.source.value,
            because if owner.team is not None else "the shares of the rule leave it to nobody",
        )
        for owner in owners
    ]


def _because(
    rows: Sequence[OwnershipRow], labels: Mapping[str, str], keys: Sequence[str], source: str | None
) -> str:
    if rows:
        row = rows[0]
        place = row.source_file or "a rule"
        return f"{row.origin.value} rule: {place}{f' row {row.source_row}' if row.source_row else ''}"
    if source == "label":
        return "label of the pod" if team_label(labels, keys) else "label of the namespace"
    return "guessed from the name of the namespace"


def list_teams(runtime: Runtime, principal: Principal, missing: str | None = None) -> list[TeamEntry]:
    """Return every team that a CMDB, a rule or recent cost names, by name; of owners, their own only.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    missing : str or None
        ``cost-centre`` or ``contact``: only teams that lack it.

    Raises
    ------
    UsageError
        If ``missing`` is neither.
    Forbidden
        If the principal may read nothing.
    """
    if missing not in (None, *MISSING_CHOICES):
        raise UsageError(f"--missing is {' or '.join(MISSING_CHOICES)}")
    visible = principal.visible_teams()
    entries = _all_teams(runtime, principal)
    wanted = [entry for entry in entries if visible is None or entry.team in visible]
    if missing == "cost-centre":
        return [entry for entry in wanted if entry.cost_centre is None]
    if missing == "contact":
        return [entry for entry in wanted if entry.owner_contact is None]
    return wanted


def _all_teams(runtime: Runtime, principal: Principal) -> list[TeamEntry]:
    now = runtime.now()
    ownership = runtime.warehouse.ownership
    names = TeamNames(ownership.aliases(), ownership.known_teams())
    directory = TeamDirectory(ownership.cmdb.versions())
    sources: dict[str, set[str]] = defaultdict(set)
    centres: dict[str, str] = {}
    for row in (row for row in ownership.all() if row.holds_at(now)):
        team = names.canonical(row.team, now)
        sources[team].add("cmdb" if row.origin == "cmdb" else "rule")
        if row.cost_centre:
            centres.setdefault(team, row.cost_centre)
    for version in ownership.cmdb.versions():
        if version.kind == "team" and version.holds_at(now):
            sources[names.canonical(version.name, now)].add("cmdb")
    today = now.astimezone(runtime.settings.zone).date()
    reads = OwnershipReads(runtime.warehouse.lake)
    for spend in reads.spend(principal, today - timedelta(days=_SEEN_DAYS), today):
        if spend.team is not None and spend.ownership_source != "guessed":
            sources[names.canonical(spend.team, now)].add("cost")
    return [_entry(team, found, directory, centres, now) for team, found in sorted(sources.items())]


def _entry(
    team: str, sources: set[str], directory: TeamDirectory, centres: Mapping[str, str], now: datetime
) -> TeamEntry:
    known = directory.at(team, now)
    return TeamEntry(
        team,
        directory.cost_centre(team, now) or centres.get(team),
        known.facts.owner_contact if known else None,
        known.facts.parent if known else None,
        tuple(sorted(sources)),
    )


def replace_aliases(runtime: Runtime, principal: Principal, rows: Sequence[NameAlias]) -> None:
    """Store other names of teams instead of those stored before, and note who did.

    Raises
    ------
    InputError
        If an alias means two teams at one time, or aliases lead back to themselves.
    Forbidden
        If the principal is neither finance, platform nor admin.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    runtime.warehouse.ownership.replace_aliases(rows)
    detail = {"row_count": len(rows), "teams": len({normal_form(row.team) for row in rows})}
    runtime.warehouse.audit.append(principal, "replace names", "teams", runtime.now(), detail)
