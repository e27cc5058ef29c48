"""Versions of namespaces in the lake, without any source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from service.runtime import Runtime
from warehouse.lake.tables import TABLES

Version = tuple[datetime, Mapping[str, str], Mapping[str, str]]
"""Since when, labels, annotations."""


def store_namespace_versions(
    runtime: Runtime, cluster: str, namespace: str, versions: Sequence[Version]
) -> None:
    """Add what a namespace said of itself from each instant on."""
    kinds = TABLES["object_history"].columns
    rows = [
        {
            "cluster": cluster,
            "month": f"{since:%Y-%m}",
            "kind": "Namespace",
            "namespace": "",
            "name": namespace,
            "uid": namespace,
            "valid_from": since,
            "spec": json.dumps({"labels": dict(labels), "annotations": dict(annotations)}),
            "spec_hash": str(number),
            "observed_by": "test",
        }
        for number, (since, labels, annotations) in enumerate(versions)
    ]
    table = pa.table({key: pa.array([row[key] for row in rows], kinds[key]) for key in rows[0]})
    runtime.warehouse.lake.add_absent("object_history", table)
