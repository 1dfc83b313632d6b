/**
 * Documents that are read and kept where they do not disturb: the page asks for the parts that it shows. This half
 * is plain code; it runs in a worker, and in the page where there is none.
 */
import { align, type Aligned, type Comparison } from '$lib/inspect/align';
import type { Dialect } from '$lib/chat/conversation';
import { eventsOf, gistsOf, type KeptEvent } from '$lib/inspect/events';
import { childrenOf, nodeOf, valueAt, type Node, type Path } from './node';
import type { Json } from './value';

export interface Opened {
  root: Node | null;
  /** Why it is no JSON. */
  problem: string;
  /** It is a stream of events, read as a list of them. */
  stream: boolean;
}

/** An event of a stream: what it is called, what it says in any dialect, and its data. */
export interface ShownEvent {
  name: string;
  gist: string;
  data: Node;
}

export class Library {
  #documents = new Map<string, Json>();
  #gists = new Map<string, string[]>();

  /** Reads a document and keeps it under a name. */
  open(name: string, source: string): Opened {
    this.#gists.delete(name);
    const events = eventsOf(source);
    if (events) {
      this.#documents.set(name, events as unknown as Json);
      return { root: nodeOf(events as unknown as Json, null), problem: '', stream: true };
    }
    try {
      const value = JSON.parse(source) as Json;
      this.#documents.set(name, value);
      return { root: nodeOf(value, null), problem: '', stream: false };
    } catch (error) {
      this.#documents.delete(name);
      return { root: null, problem: error instanceof Error ? error.message : String(error), stream: false };
    }
  }

  children(name: string, path: Path, from: number, count: number): Node[] {
    return childrenOf(valueAt(this.#documents.get(name), path), from, count);
  }

  /** Events of a stream, a part at a time. */
  events(name: string, dialect: Dialect, from: number, count: number): ShownEvent[] {
    const events = (this.#documents.get(name) ?? []) as unknown as KeptEvent[];
    const gists = this.#gists.get(name) ?? gistsOf(dialect, events);
    this.#gists.set(name, gists);
    return events.slice(from, from + count).map((event, place) => ({ name: event.event, gist: gists[from + place] ?? '', data: nodeOf(event.data, null) }));
  }

  /** A value as text: a text itself, all else as indented JSON. */
  text(name: string, path: Path, most = Infinity): string {
    const value = valueAt(this.#documents.get(name), path);
    const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
    return text.length > most ? text.slice(0, most) : text;
  }

  /** Puts two bodies side by side, field by field. */
  align(comparison: Comparison): Aligned {
    return align(comparison, (name) => this.#documents.get(name), (name, value) => this.#documents.set(name, value));
  }

  close(names: string[]): void {
    for (const name of names) {
      this.#documents.delete(name);
      this.#gists.delete(name);
    }
  }
}

export type Work = { [Verb in keyof Library]: { verb: Verb; given: Parameters<Library[Verb]> } }[keyof Library];
export type Done<Verb extends keyof Library> = ReturnType<Library[Verb]>;
