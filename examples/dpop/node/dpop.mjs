// Signs a service in at samehand with a key of its own, and shows with every request that it holds it (DPoP, RFC 9449).
// Node.js 18 or newer; copy this file, nothing else is needed.
//
//   import { DpopClient } from './dpop.mjs';
//
//   const client = new DpopClient({ server: 'https://app.example.com', username: 'reports', password });
//   const response = await client.fetch('https://app.example.com/api/reports');   // as fetch
//
// It signs in with the first request, renews in time, and signs in again when the session has ended. A token or a proof
// that somebody copies on the way is good for nothing without the key, which stays in this process.

import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

// Answers that say what to do better: section 8, and section 5 or 7.1.
const PROOF_ERRORS = ['use_dpop_nonce', 'invalid_dpop_proof'];
// One for the clock and one for the nonce, where a refusal does not teach both.
const MOST_RETRIES = 2;
// Clocks this close are one clock. `Date` has whole seconds, and the answer took a moment.
const CLOCKS_APART = 5_000;
// A token is renewed when so much of its life is over.
const RENEW_AFTER = 0.75;

/** An answer of samehand that is no success: `status`, `code` (as `invalid_credentials`), `retryAfter` in seconds or null. */
export class AnswerError extends Error {
  name = 'AnswerError';

  constructor(response, { error, error_description: description } = {}) {
    super(description ?? `${response.url} answered ${response.status}`);
    this.status = response.status;
    this.code = error ?? null;
    this.retryAfter = Number(response.headers.get('retry-after')) || null;
  }
}

export class DpopClient {
  // { token, renewAt, endsAt }
  #session = null;
  // The sign-in or renewal that is on its way, for all that wait for it.
  #pending = null;
  // How far the server's clock is ahead of this one, in milliseconds.
  #ahead = 0;
  // The newest nonce of each origin.
  #nonces = new Map();
  #options;
  #key;
  #jwk;

  /**
   * `server`              the origin whose /login and /renew are samehand's
   * `username`, `password` of a user of samehand's
   * `origins`             the origins that may be given the token; no other ever is
   * `key`                 a private KeyObject, P-256 or Ed25519; without it one for the life of this object
   */
  constructor({ server, username, password, origins = [new URL(server).origin], key }) {
    this.#options = { server, username, password, origins };
    this.#key = key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    this.#jwk = createPublicKey(this.#key).export({ format: 'jwk' });
  }

  /** As `fetch`, with token and proof. Throws `AnswerError` when samehand does not let the service in. */
  async fetch(input, init) {
    // A redirect leads to another address, for which this proof is not good.
    const request = new Request(input, { redirect: 'manual', ...init });
    const { origin } = new URL(request.url);
    if (!this.#options.origins.includes(origin)) throw new TypeError(`${origin} is not one of the origins of this client`);
    const { token } = await this.#current();
    const response = await this.#send(request, token);
    if (errorIn(response) !== 'invalid_token') return response;
    // Ended sooner than it was to, for instance because it was taken back.
    return this.#send(request, (await this.#replaced(token)).token);
  }

  /** The session with a token that has not ended. */
  async #current() {
    const session = this.#session;
    if (session && this.#now() < session.renewAt) return session;
    try {
      return await this.#replaced(session?.token);
    } catch (error) {
      // samehand is away for a moment, and the token has not ended.
      if (!session || this.#now() >= session.endsAt) throw error;
      return session;
    }
  }

  /** The session that comes after the one with this token. */
  async #replaced(token) {
    if (this.#session && this.#session.token !== token) return this.#session;
    this.#pending ??= this.#renewOrSignIn().finally(() => (this.#pending = null));
    return this.#pending;
  }

  async #renewOrSignIn() {
    if (this.#session) {
      const { token } = this.#session;
      const response = await this.#send(new Request(new URL('/renew', this.#options.server), { method: 'POST' }), token);
      const hasEnded = response.status === 403 || (response.status === 401 && !PROOF_ERRORS.includes(errorIn(response)));
      if (!hasEnded) return this.#begin(response);
      this.#session = null;
    }
    const { server, username, password } = this.#options;
    const body = JSON.stringify({ username, password });
    const headers = { 'Content-Type': 'application/json' };
    return this.#begin(await this.#send(new Request(new URL('/login', server), { method: 'POST', headers, body })));
  }

  async #begin(response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new AnswerError(response, answer);
    // Without this a token that anybody can use would be kept: samehand does not ask for `dpop`.
    if (answer.token_type !== 'DPoP') throw new AnswerError(response, { error_description: 'the token is not bound to the key' });
    const [now, life] = [this.#now(), answer.expires_in * 1000];
    this.#session = { token: answer.token, renewAt: now + life * RENEW_AFTER, endsAt: now + life };
    return this.#session;
  }

  /** Sends it with a fresh proof, and once more with a better one when the proof is refused. The application saw nothing then. */
  async #send(request, token) {
    const url = new URL(request.url);
    for (let retries = 0; ; retries += 1) {
      const signed = request.clone();
      if (token) signed.headers.set('Authorization', `DPoP ${token}`);
      signed.headers.set('DPoP', this.#proof(request.method, url, this.#nonces.get(url.origin), token));
      const response = await fetch(signed);
      this.#learn(response, url.origin);
      const error = response.status === 400 ? await errorInBody(response) : errorIn(response);
      if (!PROOF_ERRORS.includes(error) || retries === MOST_RETRIES) return response;
    }
  }

  #learn(response, origin) {
    const nonce = response.headers.get('dpop-nonce');
    if (nonce) this.#nonces.set(origin, nonce);
    // Refusals come from no cache, so that their `Date` is now.
    const date = response.status === 400 || response.status === 401 ? Date.parse(response.headers.get('date')) : NaN;
    if (Math.abs(date - this.#now()) > CLOCKS_APART) this.#ahead = date - Date.now();
  }

  /** Section 4.2. */
  #proof(method, url, nonce, token) {
    const isEdwards = this.#key.asymmetricKeyType === 'ed25519';
    const header = { typ: 'dpop+jwt', alg: isEdwards ? 'EdDSA' : 'ES256', jwk: this.#jwk };
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url.origin + url.pathname,
      iat: Math.floor(this.#now() / 1000),
      nonce,
      ath: token && createHash('sha256').update(token).digest('base64url'),
    };
    // What is undefined is left out.
    const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363' };
    return `${content}.${sign(isEdwards ? null : 'sha256', Buffer.from(content), key).toString('base64url')}`;
  }

  /** The server's time, in milliseconds. */
  #now() {
    return Date.now() + this.#ahead;
  }
}

/** `error` of `WWW-Authenticate`, in a 401. */
function errorIn(response) {
  return response.status === 401 ? /\berror="([^"]*)"/.exec(response.headers.get('www-authenticate'))?.[1] : undefined;
}

/** /login and /renew have no `WWW-Authenticate` where the proof is at fault, but say it in the body (section 5). */
async function errorInBody(response) {
  return (await response.clone().json().catch(() => null))?.error;
}
