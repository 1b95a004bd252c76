"""A headless Chromium, spoken to over a pipe in the DevTools protocol: no more than the tests of pages need.

It asks for no package: the browser is found on the path, or where `NETSPEC_CHROMIUM` says.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

PATIENCE = 30.0
"""Seconds until an answer has to be there, on a busy machine."""

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "about:blank",
)


def found() -> str | None:
    """The browser's program, if there is one."""
    named = os.environ.get("NETSPEC_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def _out_of_the_way(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Browser:
    """A running browser; `open` gives a tab."""

    def __init__(self, program: str, profile: Path) -> None:
        # The browser reads its descriptor 3 and writes its 4; a shell moves ends there that are neither.
        (commands, self._commands), (self._answers, answers) = (map(_out_of_the_way, os.pipe()) for _ in range(2))
        line = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        arguments = ["bash", "-c", line, program, f"--user-data-dir={profile}", *FLAGS]
        self._process = subprocess.Popen(
            arguments, pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(commands)
        os.close(answers)
        self._number, self._rest = 0, b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self.tabs: dict[str, Tab] = {}

    def open(self, page: Path, width: int = 1200, height: int = 900, **wishes: Any) -> Tab:
        """A tab with a page.

        Args:
            wishes: of `Tab`.
        """
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session, target)
        tab.load(page, width, height, **wishes)
        return tab

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while (answer := self._next(end)).get("id") != self._number:
            self._hear(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def settle(self, until: Callable[[], bool]) -> None:
        """Hear what happens until something has."""
        end = time.monotonic() + PATIENCE
        while not until():
            self._hear(self._next(end))

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not self._selector.select(end - time.monotonic()):
                raise TimeoutError("the browser does not answer")
            read = os.read(self._answers, 1 << 20)
            if not read:
                raise RuntimeError("the browser is gone")
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _hear(self, event: dict[str, Any]) -> None:
        tab = self.tabs.get(event.get("sessionId", ""))
        if tab is not None and "method" in event:
            tab.hear(event["method"], event["params"])

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._selector.close()
        os.close(self._commands)
        os.close(self._answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Tab:
    """A page in a browser, and all that it complained of and asked for."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded = False

    def load(
        self, page: Path, width: int, height: int, *, dark: bool = False, touch: bool = False, scale: float = 1
    ) -> None:
        """Show a page.

        Args:
            dark: whether the reader prefers dark pages.
            touch: whether there is a touch screen, as on a phone.
            scale: pixels of the device for one of the page.
        """
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=touch
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.prefer(dark=dark)
        self.send("Page.navigate", url=page.as_uri())
        self._browser.settle(lambda: self._loaded)

    def prefer(self, *, dark: bool = False, still: bool = False) -> None:
        """Say what the reader prefers."""
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.send("Emulation.setEmulatedMedia", features=features)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the tab answers to a command."""
        return self._browser.send(method, self._session, **parameters)

    def hear(self, method: str, parameters: dict[str, Any]) -> None:
        """Take note of an event."""
        match method:
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(str([a.get("value", a.get("description")) for a in parameters["args"]]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(parameters["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"a dialog: {parameters['message']}")

    def value(self, expression: str) -> Any:
        """What a piece of JavaScript gives, as plain data."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def place(self, selector: str, number: int = 0) -> tuple[float, float, float, float]:
        """Where an element is in the window, which is scrolled to it: left, top, width, height."""
        words = json.dumps(selector)
        found = self.value(
            f"(() => {{ const e = document.querySelectorAll({words})[{number}];"
            " e.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()"
        )
        left, top, width, height = found
        return left, top, width, height

    def click(self, selector: str, number: int = 0, times: int = 1) -> None:
        """Click into the middle of an element."""
        left, top, width, height = self.place(selector, number)
        for i in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.mouse(kind, left + width / 2, top + height / 2, i)

    def mouse(self, kind: str, x: float, y: float, clicks: int = 1) -> None:
        """Move, press or release the mouse."""
        button = "none" if kind == "mouseMoved" else "left"
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=clicks)

    def drag(self, selector: str, start: float, end: float, number: int = 0) -> None:
        """Draw the mouse across an element.

        Args:
            start, end: shares of its width.
        """
        left, top, width, height = self.place(selector, number)
        y = top + height / 2
        self.mouse("mouseMoved", left + start * width, y)
        self.mouse("mousePressed", left + start * width, y)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=left + end * width, y=y, button="left", buttons=1)
        self.mouse("mouseReleased", left + end * width, y)

    def swipe(self, selector: str, start: float, end: float, number: int = 0) -> None:
        """Draw a finger across an element."""
        left, top, width, height = self.place(selector, number)
        y = top + height / 2
        for kind, share in (("touchStart", start), ("touchMove", (start + end) / 2), ("touchMove", end)):
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": left + share * width, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            for kind in ("keyDown", "keyUp"):
                code = _CODES.get(key, 0)
                self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)
                text = {}

    def picture(self, *, whole: bool = True) -> bytes:
        """What is seen, as the content of a PNG file."""
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        return base64.b64decode(data)

    def printed(self) -> bytes:
        """The page as the content of a PDF file, on A4."""
        answer = self.send(
            "Page.printToPDF", printBackground=False, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
        )
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self._target)


_CODES = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
