"""Every lake table: grain, key, partitions and columns with their units (DESIGN section 4).

Times are UTC, hours and 5-minute bins are named by their start. Null means not known; NaN never enters.
Columns may be added (nullable) by a migration; renaming one means a new table.
"""

from __future__ import annotations

from warehouse.lake.bill_table import BILL_LINE
from warehouse.lake.declaration import LakeTable
from warehouse.lake.derived_tables import (
    ALLOCATION_HOUR,
    ASSET_PRICE_HOUR,
    CONTAINER_DAY,
    CONTAINER_HISTOGRAM_DAY,
    COST_DAY,
    FORECAST,
    OVERSELL_PLAN,
    WORKLOAD_HOUR,
)
from warehouse.lake.observed_tables import (
    CONTAINER_HOUR,
    LABEL_SET,
    LOAD_BALANCER_HOUR,
    NETWORK_FLOW_HOUR,
    NODE_HOUR,
    OBJECT_HISTORY,
    POD_HOUR,
    REQUEST_BUCKET_HOUR,
    VOLUME_HOUR,
    VOLUME_MOUNT_HOUR,
)

OBSERVED_TABLES = (
    CONTAINER_HOUR,
    POD_HOUR,
    NODE_HOUR,
    VOLUME_HOUR,
    VOLUME_MOUNT_HOUR,
    LOAD_BALANCER_HOUR,
    NETWORK_FLOW_HOUR,
    REQUEST_BUCKET_HOUR,
    LABEL_SET,
    OBJECT_HISTORY,
)
DERIVED_TABLES = (
    ASSET_PRICE_HOUR,
    ALLOCATION_HOUR,
    COST_DAY,
    CONTAINER_HISTOGRAM_DAY,
    CONTAINER_DAY,
    WORKLOAD_HOUR,
    FORECAST,
    OVERSELL_PLAN,
)
IMPORTED_TABLES = (BILL_LINE,)
TABLES: dict[str, LakeTable] = {
    table.name: table for table in (*OBSERVED_TABLES, *DERIVED_TABLES, *IMPORTED_TABLES)
}
