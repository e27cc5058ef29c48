"""A real S3 over HTTP: moto's server in a process of its own, one bucket per test."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow.fs as pafs
import pytest
import requests
from support.ports import free_port, wait_for_port


@dataclass
class S3Server:
    """A running server. `new_bucket` returns the URL of a prefix in a fresh bucket."""

    endpoint_url: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def storage_options(self) -> dict[str, str]:
        """The options by which a lake reaches this server."""
        return {
            "endpoint_url": self.endpoint_url,
            "region": "us-east-1",
            "access_key_id": "key",
            "secret_access_key": "secret",
            "allow_http": "true",
            "conditional_put": "etag",
        }

    def new_bucket(self) -> str:
        """Create a bucket and return the URL of a lake in it."""
        name = f"millicore-{next(self._numbers)}"
        requests.put(f"{self.endpoint_url}/{name}", timeout=10).raise_for_status()
        return f"s3://{name}/lake"

    def objects(self, url: str) -> dict[str, bytes]:
        """Return all objects below the URL of a lake, by key."""
        filesystem, root = self._filesystem(), url.removeprefix("s3://")
        files = filesystem.get_file_info(pafs.FileSelector(root, recursive=True))
        found = {}
        for file in files:
            if file.is_file:
                with filesystem.open_input_stream(file.path) as stream:
                    found[file.path.removeprefix(root)] = stream.read()
        return found

    def put_objects(self, url: str, objects: dict[str, bytes]) -> None:
        """Write objects below the URL of a lake."""
        for key, content in objects.items():
            target = f"{self.endpoint_url}/{url.removeprefix('s3://')}{key}"
            requests.put(target, data=content, timeout=10).raise_for_status()

    def _filesystem(self) -> pafs.S3FileSystem:
        host = self.endpoint_url.removeprefix("http://")
        return pafs.S3FileSystem(
            access_key="key",
            secret_key="secret",
            region="us-east-1",
            endpoint_override=host,
            scheme="http",
        )


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Start moto's S3 server for the session."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait(timeout=10)
