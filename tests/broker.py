"""What tests do to the broker they share."""

import time
from contextlib import suppress

from kafka.errors import UnknownTopicOrPartitionError

from schemas.connection import KafkaConnection
from schemas.topics import declared
from streams.broker import topics
from streams.broker.group import require_no_members
from streams.storage.deployment_plan import Plan
from streams.storage.migration import identify, make_topics


def make_deployment(plan: Plan) -> None:
    """Make the topics of a plan whose database is migrated, and give the database to them: as a migration would.

    Topics that another fixture made are left as they are; a worker that a test before killed is waited for.
    """
    require_no_members(plan.kafka)
    make_topics(plan, lambda _: None, dry_run=False)
    identify(plan, lambda _: None, enter=True)


def delete_topics(kafka: KafkaConnection) -> None:
    """Delete the topics of a deployment, and return when the broker shows none of them."""
    deadline = time.monotonic() + 30
    with topics.admin(kafka) as client:
        # One that was made a moment ago may show only now.
        while found := topics.find(client, [topic.name for topic in declared(1, 1)]):
            with suppress(UnknownTopicOrPartitionError):
                client.delete_topics(list(found))
            assert time.monotonic() < deadline
