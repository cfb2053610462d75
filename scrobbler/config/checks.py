"""What no single type can tell: settings that must fit to each other (contract.md 1.4)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from scrobbler.api import HookOptions
from scrobbler.config.addresses import LISTEN_VARIABLE, check_api_url, listen_texts, parse_listen, parse_network
from scrobbler.config.kinds import SourceKind, SourceKinds
from scrobbler.config.models import Http
from scrobbler.config.problems import Findings, KeyPath, Place, did_you_mean, listed, quoted
from scrobbler.config.reader import Reader
from scrobbler.config.typeinfo import twin

PLACEHOLDERS = frozenset({"", "…", "...", "your-client-id"})
SECRET_LENGTH = 16

_SOURCE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_URL_SAFE = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


def check(reader: Reader, values: dict[str, Any], kinds: SourceKinds) -> None:
    """Report everything that does not fit. `values` holds what was read well; what is missing there was reported."""
    _check_simkl(reader, values.get("simkl", {}))
    _check_http(reader, values.get("http", {}))
    _check_state_dir(reader, values)
    _check_accounts(reader, values)
    accounts = values.get("accounts")
    for name, source in values.get("sources", {}).items():
        kind = kinds.get(source.get("type", ""))
        path: KeyPath = ("sources", name)
        _check_source_name(reader, path, name)
        if accounts is not None:
            _check_names(reader, path, source, list(accounts))
        _check_users(reader, path, source)
        if kind is not None and not kind.problem:
            _check_audience(reader, path, source, kind)
            if issubclass(kind.options, HookOptions):
                _check_hook_secret(reader, path, source)


def _check_simkl(reader: Reader, simkl: Mapping[str, Any]) -> None:
    if simkl.get("client_id", "x").strip() in PLACEHOLDERS:
        reader.error(
            ("simkl", "client_id"),
            "is empty or a placeholder, it must be the client_id of your own app from https://simkl.com/settings/developer",
        )
    trouble = check_api_url(simkl.get("api_url", "https://api.simkl.com"))
    if trouble:
        reader.error(("simkl", "api_url"), trouble)


def _check_http(reader: Reader, http: Mapping[str, Any]) -> None:
    listen = http.get("listen", Http().listen)
    _check_listen(reader, [listen] if isinstance(listen, str) else list(listen), list_given=not isinstance(listen, str))
    hooks, status = http.get("hooks", {}), http.get("status", {})
    _each(reader, ("http", "hooks", "allow"), hooks.get("allow", ()), parse_network)
    _each(reader, ("http", "trusted_proxies"), http.get("trusted_proxies", ()), parse_network)
    allowed = _each(reader, ("http", "status", "allow"), status.get("allow", ()), parse_network)
    _check_status_token(reader, status, allowed)


def _check_listen(reader: Reader, texts: list[str], *, list_given: bool) -> None:
    path: KeyPath = ("http", "listen")
    if not texts:
        reader.error(path, "must name at least one address, such as 127.0.0.1:7465")
    seen: set[str] = set()
    for index, text in enumerate(texts):
        here = (*path, index) if list_given else path
        try:
            address = str(parse_listen(text))
        except ValueError as problem:
            reader.error(here, str(problem))
            continue
        if address in seen and not address.endswith(":0"):
            reader.error(here, f"{quoted(text)} is named twice, once is allowed")
        seen.add(address)
    if reader.env.get(LISTEN_VARIABLE):
        outside = Findings(f"${LISTEN_VARIABLE}")
        for text in listen_texts((), reader.env):
            try:
                parse_listen(text)
            except ValueError as problem:
                outside.error(path, Place(), str(problem))
        reader.findings.problems += outside.problems


def _check_status_token(reader: Reader, status: Mapping[str, Any], allowed: list[tuple[int, Any]]) -> None:
    path: KeyPath = ("http", "status")
    given = [key for key in ("token", twin("token")) if (*path, key) in reader.key_places]
    token = status.get("token", "")
    if token:
        if len(token) < SECRET_LENGTH:
            place = reader.place((*path, given[0]))
            reader.findings.warn(
                (*path, given[0]), place, f"is short; {SECRET_LENGTH} characters or more cannot be guessed"
            )
        return
    if given and "token" not in status:
        return  # It is there and was reported.
    for index, network in allowed:
        if not network.is_loopback:
            reader.error(
                (*path, "allow", index),
                f"{quoted(str(network))} lies beyond loopback, that is allowed only when http.status.token is set",
            )


def _each(reader: Reader, path: KeyPath, texts: Any, parse: Callable[[str], Any]) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    for index, text in enumerate(texts):
        try:
            found.append((index, parse(text)))
        except ValueError as problem:
            reader.error((*path, index), str(problem))
    return found


def _check_state_dir(reader: Reader, values: Mapping[str, Any]) -> None:
    folder = values.get("state_dir")
    if folder is not None and not folder.startswith("/"):
        reader.error(("state_dir",), f"is {quoted(folder)}, it must be a full path that begins with / or ~/")


def _check_accounts(reader: Reader, values: Mapping[str, Any]) -> None:
    accounts = values.get("accounts")
    if accounts is None:
        return
    if not any(path[:1] == ("accounts",) and len(path) == 2 for path in reader.key_places):
        reader.error(("accounts",), "is empty, at least one account is needed, such as `alice: {}`")
    for path, place in reader.key_places.items():
        if len(path) != 2 or path[0] != "accounts":
            continue
        name = str(path[1])
        if not name or "/" in name or not name.isprintable() or name.strip() != name or name in {".", ".."}:
            reader.findings.error(
                path,
                place,
                f"{quoted(name)} cannot name an account, any text without `/`, control characters and outer spaces is allowed",
            )


def _check_source_name(reader: Reader, path: KeyPath, name: str) -> None:
    if not _SOURCE_NAME.fullmatch(name):
        place = reader.key_places[path]
        reader.findings.error(
            path, place, f"{quoted(name)} cannot name a source, letters (a to z), digits, `-` and `_` are allowed"
        )


def _check_names(reader: Reader, path: KeyPath, source: Mapping[str, Any], accounts: list[str]) -> None:
    """Accounts named in `account` and `users` exist, and none is named twice for one person."""
    named: list[tuple[KeyPath, Any]] = [((*path, "account"), source.get("account", []))]
    named += [((*path, "users", user), names) for user, names in source.get("users", {}).items()]
    for where, names in named:
        one = isinstance(names, str)
        seen: set[str] = set()
        for index, name in enumerate([names] if one else names):
            here = where if one else (*where, index)
            if name not in accounts:
                near = did_you_mean(name, accounts) or ","
                reader.error(here, f"{quoted(name)} is no account{near} accounts are {listed(accounts, last='and')}")
            elif name in seen:
                reader.error(here, f"{quoted(name)} is named twice, once is allowed")
            seen.add(name)


def _check_users(reader: Reader, path: KeyPath, source: Mapping[str, Any]) -> None:
    if source.get("account") == []:
        reader.error((*path, "account"), "names nobody, at least one account is needed")
    users = source.get("users")
    if users == {} and not any(found[:3] == (*path, "users") and len(found) > 3 for found in reader.key_places):
        where = (*path, "users")
        reader.findings.warn(where, reader.place(where), "maps nobody, so every play of this source is ignored")
    first: dict[str, str] = {}
    for user in users or {}:
        where = (*path, "users", user)
        place = reader.key_places[where]
        if not user.strip():
            reader.findings.error(where, place, 'is empty, it must be a name, an id or "*"')
        folded = user.casefold()
        if folded in first:
            line = reader.key_places[*path, "users", first[folded]].line
            reader.findings.error(
                where,
                place,
                f"{quoted(user)} is the user {quoted(first[folded])} of line {line} again (case does not count), once is allowed",
            )
        first.setdefault(folded, user)


def _check_audience(reader: Reader, path: KeyPath, source: Mapping[str, Any], kind: SourceKind) -> None:
    """A source that knows users has `users`, one that does not has `account`, one that may do either has one of them."""
    has_users, has_account = ((*path, key) in reader.key_places for key in ("users", "account"))
    what = f"sources of type {source['type']}"
    place = reader.key_places[path]
    if kind.knows_users is True and has_account:
        where = (*path, "account")
        advice = "`users` must be used instead, " + '`users: {"*": NAME}` maps everybody'
        reader.findings.error(where, reader.key_places[where], f"{what} say who watches, so {advice}")
    elif kind.knows_users is False and has_users:
        where = (*path, "users")
        advice = "`account` must be used instead, such as `account: NAME`"
        reader.findings.error(where, reader.key_places[where], f"{what} do not say who watches, so {advice}")
    elif has_users and has_account:
        where = (*path, "account")
        reader.findings.error(where, reader.key_places[where], "stands beside `users`, only one of both is allowed")
    elif not has_users and not has_account:
        wanted = {True: "`users`", False: "`account`", None: "`account` or `users`"}[kind.knows_users]
        example = "`account: NAME`" if kind.knows_users is False else "`users: {Alice: NAME}`"
        reader.findings.error(path, place, f"has no {wanted}, {what} must have it, such as {example}")


def _check_hook_secret(reader: Reader, path: KeyPath, source: Mapping[str, Any]) -> None:
    if "secret" not in source:
        return
    key = "secret" if (*path, "secret") in reader.key_places else twin("secret")
    value = source["secret"]
    secrets = [value] if isinstance(value, str) else list(value)
    if not secrets or len(secrets) > 2:
        reader.error((*path, key), f"has {len(secrets)} values, one or two (while you change it) are allowed")
    for index, secret in enumerate(secrets):
        where = (*path, key) if isinstance(value, str) else (*path, key, index)
        if len(secret) < SECRET_LENGTH:
            reader.error(
                where,
                f"has {len(secret)} characters, at least {SECRET_LENGTH} are needed; `openssl rand -hex 16` makes one",
            )
        elif secret in secrets[:index]:
            reader.error(where, "is the same as the one before it, two different ones are allowed")
        elif not _URL_SAFE.fullmatch(secret):
            reader.findings.warn(
                where,
                reader.place(where),
                "has characters that an address cannot hold as they are; letters and digits are safe",
            )
