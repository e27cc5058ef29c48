"""Usage and node files of a simulated company, in the format of the file source (docs/file-formats.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.simulation.instance_types import INSTANCE_TYPES
from models.simulation.scenario import WorkloadPlan
from models.simulation.timeline import ClusterTimeline, SimulatedPod
from models.simulation.usage import UsageRows

INSTANT = pa.timestamp("us", tz="UTC")


def month_spans(start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield (month, start, end) in Unix seconds for the UTC months that the range touches."""
    begin = start
    while begin < end:
        moment = datetime.fromtimestamp(begin, UTC)
        year, month = moment.year + moment.month // 12, moment.month % 12 + 1
        finish = min(end, int(datetime(year, month, 1, tzinfo=UTC).timestamp()))
        yield f"{moment:%Y-%m}", begin, finish
        begin = finish


def pod_labels(workload: WorkloadPlan, timeline: ClusterTimeline, pod: SimulatedPod) -> dict[str, str]:
    """Return the labels of a pod: those of its revision and those that its controller adds."""
    labels = dict(workload.labels)
    if pod.revision:
        labels.update(workload.rollouts[pod.revision - 1].labels)
    template_hash = timeline.revision_of(pod).template_hash
    if pod.owner_kind == "ReplicaSet":
        labels["pod-template-hash"] = template_hash
    elif pod.owner_kind in ("StatefulSet", "DaemonSet"):
        labels["controller-revision-hash"] = f"{workload.name}-{template_hash}"
    elif pod.owner_kind == "Job":
        labels["batch.kubernetes.io/job-name"] = pod.owner_name
    return labels


class UsageFileWriter:
    """Writes one usage file per month of a cluster.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    file_format : str
        ``parquet`` or ``csv``.
    """

    def __init__(self, timeline: ClusterTimeline, folder: Path, file_format: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._maker = UsageTableMaker(timeline)
        self._cluster, self._folder, self._format = timeline.plan.name, folder, file_format
        self._month = ""
        self._writer: pq.ParquetWriter | _PlainCsvWriter | None = None
        self._paths: list[Path] = []

    def write(self, month: str, rows: UsageRows) -> None:
        """Append rows to the file of a month; months come in order."""
        if month != self._month or self._writer is None:
            self.close()
            self._month = month
            path = self._folder / f"usage-{self._cluster}-{month}.{self._format}"
            self._paths.append(path)
            self._writer = _open_writer(path, self._maker.schema, self._format)
        self._writer.write_table(self._maker.table(rows))

    def close(self) -> list[Path]:
        """Finish the file at hand and return all files written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        return self._paths


def _open_writer(path: Path, schema: pa.Schema, file_format: str) -> pq.ParquetWriter | _PlainCsvWriter:
    if file_format == "csv":
        plain = pa.schema([(f.name, _plain_type(f.type)) for f in schema])
        return _PlainCsvWriter(path, plain)
    texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    settings = ("interval_seconds", "cpu_request_cores", "cpu_limit_cores", "memory_request_bytes")
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[*texts, *settings, "memory_limit_bytes", "oom_killed_count", "restart_count"],
        store_schema=False,
    )


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.string()
    return kind.value_type if pa.types.is_dictionary(kind) else kind


class _PlainCsvWriter:
    """Writes times as RFC 3339 text, which every spreadsheet reads, and dictionaries as plain text."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pa_csv.CSVWriter(path, schema)
        self._schema = schema

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""
        columns = []
        for field, column in zip(self._schema, table.columns, strict=True):
            if pa.types.is_timestamp(column.type):
                text = np.datetime_as_string(column.to_numpy().astype("datetime64[s]"))
                columns.append(pa.array(np.char.add(text, "Z")))
            else:
                columns.append(column.cast(field.type))
        self._writer.write_table(pa.table(columns, schema=self._schema))


class UsageTableMaker:
    """Turns usage rows into file rows; texts are dictionaries built once per cluster.

    Parameters
    ----------
    timeline : ClusterTimeline
    """

    def __init__(self, timeline: ClusterTimeline) -> None:
        self._timeline = timeline
        pods, plan = timeline.pods, timeline.plan
        columns = timeline.containers
        workloads = [timeline.workload_of(pod) for pod in pods]
        of_pod = {
            "namespace": [w.namespace for w in workloads],
            "workload_kind": [w.kind for w in workloads],
            "workload_name": [w.name for w in workloads],
            "pod": [pod.name for pod in pods],
            "pod_uid": [pod.uid for pod in pods],
            "node": [timeline.nodes[pod.node].name for pod in pods],
            "labels": [
                json.dumps(pod_labels(w, timeline, pod), sort_keys=True, separators=(",", ":"))
                for w, pod in zip(workloads, pods, strict=True)
            ],
        }
        self._texts = {name: _encode(values, columns.pod) for name, values in of_pod.items()}
        names = [timeline.container_plans[index].name for index in range(len(timeline.container_plans))]
        self._texts["container"] = _encode(names, columns.plan)
        self._texts["cluster"] = (np.zeros(len(columns), dtype=np.int32), pa.array([plan.name]))
        self.schema = _usage_schema()

    def table(self, rows: UsageRows) -> pa.Table:
        """Return the scraped rows in the columns of a usage file."""
        seen = np.flatnonzero(rows.is_scraped)
        container = rows.container[seen]
        columns = self._timeline.containers
        values: dict[str, pa.Array] = {
            name: pa.DictionaryArray.from_arrays(pa.array(codes[container]), texts)
            for name, (codes, texts) in self._texts.items()
        }
        values["interval_start"] = pa.array(rows.start[seen] * 1_000_000).cast(INSTANT)
        values["interval_seconds"] = pa.array(rows.seconds[seen].astype(np.int32))
        for name in (
            "cpu_usage_cores",
            "memory_usage_bytes",
            "cpu_usage_cores_max",
            "memory_usage_bytes_max",
        ):
            values[name] = pa.array(getattr(rows, name)[seen])
        for name in ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes"):
            values[name] = _nullable(getattr(columns, name)[container])
        values["cpu_throttled_ratio"] = _nullable(rows.cpu_throttled_ratio[seen])
        killed = rows.oom_killed_count[seen].astype(np.int32)
        values["oom_killed_count"] = pa.array(killed)
        values["restart_count"] = pa.array(killed)
        return pa.table([values[field.name] for field in self.schema], schema=self.schema)


def _encode(values: list[str], rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], pa.Array]:
    encoded = pa.array(values, pa.string()).dictionary_encode()
    return encoded.indices.to_numpy()[rows].astype(np.int32), encoded.dictionary


