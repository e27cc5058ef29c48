"""Playing a cluster's events in order: nodes join and leave, pods are placed, replaced and finish."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from functools import partial

import numpy as np

from models.simulation.container_columns import build_containers
from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.noise import seed_of, suffix_of, uid_of
from models.simulation.placement import NodeCapacity
from models.simulation.scenario import ClusterPlan, Scenario, WorkloadPlan
from models.simulation.simulated_nodes import build_nodes
from models.simulation.timeline import (
    ClusterTimeline,
    RevisionKey,
    SimulatedNode,
    SimulatedPod,
    effective_request,
)

_RETRY_SECONDS = 300
_DAY = 86_400
_JOB_HISTORY = 3


def build_timeline(scenario: Scenario, plan: ClusterPlan) -> ClusterTimeline:
    """Return the life of every object of one cluster of the scenario.

    The same scenario gives the same timeline, object names and uids included.
    """
    seed = seed_of(scenario.seed, plan.name)
    nodes = build_nodes(plan, seed, scenario.start, scenario.end)
    life = _Life(scenario, plan, seed, nodes)
    life.run()
    pods = tuple(sorted(life.pods, key=lambda pod: (pod.started_at, pod.uid)))
    containers, container_plans = build_containers(plan, seed, pods, scenario.end)
    return ClusterTimeline(
        plan=plan,
        seed=seed,
        start=scenario.start,
        end=scenario.end,
        nodes=nodes,
        revisions=life.revisions,
        pods=pods,
        containers=containers,
        container_plans=container_plans,
        pending_pod_count=life.pending_count,
    )


class _Life:
    """The event queue and what is alive now. An event is (second, order, action)."""

    def __init__(
        self, scenario: Scenario, plan: ClusterPlan, seed: int, nodes: tuple[SimulatedNode, ...]
    ) -> None:
        self.plan, self.seed, self.nodes = plan, seed, nodes
        self.start, self.end = scenario.start, scenario.end
        self.pods: list[SimulatedPod] = []
        self.pending_count = 0
        self.revisions = tuple(_revisions(seed, index, w) for index, w in enumerate(plan.workloads))
        self._revision = [0] * len(plan.workloads)
        self._slots: dict[tuple[int, int], SimulatedPod] = {}
        self._wanted: set[tuple[int, int]] = set()
        self._on_node: list[dict[str, SimulatedPod]] = [{} for _ in nodes]
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = itertools.count()
        types = [INSTANCE_TYPES[node.pool.instance_type] for node in nodes]
        self._capacity = NodeCapacity(
            np.array([kind.cpu_allocatable_cores for kind in types]),
            np.array([kind.memory_allocatable_bytes for kind in types]),
            np.array([kind.pod_slots for kind in types], dtype=np.int64),
            [node.pool.name for node in nodes],
        )

    def run(self) -> None:
        """Play all events, then let what still lives end with the scenario."""
        for node in self.nodes:
            self._at(node.created_at, partial(self._node_up, node))
            if node.is_deleted:
                self._at(node.deleted_at, partial(self._node_down, node))
        for index, workload in enumerate(self.plan.workloads):
            self._plan_workload(index, workload)
        while self._queue:
            now, _, action = heapq.heappop(self._queue)
            if now >= self.end:
                break
            action(now)

    def _at(self, moment: int, action: Callable[[int], None]) -> None:
        heapq.heappush(self._queue, (max(moment, self.start), next(self._order), action))

    def _plan_workload(self, index: int, workload: WorkloadPlan) -> None:
        for number, rollout in enumerate(workload.rollouts, start=1):
            self._at(rollout.at, partial(self._roll, index, number))
        if workload.schedule is not None:
            first = self.start + workload.schedule.offset_seconds
            for moment in range(first, self.end, workload.schedule.period_seconds):
                self._at(moment, partial(self._start_job, index))
        elif workload.kind != "DaemonSet":
            for slot in range(workload.replicas):
                self._want(index, slot, self.start + 1)
            if workload.busy_replicas > workload.replicas:
                self._plan_busy_hours(index, workload)

    def _plan_busy_hours(self, index: int, workload: WorkloadPlan) -> None:
        for midnight in range(self.start // _DAY * _DAY, self.end, _DAY):
            if (midnight // _DAY + 3) % 7 >= 5:
                continue
            for slot in range(workload.replicas, workload.busy_replicas):
                jitter = seed_of(self.seed, "hpa", index, slot, midnight) % 1800
                self._at(midnight + 8 * 3600 + jitter, partial(self._want, index, slot))
                self._at(midnight + 20 * 3600 + jitter, partial(self._unwant, index, slot))

    def _node_up(self, node: SimulatedNode, now: int) -> None:
        self._capacity.add_node(node.position)
        for index, workload in enumerate(self.plan.workloads):
            if workload.kind == "DaemonSet" and workload.pool in ("", node.pool.name):
                self._want(index, node.position, now + 20 if now > self.start else now)

    def _node_down(self, node: SimulatedNode, now: int) -> None:
        self._capacity.remove_node(node.position)
        for pod in list(self._on_node[node.position].values()):
            self._finish(pod, now)
            key = (pod.workload, pod.slot)
            workload = self.plan.workloads[pod.workload]
            if workload.kind == "DaemonSet":
                self._wanted.discard(key)
            elif workload.schedule is None and key in self._wanted:
                delay = 5 + seed_of(self.seed, pod.uid, "moved") % 25
                self._at(now + delay, partial(self._place, key))

    def _want(self, workload: int, slot: int, now: int) -> None:
        self._wanted.add((workload, slot))
        if now > self.start:
            now += seed_of(self.seed, "start", workload, slot, now) % 20
        self._at(now, partial(self._place, (workload, slot)))

    def _unwant(self, workload: int, slot: int, now: int) -> None:
        self._wanted.discard((workload, slot))
        pod = self._slots.get((workload, slot))
        if pod is not None and not pod.is_ended:
            self._finish(pod, now)

    def _roll(self, workload: int, number: int, now: int) -> None:
        self._revision[workload] = number
        slots = sorted(slot for index, slot in self._wanted if index == workload)
        for place, slot in enumerate(slots):
            moment = now + 45 * place + seed_of(self.seed, "roll", workload, slot, now) % 30
            self._at(moment, partial(self._replace, (workload, slot)))

    def _replace(self, key: tuple[int, int], now: int) -> None:
        pod = self._slots.get(key)
        if pod is not None and not pod.is_ended:
            self._finish(pod, now)
        self._at(now + 8, partial(self._place, key))

    def _place(self, key: tuple[int, int], now: int) -> None:
        """Place the pod of a slot unless it is no longer wanted or already runs."""
        living = self._slots.get(key)
        if key not in self._wanted or (living is not None and not living.is_ended):
            return
        workload = self.plan.workloads[key[0]]
        request = effective_request(workload.containers, self._ratio(key[0]))
        node = self._node_for(key, workload, request)
        if node is None:
            self.pending_count += 1
            self._at(now + _RETRY_SECONDS, partial(self._place, key))
            return
        pod = self._create(key, node, now)
        self._slots[key] = pod
        self._capacity.take(node, *request)

    def _node_for(
        self, key: tuple[int, int], workload: WorkloadPlan, request: tuple[float, float]
    ) -> int | None:
        if workload.kind == "DaemonSet":
            return key[1] if self._capacity.fits(key[1], *request) else None
        return self._capacity.find(workload.pool, *request)

    def _start_job(self, workload: int, now: int) -> None:
        plan = self.plan.workloads[workload]
        assert plan.schedule is not None
        request = effective_request(plan.containers, self._ratio(workload))
        node = self._capacity.find(plan.pool, *request)
        if node is None:
            self.pending_count += 1
            return
        span = plan.schedule.longest_seconds - plan.schedule.shortest_seconds
        length = plan.schedule.shortest_seconds + seed_of(self.seed, "job", workload, now) % (span + 1)
        moment = now + 1 + seed_of(self.seed, "delay", workload, now) % 4
        pod = self._create((workload, now), node, moment)
        self._capacity.take(node, *request)
        self._at(moment + length, partial(self._complete, pod))

    def _create(self, key: tuple[int, int], node: int, now: int) -> SimulatedPod:
        workload, slot = key
        name, owner_kind, owner_name = self._names(key, now)
        pod = SimulatedPod(
            uid=uid_of(self.seed, "pod", name, now),
            name=name,
            workload=workload,
            revision=self._revision[workload],
            node=node,
            slot=slot,
            started_at=now,
            ended_at=self.end,
            is_ended=False,
            is_completed=False,
            listed_until=self.end,
            owner_kind=owner_kind,
            owner_name=owner_name,
            owner_uid=uid_of(self.seed, owner_kind, workload, owner_name),
        )
        self.pods.append(pod)
        self._on_node[node][pod.uid] = pod
        return pod

    def _names(self, key: tuple[int, int], now: int) -> tuple[str, str, str]:
        """Return pod name, kind of its controller and that controller's name."""
        index, slot = key
        plan = self.plan.workloads[index]
        suffix = suffix_of(5, self.seed, index, slot, now)
        if plan.kind == "StatefulSet":
            return f"{plan.name}-{slot}", "StatefulSet", plan.name
        if plan.kind == "DaemonSet":
            return f"{plan.name}-{suffix}", "DaemonSet", plan.name
        if plan.kind == "CronJob":
            job = f"{plan.name}-{slot // 60}"
            return f"{job}-{suffix}", "Job", job
        if plan.kind == "Pod":
            return plan.name, "", ""
        template_hash = self.revisions[index][self._revision[index]].template_hash
        replica_set = f"{plan.name}-{template_hash}"
        return f"{replica_set}-{suffix}", "ReplicaSet", replica_set

    def _complete(self, pod: SimulatedPod, now: int) -> None:
        """End a job's pod, unless its node took it along before."""
        if pod.is_ended:
            return
        self._finish(pod, now)
        schedule = self.plan.workloads[pod.workload].schedule
        assert schedule is not None
        pod.is_completed = True
        pod.listed_until = min(self.end, now + _JOB_HISTORY * schedule.period_seconds)

    def _finish(self, pod: SimulatedPod, now: int) -> None:
        """End a pod. One that would have ended in the second it began lasts that second."""
        pod.is_ended = True
        pod.ended_at = max(now, pod.started_at + 1)
        pod.listed_until = pod.ended_at
        del self._on_node[pod.node][pod.uid]
        plan = self.plan.workloads[pod.workload]
        ratio = plan.rollouts[pod.revision - 1].request_ratio if pod.revision else 1.0
        self._capacity.release(pod.node, *effective_request(plan.containers, ratio))

    def _ratio(self, workload: int) -> float:
        number = self._revision[workload]
        return self.plan.workloads[workload].rollouts[number - 1].request_ratio if number else 1.0


def _revisions(seed: int, index: int, plan: WorkloadPlan) -> tuple[RevisionKey, ...]:
    return tuple(
        RevisionKey(index, number, suffix_of(10, seed, "template", plan.namespace, plan.name, number))
        for number in range(len(plan.rollouts) + 1)
    )
