from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import write_json

from ingest.prices.published import Wanted
from ingest.prices.spot import read_spot_history
from models.vocabulary.errors import InputError


def aws(price: str, at: str, **changes: str) -> dict[str, str]:
    return {
        "AvailabilityZone": "eu-west-1a",
        "InstanceType": "m5.large",
        "ProductDescription": "Linux/UNIX",
        "SpotPrice": price,
        "Timestamp": at,
        **changes,
    }


def test_each_price_holds_until_the_next_and_the_newest_until_further_notice(tmp_path: Path) -> None:
    records = [
        aws("0.0410", "2026-10-01T12:30:00+00:00"),
        aws("0.0400", "2026-10-01T08:00:00+00:00"),
        aws("0.0400", "2026-10-01T10:00:00+00:00"),
        aws("0.9", "2026-10-01T10:00:00+00:00", ProductDescription="Windows"),
    ]
    path = write_json(tmp_path / "spot.json", {"SpotPriceHistory": records})
    found = read_spot_history([path], Wanted())
    first, second = found.rows
    noon = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
    assert (first.hourly_list_price, first.valid_to, second.valid_from) == (Decimal("0.0400"), noon, noon)
    assert (second.valid_to, second.zone, second.region) == (None, "eu-west-1a", "eu-west-1")
    assert (second.purchase_option, second.currency) == ("spot", "USD")
    assert found.skipped == {"other operating system": 1}


def test_pages_of_one_history_join_over_files(tmp_path: Path) -> None:
    pages = [
        write_json(tmp_path / "1.json", {"SpotPriceHistory": [aws("0.04", "2026-10-01T08:00:00Z")]}),
        write_json(tmp_path / "2.json", [{"SpotPriceHistory": [aws("0.05", "2026-10-01T09:00:00Z")]}]),
    ]
    first, second = read_spot_history(pages, Wanted()).rows
    assert first.valid_to == second.valid_from


def test_alibaba_has_its_list_price_beside_the_spot_price(tmp_path: Path) -> None:
    answer = {
        "Currency": "CNY",
        "SpotPrices": {
            "SpotPriceType": [
                {
                    "InstanceType": "ecs.g7.large",
                    "ZoneId": "cn-hangzhou-g",
                    "SpotPrice": 0.12,
                    "OriginPrice": 0.55,
                    "Timestamp": "2026-10-01T11:00:00Z",
                }
            ]
        },
    }
    (row,) = read_spot_history([write_json(tmp_path / "spot.json", answer)], Wanted()).rows
    assert (row.region, row.zone, row.currency) == ("cn-hangzhou", "cn-hangzhou-g", "CNY")
    assert (row.hourly_list_price, row.effective_price) == (Decimal("0.55"), Decimal("0.12"))


def test_a_price_that_is_none_is_named_and_other_documents_are_refused(tmp_path: Path) -> None:
    bad = write_json(tmp_path / "bad.json", {"SpotPriceHistory": [aws("x", "2026-10-01T11:00:00Z")]})
    with pytest.raises(InputError, match=r"row 1, field SpotPrice: value 'x' is not a number"):
        read_spot_history([bad], Wanted())
    with pytest.raises(InputError, match="neither SpotPriceHistory nor SpotPrices"):
        read_spot_history([write_json(tmp_path / "other.json", {"a": 1})], Wanted())
    (tmp_path / "cut.json").write_text('{"SpotPriceHistory": [')
    with pytest.raises(InputError, match=r"cut\.json: is no JSON"):
        read_spot_history([tmp_path / "cut.json"], Wanted())