def _nullable(values: NDArray[np.floating]) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _usage_schema() -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    texts = ("cluster", "namespace", "workload_kind", "workload_name", "pod", "pod_uid", "container", "node")
    return pa.schema(
        [
            *((name, text) for name in texts),
            ("interval_start", INSTANT),
            ("interval_seconds", pa.int32()),
            ("cpu_usage_cores", pa.float32()),
            ("memory_usage_bytes", pa.float32()),
            ("cpu_usage_cores_max", pa.float32()),
            ("memory_usage_bytes_max", pa.float32()),
            ("cpu_request_cores", pa.float64()),
            ("cpu_limit_cores", pa.float64()),
            ("memory_request_bytes", pa.float64()),
            ("memory_limit_bytes", pa.float64()),
            ("cpu_throttled_ratio", pa.float32()),
            ("oom_killed_count", pa.int32()),
            ("restart_count", pa.int32()),
            ("labels", text),
        ]
    )


def node_rows(timeline: ClusterTimeline) -> list[dict[str, object]]:
    """Return the rows of the node file of one cluster; a node that lives on has no ``valid_to``."""
    rows: list[dict[str, object]] = []
    for node in timeline.nodes:
        kind = INSTANCE_TYPES[node.pool.instance_type]
        rows.append(
            {
                "cluster": timeline.plan.name,
                "node": node.name,
                "valid_from": _text_time(node.created_at),
                "valid_to": _text_time(node.deleted_at) if node.is_deleted else None,
                "instance_type": kind.name,
                "region": timeline.plan.region,
                "zone": node.zone,
                "purchase_option": node.pool.purchase_option,
                "cpu_capacity_cores": float(kind.cpu_cores),
                "memory_capacity_bytes": kind.memory_bytes,
                "cpu_allocatable_cores": kind.cpu_allocatable_cores,
                "memory_allocatable_bytes": kind.memory_allocatable_bytes,
                "gpu_capacity": 0,
                "labels": json.dumps(node.labels, sort_keys=True, separators=(",", ":")),
            }
        )
    return rows


def _text_time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
