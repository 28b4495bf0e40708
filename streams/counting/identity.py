"""What counts are counted from and by."""

from functools import cached_property
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.deployment_profile import Profile
from streams.on_time.ruling import Ruling


class Identity(Struct, frozen=True, dict=True):
    """A topic in its epoch, its frozen partition count, and the rules; counts of another identity never mix with it."""

    topic: str
    partitions: int
    epoch: int
    profile: Profile
    ruling: Ruling

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone of the profile, at hand."""
        return self.profile.zone
