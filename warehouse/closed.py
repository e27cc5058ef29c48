"""The frozen copies of closed months and their corrections: Parquet files below one manifest, never changed.

A folder counts once its manifest stands, which is written last, and once the database names the manifest's
hash. Whatever dies before leaves a folder that nobody reads and the next attempt replaces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from models.vocabulary.errors import LakeInconsistent, StorageError
from warehouse.lake.durability import sync_path
from warehouse.lake.kept_files import put_whole
from warehouse.lake.location import LakeRoot

CLOSED = "closed"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class EncodedTable:
    """A table as the bytes of a Parquet file, with their hash."""

    content: bytes
    sha256: str
    row_count: int


def encode(rows: pa.Table) -> EncodedTable:
    """Return a table as Parquet; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows.combine_chunks(), sink, compression="zstd", store_schema=True)
    content = sink.getvalue().to_pybytes()
    return EncodedTable(content, hashlib.sha256(content).hexdigest(), rows.num_rows)


def input_hash(tables: Mapping[str, EncodedTable]) -> str:
    """Return one hash of all tables of a close."""
    parts = sorted((name, table.sha256) for name, table in tables.items())
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class ClosedFiles:
    """Folders of closed files below the root of a lake.

    Parameters
    ----------
    root : LakeRoot
    """

    root: LakeRoot

    def write(
        self,
        folder: str,
        tables: Mapping[str, EncodedTable],
        facts: Mapping[str, Any],
        on_step: Callable[[str], None],
    ) -> str:
        """Write tables and then their manifest to a folder, in place of an attempt that died.

        Parameters
        ----------
        folder : str
            Relative to the lake, ``closed/2026-10/1``. The caller holds the lease of closing and knows that
            the database does not name this folder yet.
        tables : mapping of str to EncodedTable
        facts : mapping
            JSON values that the manifest holds besides its list of files.
        on_step : callable
            Called with a name after each step.

        Returns
        -------
        str
            The sha256 of the manifest.

        Raises
        ------
        StorageError
            If something cannot be written; the month stays as it was.
        """
        filesystem, base = self.root.filesystem(), f"{self.root.path}/{folder}"
        listed = [
            {
                "file": f"{name}.parquet",
                "sha256": table.sha256,
                "row_count": table.row_count,
                "size_bytes": len(table.content),
            }
            for name, table in sorted(tables.items())
        ]
        manifest = {**facts, "files": listed}
        text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        try:
            self._empty(filesystem, base)
            on_step("emptied")
            for name, table in sorted(tables.items()):
                put_whole(self.root, f"{base}/{name}.parquet", table.content)
                on_step(f"written {name}")
            put_whole(self.root, f"{base}/{MANIFEST}", text.encode())
        except OSError as problem:
            raise StorageError(
                f"the closed files {folder} cannot be written: {problem}. The month is not closed; run again"
            ) from problem
        on_step("written manifest")
        return hashlib.sha256(text.encode()).hexdigest()

    def manifest(self, folder: str, manifest_hash: str) -> dict[str, Any]:
        """Return the manifest of a folder.

        Raises
        ------
        LakeInconsistent
            If it is gone or is not the one that the database names.
        """
        content = self._read(folder, MANIFEST)
        if content is None or hashlib.sha256(content).hexdigest() != manifest_hash:
            raise _tampered([self._problem(folder, MANIFEST, content)])
        found: dict[str, Any] = json.loads(content)
        return found

    def table(self, folder: str, manifest: Mapping[str, Any], name: str) -> pa.Table:
        """Return a table of a folder, once its bytes are those of the manifest.

        Raises
        ------
        LakeInconsistent
            If they are not.
        """
        file = f"{name}.parquet"
        content = self._read(folder, file)
        wanted = next((one["sha256"] for one in manifest["files"] if one["file"] == file), None)
        if content is None or hashlib.sha256(content).hexdigest() != wanted:
            raise _tampered([self._problem(folder, file, content)])
        return pq.read_table(pa.BufferReader(content))

    def check(self, folder: str, manifest_hash: str) -> None:
        """Hash every file of a folder again.

        Raises
        ------
        LakeInconsistent
            Naming every file that was changed, removed or added since.
        """
        manifest = self.manifest(folder, manifest_hash)
        wanted = {one["file"]: one["sha256"] for one in manifest["files"]}
        problems = []
        for file, digest in sorted(wanted.items()):
            content = self._read(folder, file)
            if content is None or hashlib.sha256(content).hexdigest() != digest:
                problems.append(self._problem(folder, file, content))
        added = self._names(folder) - set(wanted) - {MANIFEST}
        problems += [f"{folder}/{file} was added" for file in sorted(added)]
        if problems:
            raise _tampered(problems)

    def _problem(self, folder: str, file: str, content: bytes | None) -> str:
        return f"{folder}/{file} {'is gone' if content is None else 'was changed'}"

    def _read(self, folder: str, file: str) -> bytes | None:
        try:
            with self.root.filesystem().open_input_stream(f"{self.root.path}/{folder}/{file}") as source:
                content: bytes = source.read()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise StorageError(f"the closed file {folder}/{file} cannot be read: {problem}") from problem
        return content

    def _names(self, folder: str) -> set[str]:
        base = f"{self.root.path}/{folder}"
        selector = pafs.FileSelector(base, allow_not_found=True, recursive=True)
        infos = self.root.filesystem().get_file_info(selector)
        return {info.path.removeprefix(f"{base}/") for info in infos if info.type is pafs.FileType.File}

    def _empty(self, filesystem: pafs.FileSystem, base: str) -> None:
        if filesystem.get_file_info(base).type is pafs.FileType.Directory:
            filesystem.delete_dir_contents(base)
        if not self.root.is_remote:
            filesystem.create_dir(base, recursive=True)
            folder = Path(base)
            while folder.is_relative_to(self.root.path):
                sync_path(folder)
                folder = folder.parent


def _tampered(problems: list[str]) -> LakeInconsistent:
    return LakeInconsistent(
        f"closed files are not those that were closed: {'; '.join(problems)}. Restore them from a backup"
    )
