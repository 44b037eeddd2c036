"""Every text is escaped and on one line; only elements are markup."""

from syncd.web.html import element, markup, name, page


def test_a_text_is_escaped() -> None:
    assert markup("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"
    assert element("p", "<script>") == "<p>&lt;script&gt;</p>"


def test_control_characters_are_shown_as_their_bytes() -> None:
    assert markup("a\nb\u202ec\x00") == r"a\x0ab\xe2\x80\xaec\x00"


def test_an_element_is_not_escaped_again() -> None:
    assert element("p", element("b", "x"), None, ["y", 1234]) == "<p><b>x</b>y1,234</p>"


def test_a_value_of_an_attribute_is_escaped() -> None:
    assert element("a", href='"><x', class_="c", data_copy="\n") == (
        r'<a href="&quot;&gt;&lt;x" class="c" data-copy="\x0a"></a>'
    )


def test_a_flag_has_no_value_and_is_left_out_if_false() -> None:
    assert element("input", hidden=True, checked=False, id=None) == "<input hidden>"


def test_a_name_that_is_not_utf8_is_shown_as_its_bytes_and_isolated() -> None:
    assert name(b"a\xff") == r"<bdi>a\xff</bdi>"


def test_a_page_is_a_document() -> None:
    found = page(element("title", "é"), "x").decode()
    assert found.startswith("<!DOCTYPE html>\n<html lang=")
    assert found.endswith("<head><title>é</title></head><body>x</body></html>\n")
