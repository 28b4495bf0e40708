"""The plan of a deployment: its services, its rules, and the sizes of its topics."""

from msgspec import Struct

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.deployment_profile import Profile


class Plan(Struct, frozen=True):
    """What a deployment shall be, by its settings."""

    kafka: KafkaConnection
    clickhouse: ClickHouseConnection
    profile: Profile
    partitions: int
    replication: int
    replicated: bool
