from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.prometheus.decode import decode_failure, decode_matrix
from models.vocabulary.errors import SourceUnreachable


def body(*series: tuple[dict[str, str], list[list[object]]], **extra: object) -> bytes:
    result = [{"metric": labels, "values": values} for labels, values in series]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}, **extra}
    return json.dumps(answer, separators=(",", ":")).encode()


def test_labels_times_and_values_come_back_in_long_form() -> None:
    samples = decode_matrix(
        body(({"pod": "a"}, [[300, "1.5"], [600, "2"]]), ({"pod": "b"}, [[600, "1e-3"]])), 300
    )
    assert samples.labels == [{"pod": "a"}, {"pod": "b"}]
    assert samples.series.tolist() == [0, 0, 1]
    assert samples.times.tolist() == [300, 600, 600]
    assert samples.values.tolist() == [1.5, 2.0, 0.001]


def test_what_is_not_a_number_is_left_out_and_never_zero() -> None:
    samples = decode_matrix(body(({}, [[300, "NaN"], [600, "+Inf"], [900, "-Inf"], [1200, "7"]])), 300)
    assert samples.values.tolist() == [7.0]
    assert samples.times.tolist() == [1200.0]
    assert samples.raw_count == 4


def test_series_with_holes_keep_their_own_times() -> None:
    samples = decode_matrix(
        body(({}, [[300, "1"], [600, "2"], [1500, "3"]]), ({}, [[300.5, "4"], [900, "5"]])), 300
    )
    assert samples.times.tolist() == [300, 600, 1500, 300.5, 900]


def test_an_empty_answer_has_no_samples() -> None:
    assert decode_matrix(body(), 300).values.tolist() == []
    assert decode_matrix(body(({"a": "b"}, [])), 300).values.tolist() == []


def test_an_instant_answer_is_read_as_one_sample_per_series() -> None:
    series = b'{"metric":{"a":"b"},"value":[10.25,"3"]}'
    samples = decode_matrix(b'{"status":"success","data":{"resultType":"vector","result":[' + series + b"]}}")
    assert (samples.times.tolist(), samples.values.tolist()) == ([10.25], [3.0])


def test_warnings_and_a_partial_mark_are_kept_and_infos_are_not() -> None:
    samples = decode_matrix(body(warnings=["store down"], infos=["not a counter"], isPartial=True), 300)
    assert samples.warnings == ("store down", "the answer is marked partial (isPartial)")


@pytest.mark.parametrize(
    "text",
    [
        b"<html>sign in</html>",
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]',
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"status":"error","errorType":"execution","error":"boom"}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"two"]]}]}}',
    ],
)
def test_what_is_no_answer_of_the_api_is_refused(text: bytes) -> None:
    with pytest.raises(SourceUnreachable):
        decode_matrix(text, 300)


def test_a_failure_tells_its_type_and_text_and_other_bodies_tell_nothing() -> None:
    assert decode_failure(b'{"status":"error","errorType":"execution","error":"boom"}') == (
        "execution",
        "boom",
    )
    assert decode_failure(b"<html>") == ("", "")


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 50), st.floats(allow_nan=True)),
            max_size=12,
            unique_by=lambda pair: pair[0],
        ),
        max_size=6,
    )
)
def test_any_answer_decodes_as_plain_json_would(series: list[list[tuple[int, float]]]) -> None:
    rows = [
        ({"s": str(i)}, [[300 * t, repr(v)] for t, v in sorted(values)]) for i, values in enumerate(series)
    ]
    samples = decode_matrix(body(*rows), 300)
    expected = [
        (i, float(300 * t), v) for i, values in enumerate(series) for t, v in sorted(values) if np.isfinite(v)
    ]
    assert (
        list(zip(samples.series.tolist(), samples.times.tolist(), samples.values.tolist(), strict=True))
        == expected
    )
