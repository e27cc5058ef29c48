"""Chargeback files over HTTP: exactly the bytes that the command line writes, and an audit entry."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.chargeback_export import export_chargeback


@dataclass(frozen=True)
class ExportedFile:
    """A file's name, bytes and hash."""

    name: str
    content: bytes
    sha256: str


def export_bytes(runtime: Runtime, principal: Principal, month: str, name: str) -> ExportedFile:
    """Return a month's chargeback file in one of the export formats.

    Raises
    ------
    Forbidden, UsageError, InputError, NotFound
        As `service.usecases.chargeback.export_chargeback` does.
    """
    with tempfile.TemporaryDirectory(prefix="millicore-export-") as folder:
        written = export_chargeback(runtime, principal, month, format=name, output_file=Path(folder))
        file = ExportedFile(written.path.name, written.path.read_bytes(), written.sha256)
    runtime.warehouse.audit.append(
        principal,
        "export chargeback",
        month,
        runtime.now(),
        {"format": name, "sha256": file.sha256, "byte_count": len(file.content)},
    )
    return file
