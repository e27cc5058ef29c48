from __future__ import annotations

import socket

import pytest

from models.vocabulary.errors import UsageError
from service.http.application import link_of, new_one_time_token, serve
from service.runtime import Runtime


def test_an_address_in_use_is_a_usage_error_that_names_the_way_out(runtime: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}.*--port"):
            serve(runtime, "127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("::1", "[::1]")]
)
def test_the_link_names_an_address_that_can_be_opened(host: str, shown: str) -> None:
    assert link_of(host, 8710, "abc") == f"http://{shown}:8710/?token=abc"


def test_each_run_has_a_link_of_its_own() -> None:
    first, second = new_one_time_token(), new_one_time_token()
    assert first != second
    assert len(first) >= 40
