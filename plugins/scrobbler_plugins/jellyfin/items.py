"""From a notification of Jellyfin's webhook plugin to a film or an episode. Pure."""

from scrobbler.api import Episode, Movie, Show
from scrobbler.api.servers.mediabrowser.items import last_of, read_ids
from scrobbler_plugins.jellyfin.fields import HookFields


def read_item(fields: HookFields) -> Movie | Episode | None:
    """Read the item of a webhook: ids of an episode are its own, its `Year` is the series' (players.md 2.5 items 1, 2)."""
    ids = read_ids(fields.starting("Provider_"))
    match fields.text("ItemType").lower():
        case "movie":
            return Movie(title=fields.name("Name"), year=fields.positive("Year"), ids=ids)
        case "episode":
            number = fields.count("EpisodeNumber")
            began = fields.date("SeriesPremiereDate")
            return Episode(
                show=Show(
                    title=fields.name("SeriesName"), year=fields.positive("Year") or (int(began[:4]) if began else None)
                ),
                season=fields.count("SeasonNumber"),
                number=number,
                last_number=last_of(number, fields.count("EpisodeNumberEnd")),
                title=fields.name("Name"),
                ids=ids,
                aired=fields.date("PremiereDate"),
            )
    return None
