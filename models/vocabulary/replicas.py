"""How a workload is scaled sideways: its autoscaler, changed targets and advised replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class ScalerKind(StrEnum):
    """The object that an operator edits to scale a workload."""

    HORIZONTAL_POD_AUTOSCALER = "HorizontalPodAutoscaler"
    SCALED_OBJECT = "ScaledObject"


class TargetKind(StrEnum):
    """What a target of an autoscaler is compared with."""

    UTILIZATION = "Utilization"
    """Use as a percentage of the request: moves when the request does."""
    AVERAGE_VALUE = "AverageValue"
    """An amount per replica: does not depend on the request."""
    VALUE = "Value"
    """An amount of the whole workload."""


@dataclass(frozen=True)
class ScalerMetric:
    """One metric of an autoscaler.

    Parameters
    ----------
    position : int
        Index in the object's list of metrics or triggers; -1 for the API's own default (80 % CPU).
    name : str
        ``cpu``, ``memory``, or the name or type of any other metric.
    container : str or None
        The one container that counts; None is every container of the pod.
    target_kind : TargetKind or None
        None where the object does not say.
    target : float or None
        Percent for UTILIZATION, else base units; None where it is not a plain number.
    """

    position: int
    name: str
    container: str | None
    target_kind: TargetKind | None
    target: float | None

    @property
    def follows_request(self) -> bool:
        """Whether the trigger moves when a request is changed."""
        return self.target_kind is TargetKind.UTILIZATION and self.name in {"cpu", "memory"}


@dataclass(frozen=True)
class Scaler:
    """An autoscaler, as far as sizes and replicas depend on it.

    Parameters
    ----------
    kind, namespace, name
        The object to edit: the ScaledObject where KEDA owns the HorizontalPodAutoscaler.
    workload_kind, workload_name : str
        What it scales.
    minimum_replicas, maximum_replicas : int
        The API's defaults where the object names none.
    metrics : tuple of ScalerMetric
        Never empty for a HorizontalPodAutoscaler.
    scale_down_window_seconds : int
        Stabilisation before replicas are taken away.
    """

    kind: ScalerKind
    namespace: str
    name: str
    workload_kind: str
    workload_name: str
    minimum_replicas: int
    maximum_replicas: int
    metrics: tuple[ScalerMetric, ...]
    scale_down_window_seconds: int = 300

    @property
    def label(self) -> str:
        """Return kind and name for people."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class PodRequests:
    """Requests and limits of the other containers that run all the time in the same pod.

    Parameters
    ----------
    cpu_request_cores, memory_request_bytes : float or None
        Sum; None when one of them has no request, so that the autoscaler cannot compute a utilisation.
    cpu_limit_cores, memory_limit_bytes : float or None
        Sum; None when one of them has no limit.
    """

    cpu_request_cores: float | None = 0.0
    cpu_limit_cores: float | None = 0.0
    memory_request_bytes: float | None = 0.0
    memory_limit_bytes: float | None = 0.0


@dataclass(frozen=True)
class TargetChange:
    """A utilisation target before and after a request changes.

    ``trigger_before`` and ``trigger_after`` are the same in cores or bytes of one pod (or container): what
    must not move. ``target_after`` is inside the bounds even where the change is not possible.
    """

    metric: str
    container: str | None
    position: int
    target_before: int
    target_after: int
    trigger_before: float | None
    trigger_after: float | None
    is_possible: bool
    reason: str


