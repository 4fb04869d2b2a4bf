'use strict';
// A token that belongs to one client, as the 2023 article on improving the security of JSON Web Tokens makes it: the
// token holds a hash of salt, address and User-Agent, and whoever checks it computes the hash again.
//
// Nothing here knows about HTTP: `address` and `userAgent` are what the caller of the functions saw.

const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');

const EXPIRES_IN = '8h';

/**
 * `userAgent` is the string that Node makes of the header, one character for each byte on the wire; `undefined` when
 * there is no such header, and then the text "undefined" goes into the hash.
 */
function createFingerprint(salt, address, userAgent) {
  return crypto.createHash('sha256').update(salt + address + userAgent).digest('hex');
}

/** A token for this user on this client. `claims` may add to it, for instance an `iat`. */
function mint({ secret, salt, userId, address, userAgent, expiresIn = EXPIRES_IN, claims = {} }) {
  const fingerprint = createFingerprint(salt, address, userAgent);
  return jwt.sign({ userId, fingerprint, ...claims }, secret, { expiresIn });
}

/**
 * The status that the article answers with, and the claims when it is 200: 401 without a token, 403 for one that is
 * not valid or belongs to another client.
 */
function check({ secret, salt, token, address, userAgent }) {
  if (!token) return { status: 401 };
  let data;
  try {
    // The algorithm is named, so that the token cannot choose it.
    data = jwt.verify(token, secret, { algorithms: ['HS256'] });
  } catch {
    return { status: 403 };
  }
  if (data?.fingerprint !== createFingerprint(salt, address, userAgent)) return { status: 403 };
  return { status: 200, data };
}

module.exports = { check, createFingerprint, mint };
