"""Sends HTTP GETs with a deadline and a byte limit, and returns every failure as a named BadStatus.

Does not: interpret a status, follow redirects, decompress, or use a proxy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from types import TracebackType
from urllib.parse import urlsplit

from msgspec.structs import replace

from metabonk_tui.adapters.http.answer import Link, grace_s, timed_out
from metabonk_tui.adapters.http.connection import Shared
from metabonk_tui.adapters.http.plain_link import PlainLink
from metabonk_tui.adapters.http.tls import enable_in_asyncio
from metabonk_tui.adapters.process.descriptors import most_connections
from metabonk_tui.core.model.sample import BadStatus, Observation
from metabonk_tui.core.status.repeated import StatusDecoder
from metabonk_tui.core.text.clean import clean_text


class StatusClient:
    """Polls workers and orchestrators, also concurrently. Keeps one connection for each URL.

    Where the limit of open files leaves room for fewer connections, the others wait, and none is kept.
    """

    def __init__(self, timeout_s: float, max_body_bytes: int, room: int | None = None) -> None:
        """Prepare; `room` is the number of connections, None: as many as the limit of open files allows."""
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._shared = Shared(timeout_s)
        self._idle: dict[str, Link] = {}
        self._room = room or most_connections()
        self._free = asyncio.Semaphore(self._room)
        self._asked: set[PlainLink] = set()
        """The kept connections on which `ask` waits for an answer."""
        self._asking_again: set[asyncio.Task[None]] = set()
        self._urls: set[str] = set()
        self._decoders: dict[str, StatusDecoder] = {}
        self._closed = False

    async def fetch(self, url: str, max_bytes: int | None = None) -> tuple[bytes | BadStatus, float]:
        """Return a body of at most `max_bytes` or a named failure, and the seconds that it took.

        Raises OSError when the monitor has no file descriptor left: that says nothing about the worker.
        """
        self._urls.add(url)
        limit = max_bytes or self._max_body_bytes
        async with self._free:
            began = time.monotonic()
            found = await self._ask(url, limit, began + self._timeout_s)
            return found, time.monotonic() - began

    async def poll(self, url: str) -> Observation:
        """Poll one worker's status URL; a failure is in the Observation.

        `localhost` is two addresses, and another program may listen on one of them: a status from either counts.
        """
        addresses = _one_address_each(url)
        if len(addresses) == 1:
            return await self._poll(url)
        answers: list[tuple[str, Observation]] = []
        for address in addresses:
            seen = await self._poll(address)
            if seen.status is not None:
                return seen
            answers.append((address, seen))
        # Only what answers at all is worth a sentence; a machine may have no IPv6.
        address, seen = next((each for each in answers if each[1].error != "refused"), answers[0])
        if seen.error == "refused":
            return seen
        return replace(
            seen, detail=f"{urlsplit(address).netloc.rpartition(':')[0]} answers: {seen.detail}".removesuffix(": ")
        )

    def ask(self, url: str) -> Awaitable[Callable[[], Observation]]:
        """Do what `poll` does; the result decodes the answer when it is called.

        Where a connection is kept, nothing runs between sending and reading: a task would cost a third of the poll.
        """
        kept = self._idle.get(url)
        if type(kept) is not PlainLink or not kept.is_kept or len(_one_address_each(url)) > 1:
            return self._ask_slowly(url)
        del self._idle[url]
        self._asked.add(kept)
        answered: asyncio.Future[Callable[[], Observation]] = asyncio.get_running_loop().create_future()
        kept.send(self._max_body_bytes, partial(self._take_answer, url, kept, time.monotonic(), answered))
        return answered

    async def _ask_slowly(self, url: str) -> Callable[[], Observation]:
        seen = await self.poll(url)
        return lambda: seen

    def _take_answer(
        self,
        url: str,
        link: PlainLink,
        began_s: float,
        answered: asyncio.Future[Callable[[], Observation]],
        found: bytes | BadStatus,
    ) -> None:
        """Take what a kept connection answered, and keep it for another request."""
        self._asked.discard(link)
        if isinstance(found, BadStatus):
            if found.error in ("closed", "reset") and not self._closed and not answered.done():
                task = asyncio.get_running_loop().create_task(self._ask_again(url, link, began_s, answered))
                self._asking_again.add(task)
                task.add_done_callback(self._asking_again.discard)
                return
        elif url not in self._idle and not self._closed:
            self._idle[url] = link
        else:
            link.abort()
        if not answered.done():
            answered.set_result(partial(self._observe, url, found, link.waited_s))

    async def _ask_again(
        self, url: str, link: PlainLink, began_s: float, answered: asyncio.Future[Callable[[], Observation]]
    ) -> None:
        """Ask on a new connection, in the time that is left: the worker may have closed the idle one just now."""
        try:
            await link.aclose()
            async with self._free:
                found = await self._ask_anew(url, self._max_body_bytes, began_s + self._timeout_s - time.monotonic())
        except BaseException as error:
            if not answered.done():
                answered.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        if not answered.done():
            answered.set_result(partial(self._observe, url, found, time.monotonic() - began_s))

    async def _poll(self, url: str) -> Observation:
        body, latency_s = await self.fetch(url)
        return self._observe(url, body, latency_s)

    def _observe(self, url: str, body: bytes | BadStatus, latency_s: float) -> Observation:
        status = body if isinstance(body, BadStatus) else self._decoder(url).decode(body)
        if isinstance(status, BadStatus):
            return Observation(error=status.error, detail=status.detail, latency_s=latency_s)
        return Observation(status=status, latency_s=latency_s)

    def _decoder(self, url: str) -> StatusDecoder:
        found = self._decoders.get(url)
        if found is None:
            found = self._decoders[url] = StatusDecoder()
        return found

    async def aclose(self) -> None:
        """Close every idle connection. A request under way closes its connection when it ends."""
        self._closed = True
        while self._idle:
            _, link = self._idle.popitem()
            await link.aclose()
        for task in tuple(self._asking_again):
            task.cancel()
        await asyncio.gather(*self._asking_again, *(link.aclose() for link in self._asked), return_exceptions=True)
        self._asked.clear()
        self._shared.close()

    async def __aenter__(self) -> StatusClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, url: str, max_bytes: int, due_s: float) -> bytes | BadStatus:
        """Ask a URL; on `localhost` 127.0.0.1 first, because another pool or program may listen on ::1."""
        first, *others = _one_address_each(url)
        found = await self._ask_one(first, max_bytes, due_s)
        for other in others:
            if isinstance(found, BadStatus) and found.error == "refused":
                again = await self._ask_one(other, max_bytes, due_s)
                found = found if isinstance(again, BadStatus) and again.error == "refused" else again
        return found

    async def _ask_one(self, url: str, max_bytes: int, due_s: float) -> bytes | BadStatus:
        found = await self._ask_kept(url, max_bytes)
        return found if found is not None else await self._ask_anew(url, max_bytes, due_s - time.monotonic())

    async def _ask_kept(self, url: str, max_bytes: int) -> bytes | BadStatus | None:
        """Ask on the kept connection; None: there is none, or it was closed."""
        kept = self._idle.pop(url, None)
        if kept is None:
            return None
        if not kept.is_kept:
            await kept.aclose()
            return None
        found = await self._ask_on(kept, url, max_bytes)
        # The worker may have closed the idle connection just now: only a new connection shows its state.
        return None if isinstance(found, BadStatus) and found.error in ("closed", "reset") else found

    async def _ask_anew(self, url: str, max_bytes: int, left_s: float) -> bytes | BadStatus:
        """Ask on a new connection, in the seconds that are left."""
        try:
            link = self._make_link(url)
        except ValueError as error:
            return BadStatus("dns", clean_text(f"not a URL: {error}"))
        loop = asyncio.get_running_loop()
        due_s = loop.time() + left_s
        try:
            async with asyncio.timeout(None) as limit:
                timer = loop.call_at(due_s, _end, limit, due_s)
                try:
                    return await self._ask_on(link, url, max_bytes)
                finally:
                    timer.cancel()
        except TimeoutError:
            return timed_out(self._timeout_s)

    async def _ask_on(self, link: Link, url: str, max_bytes: int) -> bytes | BadStatus:
        """Send on a link that no other request uses; keep the link after success, else close it."""
        good = False
        try:
            found = await link.get(max_bytes)
            good = not isinstance(found, BadStatus)
            return found
        finally:
            keeps = len(self._urls) <= self._room and url not in self._idle
            if good and keeps and not self._closed:
                self._idle[url] = link
            else:
                await link.aclose()

    def _make_link(self, url: str) -> Link:
        """Prepare a connection to a URL. Raises ValueError: not a URL."""
        scheme, separator, _ = url.partition("://")
        if scheme.lower() == "http":
            return PlainLink(url, self._shared)
        if scheme.lower() == "https":
            # Imported here: it costs 0.1 s of CPU, and no worker speaks https.
            enable_in_asyncio()
            from metabonk_tui.adapters.http.httpx_link import HttpxLink

            return HttpxLink(url, self._timeout_s)
        raise ValueError(
            f"it begins with {scheme}:, not http: or https:" if separator else "it does not begin with http:"
        )


@lru_cache(maxsize=2048)
def _one_address_each(url: str) -> tuple[str, ...]:
    """Return the URL once for each address of `localhost`, and any other URL as it is."""
    scheme, separator, rest = url.partition("://")
    name, colon, after = rest.partition(":")
    if (scheme.lower(), name.lower()) != ("http", "localhost"):
        return (url,)
    return tuple(f"{scheme}{separator}{address}{colon}{after}" for address in ("127.0.0.1", "[::1]"))


def _end(limit: asyncio.Timeout, due_s: float) -> None:
    """Let a time limit end, unless the loop is late."""
    now_s = asyncio.get_running_loop().time()
    limit.reschedule(now_s + grace_s(now_s - due_s))
