"""The group of workers, as the broker knows it."""

from kafka.errors import CoordinatorNotAvailableError

from schemas.connection import KafkaConnection
from streams.topics import admin

GROUP = "dossier-counting"


def members(kafka: KafkaConnection) -> set[str]:
    """The names of the workers among which the partitions are settled; empty while they are being divided anew.

    Raises Unreachable.
    """
    with admin(kafka) as client:
        try:
            group = client.describe_groups([GROUP])[GROUP]
        except CoordinatorNotAvailableError:
            # A broker that never had a group has no coordinator for one.
            return set()
    if group["group_state"] != "Stable":
        return set()
    return {member["group_instance_id"] or member["client_id"] for member in group["members"]}
