"""A plain HTTP client for these tests: it sends exactly what a test says."""

from typing import Any

import httpx

FILM = {"movie": {"ids": {"imdb": "tt0133093"}}}
FILM_MINUTES = 136
OTHER_FILM = {"movie": {"ids": {"imdb": "tt1375666"}}}
SHOW = {"ids": {"tvdb": "81189"}}
IDENTITY = {"app-name": "tests", "app-version": "1"}


def episode(number: int, season: int = 1) -> dict[str, Any]:
    """Name an episode of Breaking Bad."""
    return {"show": SHOW, "episode": {"season": season, "number": number}}


class Caller:
    """Calls the sandbox as one application, with or without a user's token."""

    def __init__(self, url: str, client_id: str = "sandbox", token: str = "") -> None:
        self.client_id = client_id
        self.token = token
        self._http = httpx.Client(base_url=url, timeout=10, trust_env=False, verify=False)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Send with identity, `client_id` and token; `query` adds parameters, `headers` headers, `form` a form."""
        query = {**IDENTITY, "client_id": self.client_id, **more.pop("query", {})}
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **more.pop("headers", {})}
        form = more.pop("form", None)
        content = more.pop("content", None)
        return self._http.request(
            method, path, params=query, headers=headers, json=body, data=form, content=content, **more
        )

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any, **query: str) -> httpx.Response:
        return self.send("POST", path, body, query=query)

    def delete(self, path: str) -> httpx.Response:
        return self.send("DELETE", path)

    def scrobble(self, action: str, media: dict[str, Any], progress: float | None, **query: str) -> httpx.Response:
        """Send a scrobble call; `progress` None leaves it out."""
        body = dict(media) if progress is None else {**media, "progress": progress}
        return self.post(f"/scrobble/{action}", body, **query)
