"""Where the lake lies: a folder or an S3 prefix, and the options that reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow.fs as pafs

from models.vocabulary.errors import UsageError

_FORBIDDEN = "%[]"
_OPTIONS = {
    "endpoint_url": "aws_endpoint_url",
    "region": "aws_region",
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "allow_http": "aws_allow_http",
    "conditional_put": "aws_conditional_put",
}
"""Our names of storage options to those of the object store; anything else is refused, because the
object store ignores unknown names silently."""


@dataclass(frozen=True)
class LakeRoot:
    """Root of the lake, picklable, so that worker processes can read and write files below it.

    Parameters
    ----------
    path : str
        Absolute folder, or ``bucket/prefix`` of S3. No trailing slash.
    is_remote : bool
        Whether it lies in S3.
    options : mapping of str to str
        Storage options under our names.
    """

    path: str
    is_remote: bool
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, lake_url: str, options: Mapping[str, str] | None = None) -> LakeRoot:
        """Return the root for a folder, a ``file://`` or an ``s3://`` URL.

        Raises
        ------
        UsageError
            If the URL has another scheme, holds a character that Delta paths cannot carry, or an
            option is not known.
        """
        given = dict(options or {})
        unknown = sorted(set(given) - set(_OPTIONS))
        if unknown:
            raise UsageError(
                f"storage option {unknown[0]!r} is not known; known are {', '.join(sorted(_OPTIONS))}"
            )
        bad = sorted(set(lake_url) & set(_FORBIDDEN)) if not lake_url.startswith("file://") else []
        scheme = urlparse(lake_url).scheme if "://" in lake_url else ""
        path = unquote(urlparse(lake_url).path) if scheme == "file" else lake_url
        bad = bad or sorted(set(path) & set(_FORBIDDEN))
        if bad or not lake_url:
            raise UsageError(f"lake_url {lake_url!r} must not be empty or hold {' '.join(_FORBIDDEN)}")
        if scheme == "s3":
            return cls(lake_url.removeprefix("s3://").rstrip("/"), is_remote=True, options=given)
        if scheme not in ("", "file"):
            raise UsageError(f"lake_url {lake_url!r}: only a folder or s3://bucket/prefix can hold the lake")
        return cls(str(Path(path).expanduser().absolute()).rstrip("/"), is_remote=False, options=given)

    @property
    def delta_options(self) -> dict[str, str]:
        """Storage options as the object store names them."""
        if not self.is_remote:
            return {}
        chosen = {"conditional_put": "etag", **self.options}
        return {_OPTIONS[name]: value for name, value in chosen.items()}

    def table_url(self, table: str) -> str:
        """Return what `DeltaTable` opens: a folder or an S3 URL."""
        return f"s3://{self.path}/{table}" if self.is_remote else f"{self.path}/{table}"

    def file_url(self, table: str, relative: str) -> str:
        """Return the path or URL under which DuckDB reads a file of a table."""
        return f"{self.table_url(table)}/{relative}"

    def filesystem(self) -> pafs.FileSystem:
        """Return the Arrow file system on which `path` and everything below it lie."""
        if not self.is_remote:
            return pafs.LocalFileSystem()
        endpoint = self.options.get("endpoint_url", "")
        return pafs.S3FileSystem(
            access_key=self.options.get("access_key_id"),
            secret_key=self.options.get("secret_access_key"),
            session_token=self.options.get("session_token"),
            region=self.options.get("region"),
            endpoint_override=endpoint.split("://", 1)[-1] or None,
            scheme="http" if endpoint.startswith("http://") else "https",
        )
