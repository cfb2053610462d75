"""Settings that must fit to each other."""

import pytest

from scrobbler.config.addresses import Address, listen_addresses, parse_listen
from tests.config.support import BASE, SECRET, ServerOptions, config, load, only, problems


def source(text: str) -> str:
    """A configuration with one source, in line 4."""
    return f"{BASE}sources:\n  one: {{{text}}}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "type: plx, users: {}",
            '4:15: sources.one.type: "plx" is no type of source, did you mean "plex"? types are events, mpv',
        ),
        ("account: alice", "4:3: sources.one.type: is missing, types are events, mpv and plex"),
        ("type: mpv", "4:3: sources.one: has no `account`, sources of type mpv must have it, such as `account: NAME`"),
        ("type: plex", "4:3: sources.one: has no `users`, sources of type plex must have it"),
        ("type: events", "4:3: sources.one: has no `account` or `users`, sources of type events must have it"),
        (
            "type: plex, account: bob",
            "4:21: sources.one.account: sources of type plex say who watches, so `users` must be",
        ),
        (
            "type: mpv, users: {a: bob}",
            "4:20: sources.one.users: sources of type mpv do not say who watches, so `account`",
        ),
        (
            "type: events, account: bob, users: {a: bob}",
            "4:23: sources.one.account: stands beside `users`, only one of both",
        ),
        ("type: mpv, account: carol", '4:29: sources.one.account: "carol" is no account, accounts are alice and bob'),
        ("type: mpv, account: [bob, bop]", '4:35: sources.one.account[1]: "bop" is no account, did you mean "bob"?'),
        ("type: mpv, account: [bob, bob]", '4:35: sources.one.account[1]: "bob" is named twice'),
        ("type: mpv, account: []", "4:29: sources.one.account: names nobody"),
        ("type: plex, users: {A: alcie}", '4:32: sources.one.users.A: "alcie" is no account, did you mean "alice"?'),
        ("type: plex, users: {A: [bob, no]}", '4:38: sources.one.users.A[1]: "no" is no account'),
        (
            "type: plex, users: {Bob: bob, BOB: alice}",
            '4:39: sources.one.users.BOB: "BOB" is the user "Bob" of line 4 again',
        ),
        (
            "type: plex, users: {STRASSE: bob, straße: bob}",
            '4:43: sources.one.users.straße: "straße" is the user "STRASSE"',
        ),
        (
            "type: plex, users: {a: bob}, secret: short",
            "4:46: sources.one.secret: has 5 characters, at least 16 are needed",
        ),
        ("type: plex, users: {a: bob}, secret: []", "4:46: sources.one.secret: has 0 values, one or two"),
        (f"type: plex, users: {{a: bob}}, secret: [{SECRET}, {SECRET}]", "4:65: sources.one.secret[1]: is the same"),
        (
            f"type: plex, users: {{a: bob}}, secret: [{SECRET}, {SECRET}1, {SECRET}2]",
            "4:46: sources.one.secret: has 3 values",
        ),
        (
            "type: plex, users: {a: bob}, url: ftp://x",
            '4:43: sources.one.url: is "ftp://x", it must be an address such as http://',
        ),
        (
            "type: plex, users: {a: bob}, url: 'http://plex:324000'",
            '4:43: sources.one.url: is "http://plex:324000", it must name a host behind ://, and a port, if any, from 1 to',
        ),
        (
            "type: plex, users: {a: bob}, url: 'http://plex:port'",
            '4:43: sources.one.url: is "http://plex:port", it must',
        ),
        (
            "type: plex, users: {a: bob}, url: 'http://:80/'",
            '4:43: sources.one.url: is "http://:80/", it must name a host',
        ),
        ("typ: plex", "4:3: sources.one.type: is missing, types are events, mpv and plex"),
    ],
)
def test_sources_that_do_not_fit_are_told_where_and_why(text: str, problem: str):
    """Types, accounts, users and secrets of sources are checked against each other."""
    assert only(source(text)).startswith(problem)


