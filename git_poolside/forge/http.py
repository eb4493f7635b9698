"""One GitHub over `requests`: a request, its answer, and what has to be waited for, tried again or refused.

Proxies and certificate bundles are what `requests` finds in the environment. The token goes to the interface's own
host alone: a redirect or a next page elsewhere is an error, and netrc is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from git_poolside import __version__
from git_poolside.errors import FarSideFailed
from git_poolside.forge.failures import Unanswered, refusal, state_of, texts
from git_poolside.forge.tokens import Forge, Token
from git_poolside.stack.values import frozen

if TYPE_CHECKING:
    from datetime import datetime

    import requests

Pause = Callable[[float, str], None]
"""Waits so many seconds, and says why."""

TIMEOUT = (10.0, 30.0)
"""Seconds for the connection, and between two bytes of the answer."""
PATIENCE = 900.0
"""Seconds that one request waits for rate limits altogether."""
RETRIES = (1.0, 2.0, 4.0)
"""Seconds before each further try of a request that may be repeated."""
SECONDARY = 60.0
"""Seconds to wait at a limit that does not say how long (docs.github.com, "Rate limits for the REST API")."""
_REDIRECTS = 5
_PAGE = 100
_VERSION = "2022-11-28"
_SECONDS = re.compile(r"[0-9]{1,12}")


@frozen
class Answer:
    """A successful answer: `data` is the decoded JSON, None where there is no body; header names are lower case."""

    status: int
    data: Any
    headers: Mapping[str, str]

    @property
    def date(self) -> datetime:
        """The server's own clock. Raises `FarSideFailed` for a server without one."""
        try:
            return parsedate_to_datetime(self.headers["date"])
        except (KeyError, ValueError) as error:
            raise FarSideFailed(
                "the server does not say what time it is", hints=["is GITHUB_API_URL GitHub's interface?"]
            ) from error


