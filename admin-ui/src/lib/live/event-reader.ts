/** Server-sent events out of text. Knows no network and no session, so that workers may use it. */
export interface ServerEvent {
  name: string;
  data: string;
}

/** Cuts the text of a stream into events; the rest is kept for the next piece. */
export class EventReader {
  #rest = '';

  read(piece: string): ServerEvent[] {
    const blocks = (this.#rest + piece).replace(/\r\n?/g, '\n').split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      let name = 'message';
      const data: string[] = [];
      for (const line of block.split('\n')) {
        const [field, value] = cut(line);
        if (field === 'event') name = value;
        else if (field === 'data') data.push(value);
      }
      return data.length ? [{ name, data: data.join('\n') }] : [];
    });
  }
}

function cut(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
