"""What limits an answer from outside: the owner's wishes, the namespace, the nodes, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.replicas import PodRequests, Scaler
from recommender.constraints_limit_range import LimitRule
from recommender.runtime_hints import RuntimeFacts


@dataclass(frozen=True)
class QuotaRoom:
    """What a namespace's ResourceQuotas still let it add.

    Parameters
    ----------
    room : mapping of str to float
        Hard minus used, in cores and bytes, by field of ``ResourceValues``; absent is not limited. May be
        negative: then nothing may grow.
    """

    room: Mapping[str, float]

    def largest(self, name: str, current: float, pods: float, surge: float) -> float | None:
        """Return the largest value per pod that still fits, None where nothing limits it.

        In a rollout ``pods`` are replaced one by one while ``surge`` more may run:
        ``value * (pods + surge) <= current * pods + room``.

        Parameters
        ----------
        name : str
            Field of ``ResourceValues``.
        current : float
            Per pod, 0 when unset.
        pods, surge : float
            Replicas, and how many more a rollout starts.
        """
        if name not in self.room:
            return None
        return max((current * pods + self.room[name]) / max(pods + surge, 1.0), 0.0)

    def after(self, current: ResourceValues, advised: ResourceValues, pods: float, surge: float) -> QuotaRoom:
        """Return what is left once an increase was accepted; decreases free nothing before they are."""
        left = dict(self.room)
        for name in left:
            now, then = getattr(current, name) or 0.0, getattr(advised, name) or 0.0
            if then > now:
                left[name] -= then * (pods + surge) - now * pods
        return QuotaRoom(left)


@dataclass(frozen=True)
class Constraints:
    """What limits the answer from outside; cores and bytes.

    Parameters
    ----------
    is_opted_out : bool
        The owner does not want suggestions for it.
    allows_qos_change : bool
        Requests may be set on a container that has none, which changes the pod's quality-of-service class.
    cpu_minimum_cores, cpu_maximum_cores, memory_minimum_bytes, memory_maximum_bytes : float or None
        Of the settings and of the owner's annotations.
    node_cpu_cores, node_memory_bytes : float or None
        What the container could get on the largest node it may run on, beside that node's DaemonSets and
        the pod's other containers.
    limit_rules : tuple of LimitRule
        Of the namespace's LimitRanges.
    siblings : tuple of ResourceValues
        The pod's other containers, for LimitRanges of type Pod.
    quota : QuotaRoom or None
    surge_replicas : float
        How many more pods a rollout starts before it ends old ones.
    excluded_because : str or None
        An exclusion by policy, in words; ``excluded_resources`` empty means both.
    calendar_peak : str or None
        A declared or detected peak ahead that its history does not hold yet, in words.
    renamed_to : str or None
        Under which name it runs now.
    compresses_requests : bool
        The CPU request follows use as a share of the limit, which stays (requirement R25).
    is_injected : bool
        A webhook puts it into the pod.
    runtime : RuntimeFacts or None
        What is known of its language runtime.
    scaler : Scaler or None
        What scales its workload sideways.
    pod_others : PodRequests
        The pod's other containers, whose requests an autoscaler's percentage counts too.
    group : str or None
        Name that the owner gave to the one thing edited in several places.
    """

    is_opted_out: bool = False
    allows_qos_change: bool = False
    cpu_minimum_cores: float | None = None
    cpu_maximum_cores: float | None = None
    memory_minimum_bytes: float | None = None
    memory_maximum_bytes: float | None = None
    node_cpu_cores: float | None = None
    node_memory_bytes: float | None = None
    limit_rules: tuple[LimitRule, ...] = ()
    siblings: tuple[ResourceValues, ...] = ()
    quota: QuotaRoom | None = None
    surge_replicas: float = 0.0
    excluded_because: str | None = None
    excluded_resources: frozenset[str] = field(default_factory=frozenset)
    calendar_peak: str | None = None
    renamed_to: str | None = None
    compresses_requests: bool = False
    is_injected: bool = False
    runtime: RuntimeFacts | None = None
    scaler: Scaler | None = None
    pod_others: PodRequests = field(default_factory=PodRequests)
    group: str | None = None

    def excludes(self, resource: str) -> bool:
        """Whether a policy excludes a resource, ``cpu`` or ``memory``."""
        return self.excluded_because is not None and (
            not self.excluded_resources or resource in self.excluded_resources
        )