class Client:
    """Asks one GitHub. `pause` is called for every wait, which the person at the terminal has to see."""

    def __init__(self, forge: Forge, token: Token | None, pause: Pause, timeout: tuple[float, float] = TIMEOUT) -> None:
        import requests

        self.forge = forge
        self.token = token
        self._pause = pause
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = self._sign  # always: without it requests would look into netrc
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "User-Agent": f"git-poolside/{__version__}",
                "X-GitHub-Api-Version": _VERSION,
            }
        )

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token.value}"
        return request

    def get(self, path: str, doing: str, **parameters: str | int) -> Answer:
        """Ask for `path` below the base; tried again when the server or the network fails.

        Raises `ApiFailed` for an answer that says no, `FarSideFailed` for the rest; `doing` completes "refused to".
        """
        return self._repeated("GET", path, doing, parameters=parameters)

    def pages(self, path: str, doing: str, key: str | None = None, **parameters: str | int) -> Iterator[Any]:
        """The items of a list, page after page; `key` is where they lie in an object. Raises as `get`."""
        answer = self.get(path, doing, per_page=_PAGE, **parameters)
        while True:
            items = answer.data if key is None else (answer.data or {}).get(key)
            if not isinstance(items, list):
                raise self._nonsense(doing)
            yield from items
            following = _next_page(answer.headers.get("link", ""))
            if following is None:
                return
            answer = self._repeated("GET", self._below(following, doing), doing)

    def post(self, path: str, doing: str, body: Mapping[str, Any]) -> Answer:
        """Ask to make something. Never repeated: raises `Unanswered` where it may have been made all the same."""
        return self._limited("POST", path, doing, body=body)

    def patch(self, path: str, doing: str, body: Mapping[str, Any]) -> Answer:
        """Set what `body` gives; to do it twice is to do it once, so it is repeated as `get` is."""
        return self._repeated("PATCH", path, doing, body=body)

    def _repeated(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        parameters: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        for seconds in RETRIES:
            try:
                return self._limited(method, path, doing, parameters=parameters, body=body)
            except Unanswered as error:
                self._pause(seconds, error.message)
        return self._limited(method, path, doing, parameters=parameters, body=body)

    def _limited(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        parameters: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request, sent again only after a rate limit, which GitHub applies before it does anything."""
        left = PATIENCE
        while True:
            answer = self._followed(method, path, doing, parameters, body)
            if answer.status < 300:
                return answer
            wait = _limit(answer)
            if wait is None:
                raise refusal(self.forge, self.token, doing, answer.status, answer.headers, answer.data)
            if wait > left:
                raise FarSideFailed(
                    f"{self.forge.host} limits how often it is asked, for {round(wait / 60)} more minutes",
                    hints=["try again then", "a token of its own for this work has a limit of its own"],
                )
            left -= wait
            self._pause(wait, f"{self.forge.host} limits how often it is asked")

    def _followed(
        self,
        method: str,
        path: str,
        doing: str,
        parameters: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:
        """One request and the redirects behind it, on the same host alone."""
        url = self.forge.api + path
        for _ in range(_REDIRECTS):
            answer = self._once(method, url, doing, parameters, body)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            if method != "GET" and answer.status not in (307, 308):
                break  # it would have to become a GET
            url, parameters = self._same_host(url, answer.headers.get("location", ""), doing), None
        raise FarSideFailed(
            f"{self.forge.host} sends on the request to {doing} without end",
            hints=["was the repository renamed? set its new name under [github] in .poolside.toml"],
        )

    def _once(
        self,
        method: str,
        url: str,
        doing: str,
        parameters: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
    ) -> Answer:

        try:
            response = self._session.request(
                method, url, params=parameters, json=body, timeout=self._timeout, allow_redirects=False
            )
        except (OSError, ValueError) as error:  # OSError: requests' own errors, and a file of certificates that is none
            raise self._unreachable(error, doing, method) from None  # its text may hold a proxy's password
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code >= 500:
            raise Unanswered(
                f"{self.forge.host} failed to {doing} (HTTP {response.status_code})",
                hints=[f"try again later; {state_of(self.forge)}"],
            )
        if response.status_code == 204 or not response.content:
            return Answer(response.status_code, None, headers)
        try:
            data = response.json()
        except (ValueError, RecursionError) as error:
            if response.status_code < 300:  # to a POST it is a yes whose words are lost
                raise self._nonsense(doing, Unanswered if method == "POST" else FarSideFailed) from error
            data = None
        return Answer(response.status_code, data, headers)

    def _unreachable(self, error: OSError | ValueError, doing: str, method: str) -> FarSideFailed:
        """The failure of a connection, by its kind."""
        import requests

        host = urlsplit(self.forge.api).netloc
        if not isinstance(error, requests.RequestException | ValueError):
            return FarSideFailed(
                f"cannot {doing}: there is no file of certificates where it should be",
                hints=["REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names it"],
            )
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return FarSideFailed(
                f"cannot {doing}: the certificate of {host} is not trusted",
                hints=["export REQUESTS_CA_BUNDLE=FILE   (your company's certificates)"],
            )
        wrong = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
        if isinstance(error, wrong):
            return FarSideFailed(
                f"cannot {doing}: the address of the proxy, or of {host}, cannot be used",
                hints=["https_proxy and no_proxy name the proxy and what goes without"],
            )
        broken = Unanswered if method == "POST" else FarSideFailed  # they may break behind it too
        if isinstance(error, requests.exceptions.SSLError):
            return broken(
                f"cannot {doing}: {host} does not speak TLS",
                hints=["is a proxy in between? https_proxy and no_proxy name it"],
            )
        if isinstance(error, requests.exceptions.ProxyError):
            return broken(
                f"cannot {doing}: the proxy does not let {host} be reached",
                hints=["https_proxy and no_proxy name the proxy and what goes without"],
            )
        if isinstance(error, requests.exceptions.Timeout):
            what = f"{host} does not answer"
        elif isinstance(error, requests.exceptions.ConnectionError):
            what = f"the connection to {host} failed"
        else:
            what = f"{host} gave an answer that cannot be read"
        return Unanswered(
            f"cannot {doing}: {what}", hints=[f"curl -sS {self.forge.api}   (tries the connection alone)"]
        )

    def _nonsense(self, doing: str, kind: type[FarSideFailed] = FarSideFailed) -> FarSideFailed:
        return kind(
            f"cannot {doing}: {urlsplit(self.forge.api).netloc} answers, but not as GitHub does",
            hints=["is GITHUB_API_URL right? is a proxy or a login page in between?"],
        )

    def _same_host(self, base: str, target: str, doing: str) -> str:
        """Where `target` leads from `base`, on the interface's own host. Raises `FarSideFailed` where it does not:
        nobody else is to get the token, nor is it to go without TLS or to another port.
        """
        here = urlsplit(self.forge.api)
        try:
            url = urljoin(base, target)
            there = urlsplit(url)
        except ValueError:  # an address that is none
            there = urlsplit("")
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            whither = there.netloc if there.scheme == here.scheme else f"{there.scheme}://{there.netloc}"
            raise FarSideFailed(
                f"cannot {doing}: {here.netloc} sends on to {whither if there.netloc else 'nowhere'}, which does not "
                "get the token",
                hints=["is GITHUB_API_URL right? is a proxy or a login page in between?"],
            )
        return url

    def _below(self, url: str, doing: str) -> str:
        """The part of a full url behind the interface's base."""
        return self._same_host(self.forge.api, url, doing).removeprefix(self.forge.api)


def _next_page(link: str) -> str | None:
    """The url of relation ``next`` in a Link header (RFC 8288)."""
    from requests.utils import parse_header_links

    found = (one.get("url") for one in parse_header_links(link) if one.get("rel") == "next") if link else ()
    return next(iter(found), None)


def _limit(answer: Answer) -> float | None:
    """The seconds to wait where the answer is a primary or secondary rate limit, else None."""
    if answer.status not in (403, 429):
        return None
    after = answer.headers.get("retry-after", "")
    if _SECONDS.fullmatch(after):
        return float(after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and _SECONDS.fullmatch(reset):
        return max(0.0, int(reset) - answer.date.timestamp()) + 1
    said = " ".join(texts(answer.data)).lower()
    return SECONDARY if answer.status == 429 or "rate limit" in said or "abuse detection" in said else None
