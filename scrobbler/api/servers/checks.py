"""What `scrobbler doctor` tries for every source of a media server."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from msgspec import UNSET

from scrobbler.api.connection import in_words
from scrobbler.api.events import User
from scrobbler.api.options import SourceOptions
from scrobbler.api.plugin import CheckResult
from scrobbler.api.servers.client import Answer
from scrobbler.api.servers.plugin import bare


class Words(NamedTuple):
    """What differs from server to server: names, for people.

    `hook` says how its webhook is set up, `key` is the option that holds its key, `keys_at` where a key is got, `gains`
    what look-ups bring, `port` the one it listens on by default, `filters` those that look-ups alone can be held against.
    """

    product: str
    server: str
    hook: str
    key: str
    keys_at: str
    gains: str
    port: int
    filters: tuple[str, ...]


async def check_server(
    words: Words, options: Any, *, listens: bool, asking: Callable[[], Awaitable[list[CheckResult]]] | None
) -> list[CheckResult]:
    """Return one line for each thing that a source needs, in the order in which it is set up.

    `asking` asks the server itself; None where it may not be asked.
    """
    results = [_how_heard(words, options, listens=listens)]
    if asking is None:
        return [*results, _not_asked(words, options), *_without_effect(words, options)]
    try:
        return [*results, *await asking()]
    except Exception as error:  # noqa: BLE001 (the client's own errors are not part of the plugin API)
        what = f"server: {options.url}: {in_words(error)}"
        return [*results, CheckResult(good=False, what=what, advice=_advice(words, error))]


def foreign(words: Words, url: object, answer: Answer) -> CheckResult:
    """Say that something else than such a server answers."""
    what = f"server: {url} answers with HTTP {answer.status}, but not as {words.server}"
    advice = "check `url`: http or https, and the base path if the server has one"
    if 300 <= answer.status < 400:
        advice = "it sends us elsewhere, where the key must not go: give the address behind it, often https"
    return CheckResult(good=False, what=what, advice=advice)


def unknown_users(options: SourceOptions, users: Iterable[User]) -> list[CheckResult]:
    """Name each key under `users:` that is nobody at the server."""
    wanted = options.users if isinstance(options.users, dict) else {}
    there = list(users)
    known = {user.name.casefold() for user in there} | {bare(user.id) for user in there} | {"*"}
    names = ", ".join(sorted(user.name for user in there))
    return [
        CheckResult(good=False, what=f"users: the server has no user `{key}`", advice=f"its users are: {names}")
        for key in wanted
        if key.strip().casefold() not in known and bare(key) not in known
    ]


def _how_heard(words: Words, options: Any, *, listens: bool) -> CheckResult:
    heard = "sessions: what plays is read from the server itself"
    if not listens:
        what = f"webhook: {words.product} must post to us; nothing can ask it whether it does until something plays"
        return CheckResult(good=True, what=what, advice=words.hook)
    if options.sessions is True:
        return CheckResult(good=True, what=heard)
    return CheckResult(good=True, what=f"{heard}; a webhook may come beside it", advice=words.hook)


def _not_asked(words: Words, options: Any) -> CheckResult:
    missing = [name for name in ("url", words.key) if getattr(options, name) is UNSET]
    wrong = len(missing) == 1 or options.sessions is True
    advice = f"with `url` and `{words.key}` {words.gains}, and missed plays are caught up"
    if wrong:
        advice = f"give both `url` and `{words.key}`, or neither; `sessions` needs both"
    what = f"look-ups at the server: off, {' and '.join(f'`{name}`' for name in missing)} not given"
    return CheckResult(good=not wrong, what=what, advice=advice)


def _without_effect(words: Words, options: Any) -> list[CheckResult]:
    """Name each filter that lets everything in, because no webhook says what it asks for."""
    advice = f"give `url` and `{words.key}`: the server alone knows what to hold it against"
    set_ones = [name for name in words.filters if (rule := getattr(options, name)).include or rule.exclude]
    return [CheckResult(good=False, what=f"`{name}`: without effect", advice=advice) for name in set_ones]


def _advice(words: Words, error: Exception) -> str:
    if "certificate" in in_words(error):
        return (
            "give in `url` the name that the certificate is for; or let the daemon trust it: start it with SSL_CERT_FILE, "
            "the name of a bundle that holds it beside the usual ones; inside the house plain http does as well"
        )
    if "https" in in_words(error):
        return "give `url` as http, or with the port on which the server speaks https"
    return f"check `url`: the server's own address as this machine sees it, port {words.port} by default"
