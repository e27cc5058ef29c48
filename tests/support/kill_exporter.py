"""A process that writes a chargeback file and dies on the way: `python kill_exporter.py TARGET TYPE STEP`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]

from support.charges import CONTEXT, MANIFEST, every_kind

from service.exports import csv_file, drafts, parquet_file, xlsx_file
from service.exports.charge_file import FileShape, FileType, write_charges
from service.exports.drafts import WrittenFile

STEPS = ("halfway through the lines", "before it is on disk", "before the file", "before the manifest")


def write(target: Path, file_type: FileType) -> WrittenFile:
    """Write the file as the test expects it."""
    return write_charges(target, FileShape("detail", file_type), every_kind(), CONTEXT, MANIFEST)


def _die_at_call(number: int, of: Any) -> Any:
    calls = 0

    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return of(*arguments, **named)

    return called


def main(target: str, file_type: str, step: str) -> None:
    """Write; die by SIGKILL when the step is reached."""
    halfway = len(every_kind()) // 2
    if step == STEPS[0]:
        csv_file._texts = _die_at_call(halfway, csv_file._texts)
        parquet_file._array = _die_at_call(halfway, parquet_file._array)
        xlsx_file._write_number = _die_at_call(halfway * 8, xlsx_file._write_number)
    elif step == STEPS[1]:
        drafts._settle = _die_at_call(1, drafts._settle)
    else:
        Path.replace = _die_at_call(STEPS.index(step) - 1, Path.replace)  # type: ignore[method-assign]
    write(Path(target), FileType(file_type))


if __name__ == "__main__":
    main(*sys.argv[1:])
