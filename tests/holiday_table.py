"""`python -m tests.holiday_table`: writes the table of holidays that the product ships, as the package has them."""

import csv
import io
from importlib.metadata import version
from pathlib import Path

from holidays.countries.vietnam import Vietnam

from schemas.working_time.calendar import FIRST_DAY, LAST_DAY

FILE = Path(__file__).parent.parent / "schemas" / "working_time" / "holidays.csv"
YEARS = range(FIRST_DAY.year, LAST_DAY.year + 1)


def table() -> str:
    """The days off, and the Saturdays worked instead, one a row."""
    vietnam = Vietnam(years=YEARS, language="vi")  # type: ignore[no-untyped-call]  # its constructor has no types
    package = f"package holidays {version('holidays')}"
    rows = [
        (day, "off", name.replace(";", ","), f"{'announced swap' if 'thay cho' in name else 'Labour Code'}, {package}")
        for day, name in vietnam.items()
        if day.year in YEARS
    ]
    rows += [
        (day, "worked", "Làm bù", f"announced swap, {package}") for day in vietnam.weekend_workdays if day.year in YEARS
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("from", "kind", "name", "source"))
    writer.writerows((day.isoformat(), *others) for day, *others in sorted(rows))
    return text.getvalue()


def main() -> None:
    """Write it."""
    FILE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
