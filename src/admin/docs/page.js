'use strict';

const form = document.getElementById('login');
const problem = document.getElementById('problem');
let token = '';
let ends = 0;
let renewal = null;

const post = (path, body) =>
  fetch(path, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  });

function take(grant) {
  token = grant.access_token;
  ends = Date.now() + (grant.expires_in - 20) * 1000;
}

/** A new access token by the cookie that this browser keeps. Another tab may be quicker: then once more. */
async function renewed(again = true) {
  const answer = await post('/api/auth/refresh', {});
  if (answer.ok) take(await answer.json());
  else if (answer.status === 409 && again) {
    await new Promise((done) => setTimeout(done, 400));
    return renewed(false);
  } else token = '';
  return token;
}

async function bearer() {
  if (token && Date.now() < ends) return token;
  renewal ??= renewed().finally(() => { renewal = null; });
  return renewal;
}

async function show() {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await fetch('/openapi.json', { headers });
  if (!answer.ok) return false;
  form.hidden = true;
  SwaggerUIBundle({
    dom_id: '#ui',
    spec: await answer.json(),
    deepLinking: true,
    filter: true,
    requestInterceptor: async (request) => {
      const current = await bearer();
      if (current) request.headers.Authorization = `Bearer ${current}`;
      return request;
    }
  });
  return true;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  problem.textContent = '';
  const answer = await post('/api/auth/login', { email: form.email.value, password: form.password.value });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) {
    take(body);
    if (await show()) return;
    problem.textContent = 'Choose another password in the web interface first.';
  } else problem.textContent = body.detail ?? answer.statusText;
});

(async () => {
  // A demonstration shows its document to anybody.
  if (await show()) return;
  if ((await bearer()) && (await show())) return;
  form.hidden = false;
  form.email.focus();
})();
