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
    media_type: str = "text/csv; charset=utf-8"


MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export_bytes(
    runtime: Runtime, principal: Principal, month: str, name: str, file_type: str = "csv"
) -> ExportedFile:
    """Return a month's chargeback file in one of the export formats and file types.

    Raises
    ------
    Forbidden, UsageError, InputError, NotFound
        As `service.usecases.chargeback_export.export_chargeback` does.
    """
    with tempfile.TemporaryDirectory(prefix="millicore-export-") as folder:
        written = export_chargeback(
            runtime, principal, month, format=name, file_type=file_type, output_file=Path(folder)
        )
        content = written.path.read_bytes()
        file = ExportedFile(written.path.name, content, written.sha256, MEDIA_TYPES[file_type])
    runtime.warehouse.audit.append(
        principal,
        "export chargeback",
        month,
        runtime.now(),
        {
            "format": name,
            "file_type": file_type,
            "sha256": file.sha256,
            "byte_count": len(file.content),
        },
    )
    return file
