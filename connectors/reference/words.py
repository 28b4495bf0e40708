"""The words that files use for values of a fixed set: Vietnamese or English, with or without accents, in any case."""

import re
from collections.abc import Mapping
from typing import Generic, Literal, TypeVar
from unicodedata import normalize

from schemas.events import Channel
from schemas.reference.agency import Level
from schemas.reference.procedure import ServiceLevel, Unit
from schemas.working_time.day_rule import AppliesTo, Kind

V = TypeVar("V")
_APART = re.compile(r"[\W_]+")
_MARK = re.compile(r"[\u0300-\u036f]")


def folded(text: str) -> str:
    """Lower-case words without accents and punctuation: `Đơn vị cha` and `DON_VI_CHA` become `don vi cha`."""
    bare = _MARK.sub("", normalize("NFKD", text.casefold())).replace("đ", "d")
    return _APART.sub(" ", bare).strip()


class Words(Generic[V]):
    """Values by the words that mean them, the first of which messages show; `what` names the set."""

    def __init__(self, what: str, words: Mapping[V, str]) -> None:
        self._what = what
        self._values = {word: value for value, known in words.items() for word in known.split("|")}
        self._shown = ", ".join(known.split("|")[0] for value, known in words.items() if value != "")

    def __call__(self, text: str) -> V:
        """The value of a text; raises ValueError with those that there are."""
        try:
            return self._values[folded(text)]
        except KeyError:
            raise ValueError(f"is no {self._what}: {self._shown}") from None


LEVEL: Words[Level] = Words(
    "level",
    {
        "ministry": "ministry|bo|cap bo|bo nganh|bo co quan ngang bo|trung uong|cap trung uong",
        "province": "province|tinh|cap tinh|tinh thanh pho|thanh pho truc thuoc trung uong",
        "department": "department|so|cap so|so nganh|so ban nganh|so ban nganh cap tinh",
        "district": "district|huyen|quan|thi xa|cap huyen|quan huyen|quan huyen thi xa",
        "commune": "commune|xa|phuong|thi tran|dac khu|cap xa|xa phuong|phuong xa|xa phuong thi tran|xa phuong dac khu",
        "centre": "centre|center|trung tam|trung tam phuc vu hanh chinh cong",
        "branch": "branch|chi nhanh|diem tiep nhan",
    },
)
SERVICE_LEVEL: Words[ServiceLevel] = Words(
    "service level",
    {
        "full": "full|toan trinh|dvc truc tuyen toan trinh|dich vu cong truc tuyen toan trinh",
        "partial": "partial|mot phan|dvc truc tuyen mot phan|dich vu cong truc tuyen mot phan",
        "information": "information|information only|thong tin|cung cap thong tin|cung cap thong tin truc tuyen",
        "4": "4|level 4|muc 4|muc do 4",
        "3": "3|level 3|muc 3|muc do 3",
    },
)
CHANNEL: Words[Channel | Literal[""]] = Words(
    "channel",
    {
        "": "all|all channels|tat ca|tat ca cac kenh|moi kenh",
        "direct": "direct|desk|truc tiep",
        "online": "online|truc tuyen",
        "postal": "postal|post|buu chinh|buu chinh cong ich|bcci|dich vu buu chinh cong ich",
    },
)
UNIT: Words[Unit] = Words(
    "unit",
    {
        "working hours": "working hours|working hour|gio lam viec",
        "working days": "working days|working day|ngay lam viec",
        "days": "days|day|calendar days|calendar day|ngay|ngay lich",
        "months": "months|month|thang",
    },
)
DAY_KIND: Words[Kind] = Words(
    "kind of day",
    {
        "off": "off|day off|nghi|ngay nghi|nghi le|nghi bu",
        "worked": "worked|working|other hours|lam viec|ngay lam viec|lam bu|gio khac",
        "half": "half|half day|nua ngay|lam nua ngay",
    },
)
WEEKDAY: Words[int] = Words(
    "weekday",
    {
        1: "mon|monday|thu hai|thu 2|t2",
        2: "tue|tuesday|thu ba|thu 3|t3",
        3: "wed|wednesday|thu tu|thu 4|t4",
        4: "thu|thursday|thu nam|thu 5|t5",
        5: "fri|friday|thu sau|thu 6|t6",
        6: "sat|saturday|thu bay|thu 7|t7",
        7: "sun|sunday|chu nhat|cn",
    },
)
APPLIES_TO: Words[AppliesTo] = Words(
    "choice",
    {
        "both": "both|all|ca hai|tat ca",
        "working": "working|working time|lam viec|tinh thoi han",
        "reception": "reception|tiep nhan|nhan ho so",
    },
)
YES_OR_NO: Words[bool] = Words("yes or no", {True: "yes|true|1|co|x", False: "no|false|0|khong"})
