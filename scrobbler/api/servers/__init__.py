"""What plugins of media servers share, each module imported by its own name, so that only who needs it pays for it.

`fields` reads JSON of strangers, `client` asks a server, `plugin` and `checks` are what every such source is and proves,
`mediabrowser` is Emby and Jellyfin, `plex` how a Plex Media Server describes its items.
"""
