"""Whether the place of the lake can keep what we promise: probes and repairs for `millicore doctor`."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from models.vocabulary.errors import StorageError
from warehouse.lake.commits import open_table
from warehouse.lake.durability import sync_path
from warehouse.lake.location import LakeRoot
from warehouse.lake.tables import TABLES

_LOG_NAME = re.compile(r"\d{20}\.json")


@dataclass(frozen=True)
class Finding:
    """The result of one check, in words.

    Parameters
    ----------
    check : str
        What was checked.
    is_good : bool
        Whether nothing needs to be done (any more).
    detail : str
    remedy : str
        What a person should do; empty when nothing.
    """

    check: str
    is_good: bool
    detail: str
    remedy: str = ""


def probe_place(root: LakeRoot) -> list[Finding]:
    """Probe hard links and fsync (folder) and that a version can be committed only once."""
    findings = [] if root.is_remote else [_probe_hard_links(root), _probe_fsync(root)]
    return [*findings, _probe_single_commit(root)]


def _probe_hard_links(root: LakeRoot) -> Finding:
    first, second = (Path(root.path) / f".probe-{uuid.uuid4()}" for _ in range(2))
    try:
        first.write_bytes(b"probe")
        os.link(first, second)
    except OSError as problem:
        return Finding(
            "hard links",
            is_good=False,
            detail=f"{root.path} cannot make hard links: {problem}",
            remedy="put the lake on a local disk (ext4, xfs, apfs) or on S3: commits need hard links",
        )
    finally:
        first.unlink(missing_ok=True)
        second.unlink(missing_ok=True)
    return Finding("hard links", is_good=True, detail=f"{root.path} makes hard links")


def _probe_fsync(root: LakeRoot) -> Finding:
    file = Path(root.path) / f".probe-{uuid.uuid4()}"
    try:
        file.write_bytes(b"probe")
        sync_path(file)
        sync_path(file.parent)
    except OSError as problem:
        return Finding(
            "fsync",
            is_good=False,
            detail=f"{root.path} cannot be flushed: {problem}",
            remedy="put the lake on a disk that supports fsync, or a power cut may lose hours",
        )
    finally:
        file.unlink(missing_ok=True)
    return Finding("fsync", is_good=True, detail=f"{root.path} can be flushed to disk")


def _probe_single_commit(root: LakeRoot) -> Finding:
    """Let two writers commit the same version; the second must be refused."""
    name, check = f".probe-{uuid.uuid4()}", "one writer per version"
    rows = pa.table({"probe": [1]})
    once = CommitProperties(max_commit_retries=0)
    try:
        with _temporary_table(root, name, rows) as url:
            first = DeltaTable(url, storage_options=root.delta_options)
            second = DeltaTable(url, storage_options=root.delta_options)
            write_deltalake(first, rows, mode="append", commit_properties=once)
            try:
                write_deltalake(second, rows, mode="append", commit_properties=once)
            except CommitFailedError:
                return Finding(check, is_good=True, detail="a second commit of a version is refused")
    except (DeltaError, OSError) as problem:
        return Finding(
            check,
            is_good=False,
            detail=f"the lake cannot be written: {str(problem).splitlines()[0]}",
            remedy="check the lake_url, its credentials, and that the storage supports conditional put",
        )
    return Finding(
        check,
        is_good=False,
        detail="two writers could commit the same version: hours could be lost",
        remedy="use a storage with conditional put (If-None-Match) and conditional_put=etag",
    )


@contextmanager
def _temporary_table(root: LakeRoot, name: str, rows: pa.Table) -> Iterator[str]:
    url = root.table_url(name)
    try:
        write_deltalake(url, rows, storage_options=root.delta_options)
        yield url
    finally:
        filesystem = root.filesystem()
        if filesystem.get_file_info(f"{root.path}/{name}").type != pafs.FileType.NotFound:
            filesystem.delete_dir(f"{root.path}/{name}")


def check_tables(root: LakeRoot, *, heal: bool = False) -> list[Finding]:
    """Check the log and the data files of every table; with ``heal`` set bad files aside.

    What was set aside is missing from the lake: reconcile afterwards, so that its hours are owed again.
    """
    return [finding for table in TABLES for finding in _check_table(root, table, heal=heal)]


def _check_table(root: LakeRoot, table: str, *, heal: bool) -> list[Finding]:
    findings = [] if root.is_remote else _check_log(root, table, heal=heal)
    try:
        return findings + _check_data_files(root, table, heal=heal)
    except StorageError as problem:
        return [
            *findings,
            Finding(
                f"lake table {table}", is_good=False, detail=str(problem), remedy="run millicore migrate"
            ),
        ]


def _check_log(root: LakeRoot, table: str, *, heal: bool) -> list[Finding]:
    folder = Path(root.path) / table / "_delta_log"
    if not folder.is_dir():
        return []
    log_files = sorted(file for file in folder.iterdir() if _LOG_NAME.fullmatch(file.name))
    findings = []
    for file in reversed(log_files):
        if _is_readable_log(file):
            break
        findings.append(_bad_file(f"log of {table}", file, "is not a readable commit", heal=heal))
    findings += [
        _bad_file(f"checkpoint of {table}", file, "cannot be read", heal=heal)
        for file in sorted(folder.glob("*.checkpoint.parquet"))
        if not _is_readable_parquet(file)
    ]
    pointer = folder / "_last_checkpoint"
    if pointer.exists() and not _names_a_checkpoint(pointer):
        findings.append(_bad_file(f"checkpoint of {table}", pointer, "names no good file", heal=heal))
    return findings


def _is_readable_log(file: Path) -> bool:
    try:
        lines = file.read_text().splitlines()
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _is_readable_parquet(file: Path) -> bool:
    try:
        pq.read_metadata(file)
    except (OSError, pa.ArrowInvalid):
        return False
    return True


def _names_a_checkpoint(pointer: Path) -> bool:
    try:
        version = int(json.loads(pointer.read_text())["version"])
    except (ValueError, KeyError, TypeError):
        return False
    return _is_readable_parquet(pointer.parent / f"{version:020d}.checkpoint.parquet")


def _check_data_files(root: LakeRoot, table: str, *, heal: bool) -> list[Finding]:
    delta = open_table(root, table)
    actions = pa.table(delta.get_add_actions())
    filesystem = root.filesystem()
    findings = []
    paths, sizes = actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist()
    infos = filesystem.get_file_info([f"{root.path}/{table}/{path}" for path in paths])
    for info, size in zip(infos, sizes, strict=True):
        if info.type == pafs.FileType.File and info.size == size:
            continue
        is_missing = info.type == pafs.FileType.NotFound
        if heal and not is_missing:
            filesystem.move(info.path, f"{info.path}.bad")
        what = "is missing" if is_missing else f"has {info.size} bytes instead of {size}"
        findings.append(_healed_or_not(f"data of {table}", f"{info.path} {what}", heal=heal))
    if heal and findings:
        delta.repair()
    good = Finding(f"data of {table}", is_good=True, detail=f"{len(paths)} files are present")
    return findings or [good]


def _bad_file(check: str, file: Path, problem: str, *, heal: bool) -> Finding:
    if heal:
        file.rename(file.with_name(file.name + ".bad"))
        sync_path(file.parent)
    return _healed_or_not(check, f"{file} {problem}", heal=heal)


def _healed_or_not(check: str, detail: str, *, heal: bool) -> Finding:
    if heal:
        return Finding(check, is_good=True, detail=f"{detail}; it was set aside and its hours are owed again")
    return Finding(check, is_good=False, detail=detail, remedy="run `millicore doctor --heal`")
