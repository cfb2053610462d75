"""What `scrobbler doctor` says of a Tautulli source."""

from scrobbler.api import CheckResult
from scrobbler_plugins.tautulli.parse import VERSION


def check(source: str) -> list[CheckResult]:
    """Say what must be set up in Tautulli; nothing can ask it whether it is."""
    return [
        CheckResult(
            good=True,
            what="webhook: Tautulli must post to us; nothing can ask it whether it does until something plays",
            advice="Settings → Notification Agents → Webhook: "
            f"http://HOST:PORT/hooks/{source}/<secret>, method POST, triggers Playback Start, Stop, "
            f"Pause, Resume and Watched, each with docs/players/tautulli-template.json (version {VERSION})",
        )
    ]
