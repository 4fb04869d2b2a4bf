'use strict';
// One JSON object a line in, one a line out, in order: a single Node process answers a whole table of questions.

const readline = require('node:readline');

async function answerLines(answer) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(answer(JSON.parse(line))));
  }
}

module.exports = { answerLines };