@pytest.mark.parametrize(
    "text", ["type: events, account: bob", "type: events, users: {a: bob}", "type: plex, users: {a: []}"]
)
def test_what_fits_is_taken(text: str):
    """Sources that may know users take either key, and a user may be mapped to nobody."""
    assert list(config(source(text)).sources) == ["one"]


def test_a_secret_may_be_two_while_it_is_changed():
    """A list of two different secrets is good."""
    found = config(source(f"type: plex, users: {{a: bob}}, secret: [{SECRET}, {SECRET}1]")).sources["one"]
    assert isinstance(found, ServerOptions)
    assert found.secret == [SECRET, f"{SECRET}1"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("type: plex, users: {}", "sources.one.users"),
        ("type: plex, users: {a: bob}, secret: 'abc/def?ghi#jkl mno'", "sources.one.secret"),
    ],
)
def test_what_works_but_is_surely_not_meant_is_warned_of(text: str, path: str):
    """Nobody mapped, and a secret that an address cannot hold, are warnings."""
    assert [warning.path for warning in load(source(text)).warnings] == [path]


def test_an_unknown_type_does_not_hide_what_every_source_has():
    """Accounts of a source whose type is misspelt are still looked at."""
    found = problems(source("type: plx, account: alcie, marks: perhaps, something: 1"))
    assert [problem.split(": ")[1] for problem in found] == [
        "sources.one.type",
        "sources.one.account",
        "sources.one.marks",
    ]


@pytest.mark.parametrize("name", ["a b", "a/b", "ä", "", "a.b", '"?"'])
def test_names_of_sources_must_fit_into_an_address(name: str):
    """Letters, digits, `-` and `_`."""
    text = f"{BASE}sources:\n  {name or chr(34) * 2}: {{type: mpv, account: bob}}\n"
    assert "cannot name a source, letters (a to z), digits, `-` and `_` are allowed" in only(text)


@pytest.mark.parametrize("name", ["a/b", "", " a", "..", "a\\tb", "a\\u200bb"])
def test_names_of_accounts_are_free_within_reason(name: str):
    """Only what would break a path or a line is refused."""
    text = f'simkl: {{client_id: a}}\naccounts:\n  "{name}": {{}}\n'
    assert "cannot name an account" in only(text)


def test_at_least_one_account_is_needed():
    """A daemon without accounts has nothing to do."""
    assert only("simkl: {client_id: a}\naccounts: {}\n").startswith(
        "2:11: accounts: is empty, at least one account is needed"
    )


@pytest.mark.parametrize("value", ["…", "...", "your-client-id", "' '"])
def test_a_placeholder_is_answered_with_where_to_get_a_client_id(value: str):
    """The example as it stands says what is missing."""
    assert "https://simkl.com/settings/developer" in only(f"simkl: {{client_id: {value}}}\naccounts: {{alice: {{}}}}\n")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.simkl.com",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:80/x",
        "https://x.example/api",
    ],
)
def test_addresses_of_simkl_that_are_allowed(url: str):
    """Https anywhere, http on loopback."""
    assert config(f"simkl: {{client_id: a, api_url: '{url}'}}\naccounts: {{alice: {{}}}}\n").simkl.api_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.simkl.com",
        "ftp://x",
        "api.simkl.com",
        "https://",
        "https://u:p@x",
        "https://x?y",
        "https://x:port",
        "https://a b",
    ],
)
def test_addresses_of_simkl_that_are_refused(url: str):
    """Tokens never leave the machine unencrypted, and nonsense is named."""
    assert "1:32: simkl.api_url: " in only(f"simkl: {{client_id: a, api_url: '{url}'}}\naccounts: {{alice: {{}}}}\n")


