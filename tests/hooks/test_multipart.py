"""Forms with pictures, as Plex and Emby send them (players.md 1.1, 3.2)."""

import tracemalloc

import pytest

from tests.hooks.house import SECRET, open_house

pytestmark = pytest.mark.anyio

PATH = f"/hooks/attic/{SECRET}"
FORM = {"Content-Type": "multipart/form-data; boundary=----plex"}
MIB = 1024 * 1024


def part(headers: str, content: bytes, end: bytes = b"\r\n") -> bytes:
    """Write one part of a form."""
    lines = end.join(line.encode() for line in headers.splitlines())
    return b"------plex" + end + lines + end + end + content + end


def form(*parts: bytes, end: bytes = b"\r\n") -> bytes:
    """Write a form."""
    return b"".join(parts) + b"------plex--" + end


PAYLOAD = 'Content-Disposition: form-data; name="payload"\nContent-Type: application/json'
THUMB = 'Content-Disposition: form-data; name="thumb"; filename="thumb.jpg"\nContent-Type: image/jpeg'


@pytest.mark.parametrize(
    "headers",
    [
        'Content-Disposition: form-data; name="payload"',
        PAYLOAD,
        'content-type: application/json\ncontent-disposition: form-data; name=payload; filename="payload.json"',
        'Content-Disposition: form-data; name="payload"; filename="x"\nContent-Type: application/octet-stream',
        'Content-Disposition: form-data; name="payload"; filename="x"',
    ],
)
@pytest.mark.parametrize("thumb", [b"", part(THUMB, b"\xff\xd8\n\r\n--\r\n------ple\r\n\xff")])
@pytest.mark.parametrize("thumb_first", [False, True])
async def test_the_payload_is_a_field_however_it_is_dressed(headers: str, thumb: bytes, thumb_first: bool):  # noqa: FBT001
    """The payload arrives as a field, with a content type or a file name as well, and the picture does not."""
    parts = [part(headers, '{"event": "ä"}'.encode()), thumb]
    async with open_house() as house:
        reply = await house.ask("POST", PATH, FORM, form(*(reversed(parts) if thumb_first else parts)))
    assert reply.code == 204
    assert dict(house.door.plugin.requests[0].form) == {"payload": '{"event": "ä"}'}
    assert house.door.plugin.requests[0].content_type == "multipart/form-data"


async def test_lines_that_end_in_lf_alone():
    """A form whose lines end in LF is read like one with CRLF."""
    body = form(part(PAYLOAD, b'{"event":\n"media.play"}', b"\n"), part(THUMB, b"\xff\n\xd8", b"\n"), end=b"\n")
    async with open_house() as house:
        reply = await house.ask("POST", PATH, FORM, body)
    assert reply.code == 204
    assert house.door.plugin.requests[0].form["payload"].split() == ['{"event":', '"media.play"}']


async def test_boundary_in_its_long_form():
    """A boundary may be written as headers write other alphabets."""
    async with open_house() as house:
        for boundary, code in (("boundary*=utf-8''----plex", 204), ("boundary*=nonsense'x'%E9", 422)):
            header = {"Content-Type": f"multipart/form-data; {boundary}"}
            assert (await house.ask("POST", PATH, header, form(part(PAYLOAD, b"{}")))).code == code


async def test_byte_by_byte():
    """However the network cuts a form, it is read the same."""
    body = form(part(PAYLOAD, b'{"event": 1}'), part(THUMB, b"\xff\xd8"))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with open_house() as house:
        reply = await house.raw([head.encode(), *(bytes([byte]) for byte in body)])
    assert reply.code == 204
    assert house.door.plugin.requests[0].form["payload"] == '{"event": 1}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (form(part(PAYLOAD, b"x" * 256 * 1024)), 413),
        (form(part(PAYLOAD, b"x" * 200 * 1024)), 204),
        (
            form(part(PAYLOAD, b"x" * 200 * 1024), part('Content-Disposition: form-data; name="b"', b"x" * 60 * 1024)),
            413,
        ),
        (form(part(PAYLOAD, b"{}"), part(THUMB, b"x" * (16 * MIB + 1))), 413),
        (form(part(THUMB, b"x")), 422),
        (form(), 422),
        (part(PAYLOAD, b'{"cut'), 422),
        (part(PAYLOAD, b"{}") + part(THUMB, b"the picture is cut off"), 204),
        (form(*[part('Content-Disposition: form-data; name="a"', b"")] * 300), 422),
        (b"x" * 5000, 422),
        (form(part("Content-Disposition: form-data\n", b"no name")), 422),
    ],
)
async def test_odd_forms(body: bytes, code: int):
    """Too much is 413, what is no form is 422, and a broken picture harms nobody."""
    async with open_house() as house:
        reply = await house.ask("POST", PATH, FORM, body)
    assert reply.code == code


async def test_pictures_are_not_kept_in_memory():
    """While 16 MiB of picture run through, the process never holds more than a few pieces of it."""
    start, end = part(PAYLOAD, b"{}") + part(THUMB, b"")[:-2], b"\r\n" + form()
    piece = b"\xff" * 65536
    count = 16 * MIB // len(piece)
    length = len(start) + count * len(piece) + len(end)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {length}\r\n\r\n"
    )
    async with open_house() as house:
        tracemalloc.start()
        try:
            reply = await house.raw([head.encode() + start, *[piece] * count, end])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert reply.code == 204
    assert peak < 2 * MIB
