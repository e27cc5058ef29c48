from __future__ import annotations

from pathlib import Path

from service.setting_sources import load_settings


def test_a_secret_file_given_by_a_program_is_read_as_one_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary\n", encoding="utf-8")
    entry = {"name": "a", "prometheus": {"url": "http://p", "bearer_token_file": str(tmp_path / "token")}}
    connection = load_settings(environment={}, clusters=[entry]).clusters[0].prometheus
    assert connection is not None
    assert connection.bearer_token is not None
    assert connection.bearer_token.get_secret_value() == "canary"
