"""A process that imports a bill and dies at a step: `python kill_importer.py FOLDER FILE STEP`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]

from support.closing import FINANCE

from service.runtime import Runtime
from service.usecases.bills import import_bills

STEPS = ("staged", "committed", "recorded")


def main(folder: str, file: str, step: str) -> None:
    """Import; die by SIGKILL when the step is reached."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    import_bills(Runtime.for_test(Path(folder)), FINANCE, [Path(file)], on_step=on_step)


if __name__ == "__main__":
    main(*sys.argv[1:])
