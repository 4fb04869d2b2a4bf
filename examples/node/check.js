'use strict';
// Checks tokens from the command line.
//
//   in   {"token": "...", "address": "192.0.2.7", "userAgent": "curl/8.5.0"}   one object a line
//   out  {"status": 200, "data": {claims}}, or {"status": 401}, or {"status": 403}
//
// Without `userAgent` the client sends none. Settings: SECRET, SALT.

const { check } = require('./article');
const { answerLines } = require('./lines');
const { required } = require('./settings');

const [secret, salt] = required('SECRET', 'SALT');

answerLines((asked) => check({ ...asked, secret, salt }));
