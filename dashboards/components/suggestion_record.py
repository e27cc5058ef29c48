"""The record under a suggestion: other systems' answers, its own past, three savings, the way back."""

from __future__ import annotations

from dashboards.components import html
from service.boards.suggestion_record import RecordView
from service.boards.texts import say


def show_record(record: RecordView) -> None:
    """Show the record of a suggestion."""
    html.show_paragraph(say("suggestions.past_title"), record.past_risk)
    html.show_title(say("suggestions.compare"), say("suggestions.compare_note"))
    html.show_quotes(record.quotes)
    html.show_pairs(say("suggestions.money"), record.savings)
    if record.goes_with:
        html.show_pairs(say("suggestions.goes_with"), record.goes_with)
    html.show_paragraph(say("suggestions.way_back"), record.way_back)
