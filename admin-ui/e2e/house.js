/**
 * A hub of its own for one file of walks: an ephemeral port, a scratch folder with a new database, the built-in
 * upstream. It knows the hub's program and API and nothing of browsers.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const PROGRAM = process.env.BRIDGE_BIN ?? resolve(import.meta.dirname, '../../target/debug/bridge');
const START = 30_000;
const STOP = 5_000;

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => done(port));
    });
  });
}

export class House {
  static email = 'ada@example.com';
  static password = 'a long phrase that nobody guesses';

  /** @type {import('node:child_process').ChildProcess} */
  #process;
  #folder;
  #token = '';

  /**
   * @param {import('node:child_process').ChildProcess} process
   * @param {string} folder
   * @param {string} url
   */
  constructor(process, folder, url) {
    this.#process = process;
    this.#folder = folder;
    /** Where it listens. */
    this.url = url;
    /** What the first start tells once. */
    this.welcome = { email: '', password: '', key: '' };
  }

  /**
   * Starts one. `fresh` leaves the administrator's password to the hub, as on a machine of somebody new.
   * @param {{ fresh?: boolean, demo?: boolean, env?: Record<string, string> }} [options]
   */
  static async open({ fresh = false, demo = true, env = {} } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'bridge-walk-'));
    const port = await freePort();
    const administrator = fresh ? {} : { ADMIN_EMAIL: House.email, ADMIN_PASSWORD: House.password };
    const flags = ['serve', '--port', String(port), ...(demo ? ['--demo'] : [])];
    const child = spawn(PROGRAM, flags, {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, ...administrator, ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    });
    const house = new House(child, folder, `http://127.0.0.1:${port}`);
    try {
      await house.#listening();
    } catch (error) {
      await house.close();
      throw error;
    }
    return house;
  }

  /** Waits until it listens, and takes what it says meanwhile. */
  #listening() {
    let said = '';
    return new Promise((done, fail) => {
      const limit = setTimeout(() => fail(new Error(`${PROGRAM} did not start:\n${said}`)), START);
      const hear = (/** @type {Buffer} */ piece) => {
        said += piece;
        if (!said.includes('listening on')) return;
        clearTimeout(limit);
        const told = (/** @type {string} */ name) => new RegExp(`^\\s+${name}\\s+(\\S+)`, 'm').exec(said)?.[1] ?? '';
        this.welcome = { email: told('e-mail'), password: told('password'), key: told('client key') };
        done(undefined);
      };
      this.#process.stdout?.on('data', hear);
      this.#process.stderr?.on('data', hear);
      this.#process.once('error', (error) => fail(new Error(`${PROGRAM} cannot be started (BRIDGE_BIN names another): ${error.message}`)));
      this.#process.once('exit', (code) => fail(new Error(`${PROGRAM} ended with ${code}:\n${said}`)));
    });
  }

  /** Stops it and removes what it wrote. */
  async close() {
    if (this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid) {
      const ended = new Promise((done) => this.#process.once('exit', done));
      this.#process.kill('SIGTERM');
      const limit = setTimeout(() => this.#process.kill('SIGKILL'), STOP);
      await ended;
      clearTimeout(limit);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * Calls the admin API as the administrator; a refusal fails the walk.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async call(method, path, body) {
    if (!this.#token) {
      const grant = await this.#send('POST', '/api/auth/login', { email: House.email, password: House.password });
      this.#token = grant.access_token;
    }
    return this.#send(method, path, body);
  }

  /**
   * A request of a client, with the key of the first start unless another is given.
   * @param {{ model?: string, text?: string, key?: string }} [request]
   */
  async ask({ model = 'demo-openai', text = 'Hello', key = this.welcome.key } = {}) {
    return fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: text }] })
    });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   */
  async #send(method, path, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {})
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}
