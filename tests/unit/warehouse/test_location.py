from __future__ import annotations

from pathlib import Path

import pytest
from support.warehouse import container_rows

from models.vocabulary.errors import UsageError
from models.vocabulary.windows import HourWindow
from warehouse.lake.location import LakeRoot
from warehouse.lake.partition_files import read_partition
from warehouse.lake.store import Lake


@pytest.mark.parametrize("url", ["/data/50%", "/data/[lake]", "s3://bucket/a]b", "", "gs://bucket/lake"])
def test_a_root_that_delta_cannot_hold_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="lake_url"):
        LakeRoot.parse(url)


def test_a_misspelt_storage_option_is_refused() -> None:
    with pytest.raises(UsageError, match="'secret_key' is not known"):
        LakeRoot.parse("s3://bucket/lake", {"secret_key": "x"})


def test_secrets_are_not_shown() -> None:
    root = LakeRoot.parse("s3://bucket/lake", {"secret_access_key": "hunter2"})
    assert "hunter2" not in repr(root)


def test_a_file_url_is_a_folder() -> None:
    assert LakeRoot.parse("file:///data/my%20lake").path == "/data/my lake"


@pytest.mark.parametrize("name", ["with space", "Ümläut", "hash#tag", "what?", "{brace}", "a=b/lake", "it's"])
def test_a_lake_works_in_a_folder_of_any_allowed_name(tmp_path: Path, name: str) -> None:
    lake = Lake(LakeRoot.parse(str(tmp_path / name)), query_threads=1)
    lake.create_tables()
    from datetime import UTC, datetime

    hour = HourWindow.of_hour(datetime(2026, 10, 1, tzinfo=UTC))
    lake.replace("container_hour", "alpha", hour, container_rows("alpha", hour))
    assert lake.scan("container_hour").num_rows == 2
    (file,) = lake.files("container_hour")
    assert Path(file).exists()
    assert next(read_partition([file], ["pod_uid"])).num_rows == 2
    lake.close()
