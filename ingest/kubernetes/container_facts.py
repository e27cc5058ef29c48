"""Exact seconds, requests and kills per container-hour and pod-hour, from the times of pods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ingest.assembly.hour_overlap import HOUR_MICROSECONDS, spread_over_hours
from ingest.kubernetes.pod_times import RESOURCE_COLUMNS, PodTimes
from models.kubernetes.pod_request import POD_REMAINDER, ContainerKind
from models.vocabulary.windows import HourWindow

_POD_HOUR = ["pod_uid", "hour_us"]
_CONTAINER_HOUR = ["pod_uid", "container", "hour_us"]
_LEAST_SECONDS = 1e-6


@dataclass(frozen=True)
class HourFacts:
    """What the API knows about the hours of a window.

    Parameters
    ----------
    pods : pandas.DataFrame
        One row per pod and hour that is certain: pod_uid, hour_us, pod_start_us, ``scheduled_seconds``,
        effective ``cpu``, ``memory``, ``gpu`` (resource-seconds, NaN unset), label_set_id and the names of
        the pod.
    containers : pandas.DataFrame
        One row per container (and ``(pod)``) and certain hour: ``running_seconds`` (NaN where a run may be
        forgotten), requests in resource-seconds, limits, container_kind, restart_count, oom_killed_count.
    """

    pods: pd.DataFrame
    containers: pd.DataFrame


def hour_facts(times: PodTimes, window: HourWindow) -> HourFacts:
    """Return the facts of every pod-hour that the inventory is certain of."""
    pods = _pod_hours(times, window)
    certain = pods[_POD_HOUR]
    requests = _request_seconds(times, window).merge(certain, on=_POD_HOUR)
    pods = pods.merge(
        requests.loc[requests["container"] == "", [*_POD_HOUR, *RESOURCE_COLUMNS]], on=_POD_HOUR, how="left"
    ).merge(_longest_labels(times, window), on=_POD_HOUR, how="left")
    containers = _container_hours(times, window, requests[requests["container"] != ""], certain)
    return HourFacts(pods, pd.concat([containers, _remainders(pods, containers)], ignore_index=True))


def _pod_hours(times: PodTimes, window: HourWindow) -> pd.DataFrame:
    spread = spread_over_hours(times.pods, window).rename(columns={"seconds": "scheduled_seconds"})
    is_certain = spread["hour_us"] + HOUR_MICROSECONDS <= spread["known_until_us"]
    named = spread[is_certain].rename(columns={"start_us": "pod_start_us"})
    return named.drop(columns=["end_us", "known_until_us"]).reset_index(drop=True)


def _request_seconds(times: PodTimes, window: HourWindow) -> pd.DataFrame:
    """Return resource-seconds requested while scheduled, by container and hour; limits are the newest."""
    life = times.pods[["pod_uid", "start_us", "end_us"]].rename(
        columns={"start_us": "life_start_us", "end_us": "life_end_us"}
    )
    segments = times.requests.merge(life, on="pod_uid")
    # the first version known stands for the time before it: a pod's spec is older than its first sighting
    is_first = ~segments.sort_values("start_us").duplicated(["pod_uid", "container"]).sort_index()
    starts = np.where(is_first, segments["life_start_us"], segments["start_us"])
    segments["start_us"] = np.maximum(starts, segments["life_start_us"])
    segments["end_us"] = np.minimum(segments["end_us"], segments["life_end_us"])
    spread = spread_over_hours(segments.sort_values("start_us"), window)
    for name in RESOURCE_COLUMNS:
        spread[name] *= spread["seconds"]
    keys = [*_CONTAINER_HOUR, "container_kind"]
    grouped = spread.groupby(keys, sort=False)
    sums: pd.DataFrame = grouped[list(RESOURCE_COLUMNS)].sum(
        min_count=1
    )  # unset in every version stays unset
    sums["requested_seconds"] = grouped["seconds"].sum()
    newest = spread.drop_duplicates(keys, keep="last")[[*keys, "cpu_limit", "memory_limit"]]
    return sums.reset_index().merge(newest, on=keys)


def _longest_labels(times: PodTimes, window: HourWindow) -> pd.DataFrame:
    spread = spread_over_hours(times.labels, window)
    seconds = spread.groupby([*_POD_HOUR, "label_set_id"], as_index=False)[["seconds"]].sum()
    ordered: pd.DataFrame = seconds.sort_values(by=["seconds", "label_set_id"])
    return ordered.drop_duplicates(_POD_HOUR, keep="last")[[*_POD_HOUR, "label_set_id"]]


def _container_hours(
    times: PodTimes, window: HourWindow, requests: pd.DataFrame, certain: pd.DataFrame
) -> pd.DataFrame:
    runs = _run_seconds(times, window).merge(certain, on=_POD_HOUR)
    joined = requests.merge(runs, on=_CONTAINER_HOUR, how="outer", suffixes=("", "_of_run"))
    joined["container_kind"] = joined["container_kind"].fillna(joined.pop("container_kind_of_run"))
    joined["running_seconds"] = joined["running_seconds"].fillna(0.0)
    joined.loc[joined.pop("is_forgotten").eq(1), "running_seconds"] = np.nan
    # an init container holds its request while it runs; the rest of its pod's claim is the (pod) row's
    is_init = joined["container_kind"] == ContainerKind.INIT
    share = (joined["running_seconds"] / joined["requested_seconds"]).clip(0.0, 1.0)
    for name in RESOURCE_COLUMNS:
        joined[name] = joined[name].where(~is_init, joined[name] * share)
    for name in ("restart_count", "oom_killed_count"):
        joined[name] = joined[name].fillna(0).astype("int64")
    is_worth_a_row = ~is_init | joined["running_seconds"].ne(0.0)
    return joined[is_worth_a_row].drop(columns="requested_seconds").reset_index(drop=True)


def _run_seconds(times: PodTimes, window: HourWindow) -> pd.DataFrame:
    spread = spread_over_hours(times.runs, window)
    spread["is_forgotten"] = spread["hour_us"] < spread["known_from_us"]
    spread["restart_count"] = (spread["start_us"] >= spread["hour_us"]) & spread["is_restart"]
    ends_here = spread["end_us"] <= spread["hour_us"] + HOUR_MICROSECONDS
    spread["oom_killed_count"] = spread["is_oom_killed"] & ends_here
    grouped = spread.groupby(_CONTAINER_HOUR, as_index=False, sort=False)
    return grouped.agg(
        container_kind=("container_kind", "last"),
        running_seconds=("seconds", "sum"),
        is_forgotten=("is_forgotten", "any"),
        restart_count=("restart_count", "sum"),
        oom_killed_count=("oom_killed_count", "sum"),
    )


def _remainders(pods: pd.DataFrame, containers: pd.DataFrame) -> pd.DataFrame:
    """Return the ``(pod)`` rows: what each pod reserves beyond its containers."""
    claimed = containers.groupby(_POD_HOUR, as_index=False)[list(RESOURCE_COLUMNS)].sum()
    both = pods[[*_POD_HOUR, "scheduled_seconds", *RESOURCE_COLUMNS]].merge(
        claimed, on=_POD_HOUR, how="left", suffixes=("", "_claimed")
    )
    rows = both[[*_POD_HOUR]].assign(
        container=POD_REMAINDER, container_kind=POD_REMAINDER, running_seconds=both["scheduled_seconds"]
    )
    for name in RESOURCE_COLUMNS:
        beyond = both[name] - both[f"{name}_claimed"].fillna(0.0)
        # float noise of many versions must not become a row
        rows[name] = beyond.where(beyond > _LEAST_SECONDS * both[name].clip(lower=1.0))
    rows = rows.assign(cpu_limit=np.nan, memory_limit=np.nan, restart_count=0, oom_killed_count=0)
    return rows[rows[list(RESOURCE_COLUMNS)].notna().any(axis=1)]
