from __future__ import annotations

import pytest
from support.charges import CONTEXT, MANIFEST, every_kind

from models.chargeback.lines import totals
from models.vocabulary.errors import InputError
from service.exports.charge_file import FileShape, FileType, write_charges
from service.exports.reading import file_totals

SHAPES = [
    (FileShape("detail"), "a.csv"),
    (FileShape("focus", has_mark=True), "a.csv"),
    (FileShape("focus", FileType.PARQUET), "a.parquet"),
]


@pytest.mark.parametrize(("shape", "name"), SHAPES)
def test_a_file_adds_up_to_its_lines(shape, name, tmp_path):
    write_charges(tmp_path / name, shape, every_kind(), CONTEXT, MANIFEST)
    assert file_totals(tmp_path / name) == totals(every_kind())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xlsx", b"", "export csv or parquet"),
        ("a.csv", b"x,y\n1,2\n", "not a chargeback file"),
        ("a.csv", b"BillingCurrency,x_Cluster,EffectiveCost\nEUR,c1,dear\n", "not a chargeback file"),
        ("a.parquet", b"no parquet", "not a chargeback file"),
        ("absent.csv", None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_chargeback_file_is_named(name, content, reason, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        file_totals(tmp_path / name)
