"""The options that every source has; a plugin adds its own by a subclass."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

Secret: TypeAlias = Annotated[str, Meta(extra={"secret": True})]
"""A value that is never shown. The loader accepts `<key>_file` beside every key of this type (contract.md 1.4)."""

Names: TypeAlias = str | list[str]


class Filter(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Shell patterns, case-insensitive. An empty `include` lets everything in; `exclude` wins over `include`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class SourceOptions(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Options of every source. A source that knows users takes `users`, one that does not takes `account`."""

    type: Annotated[str, Meta(description="Which plugin reads this source.")]
    enabled: Annotated[
        bool, Meta(description="Whether the source is used. Switched off, it stays configured and costs nothing.")
    ] = True
    account: Annotated[
        Names | UnsetType,
        Meta(description="The account, or the accounts, that watch on this player. For sources without users."),
    ] = UNSET
    users: Annotated[
        dict[str, Names] | UnsetType,
        Meta(
            description="Which user of the server is which account: by name or by stable id, case-insensitive; `*` stands for "
            "the rest; an empty list means nobody. For sources with users."
        ),
    ] = UNSET
    libraries: Annotated[Filter, Meta(description="Which libraries of the server count, by name or id.")] = Filter()
    paths: Annotated[
        Filter, Meta(description="Which files count, by full path. What is outside never leaves the machine.")
    ] = Filter()
    marks: Annotated[
        bool, Meta(description="Whether marking an item as watched by hand at the source counts as a watch.")
    ] = False


class HookOptions(SourceOptions, kw_only=True, omit_defaults=True):
    """Options of a source that posts to us."""

    secret: Annotated[
        Secret | list[Secret] | UnsetType,
        Meta(
            description="The secret in the hook's address or header, at least 16 characters; a list of two while you change it. "
            "Left out, one is generated, kept in the state directory and shown by `scrobbler doctor`."
        ),
    ] = UNSET
