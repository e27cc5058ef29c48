from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import AWS_PRODUCT, azure_item, write_aws_csv, write_json

from ingest.prices.format_names import PriceFormat
from ingest.prices.formats import read_price_list
from ingest.prices.published import Wanted
from models.vocabulary.errors import InputError

OURS = "instance_type,region,currency,hourly_list_price,valid_from,valid_to\n"


def test_every_row_carries_the_hash_of_its_file(tmp_path: Path) -> None:
    path = write_aws_csv(tmp_path / "ec2.csv", [{}])
    (row,) = read_price_list(path, PriceFormat.AWS, Wanted()).rows
    assert row.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_of_pages_is_one_list(tmp_path: Path) -> None:
    write_json(tmp_path / "1.json", {"Items": [azure_item()]})
    write_json(tmp_path / "2.json", {"Items": [azure_item(), azure_item(armSkuName="Standard_D4s_v5")]})
    found = read_price_list(tmp_path, PriceFormat.AZURE, Wanted())
    assert len(found.rows) == 2


def test_a_price_that_stands_twice_is_one_and_two_prices_are_refused(tmp_path: Path) -> None:
    again = {"SKU": "B", "usageType": AWS_PRODUCT["usageType"]}
    path = write_aws_csv(tmp_path / "ec2.csv", [{}, again])
    found = read_price_list(path, PriceFormat.AWS, Wanted())
    assert (len(found.rows), found.skipped) == (1, {"stands twice": 1})
    path = write_aws_csv(tmp_path / "ec2.csv", [{}, {**again, "PricePerUnit": "0.2"}])
    with pytest.raises(InputError, match=r"ec2\.csv, row 2, field valid_from.*overlaps row 1"):
        read_price_list(path, PriceFormat.AWS, Wanted())


def test_our_own_rows_are_cut_where_they_begin_to_be_wanted(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        f"{OURS}m5.large,eu,USD,0.1,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z\n"
        "m5.large,eu,USD,0.2,2026-02-01T00:00:00Z,\n"
        "m5.large,us,USD,0.3,2026-01-01T00:00:00Z,\n"
    )
    start = datetime(2026, 3, 1, tzinfo=UTC)
    wanted = Wanted(regions=frozenset({"eu"}), valid_from=start)
    found = read_price_list(tmp_path / "p.csv", PriceFormat.MILLICORE, wanted)
    assert [(row.hourly_list_price, row.valid_from) for row in found.rows] == [(Decimal("0.2"), start)]
    assert found.skipped == {"other region": 1, "ended before --valid-from": 1}


def test_only_wanted_kinds_of_assets_are_kept(tmp_path: Path) -> None:
    fee = {
        "SKU": "E",
        "Product Family": "Compute",
        "usageType": "EU-AmazonEKS-Hours:perCluster",
        "PricePerUnit": "0.1",
    }
    path = write_aws_csv(tmp_path / "all.csv", [{}, fee])
    found = read_price_list(path, PriceFormat.AWS, Wanted(asset_kinds=frozenset({"node"})))
    assert [row.asset_kind for row in found.rows] == ["node"]
    assert found.skipped == {"other kind of asset": 1}


def test_a_missing_file_an_empty_folder_and_nothing_wanted_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: does not exist"):
        read_price_list(tmp_path / "none.csv", PriceFormat.AWS, Wanted())
    with pytest.raises(InputError, match=r"holds no \.csv, \.json or \.gz file"):
        read_price_list(tmp_path, PriceFormat.GOOGLE, Wanted())
    path = write_aws_csv(tmp_path / "ec2.csv", [{}])
    with pytest.raises(InputError, match=r"no price that is wanted \(1 other region\)"):
        read_price_list(path, PriceFormat.AWS, Wanted(frozenset({"mars-1"})))


@pytest.mark.parametrize(
    ("price_format", "name", "content"),
    [
        (PriceFormat.AWS, "a.csv", "\n\n\n\n\nSKU,PricePerUnit\n\xe9".encode("latin-1")),
        (PriceFormat.ALIBABA, "a.csv", "地域,价格\n".encode("gbk")),
        (PriceFormat.AWS, "a.json", b'{"products": {"A": 1}, "terms": {"OnDemand": {"A": 3}}}'),
        (PriceFormat.AWS, "a.json", b"[]"),
        (PriceFormat.AZURE, "a.json", b'{"Items": [1]}'),
        (PriceFormat.AZURE, "a.json", b'{"Items": 7}'),
        (
            PriceFormat.GOOGLE,
            "a.json",
            b'{"skus": [{"description": "Regional Kubernetes Clusters", "category": 1}]}',
        ),
        (PriceFormat.ALIBABA, "a.json", b'{"currency": "CNY", "pricingInfo": 3}'),
        (PriceFormat.SPOT_HISTORY, "a.json", b'{"SpotPriceHistory": 3}'),
        (PriceFormat.SPOT_HISTORY, "a.json", b"[3]"),
        (PriceFormat.SPOT_HISTORY, "a.json.gz", b"not packed"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_by_its_name(
    tmp_path: Path, price_format: PriceFormat, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"a\.(csv|json)"):
        read_price_list(tmp_path / name, price_format, Wanted())
