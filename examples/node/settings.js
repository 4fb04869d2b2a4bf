'use strict';
// Settings come from the environment. There are no defaults for secrets: a sample that everybody knows protects nobody.

/** The values of these variables, or one message that names all that are missing. */
function required(...names) {
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0) {
    console.error(`please set ${missing.join(' and ')}; README.md says what they are to samehand`);
    process.exit(78);
  }
  return names.map((name) => process.env[name]);
}

module.exports = { required };
