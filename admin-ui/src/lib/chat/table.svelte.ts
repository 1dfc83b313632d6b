/**
 * A conversation with its lanes: who hears what, and what of it is kept. The first lane is the conversation; the
 * others stand beside it to be compared.
 */
import type { Dialect, Message, Part, ToolResultPart } from './conversation';
import { fresh, Lane, type Said, type Setting } from './lane.svelte';
import * as shelf from './shelf';

export class Table {
  lanes = $state.raw<Lane[]>([]);
  /** The kept conversation; empty while it is not. */
  id = $state('');
  keeping = $state(false);
  /** Grows when the kept conversations have changed. */
  changes = $state(0);
  problem = $state('');
  #kept: string[] = [];
  /** Made on the server, and not told yet while what was said is not kept there. */
  #made = '';
  #work: Promise<void> = Promise.resolve();

  get busy(): boolean {
    return this.lanes.some((lane) => lane.busy);
  }

  /** Begins anew with one lane. */
  begin(dialect: Dialect, model: string, messages: readonly Message[] = []): void {
    this.lanes.forEach((lane) => lane.stop());
    this.lanes = [new Lane(dialect, model, messages.map(fresh))];
    this.id = '';
    this.#made = '';
    this.#kept = [];
    this.problem = '';
  }

  /** Puts a kept conversation on the table; returns its system prompt. */
  async open(id: string, usual: { dialect: Dialect; model: string }): Promise<string> {
    const { row, messages } = await shelf.open(id);
    const dialect = (row.dialect ?? usual.dialect) as Dialect;
    this.begin(dialect, row.model ?? usual.model);
    const [lane] = this.lanes;
    if (lane) lane.messages = messages;
    this.id = id;
    this.#kept = messages.flatMap((message) => message.kept ?? []);
    return row.system ?? '';
  }

  /** Another model hears what was said so far. */
  compare(model: string): void {
    const [first] = this.lanes;
    if (!first) return;
    const heard = first.messages.filter((message) => !message.growing).map(({ kept: _kept, ...message }) => fresh(message));
    this.lanes = [...this.lanes, new Lane(first.dialect, model, heard)];
  }

  close(lane: Lane): void {
    lane.stop();
    this.lanes = this.lanes.filter((one) => one !== lane);
    this.keep();
  }

  /** Goes on with one of the lanes; what the others said is let go. */
  choose(lane: Lane): void {
    this.lanes.forEach((one) => one !== lane && one.stop());
    this.lanes = [lane];
    this.keep();
  }

  /** Says something to all lanes. */
  async say(content: Part[], setting: Setting): Promise<void> {
    for (const lane of this.lanes) lane.add({ role: 'user', content: content.map((part) => ({ ...part })), created_at: Date.now() });
    await Promise.all(this.lanes.map((lane) => this.#run(lane, setting)));
  }

  /** Says something else in the place of a message. */
  async edit(lane: Lane, message: Said, text: string, setting: Setting): Promise<void> {
    const rest = message.content.filter((part) => part.type !== 'text');
    lane.cut(message.uid);
    lane.add({ role: 'user', content: [...rest, { type: 'text', text }], created_at: Date.now() });
    await this.#run(lane, setting);
  }

  /** Lets the model answer again in the place of an answer. */
  async again(lane: Lane, message: Said, setting: Setting): Promise<void> {
    lane.cut(message.uid);
    await this.#run(lane, setting);
  }

  async answer(lane: Lane, results: ToolResultPart[], setting: Setting): Promise<void> {
    lane.add({ role: 'tool', content: results, created_at: Date.now() });
    await this.#run(lane, setting);
  }

  async #run(lane: Lane, setting: Setting): Promise<void> {
    await lane.run(setting);
    if (lane === this.lanes[0]) this.keep(setting.system);
  }

  /** The model or the dialect of the first lane has changed. */
  renamed(lane: Lane): void {
    if (!this.id || lane !== this.lanes[0]) return;
    const { id, changes } = { id: this.id, changes: { model: lane.model, dialect: lane.dialect } };
    this.#then(() => shelf.rename(id, changes));
  }

  /** Keeps what the first lane has, when it is wanted; one change after the other. */
  keep(system = ''): void {
    if (!this.keeping && !this.id) return;
    this.#then(async () => {
      const [lane] = this.lanes;
      if (!lane || !lane.messages.some((message) => message.content.length)) return;
      this.#made = this.id || this.#made || (await shelf.create({ title: '', model: lane.model, dialect: lane.dialect, system })).id;
      const kept = await shelf.keep(this.#made, this.#kept, lane.messages);
      // The address names it from now on: whoever reads the page again finds what was said.
      this.id = this.#made;
      const ids = new Map(kept.map((message) => [message.uid, message.kept] as const));
      this.#kept = kept.flatMap((message) => message.kept ?? []);
      // More may have been said meanwhile: only the identifiers are taken over.
      lane.messages = lane.messages.map((message) => {
        const own = ids.get(message.uid);
        return own && !message.kept ? { ...message, kept: own } : message;
      });
      this.changes++;
    });
  }

  #then(work: () => Promise<unknown>): void {
    this.#work = this.#work.then(async () => {
      try {
        await work();
        this.problem = '';
      } catch (error) {
        this.problem = error instanceof Error ? error.message : String(error);
      }
    });
  }
}
