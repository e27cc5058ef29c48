"""All formats and file types of a month: `python export_all.py HOME MONTH FOLDER` in a new process."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]

from support.closing import FINANCE

from service.runtime import Runtime
from service.usecases.chargeback_export import FILE_TYPES, FORMATS, export_chargeback


def export_all(runtime: Runtime, month: str, folder: Path) -> dict[str, bytes]:
    """Return every file and manifest of a month by name."""
    folder.mkdir(exist_ok=True)
    for name in FORMATS:
        for file_type in FILE_TYPES:
            export_chargeback(runtime, FINANCE, month, format=name, file_type=file_type, output_file=folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main(home: str, month: str, folder: str) -> None:
    """Export from an existing warehouse."""
    runtime = Runtime.for_test(Path(home), now=datetime(2026, 12, 24, tzinfo=UTC))
    export_all(runtime, month, Path(folder))
    runtime.warehouse.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
