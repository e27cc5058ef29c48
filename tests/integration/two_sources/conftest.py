from support.prometheus import prometheus_fortnight  # noqa: F401
