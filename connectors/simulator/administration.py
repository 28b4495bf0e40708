"""The made-up administration of one province like Hà Nội, before and after the merger of 1 July 2025.

Until 30 June 2025 wards are under districts. From 1 July 2025 on there are fewer communes, right under the province,
and a centre whose branches receive for everybody. Departments and communes of today have the codes of a plan without a
tree.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from itertools import accumulate, product

from connectors.simulator.office_calendar import CITY
from connectors.simulator.simulation_plan import PROVINCE, UNITS, Agencies, Handover, departments_of, spread
from schemas.reference.agency import Agency
from schemas.reference.official import Official
from schemas.reference.validity import ONE_DAY

MERGER = date(2025, 7, 1)
MERGED_AT = datetime.combine(MERGER, time(), CITY).timestamp()

_DEPARTMENTS = (
    *("Sở Nội vụ", "Sở Tài chính", "Sở Tư pháp", "Sở Xây dựng", "Sở Nông nghiệp và Môi trường", "Sở Công Thương"),
    *("Sở Y tế", "Sở Giáo dục và Đào tạo", "Sở Khoa học và Công nghệ", "Sở Văn hóa và Thể thao", "Sở Du lịch"),
    *("Sở Dân tộc và Tôn giáo", "Sở Ngoại vụ", "Thanh tra", "Ban Quản lý các khu công nghiệp"),
)
_COMMUNES_OF_A_DISTRICT = 4
_WARDS_OF_A_COMMUNE = 3
_OFFICIALS = {"department": 3, "district": 3, "commune": 1}
"""How many officials a unit has, by the level of the agencies that decide."""
_CENTRE = f"{PROVINCE}.C1"


class Administration:
    """Who decides, who receives, and who takes over from whom, for a plan with so many departments and communes."""

    elsewhere = 0.4
    """The share of dossiers received by another office than the deciding agency."""

    def __init__(self, count: int) -> None:
        today = Agencies(count)
        self.agencies = tuple(_agencies(today.codes))
        self._levels = {agency.code: agency.level for agency in self.agencies}
        self._successors = {each.code: each.successors for each in self.agencies if each.successors}
        self._numbers = {code: number for number, code in enumerate(self._levels)}
        self._today = today
        self._before = _Ranking([each.code for each in self.agencies if each.valid_from < MERGER and _decides(each)])
        self._branches = _Ranking([each.code for each in self.agencies if each.level == "branch"])

    def pick(self, draw: float, at: float) -> str:
        """The agency that decides, of those valid at this instant, for a number drawn evenly from [0, 1)."""
        return self._today.pick(draw, at) if at >= MERGED_AT else self._before.pick(draw)

    def receiver(self, draw: float, at: float) -> str:
        """The other office that receives at this instant: a branch of the centre, once there is one."""
        return self._branches.pick(draw) if at >= MERGED_AT else self._before.pick(draw)

    def level(self, agency: str) -> str:
        """The level of an agency, which never changes."""
        return self._levels[agency]

    def handover(self, agency: str, number: int, seed: int) -> Handover | None:
        """Who takes over this dossier's agency in the merger; one of several successors takes over all of a dossier."""
        successors = self._successors.get(agency)
        if successors is None:
            return None
        return Handover(MERGED_AT, successors[spread(number, seed, 3) % len(successors)])

    def official(self, agency: str, unit: int, draw: Callable[[], float]) -> str:
        """The code of an official in this unit of an agency."""
        return _official(self._numbers[agency], unit, int(draw() * _OFFICIALS[self._levels[agency]]))

    def officials(self) -> Iterator[Official]:
        """Every official, with a name that is none."""
        for agency, number in self._numbers.items():
            for unit, place in product(range(len(UNITS)), range(_OFFICIALS.get(self._levels[agency], 0))):
                code = _official(number, unit, place)
                yield Official(code=code, unit=agency, name=f"Cán bộ mô phỏng {code}")


class _Ranking:
    """Codes with volumes that fall as Zipf's law has it, the first code before all others."""

    def __init__(self, codes: list[str]) -> None:
        # 7919 is prime: neighbours in the list, such as the wards of a district, come apart.
        order = sorted(range(len(codes)), key=lambda place: place * 7919 % len(codes))
        self._ranked = tuple(codes[place] for place in order)
        self._cumulated = tuple(accumulate(1 / (rank + 1) for rank in range(len(codes))))

    def pick(self, draw: float) -> str:
        return self._ranked[bisect(self._cumulated, draw * self._cumulated[-1])]


