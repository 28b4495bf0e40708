"""Recognises columns that are likely about people by their names, Vietnamese or English, however they are written."""

import re
from unicodedata import normalize

_MARK = re.compile(r"[\u0300-\u036f]")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PERSONAL = (
    *(
        "ho ten",
        "ho va ten",
        "ten nguoi",
        "ten cong dan",
        "ten chu ho",
        "chu ho so",
        "nguoi nop",
        "nguoi yeu cau",
        "nguoi gui",
    ),
    *("full name", "first name", "last name", "applicant", "citizen name", "owner name", "submitter"),
    *("dien thoai", "di dong", "sdt", "phone", "mobile", "fax", "email", "thu dien tu", "zalo"),
    *("cmnd", "cccd", "so giay to", "so dinh danh", "can cuoc", "ho chieu", "passport", "identity", "ma so thue"),
    *("dia chi", "address", "thuong tru", "tam tru", "so nha", "ngay sinh", "birth", "gioi tinh", "ma doi tuong"),
    *("trich yeu", "ghi chu", "noi dung", "content", "note", "chu tai khoan", "so tai khoan"),
)
"""Beginnings of words that follow each other in the name of such a column; free text may name anybody."""
_PLAIN = tuple(phrase.replace(" ", "") for phrase in _PERSONAL)


def looks_personal(column: str) -> bool:
    """Whether the name of a column, or the last step of a path, says that it is about a person."""
    last = re.split(r"[.\[\]']+", column.rstrip("]'"))[-1]
    bare = _MARK.sub("", normalize("NFKD", last)).replace("đ", "d").replace("Đ", "D")
    words = [word.lower() for word in _WORDS.findall(bare)]
    joined = " " + " ".join(words)
    if any(f" {phrase}" in joined for phrase in _PERSONAL):
        return True
    # Without capitals or signs between words, only the whole beginning tells.
    return "".join(words).startswith(_PLAIN)
