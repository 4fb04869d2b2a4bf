// Asks an application behind samehand, from the command line: one JSON object a line in, one out, in order. Lines that are
// there already are asked at the same time.
//
//   in   {"url": "https://app.example.com/reports", "method": "POST", "headers": {"Accept": "text/html"}, "body": "..."}
//   out  {"status": 200, "body": "..."}, or {"error": "..."}       only `url` is needed
//
// Settings: SERVER (https://app.example.com), USERNAME, PASSWORD; KEY_FILE, if the key is to be one in a PEM file.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DpopClient } from './dpop.mjs';

const { SERVER: server, USERNAME: username, PASSWORD: password, KEY_FILE: file } = process.env;
const client = new DpopClient({ server, username, password, key: file && createPrivateKey(readFileSync(file)) });

async function ask({ url, ...rest }) {
  try {
    const response = await client.fetch(url, rest);
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return { error: String(error.cause ?? error) };
  }
}

let last = Promise.resolve();
for await (const line of createInterface({ input: process.stdin })) {
  const answer = ask(JSON.parse(line));
  last = last.then(async () => console.log(JSON.stringify(await answer)));
}