def _decides(agency: Agency) -> bool:
    return agency.level in _OFFICIALS


def _official(agency: int, unit: int, place: int) -> str:
    return f"cb-{agency:04}{unit}{place}"


def _agencies(today: tuple[str, ...]) -> Iterator[Agency]:
    """Every agency; `today` are the codes of the departments and communes after the merger."""
    root = Agency(
        code=PROVINCE,
        name_vi="UBND thành phố (mô phỏng)",
        name_en="People's Committee of a simulated city",
        level="province",
        group="tỉnh, thành phố",
        aliases=(f"000.00.00.{PROVINCE}",),
    )
    yield root
    departments = departments_of(len(today))
    for number, code in enumerate(today[:departments]):
        name = _DEPARTMENTS[number] if number < len(_DEPARTMENTS) else f"Sở số {number + 1}"
        yield Agency(
            code=code,
            name_vi=f"{name} (mô phỏng)",
            name_en=f"Simulated department {number + 1}",
            parent=PROVINCE,
            level="department",
            group="sở ban ngành",
            aliases=(f"000.00.{code.rpartition('.')[2]}.{PROVINCE}",),
        )
    communes = today[departments:]
    for number, first in enumerate(range(0, len(communes), _COMMUNES_OF_A_DISTRICT), 1):
        yield from _district(number, first, communes[first : first + _COMMUNES_OF_A_DISTRICT])
    yield from _centre(-(-len(communes) // _COMMUNES_OF_A_DISTRICT))


def _district(number: int, before: int, communes: tuple[str, ...]) -> Iterator[Agency]:
    """A district with its wards, and the communes that follow them; one commune of each keeps its code."""
    code = f"{PROVINCE}.D{number:02}"
    yield Agency(
        code=code,
        name_vi=f"UBND {'quận' if number % 3 else 'huyện'} Mô Phỏng {number}",
        name_en=f"Simulated district {number}",
        parent=PROVINCE,
        level="district",
        group="quận huyện",
        valid_to=MERGER - ONE_DAY,
        successors=communes,
    )
    wards = 0
    for place, commune in enumerate(communes):
        named = f"{'phường' if number % 3 else 'xã'} Mô Phỏng {before + place + 1}"
        is_kept = place == 1
        if is_kept:
            yield _commune(commune, named, code, valid_to=MERGER - ONE_DAY)
        else:
            for ward in range(_WARDS_OF_A_COMMUNE):
                wards += 1
                # The last ward of a district was divided, where there are communes to divide it between.
                is_divided = ward == _WARDS_OF_A_COMMUNE - 1 and place == len(communes) - 1
                successors = (commune, communes[0]) if is_divided and place else (commune,)
                yield _commune(
                    f"{code}.{wards:02}",
                    f"{named} cũ {ward + 1}",
                    code,
                    valid_to=MERGER - ONE_DAY,
                    successors=successors,
                )
        yield _commune(commune, named, PROVINCE, valid_from=MERGER)


def _commune(code: str, name: str, parent: str, **others: object) -> Agency:
    fields = {"code": code, "name_vi": f"UBND {name}", "name_en": f"Simulated commune {code}", "parent": parent}
    return Agency(**fields, level="commune", group="xã phường", **others)  # type: ignore[arg-type]  # of the fields' types


def _centre(branches: int) -> Iterator[Agency]:
    yield Agency(
        code=_CENTRE,
        name_vi="Trung tâm Phục vụ hành chính công (mô phỏng)",
        name_en="Simulated public administration service centre",
        parent=PROVINCE,
        level="centre",
        group="trung tâm",
        valid_from=MERGER,
    )
    for number in range(1, max(branches, 1) + 1):
        yield Agency(
            code=f"{_CENTRE}.{number:02}",
            name_vi=f"Chi nhánh số {number} (mô phỏng)",
            name_en=f"Simulated branch {number}",
            parent=_CENTRE,
            level="branch",
            group="chi nhánh",
            valid_from=MERGER,
        )
