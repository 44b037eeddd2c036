"""The sandbox's reading of calls: paths, queries, forms, JSON, tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.calls import Call, bearer, read_call, split_path
from syncd.sandbox.errors import CallError
from syncd.sandbox.multipart import MalformedError, Part, base_name, boundary_of, parse
from syncd.sandbox.params import from_json, from_urlencoded
from syncd.sandbox.values import Kind


def part(disposition: str, content: bytes) -> bytes:
    return b"--B\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


def only(disposition: str) -> Part:
    (found,) = parse(part(disposition, b"x") + b"--B--\r\n", "B")
    return found


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_the_contents_of_parts_are_read_unchanged(contents: list[bytes]) -> None:
    body = b"".join(part('form-data; name="a"; filename="b.jpg"', c) for c in contents)
    assert [p.content for p in parse(body + b"--B--\r\n", "B")] == contents if contents else True


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('filename="a.jpg"', "a.jpg"),
        ('filename="ünïcode ☃.jpg"', "ünïcode ☃.jpg"),
        ("filename*=UTF-8''%C3%BC.jpg", "ü.jpg"),
        (r'filename="a\"b.jpg"', 'a"b.jpg'),
        ("filename=a.jpg", "a.jpg"),
        ('filename=""', ""),
    ],
)
def test_a_file_name_is_read_in_the_notation_of_each_client(written: str, read: str) -> None:
    assert only(f'form-data; name="x"; {written}').filename == read


def test_a_part_without_a_file_name_is_a_field() -> None:
    assert only('form-data; name="bytes"').filename is None


def test_a_file_name_is_read_without_its_directories() -> None:
    assert [base_name(n) for n in ("/tmp/a.jpg", r"C:\pictures\a.jpg", "a.jpg")] == ["a.jpg"] * 3


@pytest.mark.parametrize("body", [b"", b"--C--", b"--B\r\n", part('form-data; name="a"', b"x")])
def test_a_truncated_body_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(body, "B")


def test_the_boundary_can_be_quoted() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == "a b"
    with pytest.raises(MalformedError):
        boundary_of("multipart/form-data")


@pytest.mark.parametrize(
    "query",
    ["hashes=%5B%22a%22%2C%22b%22%5D", "hashes[]=a&hashes[]=b", "hashes=a&hashes=b",
     "hashes[0]=a&hashes[1]=b", "hashes=a,b"],
)  # fmt: skip
def test_a_list_is_read_in_every_notation(query: str) -> None:
    assert from_urlencoded(query).listed("hashes") == ["a", "b"]


@pytest.mark.parametrize(
    "query",
    ['copy_from={"source_account_id":"1","hash":"h"}',
     "copy_from[source_account_id]=1&copy_from[hash]=h"],
)  # fmt: skip
def test_an_object_is_read_in_every_notation(query: str) -> None:
    params = from_urlencoded(query)
    assert params.has("copy_from")
    assert params.mapping("copy_from") == {"source_account_id": "1", "hash": "h"}


def test_a_json_body_can_have_objects_lists_and_numbers() -> None:
    params = from_json(b'{"copy_from":{"hash":"h"},"hashes":["a"],"limit":5,"summary":true}')
    assert params.mapping("copy_from") == {"hash": "h"}
    assert params.listed("hashes") == ["a"]
    assert params.number("limit") == 5
    assert params.text("summary") == "true"


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"a"', b"\xff"])
def test_a_json_body_without_an_object_is_an_error(body: bytes) -> None:
    with pytest.raises(CallError):
        from_json(body)


def test_a_parameter_that_is_not_a_number_is_an_error() -> None:
    with pytest.raises(CallError):
        from_urlencoded("limit=many").number("limit")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("/v25.0/act_1/adimages", ("v25.0", "act_1", "adimages")),
        ("/act_1/adimages/", (None, "act_1", "adimages")),
        ("/v25.0/", ("v25.0", "", "")),
        ("/", (None, "", "")),
        ("/v25.0/1%3Aab", ("v25.0", "1:ab", "")),
    ],
)
def test_a_path_is_split_into_version_node_and_edge(
    path: str, split: tuple[str | None, str, str]
) -> None:
    assert split_path(path) == split


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer t", "t"), ("OAuth t", "t"), ("Basic t", None), (None, None), ("Bearer ", "")],
)
def test_a_token_is_read_from_the_header(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def call(method: str, target: str, body: bytes = b"", kind: str = "") -> Call:
    return read_call(
        method=method, target=target, authorization=None, content_type=kind,
        body=bytearray(body), base_url="http://x",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (call("POST", "/act_1/adimages"), Kind.UPLOAD),
        (call("POST", "/act_1/adimages?copy_from[hash]=h"), Kind.COPY),
        (call("GET", "/v25.0/act_1/adimages"), Kind.LIST),
        (call("DELETE", "/v25.0/act_1/adimages"), Kind.DELETE),
        (call("GET", "/v25.0/act_1"), Kind.ACCOUNT),
        (call("GET", "/v25.0/me"), Kind.ME),
        (call("GET", "/v25.0/act_1/campaigns"), Kind.OTHER),
        (call("GET", "/v25.0/1:" + "a" * 32), Kind.OTHER),
    ],
)
def test_a_call_has_the_kind_of_its_method_node_and_edge(made: Call, kind: Kind) -> None:
    assert made.kind is kind


def test_a_token_is_read_from_the_query_or_the_body() -> None:
    form = "application/x-www-form-urlencoded"
    assert call("GET", "/me?access_token=t").token == "t"
    assert call("POST", "/me", b"access_token=t", form).token == "t"
    assert call("POST", "/me", b'{"access_token":"t"}', "application/json").token == "t"


def test_an_unreadable_body_becomes_the_problem_of_its_call() -> None:
    broken = call("POST", "/act_1/adimages", b"--x", "multipart/form-data; boundary=B")
    assert broken.problem is not None
    assert broken.problem.code == 100
    assert broken.account == "1"
