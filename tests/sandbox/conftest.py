"""Fixtures of the sandbox's own tests: one server for all, emptied for each test."""

from collections.abc import Callable, Iterator

import pytest

from tests.kit.simkl_sandbox import SandboxClient, running_sandbox
from tests.sandbox.caller import Caller


@pytest.fixture(scope="session")
def server() -> Iterator[SandboxClient]:
    """One running sandbox."""
    with running_sandbox() as client:
        yield client


@pytest.fixture
def sandbox(server: SandboxClient) -> SandboxClient:
    """The sandbox, empty, without limits per second."""
    server.reset()
    server.switch(rate_limits=False)
    return server


@pytest.fixture
def callers(sandbox: SandboxClient) -> Iterator[Callable[..., Caller]]:
    """Make callers, and close them at the end."""
    made: list[Caller] = []

    def make(client_id: str = "sandbox", token: str = "") -> Caller:
        made.append(Caller(sandbox.url, client_id, token))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


@pytest.fixture
def alice(sandbox: SandboxClient, callers: Callable[..., Caller]) -> Caller:
    """Alice, linked to the AUTH V2 application."""
    return callers(token=sandbox.link("alice").access_token)


@pytest.fixture
def bob(sandbox: SandboxClient, callers: Callable[..., Caller]) -> Caller:
    """Bob, linked to the same."""
    return callers(token=sandbox.link("bob").access_token)


@pytest.fixture
def old_alice(sandbox: SandboxClient, callers: Callable[..., Caller]) -> Caller:
    """Alice, linked to the AUTH V1 application."""
    return callers("sandbox-v1", sandbox.link("alice", "sandbox-v1").access_token)
