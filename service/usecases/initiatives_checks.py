"""What an initiative must satisfy: known places before it is planned, a final result to be closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase

from models.initiatives.differences import FEWEST_DAYS
from models.initiatives.initiative import Initiative
from models.initiatives.soak import CLEAN_DAYS_NEEDED
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.initiatives_measure import DAYS_BESIDE, Measurement, days_compared
from service.usecases.ownership import list_teams
from warehouse.reads.ownership import OwnershipReads

_MOST_NAMED = 20
_COST_DAYS = 28
"""Days of cost whose teams are known, guessed ones included."""


def check_places(runtime: Runtime, principal: Principal, initiative: Initiative) -> None:
    """Refuse clusters and teams of a scope that match nothing known: such an initiative covers nothing.

    Raises
    ------
    InputError
        Naming the glob and what is known.
    """
    scope = initiative.whole_scope
    if scope.clusters:
        known = [cluster.name for cluster in runtime.warehouse.clusters.list()]
        _check_globs("cluster", scope.clusters, known)
    teams = (*scope.teams, *(() if initiative.team is None else (initiative.team,)))
    if teams:
        _check_globs("team", teams, _known_teams(runtime, principal))


def _known_teams(runtime: Runtime, principal: Principal) -> list[str]:
    today = runtime.now().astimezone(runtime.settings.zone).date()
    spend = OwnershipReads(runtime.warehouse.lake).spend(principal, today - timedelta(days=_COST_DAYS), today)
    named = {entry.team for entry in list_teams(runtime, principal)}
    return sorted(named | {row.team for row in spend if row.team is not None})


def _check_globs(kind: str, globs: Sequence[str], known: Sequence[str]) -> None:
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in known):
            more = len(known) - _MOST_NAMED
            listed = ", ".join(known[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            raise InputError(f"matches no {kind}; known: {listed or 'none yet'}", field=kind, value=glob)


def check_closable(
    name: str, measured: Measurement, final: Sequence[date], span: tuple[date, date], today: date
) -> None:
    """Refuse to close an initiative whose result can still change from unknown to known.

    It may be closed when its saving counts, or when it is not measurable and more days do not change that:
    with too few days before it, with enough days after it, or four weeks after it.

    Parameters
    ----------
    name : str
    measured : Measurement
    final : sequence of date
        Final billing days, sorted.
    span : tuple of date
        First and last day of the initiative.
    today : date

    Raises
    ------
    Conflict
        Naming the first day on which it can be closed, if all goes well.
    """
    if measured.state == "realised":
        return
    first, last = span
    days_needed = max(FEWEST_DAYS, CLEAN_DAYS_NEEDED)
    earliest = last + timedelta(days=days_needed + 1)
    if measured.state == "not_measurable":
        before, after = days_compared(final, first, last)
        is_over = today > last + timedelta(days=DAYS_BESIDE)
        if today > last and (len(before) < FEWEST_DAYS or len(after) >= FEWEST_DAYS or is_over):
            return
    elif measured.state == "soaking":
        newest = max([day for day in final if day > last], default=last)
        missing = CLEAN_DAYS_NEEDED - measured.soak.clean_day_count
        earliest = max(earliest, newest + timedelta(days=missing + 1))
    raise Conflict(
        f"the initiative {name!r} cannot be closed before {max(earliest, today):%-d %b %Y}, once "
        f"the days after it are final: {measured.reason or measured.state}"
    )
