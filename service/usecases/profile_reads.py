"""What people see of profiles: those of the workloads that they may see, and which of these fit together."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np

from models.profiles.days import join_days
from models.profiles.options import HALF_LIFE
from models.profiles.partners import Partner, find_partners
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.profile import ResourceProfile
from service.progress import Progress
from service.runtime import Runtime
from service.usecases.histories import History, profile_window, read_history
from service.usecases.judging import newest_data
from service.usecases.profiles import build_histograms, cluster_names, read_profile_set
from service.usecases.unit_prices import read_teams

_WORKLOAD = ("namespace", "workload_kind", "workload_name")


def list_profiles(
    runtime: Runtime,
    principal: Principal,
    *,
    as_of: datetime,
    cluster: str | None = None,
    half_life: timedelta = HALF_LIFE,
    progress: Progress | None = None,
) -> list[ResourceProfile]:
    """Return the profiles of the containers that a principal may see, by cluster and key.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        An owner sees the workloads of own teams.
    as_of : datetime
        Only whole hours that end by then are read; where the newest data is older, profiles end with it.
    cluster : str, optional
    half_life : timedelta, optional
        Age at which a sample counts half in the decayed percentiles.
    progress : Progress, optional

    Raises
    ------
    Forbidden
        If the principal holds no role that reads anything.
    """
    visible = _Visible(runtime, principal, as_of)
    found: list[ResourceProfile] = []
    for name in cluster_names(runtime, cluster):
        known_until = _build_until(runtime, name, as_of, progress)
        profiles = read_profile_set(
            runtime, name, known_until, half_life=half_life, progress=progress
        ).profiles
        seen = visible.of_cluster(name, {profile.key.workload for profile in profiles})
        found.extend(profile for profile in profiles if profile.key.workload in seen)
    return found


def list_partners(
    runtime: Runtime,
    principal: Principal,
    *,
    as_of: datetime,
    cluster: str | None = None,
    per_workload: int = 3,
    progress: Progress | None = None,
) -> list[Partner[WorkloadKey]]:
    """Return the workloads of each cluster that fit together best, the best pair first.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        An owner sees pairs among the workloads of own teams.
    as_of : datetime
        Only whole hours that end by then are read; where the newest data is older, profiles end with it.
    cluster : str, optional
        None covers all; partners are always of one cluster, because only they can share nodes.
    per_workload : int
        Partners named per workload.
    progress : Progress, optional

    Raises
    ------
    Forbidden
        If the principal holds no role that reads anything.
    """
    visible = _Visible(runtime, principal, as_of)
    found: list[Partner[WorkloadKey]] = []
    for name in cluster_names(runtime, cluster):
        known_until = _build_until(runtime, name, as_of, progress)
        history = read_history(runtime, name, known_until, progress=progress)
        if history is None or history.summaries.num_rows == 0:
            continue
        series = _cores_by_workload(name, history)
        seen = visible.of_cluster(name, set(series))
        chosen = [workload for workload in series if workload in seen]
        if chosen:
            use = np.stack([series[workload] for workload in chosen])
            found.extend(find_partners(chosen, use, per_workload=per_workload))
    return sorted(found, key=lambda pair: -pair.gain_ratio)


def _build_until(runtime: Runtime, cluster: str, as_of: datetime, progress: Progress | None) -> datetime:
    """Build what is owed of a cluster's profile window; return the event time up to which data is known."""
    known_until = newest_data(runtime, cluster, as_of)
    window = profile_window(runtime, known_until)
    build_histograms(runtime, cluster=cluster, window=window, progress=progress)
    return known_until


class _Visible:
    """Which workloads a principal may see, by the team that owned them most recently."""

    def __init__(self, runtime: Runtime, principal: Principal, as_of: datetime) -> None:
        self._runtime = runtime
        self._teams = principal.visible_teams()
        self._as_of = as_of

    def of_cluster(self, cluster: str, workloads: set[WorkloadKey]) -> set[WorkloadKey]:
        """Return those of the workloads that may be seen."""
        if self._teams is None:
            return workloads
        owners = read_teams(self._runtime, cluster, self._as_of)
        return {workload for workload in workloads if owners.get(workload) in self._teams}


def _cores_by_workload(cluster: str, history: History) -> dict[WorkloadKey, np.ndarray]:
    """Return mean cores of each hour, all containers and replicas of a workload together."""
    days = join_days(history.summaries, history.window)
    use = np.nan_to_num(days.series["cpu_usage_cores_mean"] * days.series["replica_count"])
    rows: dict[WorkloadKey, list[int]] = defaultdict(list)
    columns = (days.newest.column(name).to_pylist() for name in _WORKLOAD)
    for row, (namespace, kind, name) in enumerate(zip(*columns, strict=True)):
        rows[WorkloadKey(cluster, namespace, kind, name)].append(row)
    return {workload: use[chosen].sum(axis=0) for workload, chosen in rows.items()}
