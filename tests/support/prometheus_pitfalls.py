"""Clusters that each show one trap of real metrics, told apart by the label ``cluster``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from support.open_metrics import GIB, ClusterWriter, TestContainer, TestPod

from models.vocabulary.windows import HourWindow

START = datetime(2026, 11, 1, tzinfo=UTC)
T0 = START.timestamp()
HOURS = 4
END = T0 + HOURS * 3600
WINDOW = HourWindow(START, START + timedelta(hours=HOURS))
LONG_AGO, NEVER = T0 - 90_000, T0 + 9e9


def usual(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER, labels={"team": "shop"}))
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n1", T0 + 4000, T0 + 9000))


def pod_totals(writer: ClusterWriter) -> None:
    usual(writer)
    total = {"namespace": "shop", "pod": "web-5d4f7-abcde", "id": "/kubepods/u1", "image": ""}
    for container in ("", "POD"):
        for moment in writer.moments(T0, END):
            writer.file.add(
                "container_cpu_usage_seconds_total",
                {**total, **writer.extra, "container": container},
                moment,
                3 * moment,
            )
            writer.file.add(
                "container_memory_working_set_bytes",
                {**total, **writer.extra, "container": container},
                moment,
                9 * GIB,
            )


def reused_name(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    change = T0 + 5400 + 100
    old = TestContainer("app", cpu_usage=lambda _: 0.8)
    new = TestContainer("app", cpu_usage=lambda _: 0.2)
    writer.add_pod(
        TestPod(
            "shop", "db-0", "old", "n1", LONG_AGO, change, (old, TestContainer("gone")), ("StatefulSet", "db")
        )
    )
    writer.add_pod(TestPod("shop", "db-0", "new", "n1", change + 20, NEVER, (new,), ("StatefulSet", "db")))


def restarted(writer: ClusterWriter) -> None:
    usual(writer)
    identity = {
        "namespace": "shop",
        "pod": "web-5d4f7-abcde",
        "uid": "u1",
        "container": "app",
        **writer.extra,
    }
    kills = (T0 + 2 * 3600 + 610.0, T0 + 2 * 3600 + 1810.0)
    for moment in writer.moments(T0, END):
        happened = [kill for kill in kills if kill <= moment]
        samples = writer.file.samples["kube_pod_container_status_restarts_total"]
        for index, (labels, at, _) in enumerate(samples):
            if at == moment and labels.get("uid") == "u1" and labels.get("cluster") == "restarted":
                samples[index] = (labels, at, float(len(happened)))
        if happened:
            writer.file.add(
                "kube_pod_container_status_last_terminated_reason",
                {**identity, "reason": "OOMKilled"},
                moment,
                1.0,
            )
            writer.file.add(
                "kube_pod_container_status_last_terminated_timestamp", identity, moment, happened[-1]
            )
    # the old instance's series lingers for five minutes beside the new one's
    old = {
        "namespace": "shop",
        "pod": "web-5d4f7-abcde",
        "container": "app",
        "image": "registry/app:1",
        "id": "/kubepods/u1/before",
        **writer.extra,
    }
    for moment in writer.moments(T0 + 2 * 3600 + 300, T0 + 2 * 3600 + 900):
        writer.file.add("container_memory_working_set_bytes", old, moment, GIB / 4)


def short_jobs(writer: ClusterWriter) -> None:
    usual(writer)
    for number in range(3):
        start = T0 + 3600 * number + 47
        name = f"tick-2900000{number}"
        writer.add_pod(
            TestPod(
                "jobs",
                f"{name}-x",
                f"j{number}",
                "n1",
                start,
                start + 20,
                owner=("Job", name),
                completed=True,
                lingers_until=END,
            )
        )


def waiting(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.add_pod(TestPod("shop", "broken-1-a", "u1", "n1", T0 + 1800, NEVER, pending_until=NEVER))


def started_in_steps(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    containers = (
        TestContainer("app", cpu_request=1.0),
        TestContainer("setup", cpu_request=3.0, memory_request=GIB / 2, init="init"),
        TestContainer("proxy", cpu_request=0.5, init="sidecar"),
    )
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER, containers))


def with_gaps(writer: ClusterWriter) -> None:
    writer.gaps = [(T0 + 3600, T0 + 2 * 3600), (T0 + 2 * 3600 + 600, T0 + 2 * 3600 + 3000)]
    usual(writer)


def without_kubelet(writer: ClusterWriter) -> None:
    usual(writer)
    for metric in ("container_cpu_usage_seconds_total", "container_memory_working_set_bytes"):
        writer.file.samples[metric] = [
            row
            for row in writer.file.samples[metric]
            if row[0]["cluster"] != "no_kubelet" or not T0 + 3600 <= row[1] < T0 + 7200
        ]


def without_labels(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER, labels={}, is_root_exported=False)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, NEVER))


def replaced_node(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, T0 + 5000, provider_id="aws:///eu-west-1a/i-old")
    writer.add_node("n1", T0 + 5600, NEVER, provider_id="aws:///eu-west-1a/i-new")
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", LONG_AGO, T0 + 5000))
    writer.add_pod(TestPod("shop", "web-5d4f7-fghij", "u2", "n1", T0 + 5700, NEVER))


OWNERS = {
    ("ReplicaSet", "shop-7c9d5"): ("Rollout", "shop"),
    ("ReplicaSet", "lonely-6b8f4"): ("ReplicaSet", "lonely-6b8f4"),
    ("ReplicationController", "portal-3"): ("DeploymentConfig", "portal"),
    ("StatefulSet", "db"): ("StatefulSet", "db"),
    ("DaemonSet", "agent"): ("DaemonSet", "agent"),
    ("Job", "report-29000000"): ("CronJob", "report"),
    ("<none>", "<none>"): ("Pod", "debug-6"),
}
"""Owner that kube_pod_owner names, and the workload that it comes to."""


def owned_in_many_ways(writer: ClusterWriter) -> None:
    writer.add_node("n1", LONG_AGO, NEVER)
    writer.owners = {"shop-7c9d5": ("Rollout", "shop"), "lonely-6b8f4": ("<none>", "<none>")}
    for number, owner in enumerate(OWNERS):
        name = f"{owner[1]}-abcde" if owner[0] != "<none>" else f"debug-{number}"
        writer.add_pod(TestPod("shop", name, f"u{number}", "n1", LONG_AGO, NEVER, owner=owner))


CASES: dict[str, tuple[Callable[[ClusterWriter], None], dict[str, object]]] = {
    "plain": (usual, {}),
    "doubled": (usual, {"jobs": ("kubelet", "kubelet-again")}),
    "pod_totals": (pod_totals, {}),
    "reused": (reused_name, {}),
    "restarted": (restarted, {}),
    "minute": (usual, {"scrape": 60}),
    "slow": (usual, {"scrape": 120}),
    "jobs": (short_jobs, {}),
    "waiting": (waiting, {}),
    "steps": (started_in_steps, {}),
    "gaps": (with_gaps, {}),
    "no_kubelet": (without_kubelet, {}),
    "stock": (without_labels, {}),
    "replaced": (replaced_node, {}),
    "not_honoured": (usual, {"is_honoured": False}),
    "no_images": (usual, {"image": ""}),
    "owners": (owned_in_many_ways, {}),
    "owners_not_honoured": (owned_in_many_ways, {"is_honoured": False}),
}
