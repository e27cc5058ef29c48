"""An export that is killed at any step leaves the old file whole, or the new one; never a part of one."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import kill_exporter

from service.exports.charge_file import FileType

pytestmark = pytest.mark.kill


def kill_at(target: Path, file_type: FileType, step: str) -> None:
    command = [sys.executable, kill_exporter.__file__, str(target), file_type.value, step]
    done = subprocess.run(command, check=False, timeout=120, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("step", kill_exporter.STEPS)
@pytest.mark.parametrize("file_type", FileType)
def test_a_killed_export_left_a_whole_file_or_none(file_type: FileType, step: str, tmp_path: Path) -> None:
    whole = kill_exporter.write(tmp_path / "whole", file_type).path.read_bytes()
    first, again = tmp_path / "first", tmp_path / "again"
    kill_at(first, file_type, step)
    assert first.exists() == (step == "before the manifest")
    assert not first.exists() or first.read_bytes() == whole
    again.write_bytes(b"the old file")
    kill_at(again, file_type, step)
    assert again.read_bytes() == (whole if step == "before the manifest" else b"the old file")
    written = kill_exporter.write(again, file_type)
    assert again.read_bytes() == whole
    assert json.loads(written.manifest.read_text())["sha256"] == hashlib.sha256(whole).hexdigest()
