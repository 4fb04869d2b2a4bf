"""Asks an application behind samehand, from the command line: one JSON object a line in, one out, in order. Lines that are
there already are asked at the same time, by several threads.

    in   {"url": "https://app.example.com/reports", "method": "POST", "headers": {"Accept": "text/html"}, "body": "..."}
    out  {"status": 200, "body": "..."}, or {"error": "..."}       only `url` is needed

Settings: SERVER (https://app.example.com), USERNAME, PASSWORD; KEY_FILE, if the key is to be one in a PEM file.
"""

import json
import os
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dpop import AnswerError, DpopClient


def key():
    if "KEY_FILE" not in os.environ:
        return None
    with open(os.environ["KEY_FILE"], "rb") as file:
        return load_pem_private_key(file.read(), None)


def ask(client, line):
    asked = json.loads(line)
    body = asked["body"].encode() if "body" in asked else None
    try:
        answer = client.request(asked.get("method", "GET"), asked["url"], body, asked.get("headers"))
        return {"status": answer.status, "body": answer.body.decode(errors="replace")}
    except (AnswerError, OSError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def write(answers):
    while answer := answers.get():
        print(json.dumps(answer.result()), flush=True)


client = DpopClient(os.environ["SERVER"], os.environ["USERNAME"], os.environ["PASSWORD"], key=key())
answers = queue.Queue()
writer = threading.Thread(target=write, args=[answers])
writer.start()
with ThreadPoolExecutor(max_workers=16) as threads:
    for line in sys.stdin:
        answers.put(threads.submit(ask, client, line))
answers.put(None)
writer.join()
