// The page of the demo: a form, a question to the application, and a way out.

import { AnswerError, DpopClient, SignedOutError } from './dpop.js';

const server = document.querySelector('meta[name=server]').content || location.origin;
const client = new DpopClient({ server });
const [state, form, signedIn, answer] = ['state', 'sign-in', 'signed-in', 'answer'].map((id) => document.getElementById(id));

function show() {
  form.hidden = client.signedIn;
  signedIn.hidden = !client.signedIn;
  answer.textContent = '';
  state.textContent = client.signedIn ? 'You are signed in.' : 'You are not signed in.';
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(form));
  try {
    await client.signIn(username, password);
    form.reset();
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    state.textContent = error.retryAfter ? `Too many attempts. Try again in ${error.retryAfter} seconds.` : error.message;
  }
});

document.getElementById('ask').addEventListener('click', async () => {
  try {
    const response = await client.fetch(new URL('/whoami?from=demo', server));
    answer.textContent = `${response.status} ${await response.text()}`;
  } catch (error) {
    if (!(error instanceof SignedOutError)) throw error;
  }
});

document.getElementById('sign-out').addEventListener('click', () => client.signOut());

client.addEventListener('change', show);
await client.ready;
show();
