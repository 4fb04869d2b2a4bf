'use strict';
// A sign-in page of your own in the place of samehand's: it knows its users, and asks samehand for the token.
//
//   GET  /sign-in?rd=URL   the form; samehand sends browsers here (SAMEHAND_SIGN_IN_URL)
//   POST /sign-in          checks name and password, asks POST /mint, sets the cookie, and sends the browser back
//
// Settings: ADMIN_TOKEN, MINT_URL, OWN_ORIGIN, COOKIE_DOMAIN, COOKIE_NAME, USERS, HOST, PORT, TRUSTED_PROXIES (README.md).

const crypto = require('node:crypto');
const express = require('express');
const { required } = require('./settings');

const [adminToken, ownOrigin, cookieDomain] = required('ADMIN_TOKEN', 'OWN_ORIGIN', 'COOKIE_DOMAIN');
const {
  COOKIE_NAME = '__Secure-samehand',
  HOST = '127.0.0.1',
  MINT_URL = 'http://127.0.0.1:9181/mint',
  PORT = '3000',
  TRUSTED_PROXIES = '',
  USERS = '{}',
} = process.env;

// How passwords are kept is not what this example is about. Yours are hashed, in your own store, and attempts are limited.
const users = new Map(Object.entries(JSON.parse(USERS)));
const digest = (text) => crypto.createHash('sha256').update(String(text)).digest();

const app = express();
app.disable('x-powered-by');
// The token is bound to the address that Express derives: believe the proxies that samehand believes, and nobody else.
app.set('trust proxy', TRUSTED_PROXIES === '' ? false : TRUSTED_PROXIES.split(','));

/** Where the browser may be sent afterwards: https, to a host that gets the cookie; anything else is an open redirect. */
function returnAddress(text) {
  const home = `${ownOrigin}/sign-in`;
  let url;
  try {
    url = new URL(text);
  } catch {
    return home;
  }
  const host = url.hostname;
  const isOurs = host === cookieDomain || host.endsWith(`.${cookieDomain}`);
  return isOurs && url.protocol === 'https:' && !url.username && !url.password ? url.href : home;
}

const escaped = (text) => String(text).replace(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`);

function page(res, status, returnTo, message = '') {
  res.status(status).set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'same-origin',
  });
  res.send(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
${message && `<p role="alert">${escaped(message)}</p>`}
<form method="post">
<input type="hidden" name="rd" value="${escaped(returnTo)}">
<p><label>User name <input name="username" autocomplete="username" required autofocus></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p><button>Sign in</button>
</form>`);
}

/** A token for this user on this client, or nothing. Node reads a header as Latin-1; JSON needs the bytes as UTF-8. */
async function tokenFor(sub, req) {
  const userAgent = req.headers['user-agent'];
  const answer = await fetch(MINT_URL, {
    method: 'POST',
    headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      sub,
      ip: req.ip,
      user_agent: userAgent === undefined ? null : Buffer.from(userAgent, 'latin1').toString('utf8'),
      // It goes into the session cookie, so that it is bound to no other one.
      token_in: 'cookie',
    }),
  });
  return answer.ok ? (await answer.json()).token : undefined;
}

app.get('/sign-in', (req, res) => page(res, 200, returnAddress(req.query.rd)));

app.post('/sign-in', express.urlencoded({ extended: false, limit: '4kb' }), async (req, res) => {
  const { rd, username, password } = req.body ?? {};
  // A page of somebody else's must not sign anybody in: the browser would act for the attacker's account.
  if (req.headers.origin !== ownOrigin) return page(res, 403, returnAddress(rd), 'Please sign in on this page.');
  const user = users.get(username);
  if (!user || !crypto.timingSafeEqual(digest(password), digest(user.password))) {
    return page(res, 401, returnAddress(rd), 'The user name or password is not right.');
  }
  const token = await tokenFor(username, req);
  if (!token) return page(res, 503, returnAddress(rd), 'Signing in is not possible right now. Try again in a moment.');
  // Without Max-Age the browser forgets it when it closes; the first fresh cookie of samehand lasts as long as the session.
  res.append('Set-Cookie', `${COOKIE_NAME}=${token}; Path=/; Domain=${cookieDomain}; Secure; HttpOnly; SameSite=Lax`);
  res.set('Cache-Control', 'no-store').redirect(303, returnAddress(rd));
});

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  const { address, port } = server.address();
  console.log(`listening on ${address} port ${port}`);
});
