#!/usr/bin/env python3
"""Computes the test vectors of samehand's keyed fingerprint, version 1, with nothing but the standard library.

It shares no code with samehand: `docs/fingerprint.md` is all it needs. It prints tests/data/fingerprint_vectors.tsv.
"""
import base64
import hashlib
import hmac
import ipaddress
import struct


def hkdf(key: bytes, info: bytes, length: int) -> bytes:  # RFC 5869, empty salt, one block
    return hmac.new(hmac.new(bytes(32), key, hashlib.sha256).digest(), info + b"\x01", hashlib.sha256).digest()[:length]


def lp(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def address_bytes(text: str, prefix4: int, prefix6: int) -> bytes:
    address = ipaddress.ip_address(text)
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    prefix = prefix4 if address.version == 4 else prefix6
    network = ipaddress.ip_network((address, prefix), strict=False)
    return bytes([address.version, prefix]) + network.network_address.packed


def value(entry: str, seen: dict) -> bytes:
    """V of the text: what a part of the client looks like."""
    name, _, detail = entry.lstrip("!").partition(":")
    if name == "ip":
        return address_bytes(seen["address"], *map(int, detail.split(":")))
    if name == "user-agent":
        return seen["agent"]
    if name == "cookie":
        return (b"\x01" if seen["cookie"] == "session" else b"") if detail else seen["cookie"].encode()
    if name in ("dpop", "mtls"):
        return base64.urlsafe_b64decode(seen[name] + "=")
    return b"\x01" + seen[name].encode() if seen.get(name) else b"\x00"


def domain(entry: str) -> str:
    name = entry.lstrip("!")
    built_in = name.partition(":")[0] in ("user-agent", "dpop", "mtls") or name in ("cookie", "cookie:session")
    return (name if name.startswith("cookie") else name.partition(":")[0]) if built_in else f"header/{name}"


def claim(salt: str, record: str, issuer: str, jti: str, sid: str, seen: dict) -> str:
    key = hkdf(salt.encode(), b"samehand/fingerprint/v1", 32)
    key_id = b64(hkdf(salt.encode(), b"samehand/fingerprint-key-id/v1", 6))

    def digest(part: str, scope: str, *values: bytes) -> str:
        fields = [f"samehand/fingerprint/v1/{part}".encode(), record.encode(), issuer.encode(), scope.encode(), *values]
        return b64(hmac.new(key, b"".join(map(lp, fields)), hashlib.sha256).digest()[:16])

    entries = record.split(",")
    values = [value(entry, seen) for entry in entries]
    addresses = ["-", "-"]
    family = values[0][0]
    addresses[0 if family == 4 else 1] = digest(f"ip{family}", sid or jti, values[0])
    others = [digest(domain(entry), jti, part) for entry, part in zip(entries[1:], values[1:])]
    return ".".join(["v1", key_id, record, *addresses, *others, digest("client", jti, *values)])


FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# The User-Agent as sent, and its canonical bytes: tag 00 absent, 01 exact, 02 family of a browser, 03 of another agent.
AGENTS = {
    "family": [(FIREFOX, b"\x02Linux Firefox"), (b"curl/8.5.0", b"\x03curl/0"), (b"", b"\x00")],
    "exact": [(FIREFOX, b"\x01" + FIREFOX), (b"caf\xc3\xa9 \xff", b"\x01caf\xc3\xa9 \xff")],
}
SALT, SALZ = "a salt of the published test vectors", "Salz und Pfeffer, und noch mehr Salz äöü"
JTI, SID = "0123456789abcdefghijkl", "zyxwvutsrqponmlkjihgfe"
ROWS = [
    (SALT, "!ip:32:64,!user-agent:{}", "samehand", JTI, SID, "192.0.2.1"),
    (SALT, "!ip:24:56,user-agent:{}", "https://auth.example.com", "x", "", "::ffff:192.0.2.77"),
    (SALZ, "ip:32:64,!user-agent:{}", "samehand", JTI, SID, "2001:db8:1:2:3:4:5:6"),
    (SALZ, "ip:8:128,user-agent:{}", "samehand", JTI, SID, "2001:db8:1:2:3:4:5:6"),
]
COOKIE = b64(bytes(range(32)))
KEY, CERTIFICATE = (b64(hashlib.sha256(name).digest()) for name in (b"key", b"certificate"))
# Records with further parts: the record, and what the client shows.
PROOFS = [
    ("ip:32:64,!user-agent:family,!cookie", {"cookie": COOKIE}),
    ("ip:32:64,!user-agent:family,!cookie:session", {"cookie": "session"}),
    ("ip:32:64,user-agent:family,!dpop", {"dpop": KEY}),
    ("ip:32:64,user-agent:family,!mtls", {"mtls": CERTIFICATE}),
    ("ip:32:64,!user-agent:family,country,!ja4", {"ja4": "t13d1516h2_8daaf6152771_b186095e22b6"}),
    ("!ip:32:64,!user-agent:family,!cookie,!dpop,!mtls,!ja4", {"cookie": COOKIE, "dpop": KEY, "mtls": CERTIFICATE}),
]


def row(salt, record, issuer, jti, sid, address, sent, canonical, shown) -> None:
    seen = {"address": address, "agent": canonical, "cookie": "", "dpop": "", "mtls": "", "ja4": "", **shown}
    fields = [seen["cookie"], seen["dpop"], seen["mtls"], seen["ja4"], claim(salt, record, issuer, jti, sid, seen)]
    print(salt, record, issuer, jti, sid, address, sent.hex(), *fields, sep="\t")


print("# salt, record, iss, jti, sid, address, User-Agent (hex), cookie, key, certificate, ja4, claim")
print("# made by docs/fingerprint_vectors.py; a key and a certificate are given by their thumbprints")
for salt, record, issuer, jti, sid, address in ROWS:
    for match, agents in AGENTS.items():
        for sent, canonical in agents:
            row(salt, record.format(match), issuer, jti, sid, address, sent, canonical, {})
for record, shown in PROOFS:
    row(SALT, record, "samehand", JTI, SID, "192.0.2.1", b"curl/8.5.0", b"\x03curl/0", shown)
