/** The library in a worker: calls come in, results go back under the same number. */
import { Library, type Work } from './library';

const library = new Library();

onmessage = ({ data }: MessageEvent<Work & { turn: number }>) => {
  const work = library[data.verb] as (...given: unknown[]) => unknown;
  try {
    postMessage({ turn: data.turn, result: work.apply(library, data.given) });
  } catch (error) {
    postMessage({ turn: data.turn, problem: error instanceof Error ? error.message : String(error) });
  }
};