@dataclass(frozen=True)
class HpaChange:
    """What must change on an autoscaler together with a container's requests.

    Parameters
    ----------
    object_kind : ScalerKind
    namespace, name : str
        The object to edit.
    targets : tuple of TargetChange
        At least one.
    minimum_replicas, maximum_replicas : int
        Bounds in force; they stay.
    json_patch : tuple of mappings
        Operations of RFC 6902 on the object, each after a ``test`` of what it replaces: lists of metrics
        and triggers are replaced as a whole by other kinds of patch, and triggers may hold what is not stored
        here. Empty when the change is not possible.
    """

    object_kind: ScalerKind
    namespace: str
    name: str
    targets: tuple[TargetChange, ...]
    minimum_replicas: int
    maximum_replicas: int
    json_patch: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_possible(self) -> bool:
        """Whether every target can follow; otherwise the request must stay."""
        return all(target.is_possible for target in self.targets)

    @property
    def blocked_resources(self) -> frozenset[str]:
        """Return the resources whose request must stay (``cpu``, ``memory``)."""
        return frozenset(target.metric for target in self.targets if not target.is_possible)

    @property
    def reason(self) -> str:
        """Return one plain text: what changes and why, or why it cannot."""
        told = [t for t in self.targets if not t.is_possible] or self.targets
        return " ".join(target.reason for target in told)

    @property
    def metric(self) -> str:
        """Return the metric of the first target."""
        return self.targets[0].metric

    @property
    def target_before(self) -> int:
        """Return the first target in force, percent."""
        return self.targets[0].target_before

    @property
    def target_after(self) -> int:
        """Return the first target afterwards, percent."""
        return self.targets[0].target_after

    def to_document(self) -> dict[str, Any]:
        """Return plain values for JSON; `read_hpa_change` reads them back."""
        return asdict(self)


def read_hpa_change(document: Mapping[str, Any]) -> HpaChange:
    """Return what `HpaChange.to_document` wrote."""
    return HpaChange(
        **{
            **document,
            "object_kind": ScalerKind(document["object_kind"]),
            "targets": tuple(TargetChange(**target) for target in document["targets"]),
            "json_patch": tuple(document["json_patch"]),
        }
    )


MEASURED_METRICS = {
    "rps": "requests/s",
    "weighted_rps": "weighted requests/s",
    "cpu_cores": "cores",
    "memory_bytes": "bytes",
}
"""Metrics of load tests whose demand is measured here, with their unit; others need ``peak_demand``."""


class ReplicaBasis(StrEnum):
    """What a number of replicas was computed from."""

    UTILISATION = "utilisation"
    LOAD_TEST = "load_test"
    WEIGHTED_REQUESTS = "weighted_requests"


@dataclass(frozen=True)
class ReplicaAdvice:
    """How many replicas carry the peak of the horizon.

    Parameters
    ----------
    basis : ReplicaBasis
    metric, unit : str
        What was added up over all replicas (``cpu`` in cores, ``rps``, ...).
    metric_total : float
        Peak of the sum over all replicas.
    target_per_replica : float
        What one replica may carry, same unit.
    replica_count_now : float or None
        Mean replicas of the last day; None when no hour of it is known.
    replica_count_needed : int
        Before bounds, tolerance and window.
    replica_count_advised : int
    load_per_replica_ratio : float or None
        Load at the advised count, as a share of the target; above 1 it is overloaded.
    bound : str or None
        ``minimum``, ``maximum``, ``tolerance`` or ``scale_down_window``, where one decided.
    is_floor : bool
        Whether the number was rounded down, as documented mode ``floor`` asks.
    monthly_cost_now, monthly_cost_advised : Decimal or None
        What-if over 720 hours at the price that the workload pays now; None without a price.
    flags : tuple of str
        What weakens the advice: ``load_test_expired``, ``no_forecast``, ``missing_pods``, ...
    sentence : str
    """

    basis: ReplicaBasis
    metric: str
    unit: str
    metric_total: float
    target_per_replica: float
    replica_count_now: float | None
    replica_count_needed: int
    replica_count_advised: int
    load_per_replica_ratio: float | None
    minimum_replicas: int | None
    maximum_replicas: int | None
    bound: str | None = None
    is_floor: bool = False
    monthly_cost_now: Decimal | None = None
    monthly_cost_advised: Decimal | None = None
    currency: str | None = None
    flags: tuple[str, ...] = ()
    sentence: str = ""

    def to_document(self) -> dict[str, Any]:
        """Return plain values for JSON (money as text); `read_replica_advice` reads them back."""
        values = asdict(self)
        for name in ("monthly_cost_now", "monthly_cost_advised"):
            values[name] = None if values[name] is None else str(values[name])
        return values


def read_replica_advice(document: Mapping[str, Any]) -> ReplicaAdvice:
    """Return what `ReplicaAdvice.to_document` wrote."""
    money = {
        name: None if document.get(name) is None else Decimal(document[name])
        for name in ("monthly_cost_now", "monthly_cost_advised")
    }
    kept = {"basis": ReplicaBasis(document["basis"]), "flags": tuple(document.get("flags", ()))}
    return ReplicaAdvice(**{**document, **money, **kept})
