"""Emby and Jellyfin: two servers of one family, MediaBrowser, whose sessions, items and histories have one shape."""
