"""A mapping as YAML and as CSV is the same mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.files.mapping_files import load_mapping_document
from models.journal.document import parse_mapping
from models.vocabulary.errors import InputError

YAML = """\
effective_month: 2026-01
document_reference: "X-{month}-{entity}-{currency}"
rounding: {entity: HQ, account: 0711}
cost_centres:
  - {cost_centre: 0815, entity: HQ, account: 6500, mode: chargeback, from_month: 2026-02}
kinds:
  - {kind: idle, cost_centre: 0815}
providers:
  - {cluster: "prod-*", provider: aws, entity: HQ, account: 1800}
intercompany:
  - {payer_entity: "*", provider_entity: HQ, due_to_account: 2500, due_from_account: 1500}
posting_periods: {2026-10: OKT26}
accrual: {account: 3990}
"""
CSV = """\
section,key,key2,value,entity,account,mode,from_month,cost_centre,provider,due_to_account,due_from_account
effective_month,,,2026-01,,,,,,,,
document_reference,,,X-{month}-{entity}-{currency},,,,,,,,
rounding,,,,HQ,0711,,,,,,
cost_centres,0815,,,HQ,6500,chargeback,2026-02,,,,
kinds,idle,,,,,,,0815,,,
providers,prod-*,,,HQ,1800,,,,aws,,
intercompany,*,HQ,,,,,,,,2500,1500
posting_periods,2026-10,,OKT26,,,,,,,,
accrual,,,,,3990,,,,,,
"""


def write(folder: Path, text: str, name: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    of_yaml = load_mapping_document(write(tmp_path, YAML, "mapping.yaml"))
    of_csv = load_mapping_document(write(tmp_path, CSV, "mapping.csv"))
    assert of_yaml == of_csv
    assert parse_mapping(of_yaml) == parse_mapping(of_csv)


def test_an_account_with_a_leading_zero_stays_a_text(tmp_path: Path) -> None:
    found = parse_mapping(load_mapping_document(write(tmp_path, YAML, "mapping.yaml")))
    assert found.rounding.account == "0711"
    assert found.cost_centres[0].cost_centre == "0815"


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("a: [", "m.yaml", "is not YAML"),
        ("- 1\n", "m.yaml", "is no mapping with"),
        ("section,key\nlunch,1\n", "m.csv", "row 1, field section: value 'lunch' is not a section"),
        ("section,key,colour\n", "m.csv", "field colour: is not a column"),
        ("key\n", "m.csv", "field section: is missing"),
        (
            "section,key,account\nrounding,,1\nrounding,,2\n",
            "m.csv",
            "row 2, field section: value 'rounding'",
        ),
        ("x", "m.txt", "is neither .yaml nor .csv"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, name: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        load_mapping_document(write(tmp_path, text, name))
    assert message in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_mapping_document(tmp_path / "gone.yaml")
