'use strict';
// Mints tokens from the command line.
//
//   in   {"userId": 42, "address": "192.0.2.7", "userAgent": "curl/8.5.0"}     one object a line
//   out  {"token": "..."}
//
// Without `userAgent` the client sends none. `expiresIn` and further `claims` may be given. Settings: SECRET, SALT.

const { mint } = require('./article');
const { answerLines } = require('./lines');
const { required } = require('./settings');

const [secret, salt] = required('SECRET', 'SALT');

answerLines((asked) => ({ token: mint({ ...asked, secret, salt }) }));
