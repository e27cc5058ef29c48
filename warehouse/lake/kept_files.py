"""Files beside the tables of a lake that are written once: closed months, evidence."""

from __future__ import annotations

import os
from pathlib import Path

from warehouse.lake.durability import sync_path
from warehouse.lake.location import LakeRoot


def put_whole(root: LakeRoot, path: str, content: bytes) -> None:
    """Write a file whole: an object of S3 appears at once, a local one by renaming, read-only.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if root.is_remote:
        with root.filesystem().open_output_stream(path) as sink:
            sink.write(content)
        return
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.{os.getpid()}.draft")
    with draft.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    draft.chmod(0o444)
    draft.replace(place)
    sync_path(place.parent)
