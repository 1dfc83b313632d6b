/** The way to the library: one worker for the whole page, made when the first document is opened. */
import { Library, type Done } from './library';

type Verb = keyof Library;
interface Reply {
  turn: number;
  result?: unknown;
  problem?: string;
}
interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

let worker: Worker | null = null;
let inPage: Library | null = null;
let turns = 0;
const waiting = new Map<number, Waiting>();

function start(): Worker | null {
  if (worker || inPage) return worker;
  if (typeof Worker === 'undefined') {
    inPage = new Library();
    return null;
  }
  worker = new Worker(new URL('./library.worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Reply>) => {
    const asked = waiting.get(data.turn);
    waiting.delete(data.turn);
    if (data.problem !== undefined) asked?.reject(new Error(data.problem));
    else asked?.resolve(data.result);
  };
  return worker;
}

/** Asks the library. */
export function ask<V extends Verb>(verb: V, ...given: Parameters<Library[V]>): Promise<Done<V>> {
  const away = start();
  if (!away) {
    const work = inPage?.[verb] as unknown as (...given: Parameters<Library[V]>) => Done<V>;
    return Promise.resolve(work.apply(inPage, given));
  }
  const turn = ++turns;
  return new Promise((resolve, reject) => {
    waiting.set(turn, { resolve: resolve as (result: unknown) => void, reject });
    away.postMessage({ turn, verb, given });
  });
}

let names = 0;
/** A name that no other document has. */
export function fresh(stem: string): string {
  return `${stem}-${++names}`;
}
