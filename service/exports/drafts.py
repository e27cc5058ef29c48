"""Files that appear whole: written beside their place, flushed to the disk, then renamed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.vocabulary.errors import StorageError


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, with the hash of its bytes."""

    path: Path
    manifest: Path
    sha256: str
    line_count: int


def manifest_path(target: Path) -> Path:
    """Return where the manifest of a file stands."""
    return target.with_name(f"{target.name}.manifest.json")


@contextmanager
def drafting(target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield drafts of a file and of its manifest; when the block ends they take their places, the file first.

    A block that fails leaves what was there before. A kill leaves at most drafts, whose names begin with a
    point.

    Raises
    ------
    StorageError
        If something cannot be written; nothing of it is left.
    """
    drafts: list[Path] = []
    try:
        for _ in range(2):
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".export-")
            os.close(handle)
            drafts.append(Path(name))
        yield drafts[0], drafts[1]
        for draft in drafts:
            _settle(draft)
        for draft, place in zip(drafts, (target, manifest_path(target)), strict=True):
            draft.replace(place)
    except OSError as problem:
        raise StorageError(
            f"{target} cannot be written: {problem.strerror or problem}; nothing of it was stored"
        ) from problem
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _settle(path: Path) -> None:
    """Flush a file to the disk and let others read it."""
    with path.open("rb") as content:
        os.fsync(content.fileno())
    path.chmod(0o644)
