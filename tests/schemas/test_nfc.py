from unicodedata import is_normalized, normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.nfc import is_nfc_utf8, nfc_tree

MARKED = st.text(st.sampled_from('aeoux ế\u0302\u0301\u0323\u0338Ơ\u212b\u09c7\u09be\u1100\u1161="\\\n'))


@given(st.text() | MARKED)
@example("x\u0301")
@example("e\u0301")
@example("\u0301")
@example("ệ and a mark that composes with ASCII alone: u\u031b")
@example("ΑΒ;\u037e")
def test_bytes_are_in_nfc_exactly_when_their_text_is(text: str) -> None:
    content = text.encode("utf-8", "ignore")
    if is_nfc_utf8(content):
        assert is_normalized("NFC", content.decode())
    elif is_normalized("NFC", content.decode()):
        # Without its ASCII in between, a mark may stand behind a letter: such text only gets a closer look.
        assert not content.isascii()


def test_what_is_no_utf8_is_told() -> None:
    for content in (b"a\xff", b"\xc3a\x89", b"\xcc"):
        with pytest.raises(UnicodeDecodeError):
            is_nfc_utf8(content)


def test_keys_and_texts_of_a_tree_are_composed_and_two_that_become_one_are_refused() -> None:
    nfd, nfc = normalize("NFD", "Hình thức"), normalize("NFC", "Hình thức")
    assert nfc_tree({nfd: [nfd, 1, {"a": nfd}]}) == {nfc: [nfc, 1, {"a": nfc}]}
    with pytest.raises(ValueError, match=f"'{nfc}' is there twice"):
        nfc_tree({nfd: 1, nfc: 2})
