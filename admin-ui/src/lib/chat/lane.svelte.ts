/**
 * One model that a conversation is held with. Several lanes side by side hear the same words and answer each for
 * itself; the model and the dialect of a lane may change between two messages.
 */
import { EventReader, type ServerEvent } from '$lib/live/events';
import { parse, type Json } from '$lib/json/value';
import { Answer } from './answer';
import { partsOf, type Dialect, type Message, type Parameters, type Part, type Tool, type Turn } from './conversation';
import { codecs } from './dialects';
import { complaint } from './dialects/codec';
import { KeyRefused } from './key';
import { send } from './send';

/** What stands in a lane: a message, and what is known of it here alone. */
export interface Said extends Message {
  uid: string;
  /** Its identifier in the store, once it is kept. */
  kept?: string;
  error?: string;
  /** It is being said. */
  growing?: boolean;
  /** How it ended, in the words of its dialect. */
  stop?: string;
  losses?: string[];
  firstMs?: number;
  totalMs?: number;
  events?: ServerEvent[];
}

/** What all lanes share. */
export interface Setting {
  system: string;
  tools: readonly Tool[];
  params: Parameters;
  stream: boolean;
}

/** Events of an answer that are kept to look at. */
const EVENTS = 5_000;

let uids = 0;
export function fresh(message: Message): Said {
  return { ...message, uid: `m${++uids}` };
}

export class Lane {
  readonly id = `lane${++uids}`;
  dialect = $state<Dialect>('openai-chat');
  model = $state('');
  messages = $state.raw<Said[]>([]);
  busy = $state(false);
  /** The key was refused, with the reason. */
  refused = $state('');
  #stop: AbortController | null = null;

  constructor(dialect: Dialect, model: string, messages: Said[] = []) {
    this.dialect = dialect;
    this.model = model;
    this.messages = messages;
  }

  /** Calls of tools that nobody has answered yet. */
  get openCalls() {
    const last = this.messages.at(-1);
    return last?.role === 'assistant' && !last.growing ? partsOf(last, 'tool_call') : [];
  }

  add(message: Message): void {
    this.messages = [...this.messages, fresh(message)];
  }

  /** Takes away a message and all behind it. */
  cut(uid: string): void {
    const place = this.messages.findIndex((message) => message.uid === uid);
    if (place >= 0) this.messages = this.messages.slice(0, place);
  }

  stop = (): void => this.#stop?.abort();

  /** What would be asked now. */
  turn(setting: Setting, more: readonly Message[] = []): Turn {
    const messages = [...this.messages.filter((message) => !message.growing && message.content.length), ...more];
    return { model: this.model, system: setting.system, messages, tools: setting.tools, params: setting.params, stream: setting.stream };
  }

  /** Asks the model to go on. */
  async run(setting: Setting): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.refused = '';
    const { dialect, model } = this;
    const codec = codecs[dialect];
    const call = codec.request(this.turn(setting));
    const answer = new Answer(dialect);
    const said = fresh({ role: 'assistant', content: [], dialect, model, created_at: Date.now() });
    said.growing = true;
    this.messages = [...this.messages, said];
    this.#stop = new AbortController();
    const begun = performance.now();
    const show = (change: Partial<Said>) => {
      Object.assign(said, change, { content: answer.parts.map((part): Part => ({ ...part })) });
      this.messages = this.messages.map((message) => (message.uid === said.uid ? { ...said } : message));
    };
    try {
      const response = await send({ ...call, body: JSON.stringify(call.body) }, this.#stop.signal);
      show(facts(response));
      if (response.ok && /event-stream/.test(response.headers.get('content-type') ?? '')) {
        await this.#stream(response, answer, said, begun, show);
      } else {
        const text = await response.text();
        said.events = [{ name: 'answer', data: text }];
        const body = parse(text);
        if (!response.ok) answer.error = complaint(body, response.statusText || `HTTP ${response.status}`);
        else if (body !== undefined) codec.whole(body).forEach((piece) => answer.add(piece));
      }
      show({ ...(answer.usage ? { usage: answer.usage } : {}), stop: answer.stop, error: answer.error });
    } catch (error) {
      if (error instanceof KeyRefused) this.refused = error.message;
      const left = error instanceof DOMException && error.name === 'AbortError';
      show(left ? { stop: 'stopped' } : { error: error instanceof Error ? error.message : String(error) });
    } finally {
      show({ growing: false, totalMs: performance.now() - begun });
      // Nothing was said and nothing went wrong: there is nothing to keep.
      if (!said.content.length && !said.error && said.stop === 'stopped') this.cut(said.uid);
      this.busy = false;
      this.#stop = null;
    }
  }

  async #stream(response: Response, answer: Answer, said: Said, begun: number, show: (change: Partial<Said>) => void): Promise<void> {
    const reader = codecs[answer.dialect].reader();
    const cutter = new EventReader();
    const text = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const events: ServerEvent[] = [];
    let drawn = 0;
    said.events = events;
    for (let piece = await text?.read(); piece && !piece.done; piece = await text?.read()) {
      for (const event of cutter.read(piece.value)) {
        if (events.length < EVENTS) events.push(event);
        reader.read(event).forEach((one) => answer.add(one));
      }
      said.firstMs ??= answer.parts.length ? performance.now() - begun : undefined;
      // As often as a screen can show; a fast model says more in between.
      const now = performance.now();
      if (now - drawn > 40) {
        drawn = now;
        show({});
      }
    }
  }
}

/** What the hub says of an answer in its headers. */
function facts(response: Response): Partial<Said> {
  const header = (name: string) => response.headers.get(name) ?? '';
  const losses = header('x-bridge-fidelity')
    .split(',')
    .map((code) => code.trim())
    .filter((code) => code && !/^(assumed|emulated):/.test(code));
  return {
    ...(header('x-request-id') ? { request_id: header('x-request-id') } : {}),
    ...(header('x-bridge-provider') ? { provider: header('x-bridge-provider') } : {}),
    losses
  };
}

/** The tokens that a list of messages took. */
export function totals(messages: readonly Message[]): { input: number; output: number } {
  return messages.reduce(
    (sum, { usage }) => ({ input: sum.input + (usage?.input_tokens ?? 0), output: sum.output + (usage?.output_tokens ?? 0) }),
    { input: 0, output: 0 }
  );
}

/** About how many tokens a text has: nobody knows before the model counts. */
export function estimate(value: Json | string): number {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Bytes rather than letters: other scripts have more tokens to the letter.
  return Math.ceil(new TextEncoder().encode(text).length / 4);
}
