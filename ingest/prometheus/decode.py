"""Answers of the Prometheus HTTP API into numpy: labels typed, values raw.

A value never becomes a Python number: its text is cut out of the raw JSON and parsed in one pass per answer.
Benchmark: ``tests/benchmarks/bench_decode.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from models.vocabulary.errors import SourceUnreachable

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_FRAME = b"[], \t\r\n"


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = msgspec.Raw(b"[]")
    value: msgspec.Raw = msgspec.Raw(b"[]")


class _Data(msgspec.Struct):
    result_type: str = msgspec.field(name="resultType", default="")
    result: list[_Series] = msgspec.field(default_factory=list)


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error_type: str = msgspec.field(name="errorType", default="")
    error: str = ""
    warnings: list[str] | None = None
    infos: list[str] | None = None
    is_partial: bool = msgspec.field(name="isPartial", default=False)


class _Failure(msgspec.Struct):
    error_type: str = msgspec.field(name="errorType", default="")
    error: str = ""


@dataclass(frozen=True)
class Samples:
    """A decoded answer in long form. Samples that are not finite numbers are left out, never made 0.

    Parameters
    ----------
    labels : list of dict
        Label map per series, length S.
    series : array of int64, shape (N,)
        Index into ``labels``.
    times : array of float64, shape (N,)
        Unix seconds.
    values : array of float64, shape (N,)
    raw_count : int
        Samples received, those left out included.
    warnings : tuple of str
        What the server said about an incomplete answer.
    """

    labels: list[dict[str, str]]
    series: Integers
    times: Floats
    values: Floats
    raw_count: int
    warnings: tuple[str, ...]


_ANSWER_DECODER = msgspec.json.Decoder(_Answer)
_FAILURE_DECODER = msgspec.json.Decoder(_Failure)


def decode_matrix(body: bytes, step_seconds: float | None = None) -> Samples:
    """Decode the body of a ``query_range`` (or instant ``query``) answer.

    Parameters
    ----------
    body : bytes
        JSON as received.
    step_seconds : float or None
        Step of the range; without it every time is read by itself, which is slower.

    Raises
    ------
    SourceUnreachable
        If the body is not a successful answer of the API (cut off, HTML, another protocol).
    """
    answer = _decode(body)
    result = answer.data.result if answer.data is not None else []
    parts = [bytes(s.values if len(s.values) > len(s.value) else s.value).split(b'"') for s in result]
    counts = np.fromiter((len(part) >> 1 for part in parts), np.int64, len(parts))
    values = _parse_values(parts, int(counts.sum()))
    times = _parse_times(parts, counts, step_seconds or 0.0)
    series = np.repeat(np.arange(len(parts), dtype=np.int64), counts)
    finite = np.isfinite(values)
    if not finite.all():
        series, times, values = series[finite], times[finite], values[finite]
    warnings = tuple(answer.warnings or ())
    if answer.is_partial:
        warnings = (*warnings, "the answer is marked partial (isPartial)")
    return Samples([s.metric for s in result], series, times, values, int(counts.sum()), warnings)


def decode_failure(body: bytes) -> tuple[str, str]:
    """Return ``errorType`` and ``error`` of an API error; empty texts if the body is something else."""
    try:
        failure = _FAILURE_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return failure.error_type, failure.error


def _decode(body: bytes) -> _Answer:
    try:
        answer = _ANSWER_DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        start = body[:60].decode("utf-8", "replace")
        raise SourceUnreachable(
            f"the server did not answer as a Prometheus API does ({problem}); the answer begins {start!r}. "
            "Check that the URL is the root of the API"
        ) from problem
    if answer.status != "success":
        raise SourceUnreachable(f"the query failed: {answer.error_type} {answer.error}".strip())
    return answer


def _parse_values(parts: list[list[bytes]], count: int) -> Floats:
    """Return all values, shape (count,); numpy's text reader knows NaN, +Inf and -Inf."""
    if not count:
        return np.empty(0)
    text = b",".join([b",".join(part[1::2]) for part in parts if len(part) > 1])
    try:
        values = np.fromstring(text, dtype=np.float64, sep=",")
    except (DeprecationWarning, ValueError) as problem:
        raise SourceUnreachable("the answer holds a value that is not a number") from problem
    if len(values) != count:
        raise SourceUnreachable("the answer holds a value that is not a number")
    return values


def _parse_times(parts: list[list[bytes]], counts: Integers, step: float) -> Floats:
    """Return all sample times.

    Most series of an answer have no hole, so the first and the last time of a series tell them all when
    they lie ``count - 1`` steps apart; the times of any other series are read one by one.
    """
    first, last = np.zeros(len(parts)), np.zeros(len(parts))
    for index, part in enumerate(parts):
        if len(part) > 1:
            first[index] = float(part[0].strip(_FRAME))
            last[index] = float(part[-3].strip(_FRAME)) if len(part) > 3 else first[index]
    has_holes = np.abs(last - first - (counts - 1) * step) > 1e-3
    ends = np.cumsum(counts)
    position = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
    times = np.repeat(first, counts) + position * step
    for hole in np.flatnonzero(has_holes & (counts > 1)).tolist():
        texts = [float(text.strip(_FRAME)) for text in parts[hole][0:-1:2]]
        times[ends[hole] - counts[hole] : ends[hole]] = texts
    return times
