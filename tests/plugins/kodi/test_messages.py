"""Kodi's stream of JSON: cut and read (players.md 4.1)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrobbler_plugins.kodi import messages
from scrobbler_plugins.kodi.messages import Answer, Failure, Notification, Objects, TooLongError, read, request

OBJECTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
)


@given(
    st.lists(OBJECTS, max_size=5), st.lists(st.integers(1, 9), min_size=1, max_size=20), st.sampled_from(["", "\n "])
)
def test_objects_come_out_whole_wherever_the_stream_breaks(
    sent: list[dict[str, object]], cuts: list[int], between: str
) -> None:
    """Any objects, with quotes, brackets and characters of several bytes in them, survive any splitting."""
    parts = [json.dumps(one, ensure_ascii=False).encode("utf-8", "replace") for one in sent]
    stream = between.encode().join(parts)
    objects, at, turn = Objects(), 0, 0
    found: list[bytes] = []
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        found += objects.cut(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert found == parts


def test_a_break_inside_a_character() -> None:
    """A title that is cut in the middle of a letter is whole again with the rest."""
    data = '{"method":"Player.OnPlay","params":{"data":{"item":{"title":"Amélie 千と千尋"}}}}'.encode()
    for place in range(1, len(data)):
        objects = Objects()
        assert objects.cut(data[:place]) == []
        assert objects.cut(data[place:]) == [data]


def test_several_objects_in_one_read() -> None:
    """An answer between two notifications, without anything between them."""
    parts = [
        b'{"method":"Player.OnStop","params":{}}',
        b'{"id":7,"result":"a } b"}',
        b'{"method":"System.OnQuit","params":{}}',
    ]
    assert Objects().cut(b"".join(parts)) == parts


def test_an_endless_object_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never ends does not fill the memory."""
    monkeypatch.setattr(messages, "LONGEST", 1000)
    objects = Objects()
    objects.cut(b'{"a": "' + b"x" * 900)
    with pytest.raises(TooLongError):
        objects.cut(b"x" * 100)


def test_messages_are_told_apart() -> None:
    """Notifications, answers and refusals; what is none of them is nothing."""
    assert read('{"method":"System.OnQuit","params":{"data":null,"sender":"xbmc"}}') == Notification(
        "System.OnQuit", {}
    )
    assert read('{"id":3,"jsonrpc":"2.0","result":[1]}') == Answer(3, [1])
    assert read('{"error":{"code":-32100,"message":"Failed to execute method."},"id":4}') == Answer(
        4, failure=Failure(-32100, "Failed to execute method.")
    )
    for junk in ("", "[]", "7", '{"id":"theirs","result":1}', "{", '{"params":3}'):
        assert read(junk) is None
    assert json.loads(request(1, "JSONRPC.Ping", {})) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "JSONRPC.Ping",
        "params": {},
    }