class TestListen:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("127.0.0.1:7465", Address("127.0.0.1", 7465)),
            ("[::1]:7465", Address("::1", 7465)),
            ("localhost:0", Address("localhost", 0)),
            ("0.0.0.0:80", Address("0.0.0.0", 80)),
            ("nas.local:65535", Address("nas.local", 65535)),
        ],
    )
    def test_addresses_are_read_and_written_alike(self, text: str, address: Address):
        """Host and port, IPv6 in brackets."""
        assert parse_listen(text) == address
        assert str(address) == text

    @pytest.mark.parametrize(
        "text",
        ["7465", ":7465", "127.0.0.1", "127.0.0.1:65536", "::1:7465", "[::1]", "[x]:1", "1.2.3:80", "a_b:1", "x:-1"],
    )
    def test_what_is_no_address_is_refused(self, text: str):
        """The message shows how an address is written."""
        assert "it must be host:port, such as 127.0.0.1:7465 or [::1]:7465" in only(
            BASE + f"http: {{listen: '{text}'}}\n"
        )

    def test_several_addresses_are_a_list(self):
        """Each is listened at."""
        loaded = config(BASE + 'http: {listen: [127.0.0.1:1, "[::1]:1"]}\n')
        assert listen_addresses(loaded) == (Address("127.0.0.1", 1), Address("::1", 1))

    @pytest.mark.parametrize(
        ("listen", "problem"), [("[]", "must name at least one"), ("['a:1', 'a:1']", "is named twice")]
    )
    def test_lists_that_cannot_work_are_refused(self, listen: str, problem: str):
        """None, and one twice."""
        assert problem in only(BASE + f"http: {{listen: {listen}}}\n")

    def test_the_environment_wins(self):
        """$SCROBBLER_LISTEN takes the place of the setting, several with commas between."""
        loaded = config(BASE + "http: {listen: 127.0.0.1:1}\n", {"SCROBBLER_LISTEN": "0.0.0.0:7465, [::]:7465"})
        assert listen_addresses(loaded) == (Address("0.0.0.0", 7465), Address("::", 7465))

    def test_a_mistake_in_the_environment_names_the_variable(self):
        """The file is not blamed for it."""
        assert only(BASE, {"SCROBBLER_LISTEN": "7465"}).startswith(
            '$SCROBBLER_LISTEN: http.listen: "7465" is no address'
        )


class TestNetworks:
    @pytest.mark.parametrize(
        "key", ["hooks: {allow: [X]}", "status: {token: abcdefghijklmnopq, allow: [X]}", "trusted_proxies: [X]"]
    )
    def test_networks_are_checked_wherever_they_stand(self, key: str):
        """A mistyped network is named, with the nearest good one."""
        assert 'did you mean "10.0.0.0/8"?' in only(BASE + f"http: {{{key.replace('X', '10.1.2.3/8')}}}\n")
        assert "it must be an address or a network" in only(BASE + f"http: {{{key.replace('X', 'home')}}}\n")

    @pytest.mark.parametrize("network", ["0.0.0.0/0", "192.168.0.0/16", "'::/0'", "126.0.0.0/7"])
    def test_a_status_page_beyond_loopback_needs_a_token(self, network: str):
        """Nobody opens what people watch to a network by a slip."""
        text = BASE + f"http: {{status: {{allow: [127.0.0.1, {network}]}}}}\n"
        assert "lies beyond loopback, that is allowed only when http.status.token is set" in only(text)
        assert only(BASE + f"http: {{status: {{token: '', allow: [{network}]}}}}\n").startswith("3:")
        good = config(text.replace("allow:", "token: 0123456789abcdef, allow:"))
        assert good.http.status.token == "0123456789abcdef"

    def test_loopback_needs_no_token(self):
        """Both loopback networks are fine as they are."""
        assert config(BASE + 'http: {status: {allow: [127.0.0.1, 127.1.0.0/16, "::1"]}}\n').http.status.token == ""


def test_the_state_directory_is_a_full_path():
    """A relative one would depend on where the daemon was started."""
    assert only(BASE + "state_dir: state\n") == (
        '3:12: state_dir: is "state", it must be a full path that begins with / or ~/'
    )
