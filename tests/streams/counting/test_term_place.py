from itertools import product
from random import Random
from zoneinfo import ZoneInfo

from schemas.deployment_profile import Profile
from schemas.instant import EARLIEST, to_micros
from streams.counting.contributions import local_date
from streams.counting.term_place import local_day


def test_local_days_change_with_the_zone() -> None:
    random = Random(1)
    zones = ("Asia/Ho_Chi_Minh", "Europe/Amsterdam", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
    for zone, _ in product(zones, range(500)):
        profile = Profile(time_zone=zone)
        at = to_micros(EARLIEST) + random.randrange(100 * 365 * 86_400 * 10**6)
        day = local_date(at, profile)
        assert local_day(at, ZoneInfo(zone)) == day.toordinal() - 719_163
