"""Rewrites the expected files of the golden months, deliberately: after a change that is meant.

Run: ``.venv/bin/python tests/golden/write_expected.py``, then read the difference line by line. The figures
that the READMEs derive by hand are not written by it: they are in the tests and must hold first.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve()
    sys.path[:0] = [str(here.parents[2]), str(here.parents[1])]

from support.golden import FINANCE, FULL, GOLDEN, MONTH, full_runtime, golden_runtime

from service.exports.columns_page import contract
from service.runtime import Runtime
from service.usecases.chargeback_export import FORMATS, export_chargeback


def main() -> None:
    """Write the files."""
    (GOLDEN / "expected" / "columns.json").write_text(
        json.dumps(contract(), indent=1) + "\n", encoding="utf-8"
    )
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_month(golden_runtime(home / "small"), GOLDEN / "expected", home, {"summary", "detail"})
        write_month(full_runtime(home / "full"), FULL / "expected", home, {"summary"})


def write_month(runtime: Runtime, expected: Path, folder: Path, whole: Collection[str]) -> None:
    """Write a month's files: some whole, of the others the hashes."""
    expected.mkdir(exist_ok=True)
    for name in FORMATS:
        file = folder / f"{name}.csv"
        written = export_chargeback(runtime, FINANCE, MONTH, format=name, output_file=file)
        if name in whole:
            (expected / file.name).write_bytes(file.read_bytes())
        else:
            text = f"{written.sha256}  {file.name}\n"
            (expected / f"{file.name}.sha256").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
