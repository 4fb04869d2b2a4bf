"""Signs a service in at samehand with a key of its own, and shows with every request that it holds it (DPoP, RFC 9449).

Python 3.9 or newer and `cryptography` (Debian: python3-cryptography); copy this file, nothing else is needed.

    from dpop import DpopClient

    client = DpopClient("https://app.example.com", "reports", password)
    answer = client.request("GET", "https://app.example.com/api/reports")
    answer.status, answer.headers["Content-Type"], answer.body

It signs in with the first request, renews in time, and signs in again when the session has ended. Threads may share it.
A token or a proof that somebody copies on the way is good for nothing without the key, which stays in this process.
"""

import base64
import hashlib
import json
import re
import threading
import time
import urllib.request
import uuid
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

# Answers that say what to do better: section 8, and section 5 or 7.1.
PROOF_ERRORS = ("use_dpop_nonce", "invalid_dpop_proof")
# One for the clock and one for the nonce, where a refusal does not teach both.
MOST_RETRIES = 2
# Clocks this close, in seconds, are one clock. `Date` has whole seconds, and the answer took a moment.
CLOCKS_APART = 5
# A token is renewed when so much of its life is over.
RENEW_AFTER = 0.75


class AnswerError(Exception):
    """An answer of samehand that is no success: `status`, `code` (as `invalid_credentials`), `retry_after` in seconds."""

    def __init__(self, answer, description=None):
        said = _object(answer.body)
        super().__init__(description or said.get("error_description") or f"samehand answered {answer.status}")
        self.status, self.code = answer.status, said.get("error")
        wait = answer.headers.get("Retry-After", "")
        self.retry_after = int(wait) if wait.isdigit() else None


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


class Session(NamedTuple):
    token: str
    renew_at: float
    ends_at: float


class DpopClient:
    def __init__(self, server, username, password, *, origins=None, key=None, context=None, timeout=30):
        """`server`: the origin whose /login and /renew are samehand's. `origins`: those that may be given the token; no
        other ever is. `key`: a P-256 private key; without it one for the life of this object. `context`: ssl.SSLContext."""
        self._server, self._username, self._password, self._timeout = server, username, password, timeout
        self._origins = origins or [_address(server)[0]]
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        self._jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self._opener = urllib.request.build_opener(_AsItIs, urllib.request.HTTPSHandler(context=context))
        self._session = None
        self._one_at_a_time = threading.Lock()
        # How many seconds the server's clock is ahead of this one.
        self._ahead = 0.0
        # The newest nonce of each origin.
        self._nonces = {}

    def request(self, method, url, body=None, headers=None):
        """Sends a request with token and proof. `body`: bytes. Redirects are answers: they lead to another address, for
        which this proof is not good. Raises AnswerError when samehand does not let the service in, OSError without an
        answer."""
        origin, _ = _address(url)
        if origin not in self._origins:
            raise ValueError(f"{origin} is not one of the origins of this client")
        token = self._current().token
        answer = self._send(method, url, body, headers, token)
        if _error(answer) != "invalid_token":
            return answer
        # Ended sooner than it was to, for instance because it was taken back.
        return self._send(method, url, body, headers, self._replaced(token).token)

    def _current(self):
        """The session with a token that has not ended."""
        session = self._session
        if session and self._now() < session.renew_at:
            return session
        try:
            return self._replaced(session and session.token)
        except (AnswerError, OSError):
            # samehand is away for a moment, and the token has not ended.
            if not session or self._now() >= session.ends_at:
                raise
            return session

    def _replaced(self, token):
        """The session that comes after the one with this token. One thread renews for all that wait for it."""
        with self._one_at_a_time:
            if self._session and self._session.token != token:
                return self._session
            if self._session:
                answer = self._send("POST", self._server + "/renew", None, None, token)
                has_ended = answer.status == 403 or (answer.status == 401 and _error(answer) not in PROOF_ERRORS)
                if not has_ended:
                    return self._begin(answer)
                self._session = None
            credentials = json.dumps({"username": self._username, "password": self._password}).encode()
            return self._begin(
                self._send("POST", self._server + "/login", credentials, {"Content-Type": "application/json"}, None)
            )

    def _begin(self, answer):
        given = _object(answer.body)
        if answer.status != 200:
            raise AnswerError(answer)
        # Without this a token that anybody can use would be kept: samehand does not ask for `dpop`.
        if given.get("token_type") != "DPoP":
            raise AnswerError(answer, "the token is not bound to the key")
        now, life = self._now(), given["expires_in"]
        self._session = Session(given["token"], now + life * RENEW_AFTER, now + life)
        return self._session

    def _send(self, method, url, body, headers, token):
        """Sends it with a fresh proof, and once more with a better one when the proof is refused. The application saw nothing
        then."""
        origin, path = _address(url)
        for _ in range(1 + MOST_RETRIES):
            proof = {"DPoP": self._proof(method, origin + path, self._nonces.get(origin), token)}
            authorization = {"Authorization": f"DPoP {token}"} if token else {}
            request = urllib.request.Request(url, body, {**(headers or {}), **authorization, **proof}, method=method)
            with self._opener.open(request, timeout=self._timeout) as response:
                answer = Answer(response.status, response.headers, response.read())
            self._learn(answer, origin)
            if _error(answer) not in PROOF_ERRORS:
                break
        return answer

    def _learn(self, answer, origin):
        if "DPoP-Nonce" in answer.headers:
            self._nonces[origin] = answer.headers["DPoP-Nonce"]
        # Refusals come from no cache, so that their `Date` is now.
        if answer.status in (400, 401) and "Date" in answer.headers:
            date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
            if abs(date - self._now()) > CLOCKS_APART:
                self._ahead = date - time.time()

    def _proof(self, method, address, nonce, token):
        """Section 4.2."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._jwk}
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": address, "iat": int(self._now())}
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = _base64url(hashlib.sha256(token.encode()).digest())
        content = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(content.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{content}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def _now(self):
        """The server's time, in seconds."""
        return time.time() + self._ahead


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Every answer is one: no exception for a status, and no redirect with the token to somebody else."""

    def http_response(self, request, response):
        return response

    https_response = http_response


def _address(url):
    """Origin and path; without query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path or "/"


def _error(answer):
    """What a refusal calls itself: in `WWW-Authenticate`, or in the body of /login and /renew (section 5)."""
    if answer.status == 400:
        return _object(answer.body).get("error")
    found = re.search(r'\berror="([^"]*)"', answer.headers.get("WWW-Authenticate", "")) if answer.status == 401 else None
    return found and found[1]


def _object(body):
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
