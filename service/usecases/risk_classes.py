"""How much risk a container takes, and the settings of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.selector import parse_selector
from recommender.presets import PRESETS, PolicySettings, Preset, find_preset
from service.runtime import Runtime
from service.setting_parts import RiskClassRule
from service.usecases.workload_constraints import WorkloadRules


def policy_settings(runtime: Runtime) -> PolicySettings:
    """Return the policy's settings from those of the process."""
    settings = runtime.settings
    return PolicySettings(
        minimum_history_days_decrease=settings.minimum_history_days,
        hysteresis_ratio=settings.hysteresis_ratio,
        minimum_monthly_saving=settings.minimum_monthly_saving,
        currency=settings.reporting_currency,
        cpu_floor_cores=settings.cpu_request_minimum_cores,
        memory_floor_bytes=settings.memory_request_minimum_mib * 2**20,
        runbook_url=settings.runbook_url,
    )


def choose_preset(runtime: Runtime, rules: WorkloadRules, profile: ResourceProfile) -> Preset:
    """Return a container's preset.

    The first of: the owner's annotation or label ``millicore.io/risk-class``, a rule of the settings, batch
    for batch workloads, the default of the settings.
    """
    key = profile.key.workload
    asked = rules.risk_class(key)
    if asked in PRESETS:
        return PRESETS[asked]
    if runtime.settings.risk_class_rules:
        labels = rules.labels(key)
        for rule in runtime.settings.risk_class_rules:
            if _applies(rule, key, labels):
                return find_preset(rule.risk_class)
    if profile.workload_class is WorkloadClass.BATCH:
        return PRESETS["batch"]
    return find_preset(runtime.settings.risk_class)


def _applies(rule: RiskClassRule, key: WorkloadKey, labels: Mapping[str, str]) -> bool:
    return (
        fnmatchcase(key.cluster, rule.cluster)
        and fnmatchcase(key.namespace, rule.namespace)
        and fnmatchcase(key.name, rule.workload)
        and parse_selector(rule.label_selector).matches(labels)
    )
