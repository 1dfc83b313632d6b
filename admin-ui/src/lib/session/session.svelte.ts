/**
 * Who is logged in. The access token lives in memory only; the browser keeps the refresh token in a cookie that
 * scripts cannot read, and a reload gets a new access token with it.
 */
export type Role = 'member' | 'viewer' | 'operator' | 'admin';

export interface Person {
  id: string;
  email: string;
  name: string;
  role: Role;
  must_change_password: boolean;
}

const RANK: Record<Role, number> = { member: 0, viewer: 1, operator: 2, admin: 3 };

let token = '';
let ends = 0;
let entered = '';
let person = $state<Person | null>(null);
let renewal: Promise<boolean> | null = null;

/** The person, or null when nobody is logged in. */
export function who(): Person | null {
  return person;
}

/** Whether the person's role is at least this one. */
export function may(role: Role): boolean {
  return person !== null && RANK[person.role] >= RANK[role];
}

interface Grant {
  access_token: string;
  expires_in: number;
  user: Person;
}

function take(grant: Grant): void {
  token = grant.access_token;
  // A little earlier than the server, so that no request meets the end.
  ends = Date.now() + (grant.expires_in - 20) * 1000;
  person = grant.user;
}

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    credentials: 'same-origin',
    body: JSON.stringify(body)
  });
}

export interface Refusal {
  code: string;
  detail: string;
  /** Seconds until the next try. */
  wait: number;
}

/** Logs in; returns the problem when it is refused. */
export async function login(email: string, password: string): Promise<Refusal | null> {
  const answer = await post('/api/auth/login', { email, password });
  if (answer.ok) {
    const grant = (await answer.json()) as Grant;
    take(grant);
    if (grant.user.must_change_password) entered = password;
    return null;
  }
  const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  return {
    code: problem.code ?? 'unknown',
    detail: problem.detail ?? answer.statusText,
    wait: Number(answer.headers.get('retry-after')) || 0
  };
}

/** The password of a log-in that must be followed by a change, once. */
export function takeEntered(): string {
  const taken = entered;
  entered = '';
  return taken;
}

/** Tries while another tab is on its way with the same refresh token, and milliseconds between them. */
const TRIES = 12;
const PAUSE = 250;

/** Exchanges the cookie. Where another tab was a moment quicker, its answer brings the cookie for the next try. */
async function refresh(): Promise<Response> {
  for (let turn = 1; ; turn += 1) {
    const answer = await post('/api/auth/refresh', {});
    if (answer.status !== 409 || turn === TRIES) return answer;
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/** Gets a new access token; one call at a time, however many ask. */
export function renew(): Promise<boolean> {
  renewal ??= (async () => {
    try {
      const answer = await refresh();
      if (!answer.ok) {
        forget();
        return false;
      }
      take((await answer.json()) as Grant);
      return true;
    } catch {
      return person !== null;
    } finally {
      renewal = null;
    }
  })();
  return renewal;
}

/** The access token in force, renewed when it is about to end. */
export async function bearer(): Promise<string> {
  if (token && Date.now() < ends) return token;
  return (await renew()) ? token : '';
}

/** Ends the session here and on the server. */
export async function logout(): Promise<void> {
  const held = token;
  forget();
  if (held) {
    await fetch('/api/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${held}` } }).catch(() => {});
  }
}

/** After a change of one's own account. */
export function update(changed: Partial<Person>): void {
  if (person) person = { ...person, ...changed };
}

function forget(): void {
  token = '';
  ends = 0;
  entered = '';
  person = null;
}
