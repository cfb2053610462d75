"""The status in sentences, so that the page and the terminal say the same."""

from shlex import quote as shell_quote

from scrobbler.status.formatting import clock, moment, until
from scrobbler.status.ports import AccountState, SourceHealth
from scrobbler.status.report import NowPlaying


def account_words(account: AccountState, now_utc_ms: int) -> str:
    """Say how an account stands: linked or not and what to do, paused, waiting for what, allowance."""
    said = []
    if account.linked:
        said.append(f"linked as {account.linked_as}" if account.linked_as else "linked")
    else:
        why = f" ({account.parked})" if account.parked else ""
        what = f"; run `scrobbler auth {shell_quote(account.name)}`"
        if account.sign_in is not None:
            what = f": open {account.sign_in.link} and enter {account.sign_in.code}"
        said.append(f"not linked{why}{what}")
    if account.paused_until_utc_ms is not None and account.paused_until_utc_ms > now_utc_ms:
        said.append(f"private {until(account.paused_until_utc_ms, now_utc_ms)}")
    if account.waits_for and account.linked:
        rest = account.waits_until_utc_ms
        said.append(f"waits: {account.waits_for}" + (f", until {moment(rest, now_utc_ms)}" if rest is not None else ""))
    if account.allowance_left is not None:
        limit = "" if account.allowance_limit is None else f" of {account.allowance_limit}"
        said.append(f"{account.allowance_left}{limit} calls left today")
    return "; ".join(said)


def source_words(source: SourceHealth, now_utc_ms: int) -> str:
    """Say how a source is."""
    if source.state != "enabled":
        return f"{source.state}: {source.problem}" if source.problem else source.state
    said = "enabled"
    if source.up is not None:
        since = "" if source.since_utc_ms is None else f" since {moment(source.since_utc_ms, now_utc_ms)}"
        said = f"up{since}" if source.up else f"gone{since}"
        if not source.up and source.problem:
            said += f" ({source.problem})"
    if source.heard_utc_ms is not None:
        said += f"; last heard {moment(source.heard_utc_ms, now_utc_ms)}"
    return said


def playing_words(play: NowPlaying) -> str:
    """Say where a play is."""
    said = {"quiet": "nothing heard for a while", "over": "about to end"}.get(play.mode, play.mode)
    if play.position_ms is not None:
        said += f" at {clock(play.position_ms)}"
        if play.length_ms:
            said += f" of {clock(play.length_ms)}"
    if play.progress is not None:
        said += f" ({play.progress:.0f} %)"
    return said
