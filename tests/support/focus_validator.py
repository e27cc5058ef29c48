"""The FOCUS validator in a virtual environment of its own, made once and kept."""

from __future__ import annotations

import os
import subprocess
import tempfile
import venv
from pathlib import Path

import pytest

_PACKAGES = ("focus-validator==1.0.0", "multimethod<2", "pyarrow<19")


def focus_problems(file: Path, shared_folder: Path, folder: Path) -> str:
    """Return what the FOCUS 1.0 validator says against a file; nothing if it passes.

    Parameters
    ----------
    file : Path
        CSV or Parquet.
    shared_folder : Path
        Holds the script that corrects the validator's rules, and the one that runs it.
    folder : Path
        For the corrected rules.
    """
    python = _python()
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = _run(python, "-c", where).stdout.strip()
    rules, tools = folder / "rules", shared_folder / "focus"
    if not rules.exists():
        done = _run(python, str(tools / "make_rules.py"), packages, str(rules))
        assert done.returncode == 0, done.stderr
    checked = _run(python, str(tools / "focus_check.py"), str(file), str(rules))
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def _python() -> Path:
    folder = Path(tempfile.gettempdir()) / f"millicore-focus-validator-{os.getuid()}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = _run(python, "-m", "pip", "install", "-q", *_PACKAGES)
        if done.returncode:
            assert "CI" not in os.environ, f"CI must run the FOCUS validator: {done.stderr}"
            pytest.skip(f"pip cannot install the FOCUS validator: {done.stderr.strip().splitlines()[-1:]}")
        (folder / "complete").touch()
    return python


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, *arguments], capture_output=True, text=True, check=False)
