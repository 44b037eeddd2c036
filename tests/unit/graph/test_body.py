"""Request bodies: other readers find every part, and chunks are the body."""

from email import message_from_bytes, policy
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.graph.body import Body, Part, multipart

KIB = 1024
SIZE = 256 * KIB
BOUNDARY = "syncd-0123456789abcdef"

contents = st.binary(max_size=300) | st.sampled_from(
    [b"", b"\r\n", b"--", b"\r\n--", b"--syncd-0123456789abcde", b"\r\n\r\n", b"\n", b"\r"]
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
parts = st.lists(st.builds(Part, names, st.just("image/png"), contents), max_size=6)


def strictly_read(body: bytes, boundary: str) -> list[tuple[list[bytes], bytes]]:
    """Return (header lines, content) of each part, exactly by RFC 2046 5.1.1."""
    delimiter = b"\r\n--" + boundary.encode()
    preamble, *pieces, epilogue = (b"\r\n" + body).split(delimiter)
    assert preamble == b""
    assert epilogue == b"--\r\n"
    read = []
    for piece in pieces:
        assert piece.startswith(b"\r\n")
        head, blank, content = piece[2:].partition(b"\r\n\r\n")
        assert blank
        read.append((head.split(b"\r\n"), content))
    return read


def escaped(name: str) -> bytes:
    """Escape a name as RFC 7578, the HTML standard and browsers do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


@given(parts, st.lists(st.tuples(st.just("appsecret_proof"), st.text("0123456789abcdef"))))
def test_a_strict_reader_finds_every_part_unchanged(
    sent: list[Part], fields: list[tuple[str, str]]
) -> None:
    body = multipart(sent, fields, BOUNDARY)
    joined = b"".join(body.pieces)
    assert body.length == len(joined)
    assert body.content_type == f"multipart/form-data; boundary={BOUNDARY}"
    expected = [
        ([b'Content-Disposition: form-data; name="%b"' % name.encode()], value.encode())
        for name, value in fields
    ] + [
        (
            [
                b'Content-Disposition: form-data; name="%b"; filename="%b"'
                % (escaped(part.name), escaped(part.name)),
                b"Content-Type: " + part.media_type.encode(),
            ],
            part.content,
        )
        for part in sent
    ]
    assert strictly_read(joined, BOUNDARY) == expected


def test_pythons_email_parser_reads_a_body_as_a_form() -> None:
    sent = [Part("a.jpg", "image/jpeg", b"\xff\xd8\r\n--x\r\n"), Part("b.png", "image/png", b"")]
    body = multipart(sent, [("appsecret_proof", "00ff")], BOUNDARY)
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message: Message = message_from_bytes(head + b"".join(body.pieces), policy=policy.HTTP)
    read = message.get_payload()
    assert isinstance(read, list)
    assert not message.defects
    field, *files = [part for part in read if isinstance(part, Message)]
    assert field.get_param("name", header="content-disposition") == "appsecret_proof"
    assert [part.get_filename() for part in files] == ["a.jpg", "b.png"]
    assert [part.get_content_type() for part in files] == ["image/jpeg", "image/png"]
    assert [part.get_payload(decode=True) for part in files] == [part.content for part in sent]


@pytest.mark.parametrize("name", ["Frühling.jpg", "絵.png", "🌱.gif", "e\u0301.jpg"])
def test_a_name_is_sent_as_raw_utf8_without_star_or_percent(name: str) -> None:
    joined = b"".join(multipart([Part(name, "image/jpeg", b"")], [], BOUNDARY).pieces)
    assert b'name="%b"; filename="%b"\r\n' % (name.encode(), name.encode()) in joined
    assert b"filename*" not in joined
    assert b"%" not in joined


def test_a_body_does_not_copy_its_images() -> None:
    content = bytes(1000)
    body = multipart([Part("a", "image/png", content), Part("b", "image/png", content)], [], "b")
    assert sum(piece is content for piece in body.pieces) == 2


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('a".jpg', b"a%22.jpg"),
        ("a\r\nContent-Type: x.jpg", b"a%0D%0AContent-Type: x.jpg"),
        ("a\n.jpg", b"a%0A.jpg"),
        ("100%.jpg", b"100%.jpg"),
    ],
)
def test_a_name_cannot_end_its_header(name: str, sent: bytes) -> None:
    joined = b"".join(multipart([Part(name, "image/jpeg", b"")], [], BOUNDARY).pieces)
    ((headers, _),) = strictly_read(joined, BOUNDARY)
    assert headers[0] == b'Content-Disposition: form-data; name="%b"; filename="%b"' % (sent, sent)
    assert len(headers) == 2


@given(st.lists(st.integers(0, 700 * KIB), max_size=12))
def test_chunks_are_the_body_and_have_at_most_the_size(lengths: list[int]) -> None:
    pieces = tuple(bytes([n % 256]) * length for n, length in enumerate(lengths))
    chunks = list(Body("", pieces).chunks(SIZE))
    assert b"".join(chunks) == b"".join(pieces)
    assert all(0 < len(chunk) <= SIZE for chunk in chunks if lengths and any(lengths))


def test_small_images_share_a_chunk() -> None:
    pieces = (b"head", b"x" * 20 * KIB, b"\r\n") * 50
    chunks = list(Body("", pieces).chunks(SIZE))
    assert len(chunks) == 5


def test_a_large_image_is_split_without_a_copy() -> None:
    image = bytes(1000 * KIB)
    chunks = list(Body("", (b"head", image, b"tail")).chunks(SIZE))
    views = [chunk for chunk in chunks if isinstance(chunk, memoryview)]
    assert all(view.obj is image for view in views)
    assert sum(map(len, views)) > 900 * KIB
