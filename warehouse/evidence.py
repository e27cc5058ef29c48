"""Evidence of disputes: files kept in the lake's folder ``disputes`` under the hash of their bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pyarrow.fs as pafs

from models.vocabulary.errors import LakeInconsistent, StorageError
from warehouse.lake.kept_files import put_whole
from warehouse.lake.location import LakeRoot

FOLDER = "disputes"


@dataclass(frozen=True)
class EvidenceFiles:
    """The evidence below the root of a lake. Equal files are kept once; nothing is ever replaced.

    Parameters
    ----------
    root : LakeRoot
    """

    root: LakeRoot

    def keep(self, content: bytes) -> str:
        """Store a file, whole or not at all, and return its sha256.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        try:
            if self._present(digest):
                return digest
            put_whole(self.root, f"{self.root.path}/{FOLDER}/{digest}", content)
        except OSError as problem:
            raise StorageError(f"the evidence cannot be stored: {problem}; nothing was recorded") from problem
        return digest

    def read(self, digest: str) -> bytes:
        """Return a stored file.

        Raises
        ------
        LakeInconsistent
            If it is gone or its bytes are others.
        """
        try:
            path = f"{self.root.path}/{FOLDER}/{digest}"
            with self.root.filesystem().open_input_stream(path) as source:
                content: bytes = source.read()
        except FileNotFoundError:
            raise LakeInconsistent(f"evidence {digest} is gone: restore it from a backup") from None
        except OSError as problem:
            raise StorageError(f"the evidence {digest} cannot be read: {problem}") from problem
        if hashlib.sha256(content).hexdigest() != digest:
            raise LakeInconsistent(f"evidence {digest} was changed: restore it from a backup")
        return content

    def _present(self, digest: str) -> bool:
        info = self.root.filesystem().get_file_info(f"{self.root.path}/{FOLDER}/{digest}")
        return bool(info.type is pafs.FileType.File)
