"""A real Chromium that looks at a real ``millicore`` server, and notes everything it asks for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from streamlit.runtime import Runtime as StreamlitRuntime

from service.http.application import create_application
from service.runtime import Runtime

CHROMIUM = Path("/usr/bin/chromium")
ONE_TIME = "browser-secret"
VIEWPORT = {"width": 1440, "height": 900}


@dataclass
class Visit:
    """One tab and what it asked for."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)

    @property
    def foreign_requests(self) -> list[str]:
        """Requests that left the server."""
        own = (self.base, self.base.replace("http", "ws", 1), "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def open(self, path: str) -> Page:
        """Open a board with the one-time link and wait until it shows something."""
        joint = "&" if "?" in path else "?"
        self.page.goto(f"{self.base}{path}{joint}token={ONE_TIME}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until Streamlit has finished a run."""
        self.page.wait_for_selector(".mc-header, .mc-state", timeout=30_000)
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=30_000)
        self.page.wait_for_timeout(300)


@contextmanager
def serving(runtime: Runtime) -> Iterator[str]:
    """Serve a runtime on a free loopback port and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = create_application(runtime, one_time_token=ONE_TIME)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="error", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    assert server.started, "the server did not start"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        StreamlitRuntime._instance = None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium, or skip with the reason."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser: Browser, base: str, **options: object) -> Iterator[Visit]:
    """Open a fresh tab without cookies and note its requests."""
    context: BrowserContext = browser.new_context(viewport=VIEWPORT, locale="en-GB", **options)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), base)
    visit.page.on("request", lambda request: visit.requests.append(request.url))
    try:
        yield visit
    finally:
        context.close()
