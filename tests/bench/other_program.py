"""Another program with the same account, which uses half of its budget at an even rate."""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.parse
import urllib.request

from bench import pictures
from bench.running_sandbox import RunningSandbox


class OtherProgram:
    """A thread that uploads an image every `every` seconds, except while the account is blocked."""

    def __init__(self, sandbox: RunningSandbox, every: float) -> None:
        self._sandbox = sandbox
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spend, daemon=True)
        self.accepted = 0
        self.throttled = 0

    def __enter__(self) -> OtherProgram:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _spend(self) -> None:
        number = 50_000_000
        while not self._stop.wait(self._every):
            if self._sandbox.account().blocked:
                continue
            number += 1
            form = {"bytes": base64.b64encode(pictures.tiny(number)).decode()}
            request = urllib.request.Request(
                f"{self._sandbox.url}/v25.0/act_1/adimages",
                urllib.parse.urlencode(form).encode(),
                {"Authorization": "Bearer sandbox-token"},
            )
            try:
                urllib.request.urlopen(request).close()
            except urllib.error.HTTPError as error:
                error.close()
                self.throttled += 1
            else:
                self.accepted += 1
