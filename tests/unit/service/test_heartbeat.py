from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.vocabulary.errors import MillicoreError
from service.scheduler.heartbeat import beat, check_heartbeat, stop_beating
from service.setting_sources import load_settings


def test_a_scheduler_is_alive_while_it_beats_and_not_after_it_ended(tmp_path: Path) -> None:
    settings = load_settings(environment={}, home=tmp_path, lease_ttl_seconds=60)
    with pytest.raises(MillicoreError, match="no scheduler runs on this host"):
        check_heartbeat(settings)
    beat(settings)
    assert check_heartbeat(settings) < timedelta(seconds=30)
    stop_beating(settings)
    with pytest.raises(MillicoreError, match="no scheduler"):
        check_heartbeat(settings)


def test_a_silent_scheduler_is_called_so(tmp_path: Path) -> None:
    settings = load_settings(environment={}, home=tmp_path, lease_ttl_seconds=60)
    beat(settings)
    with pytest.raises(MillicoreError, match="silent for"):
        check_heartbeat(settings, datetime.now(UTC) + timedelta(seconds=90))
