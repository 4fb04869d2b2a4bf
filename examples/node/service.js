'use strict';
// An Express service that signs users in and lets them back in, with tokens as the 2023 article makes them.
//
//   POST /login    {"username", "password"} gives {"token"}
//   GET  /profile  with `Authorization: TOKEN` (or `Bearer TOKEN`) gives {"data": claims}; else 401 or 403
//
// Settings: SECRET, SALT, USERS (JSON, see README.md), HOST, PORT, TRUSTED_PROXIES.

const crypto = require('node:crypto');
const express = require('express');
const { check, mint } = require('./article');
const { required } = require('./settings');

const [secret, salt] = required('SECRET', 'SALT');
const { HOST = '127.0.0.1', PORT = '3000', TRUSTED_PROXIES = '', USERS = '{}' } = process.env;

// How passwords are kept is not what this example is about. Yours are hashed, in your own store.
const users = new Map(Object.entries(JSON.parse(USERS)));

const app = express();
app.disable('x-powered-by');

// Behind a proxy every connection has the proxy's address, and the client's stands in X-Forwarded-For, where clients
// can write too. Express believes exactly the proxies named here and walks the header from right to left, as samehand
// does. The article takes the whole header as it comes; a thief then only has to send his victim's address along.
app.set('trust proxy', TRUSTED_PROXIES === '' ? false : TRUSTED_PROXIES.split(','));

/** What the token is bound to. A header that is not there is `undefined`. */
const client = (req) => ({ address: req.ip, userAgent: req.headers['user-agent'] });

/** Lets a request through only with a token that was issued to this very client. */
function sameHand(req, res, next) {
  const token = (req.headers.authorization ?? '').replace(/^bearer +/i, '');
  const { status, data } = check({ secret, salt, token, ...client(req) });
  if (status !== 200) return res.sendStatus(status);
  req.data = data;
  next();
}

const digest = (text) => crypto.createHash('sha256').update(String(text)).digest();

app.post('/login', express.json({ limit: '4kb' }), (req, res) => {
  const { username, password } = req.body ?? {};
  const user = users.get(username);
  if (!user || !crypto.timingSafeEqual(digest(password), digest(user.password))) return res.sendStatus(401);
  res.json({ token: mint({ secret, salt, userId: user.userId, ...client(req) }) });
});

app.get('/profile', sameHand, (req, res) => {
  res.json({ data: req.data });
});

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  const { address, port } = server.address();
  console.log(`listening on ${address} port ${port}`);
});
