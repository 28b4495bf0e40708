"""The deployment profile that is in force in a data directory."""

from pathlib import Path

from deploy.embedded.atomic_file import write_atomically
from deploy.errors import UnusableData

PROFILE = "profile.toml"


def keep_profile(profile: Path, data: Path) -> None:
    """Copy a deployment profile into the data directory; raises UnusableData where another one is there already.

    What was counted depends on it, so it never changes silently.
    """
    kept = data / PROFILE
    try:
        content = profile.read_bytes()
    except OSError as error:
        raise UnusableData(f"the profile {profile} cannot be read: {error.strerror}") from error
    if not kept.exists():
        write_atomically(kept, content)
    elif kept.read_bytes() != content:
        raise UnusableData(f"{profile} differs from {kept}, which is in force: edit that one, or use another --data")
