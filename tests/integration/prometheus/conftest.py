from support.prometheus import prometheus_fortnight  # noqa: F401
from support.prometheus_pitfall_server import observe, pitfall_server  # noqa: F401
