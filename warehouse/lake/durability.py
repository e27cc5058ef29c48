"""Making a commit survive a power cut: deltalake itself never calls fsync."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote


def commit_file(table_folder: Path, version: int) -> Path:
    """Return the log file of a version."""
    return table_folder / "_delta_log" / f"{version:020d}.json"


def added_files(log_file: Path) -> list[str]:
    """Return the paths, relative to the table, that a commit added."""
    added = []
    for line in log_file.read_text().splitlines():
        action = json.loads(line)
        if "add" in action:
            added.append(unquote(action["add"]["path"]))
    return added


def sync_commit(table_folder: Path, version: int) -> None:
    """Flush a commit to the disk: its data files, their folders, its log file, the log folder.

    In this order: once the log file is durable, so is everything that it names.
    """
    log_file = commit_file(table_folder, version)
    if not log_file.exists():  # an expired log was cleaned up by a later commit
        return
    files = [table_folder / name for name in added_files(log_file)]
    folders = {parent for file in files for parent in _folders_up_to(file, table_folder)}
    for path in (*files, *sorted(folders), log_file, log_file.parent):
        sync_path(path)


def sync_path(path: Path) -> None:
    """Flush one file or folder; one that a concurrent replacement has removed is skipped."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folders_up_to(file: Path, table_folder: Path) -> list[Path]:
    return [parent for parent in file.parents if parent.is_relative_to(table_folder)]
