from __future__ import annotations

from decimal import Decimal

import pytest

from models.vocabulary.errors import InputError
from models.vocabulary.quantity import format_cpu, format_memory, parse_quantity, say_cores, say_memory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5m", "0.005"),
        ("500u", "0.0005"),
        ("100n", "1e-7"),
        ("2", "2"),
        (".5", "0.5"),
        ("1.5Gi", 1610612736),
        ("123Mi", 128974848),
        ("128.9748480M", 128974848),
        ("128974848000m", 128974848),
        ("128974848e0", 128974848),
        ("107374182400m", "107374182.4"),
        ("1e3", 1000),
        ("1E", 10**18),
        ("-1", -1),
    ],
)
def test_a_quantity_is_read_exactly(text: str, expected: str | int) -> None:
    assert parse_quantity(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1GiB", "0x10", "1e", "NaN", "1.2.3"])
def test_a_malformed_quantity_is_named_with_its_field(text: str) -> None:
    with pytest.raises(InputError, match=r"field memory_request.*not a Kubernetes quantity"):
        parse_quantity(text, field="memory_request")


def test_advice_is_written_rounded_up_so_that_it_never_falls_below_what_was_computed() -> None:
    assert format_cpu(0.2501) == "251m"
    assert format_cpu(2.0) == "2"
    assert format_memory(2**30) == "1Gi"
    assert format_memory(2**20 + 1) == "2Mi"
    assert format_memory(0) == "0Mi"


def test_people_read_cores_and_gib() -> None:
    assert [say_cores(value) for value in (0.4, 0.015, 2.0)] == ["0.40 cores", "0.015 cores", "2.00 cores"]
    assert [say_memory(value * 2.0**20) for value in (512, 1307, 4096)] == ["512 MiB", "1.28 GiB", "4.00 GiB"]
