"""Predefined machine types of Google Cloud: its catalogue prices cores and memory, not types.

The table holds general-purpose and compute-optimised families without GPUs or local disks. Further types come
from a file as ``gcloud compute machine-types list --format="csv(name,guestCpus,memoryMb)"`` writes it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ingest.files.text_files import reading_text
from ingest.prices.published import Place
from models.vocabulary.errors import InputError

_MIB_PER_GIB = 1024


class Machine(NamedTuple):
    """Size by which a machine type is billed."""

    vcpu_count: Decimal
    memory_gib: Decimal

    @classmethod
    def of(cls, vcpu_count: str, memory_gib: str) -> Machine:
        """Return a size written as two decimals."""
        return cls(Decimal(vcpu_count), Decimal(memory_gib))


_SERIES = (
    ("e2-standard", "4", "2 4 8 16 32"),
    ("e2-highmem", "8", "2 4 8 16"),
    ("e2-highcpu", "1", "2 4 8 16 32"),
    ("n1-standard", "3.75", "1 2 4 8 16 32 64 96"),
    ("n1-highmem", "6.5", "2 4 8 16 32 64 96"),
    ("n1-highcpu", "0.9", "2 4 8 16 32 64 96"),
    ("n2-standard", "4", "2 4 8 16 32 48 64 80 96 128"),
    ("n2-highmem", "8", "2 4 8 16 32 48 64 80 96"),
    ("n2-highcpu", "1", "2 4 8 16 32 48 64 80 96"),
    ("n2d-standard", "4", "2 4 8 16 32 48 64 80 96 128 224"),
    ("n2d-highmem", "8", "2 4 8 16 32 48 64 80 96"),
    ("n2d-highcpu", "1", "2 4 8 16 32 48 64 80 96 128 224"),
    ("n4-standard", "4", "2 4 8 16 32 48 64 80"),
    ("n4-highmem", "8", "2 4 8 16 32 48 64 80"),
    ("n4-highcpu", "2", "2 4 8 16 32 48 64 80"),
    ("c2-standard", "4", "4 8 16 30 60"),
    ("c2d-standard", "4", "2 4 8 16 32 56 112"),
    ("c2d-highmem", "8", "2 4 8 16 32 56 112"),
    ("c2d-highcpu", "2", "2 4 8 16 32 56 112"),
    ("c3-standard", "4", "4 8 22 44 88 176"),
    ("c3-highmem", "8", "4 8 22 44 88 176"),
    ("c3-highcpu", "2", "4 8 22 44 88 176"),
    ("t2d-standard", "4", "1 2 4 8 16 32 48 60"),
    ("t2a-standard", "4", "1 2 4 8 16 32 48"),
)
"""Family, GiB per vCPU, vCPUs (Google's machine families resource guide)."""

_SHARED_CORE = {
    "e2-micro": Machine.of("0.25", "1"),
    "e2-small": Machine.of("0.5", "2"),
    "e2-medium": Machine.of("1", "4"),
    "n2-highmem-128": Machine.of("128", "864"),
}
"""Types whose billed size does not follow from their name."""

MACHINES: Mapping[str, Machine] = {
    **{
        f"{family}-{count}": Machine(Decimal(count), Decimal(count) * Decimal(gib_per_vcpu))
        for family, gib_per_vcpu, counts in _SERIES
        for count in counts.split()
    },
    **_SHARED_CORE,
}


def read_machines(path: Path) -> dict[str, Machine]:
    """Return the machine types of a file of columns name, guestCpus, memoryMb (MiB).

    Raises
    ------
    InputError
        If a column is missing or a size is no number (names file, row, field and value).
    """
    found = {}
    with reading_text(path) as stream:
        rows = csv.DictReader(stream)
        names = {name.lower(): name for name in rows.fieldnames or ()}
        for wanted in ("name", "guestcpus", "memorymb"):
            if wanted not in names:
                raise InputError(
                    "is missing: the columns are name, guestCpus, memoryMb", file=str(path), field=wanted
                )
        for number, row in enumerate(rows, start=1):
            place = Place(str(path), number)
            memory = place.price("memoryMb", row[names["memorymb"]]) / _MIB_PER_GIB
            count = place.price("guestCpus", row[names["guestcpus"]])
            found[place.text("name", row[names["name"]])] = Machine(count, memory)
    return found
