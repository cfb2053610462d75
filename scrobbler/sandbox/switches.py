"""What can be switched, because Simkl's documents disagree or are silent (the `(cfg)` points of simkl-api.md 12)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Switches(Struct, forbid_unknown_fields=True, kw_only=True):
    """The switches with their defaults; the number in a description is the point of simkl-api.md 12."""

    strict_identity: Annotated[
        bool, Meta(description="2: refuse a call without app-name, app-version or User-Agent (400 `empty_field`).")
    ] = False
    auto_approve: Annotated[
        str, Meta(description="5, 10: approve every sign-in code at once as this user. Empty: somebody must approve.")
    ] = ""
    poll_interval_s: Annotated[
        int, Meta(ge=0, description="5: how far apart polls of a device code must be, in seconds.")
    ] = 5
    pin_length: Annotated[int, Meta(ge=4, le=8, description="10: characters of a code of AUTH V1.")] = 5
    unknown_pin: Annotated[
        Literal["fresh", "pending"],
        Meta(
            description="10: a poll with an unknown, used or expired code gets a fresh first answer, or the pending one."
        ),
    ] = "fresh"
    rate_limits: Annotated[bool, Meta(description="11: whether the limits per second hold.")] = True
    block_s: Annotated[float, Meta(ge=0, description="11: how long too many POSTs block a bucket, in seconds.")] = 60.0
    v1_daily_limit: Annotated[int, Meta(ge=0, description="12: calls a day of an AUTH V1 application.")] = 1000
    redirect_counts: Annotated[bool, Meta(description="12: whether `/redirect` costs allowance.")] = False
    lock: Annotated[
        Literal["wait", "spacing"],
        Meta(
            description="14: a second write waits up to 20 s for the first, or: a scrobble write less than 20 s after the "
            "one before is refused."
        ),
    ] = "wait"
    anime_key: Annotated[
        Literal["resolved", "as_sent"],
        Meta(description="15: an anime that was sent as `show` comes back under `anime`, or under `show`."),
    ] = "resolved"
    tvdb_numbers: Annotated[
        Literal["always", "when_different"],
        Meta(description="17: when an anime episode is answered with `tvdb_season` and `tvdb_number`."),
    ] = "always"
    auto_finish: Annotated[
        Literal["extrapolated", "sent", "off"],
        Meta(
            description="19: what decides whether a new start marks the one before as watched: its progress by the clock, "
            "the progress it was sent with, or never."
        ),
    ] = "extrapolated"
    banner_at_expiry: Annotated[
        Literal["ends", "stays"],
        Meta(description="20: what is shown as watching now once the runtime of a start has passed."),
    ] = "ends"
    checkin_lag_s: Annotated[
        float, Meta(ge=0, le=120, description="20: how long after its end a check-in becomes a watch, in seconds.")
    ] = 60.0
    stop_without_start: Annotated[
        Literal["accept", "refuse"],
        Meta(description="22: a stop of a title without a start or saved position: 201, or 404 `empty`."),
    ] = "accept"
    conflict_error: Annotated[
        Literal["absent", "already_watched"], Meta(description="23: whether a 409 carries `error`.")
    ] = "absent"
    conflict_times: Annotated[
        Literal["utc", "offset"], Meta(description="23: the times of a 409 are written with `Z`, or with `-05:00`.")
    ] = "utc"
    conflict_on_pause: Annotated[
        bool, Meta(description="23: whether a pause at 80 or more of an item watched within the hour is a 409 too.")
    ] = False
    checkin_progress: Annotated[
        Literal["ignored", "counts"],
        Meta(description="26: whether the progress of a check-in brings its end nearer."),
    ] = "ignored"
    playback_number_key: Annotated[
        Literal["number", "episode"], Meta(description="27: the key of the episode's number in saved playbacks.")
    ] = "number"
    playback_progress: Annotated[
        Literal["decimal", "integer"], Meta(description="27: whether saved progress is answered rounded.")
    ] = "decimal"
    delete_answer: Annotated[
        Literal["empty", "body"], Meta(description="28: a deleted playback is 204, or 200 with `deleted`.")
    ] = "empty"
    invent_titles: Annotated[
        bool,
        Meta(
            description="16: make up titles and episodes that the catalogue lacks, and pass over unknown episode ids. "
            "For trying the daemon with one's own library."
        ),
    ] = False
