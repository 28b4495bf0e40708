"""The embedded platform as a deployment that counts: how it is migrated, what its workers are, when they are ready."""

import functools
import os
import sys
from pathlib import Path

from cli.settings import Settings
from cli.variables import WORKER_VARIABLES
from deploy.embedded.generated_secrets import FOLDER, read_secrets
from deploy.embedded.platform import Options
from deploy.embedded.state_file import read_state
from deploy.errors import UnusableData
from streams.broker.group import members
from streams.errors import Unreachable

SETUP = (sys.executable, "-m", "cli.main", "migrate")
WORKER = (sys.executable, "-m", "cli.main", "work")
ROUTER = (sys.executable, "-m", "cli.main", "route", "--name", "router")


def counting_options(settings: Settings, data: Path, profile: Path | None, workers: int = 2) -> Options:
    """A platform that counts: migrated at its start, ready once the workers share the partitions.

    Without workers it starts whatever the database holds, so that it can be repaired.
    """
    # The processes run in the data directory, where a relative path would name another file.
    named = ("env", f"DOSSIER_PROFILE={settings.profile_file}") if settings.profile_file else ()
    return Options(
        workers=workers,
        # What is to be repaired is left alone: nothing is routed to where nobody counts.
        services={"router": (*named, *ROUTER)} if workers else {},
        profile=profile,
        setup=(*named, *SETUP, *(() if workers else ("--tolerant",))),
        worker=lambda name: (*named, *WORKER, "--name", name),
        worker_ready=functools.partial(worker_joined, data),
        variables={name: os.environ[name] for name in WORKER_VARIABLES if name in os.environ},
        readable=(settings.database,),
    )


def worker_joined(data: Path, name: str) -> bool:
    """Whether the worker of this name is a member of the group that counts for this platform."""
    state = read_state(data)
    try:
        return state is not None and name in members(read_secrets(data / FOLDER).kafka_at(state.kafka))
    except (Unreachable, UnusableData):
        return False
