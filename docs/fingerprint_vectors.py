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


def claim(salt: str, recipe: str, issuer: str, jti: str, address: str, canonical_agent: bytes) -> str:
    key = hkdf(salt.encode(), b"samehand/fingerprint/v1", 32)
    key_id = b64(hkdf(salt.encode(), b"samehand/fingerprint-key-id/v1", 6))
    prefix4, prefix6, _ = recipe.split("-")
    where = address_bytes(address, int(prefix4), int(prefix6))

    def digest(part: str, *values: bytes) -> str:
        fields = [f"samehand/fingerprint/v1/{part}".encode(), recipe.encode(), issuer.encode(), jti.encode(), *values]
        return b64(hmac.new(key, b"".join(map(lp, fields)), hashlib.sha256).digest()[:16])

    digests = [digest("ip", where), digest("user-agent", canonical_agent), digest("client", where, canonical_agent)]
    return ".".join(["v1", key_id, recipe, *digests])


FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# The User-Agent as sent, and its canonical bytes: tag 00 absent, 01 exact, 02 family of a browser, 03 of another agent.
AGENTS = {
    "family": [(FIREFOX, b"\x02Linux Firefox"), (b"curl/8.5.0", b"\x03curl/0"), (b"", b"\x00")],
    "exact": [(FIREFOX, b"\x01" + FIREFOX), (b"caf\xc3\xa9 \xff", b"\x01caf\xc3\xa9 \xff")],
}
ROWS = [
    ("a salt of the published test vectors", "32-64", "samehand", "0123456789abcdefghijkl", "192.0.2.1"),
    ("a salt of the published test vectors", "24-56", "https://auth.example.com", "x", "::ffff:192.0.2.77"),
    ("Salz und Pfeffer, und noch mehr Salz äöü", "32-64", "samehand", "0123456789abcdefghijkl", "2001:db8:1:2:3:4:5:6"),
    ("Salz und Pfeffer, und noch mehr Salz äöü", "8-128", "samehand", "0123456789abcdefghijkl", "2001:db8:1:2:3:4:5:6"),
]

print("# salt, recipe, iss, jti, address, User-Agent (hex), claim; made by docs/fingerprint_vectors.py")
for salt, prefixes, issuer, jti, address in ROWS:
    for match, agents in AGENTS.items():
        for sent, canonical in agents:
            recipe = f"{prefixes}-{match}"
            print(salt, recipe, issuer, jti, address, sent.hex(), claim(salt, recipe, issuer, jti, address, canonical), sep="\t")
