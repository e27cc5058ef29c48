import csv
import io

import pytest

from service.exports.csv_text import csv_text, safe_text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff=1",
        "\tname",
    ],
)
def test_what_looks_like_a_formula_is_shown_as_text(text):
    assert safe_text(text).startswith("'")
    assert "\0" not in safe_text(text)


@pytest.mark.parametrize("text", ["team-a", "a=b", "checkout (eu)", "", "Zürich", "支付"])
def test_other_text_is_left_as_it_is(text):
    assert safe_text(text) == text


def test_a_file_reads_back_as_it_was_written():
    rows = [["a,b", 'say "x"'], ["two\r\nlines", ""]]
    text = "".join(csv_text(["one", "two"], rows))
    assert text.startswith("one,two\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["one", "two"], *rows]
