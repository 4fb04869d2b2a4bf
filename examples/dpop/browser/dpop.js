// Signs in at samehand with a key that never leaves this browser, and shows with every request that it holds it (DPoP,
// RFC 9449). Plain JavaScript for browsers: copy this file, no build step, nothing else is needed.
//
//   import { DpopClient } from './dpop.js';
//
//   const client = new DpopClient();
//   await client.ready;                                   // client.signedIn: somebody is, from before a reload or in another tab
//   await client.signIn('alice', 'a password');
//   const response = await client.fetch('/api/reports');  // as window.fetch
//
// The key cannot be exported, by this file or by any script. Whoever copies a token, or a proof that was sent, has nothing.
// A script of an attacker that runs in this page can still use the key while it runs: a Content-Security-Policy is there
// for that.

const KEYS = {
  ES256: { generate: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  EdDSA: { generate: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
};
// Answers that say what to do better: section 8, and section 5 or 7.1.
const PROOF_ERRORS = ['use_dpop_nonce', 'invalid_dpop_proof'];
// One for the clock and one for the nonce, where a refusal does not teach both.
const MOST_RETRIES = 2;
// Clocks this close are one clock. `Date` has whole seconds, and the answer took a moment.
const CLOCKS_APART = 5_000;
// A token is renewed when so much of its life is over.
const RENEW_AFTER = 0.75;

/** Nobody is signed in, or not any more. */
export class SignedOutError extends Error {
  name = 'SignedOutError';
}

/** An answer of samehand that is no success: `status`, `code` (as `invalid_credentials`), `retryAfter` in seconds or null. */
export class AnswerError extends Error {
  name = 'AnswerError';

  constructor(response, { error, error_description: description } = {}) {
    super(description ?? `${new URL(response.url).pathname} answered ${response.status}`);
    this.status = response.status;
    this.code = error ?? null;
    this.retryAfter = Number(response.headers.get('Retry-After')) || null;
  }
}

/** One sign-in, shared by all tabs of this origin. Dispatches `change` when somebody signs in or out, in any tab. */
export class DpopClient extends EventTarget {
  // { keys, jwk, algorithm, token, renewAt, endsAt, ahead }: the key, and the token that is good with it alone.
  #session = null;
  // How far the server's clock is ahead of this one, in milliseconds.
  #ahead = 0;
  // The newest nonce of each origin.
  #nonces = new Map();
  #options;
  #tabs;

  /**
   * `server`    the origin whose /login, /renew and /logout are samehand's
   * `origins`   the origins that may be given the token; no other ever is
   * `algorithm` `ES256`, or `EdDSA` where the browser has Ed25519
   * `remember`  whether key and token are kept in IndexedDB, for reloads and other tabs; otherwise both end with the page
   * `name`      what the database is called, if there are several sign-ins at one origin
   */
  constructor({ server = location.origin, origins = [server], algorithm = 'ES256', remember = true, name = 'dpop' } = {}) {
    super();
    this.#options = { server, origins, algorithm, remember, name };
    this.#tabs = remember ? new BroadcastChannel(name) : null;
    this.#tabs?.addEventListener('message', () => this.#load().then(() => this.#changed()));
    /** Settled when it is known whether somebody is signed in. */
    this.ready = this.#load();
  }

  get signedIn() {
    return this.#session !== null;
  }

  /** Throws `AnswerError`: code `invalid_credentials`, or `slow_down` with `retryAfter`. */
  async signIn(username, password) {
    const { server, algorithm } = this.#options;
    // A key of its own for each sign-in: proofs that somebody made with an old one are good for nothing.
    const keys = await crypto.subtle.generateKey(KEYS[algorithm].generate, false, ['sign', 'verify']);
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
    const identity = { keys, algorithm, jwk: { kty, crv, x, y } };
    const request = new Request(new URL('/login', server), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });
    const session = await this.#given(identity, await this.#send(request, identity));
    await this.#alone(() => this.#store(session));
    this.#changed();
  }

  /** Ends the session. The key is gone in any case, and with it the use of the token. */
  async signOut() {
    await this.ready;
    const session = this.#session;
    await this.#alone(() => this.#store(null));
    this.#changed();
    if (session) await this.#send(new Request(new URL('/logout', this.#options.server), { method: 'POST' }), session);
  }

  /** As `window.fetch`, with token and proof. Throws `SignedOutError` when there is nothing to show. */
  async fetch(input, init) {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    if (!this.#options.origins.includes(origin)) throw new TypeError(`${origin} is not one of the origins of this client`);
    await this.ready;
    const session = await this.#current();
    const response = await this.#send(request, session);
    // Ended sooner than it was to, for instance by a new secret. The session may live.
    if (errorIn(response) !== 'invalid_token') return response;
    const renewed = await this.#renewed(session);
    return this.#send(request, renewed);
  }

  /** The session with a token that has not ended. */
  async #current() {
    const session = this.#session;
    if (!session) throw new SignedOutError('nobody is signed in');
    if (this.#now() < session.renewAt) return session;
    try {
      return await this.#renewed(session);
    } catch (error) {
      // samehand is away for a moment, and the token has not ended.
      if (error instanceof SignedOutError || this.#now() >= session.endsAt) throw error;
      return session;
    }
  }

  /** One request of one tab renews for all that wait for it. */
  #renewed(old) {
    return this.#alone(async () => {
      await this.#load();
      if (!this.#session) throw new SignedOutError('signed out meanwhile');
      if (this.#session.token !== old.token) return this.#session;
      const response = await this.#send(new Request(new URL('/renew', this.#options.server), { method: 'POST' }), old);
      if (response.status === 403 || (response.status === 401 && !PROOF_ERRORS.includes(errorIn(response)))) {
        await this.#store(null);
        this.#changed();
        throw new SignedOutError('the session has ended');
      }
      const session = await this.#given(old, response);
      await this.#store(session);
      return session;
    });
  }

  /** No other tab changes what is kept meanwhile. */
  #alone(act) {
    return navigator.locks.request(`dpop: ${this.#options.name}`, act);
  }

  /** The session that an answer of /login or /renew begins or goes on with. */
  async #given({ keys, algorithm, jwk }, response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new AnswerError(response, answer);
    // Without this a token that anybody can use would be kept: samehand does not ask for `dpop`.
    if (answer.token_type !== 'DPoP') throw new AnswerError(response, { error_description: 'the token is not bound to the key' });
    const [now, life] = [this.#now(), answer.expires_in * 1000];
    return { keys, algorithm, jwk, token: answer.token, renewAt: now + life * RENEW_AFTER, endsAt: now + life };
  }

  /** Sends it with a fresh proof, and once more with a better one when the proof is refused. The application saw nothing then. */
  async #send(request, session) {
    const url = new URL(request.url);
    for (let retries = 0; ; retries += 1) {
      const signed = request.clone();
      if (session.token) signed.headers.set('Authorization', `DPoP ${session.token}`);
      signed.headers.set('DPoP', await this.#proof(session, request.method, url, this.#nonces.get(url.origin)));
      const response = await fetch(signed);
      this.#learn(response, url.origin);
      const error = response.status === 400 ? await errorInBody(response) : errorIn(response);
      if (!PROOF_ERRORS.includes(error) || retries === MOST_RETRIES) return response;
    }
  }

  #learn(response, origin) {
    const nonce = response.headers.get('DPoP-Nonce');
    if (nonce) this.#nonces.set(origin, nonce);
    // Refusals come from no cache, so that their `Date` is now.
    const date = response.status === 400 || response.status === 401 ? Date.parse(response.headers.get('Date')) : NaN;
    if (Math.abs(date - this.#now()) > CLOCKS_APART) this.#ahead = date - Date.now();
  }

  /** Section 4.2. */
  async #proof({ keys, algorithm, jwk, token }, method, url, nonce) {
    const claims = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: url.origin + url.pathname,
      iat: Math.floor(this.#now() / 1000),
      nonce,
      ath: token && base64url(await crypto.subtle.digest('SHA-256', utf8(token))),
    };
    const header = { typ: 'dpop+jwt', alg: algorithm, jwk };
    // What is undefined is left out.
    const content = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
    const signature = await crypto.subtle.sign(KEYS[algorithm].sign, keys.privateKey, utf8(content));
    return `${content}.${base64url(signature)}`;
  }

  /** The server's time, in milliseconds. */
  #now() {
    return Date.now() + this.#ahead;
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** What this or another tab has kept. */
  async #load() {
    if (!this.#options.remember) return;
    this.#session = (await transact(this.#options.name, 'readonly', (store) => store.get('session'))) ?? null;
    this.#ahead = this.#session?.ahead ?? this.#ahead;
  }

  async #store(session) {
    this.#session = session;
    if (!this.#options.remember) return;
    await transact(this.#options.name, 'readwrite', (store) =>
      session ? store.put({ ...session, ahead: this.#ahead }, 'session') : store.delete('session'),
    );
    this.#tabs.postMessage('changed');
  }
}

/** `error` of `WWW-Authenticate`, in a 401. */
function errorIn(response) {
  return response.status === 401 ? /\berror="([^"]*)"/.exec(response.headers.get('WWW-Authenticate'))?.[1] : undefined;
}

/** /login and /renew have no `WWW-Authenticate` where the proof is at fault, but say it in the body (section 5). */
async function errorInBody(response) {
  return (await response.clone().json().catch(() => null))?.error;
}

/** A CryptoKey goes into IndexedDB as it is, without becoming readable. */
function transact(name, mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('sign-in');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('sign-in', mode);
      const asked = act(transaction.objectStore('sign-in'));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error);
      // When the transaction has ended.
      opening.result.close();
    };
  });
}

function utf8(text) {
  return new TextEncoder().encode(text);
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
