"""Profiles from columns of numbers: NaN becomes ``None``, one object per container, no other loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from models.profiles.buckets import FloatArray
from models.vocabulary.profile import HourlyValues, ResourceProfile

Column = list[Any]

COUNTS = frozenset(
    {"cpu_sample_count", "memory_sample_count", "pod_count", "oom_killed_count", "restart_count"}
)
ZERO_IF_UNKNOWN = frozenset({"sample_coverage_ratio", "confidence"})


def list_values(name: str, values: FloatArray) -> Column:
    """Return a numeric column as Python values: whole numbers for counts, ``None`` for NaN."""
    if name in COUNTS:
        return list(np.nan_to_num(values).astype(np.int64).tolist())
    if name in ZERO_IF_UNKNOWN:
        return list(np.nan_to_num(values).tolist())
    found: Column = list(values.tolist())
    if values.dtype == np.bool_:
        return found
    for row in np.flatnonzero(np.isnan(values)).tolist():
        found[row] = None
    return found


def list_whole(values: FloatArray) -> Column:
    """Return whole numbers, ``None`` for NaN."""
    return [None if value != value else int(value) for value in values.tolist()]


def list_rows(matrix: FloatArray) -> Column:
    """Return each row as `HourlyValues`; ``None`` for a row with an unknown value."""
    rows: Column = [HourlyValues(row.tobytes()) for row in np.ascontiguousarray(matrix, dtype=np.float64)]
    for row in np.flatnonzero(np.isnan(matrix).any(axis=1)).tolist():
        rows[row] = None
    return rows


def build_objects(count: int, columns: Mapping[str, Column]) -> list[ResourceProfile]:
    """Return one profile per row; fields without a column take their default."""
    ordered: list[Column] = []
    for field in fields(ResourceProfile):
        if field.name in columns:
            ordered.append(columns[field.name])
        elif field.default is not MISSING:
            ordered.append([field.default] * count)
    return [ResourceProfile(*values) for values in zip(*ordered, strict=True)]
