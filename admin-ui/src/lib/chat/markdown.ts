/**
 * The part of Markdown that models write, as data. Nothing here makes HTML: what is drawn is drawn by components, so
 * that no text of a model can become markup. Links lead to web pages only.
 */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'code'; text: string }
  | { type: 'strong' | 'emphasis' | 'strike'; inside: Inline[] }
  | { type: 'link'; href: string; inside: Inline[] }
  | { type: 'break' };

export type Block =
  | { type: 'paragraph'; inside: Inline[] }
  | { type: 'heading'; level: number; inside: Inline[] }
  | { type: 'code'; language: string; text: string }
  | { type: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { type: 'quote'; inside: Block[] }
  | { type: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { type: 'rule' };

/** Deeper quotes and lists are text. */
const DEEPEST = 8;

const FENCE = /^(\s{0,3})(`{3,}|~{3,})\s*([\w+#.-]*).*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Reads a text. A text that is still growing is read as far as it goes. */
export function blocks(source: string, depth = 0): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const found: Block[] = [];
  let at = 0;
  let words: string[] = [];

  const settle = () => {
    if (words.length) found.push({ type: 'paragraph', inside: inline(words.join('\n')) });
    words = [];
  };

  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = FENCE.exec(line);
    if (fence) {
      settle();
      const mark = fence[2] ?? '```';
      const from = ++at;
      while (at < lines.length && !new RegExp(`^\\s{0,3}${mark[0] === '~' ? '~' : '`'}{${mark.length},}\\s*$`).test(lines[at] ?? '')) at++;
      const indent = (fence[1] ?? '').length;
      found.push({ type: 'code', language: fence[3] ?? '', text: lines.slice(from, at).map((one) => one.replace(new RegExp(`^\\s{0,${indent}}`), '')).join('\n') });
      at++;
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      settle();
      found.push({ type: 'heading', level: heading[1]?.length ?? 1, inside: inline(heading[2] ?? '') });
      at++;
    } else if (RULE.test(line)) {
      settle();
      found.push({ type: 'rule' });
      at++;
    } else if (/^\s{0,3}>/.test(line) && depth < DEEPEST) {
      settle();
      const from = at;
      while (at < lines.length && /^\s{0,3}>/.test(lines[at] ?? '')) at++;
      const inside = lines.slice(from, at).map((one) => one.replace(/^\s{0,3}> ?/, ''));
      found.push({ type: 'quote', inside: blocks(inside.join('\n'), depth + 1) });
    } else if (ITEM.test(line) && depth < DEEPEST) {
      settle();
      const [list, next] = listAt(lines, at, depth);
      found.push(list);
      at = next;
    } else if (line.includes('|') && TABLE_LINE.test(lines[at + 1] ?? '') && (lines[at + 1] ?? '').includes('-')) {
      settle();
      const head = cells(line);
      const rows: Inline[][][] = [];
      at += 2;
      while (at < lines.length && (lines[at] ?? '').includes('|')) rows.push(cells(lines[at++] ?? ''));
      found.push({ type: 'table', head, rows });
    } else if (!line.trim()) {
      settle();
      at++;
    } else {
      words.push(line.trim());
      at++;
    }
  }
  settle();
  return found;
}

function listAt(lines: readonly string[], from: number, depth: number): [Block, number] {
  const first = ITEM.exec(lines[from] ?? '');
  const indent = (first?.[1] ?? '').length;
  const ordered = /\d/.test(first?.[2] ?? '');
  const items: string[][] = [];
  let at = from;
  let width = 2;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const item = ITEM.exec(line);
    const inset = /^\s*/.exec(line)?.[0].length ?? 0;
    if (item && (item[1] ?? '').length <= indent + 1 && /\d/.test(item[2] ?? '') === ordered) {
      if ((item[1] ?? '').length < indent) break;
      width = indent + (item[2] ?? '').length + 1;
      items.push([item[3] ?? '']);
    } else if (!line.trim()) {
      const next = lines[at + 1] ?? '';
      // A blank line belongs to the list when it goes on behind it.
      if (!next.trim() || (!ITEM.test(next) && !/^\s{2,}/.test(next))) break;
      items.at(-1)?.push('');
    } else if (inset > indent || !/^\s{0,3}([#>]|```|~~~)/.test(line)) {
      if (inset <= indent && (lines[at - 1] ?? '').trim() === '') break;
      if (inset <= indent && item) break;
      items.at(-1)?.push(line.replace(new RegExp(`^\\s{0,${width}}`), ''));
    } else break;
  }
  const start = ordered ? Number.parseInt(first?.[2] ?? '1', 10) : 1;
  return [{ type: 'list', ordered, start, items: items.map((item) => blocks(item.join('\n'), depth + 1)) }, Math.max(at, from + 1)];
}

function cells(line: string): Inline[][] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll('\\|', '|')));
}

/** An address that may be followed, or nothing: scripts and files are none. */
export function webAddress(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === 'https:' || url.protocol === 'http:' || url.protocol === 'mailto:' ? url.href : null;
  } catch {
    return null;
  }
}

const MARKS =
  /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([^*\n](?:[^\n]*?[^*\n])?)\*\*|__([^_\n]+)__|~~([^~\n]+)~~|\*([^*\s](?:[^*\n]*[^*\s])?)\*|(?<![\w])_([^_\s](?:[^_\n]*[^_\s])?)_(?![\w])|!?\[([^\]\n]*)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)?)(?:\s+"[^"]*")?\)|(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])|\\([\\`*_{}[\]()#+.!|~>-])|( {2,}\n|\n)/g;

/** Reads what stands within a line. */
export function inline(source: string, depth = 0): Inline[] {
  if (depth > DEEPEST) return [{ type: 'text', text: source }];
  const found: Inline[] = [];
  let from = 0;
  const say = (text: string) => {
    const last = found.at(-1);
    if (!text) return;
    if (last?.type === 'text') last.text += text;
    else found.push({ type: 'text', text });
  };
  for (const match of source.matchAll(MARKS)) {
    say(source.slice(from, match.index));
    from = match.index + match[0].length;
    const [whole, , code, strong, strong2, strike, emphasis, emphasis2, title, address, bare, escaped, newline] = match;
    if (code !== undefined) found.push({ type: 'code', text: code.trim() || code });
    else if (strong ?? strong2) found.push({ type: 'strong', inside: inline(strong ?? strong2 ?? '', depth + 1) });
    else if (strike) found.push({ type: 'strike', inside: inline(strike, depth + 1) });
    else if (emphasis ?? emphasis2) found.push({ type: 'emphasis', inside: inline(emphasis ?? emphasis2 ?? '', depth + 1) });
    else if (address !== undefined) {
      const href = webAddress(address);
      if (href) found.push({ type: 'link', href, inside: inline(title || address, depth + 1) });
      else say(whole);
    } else if (bare) {
      const href = webAddress(bare);
      if (href) found.push({ type: 'link', href, inside: [{ type: 'text', text: bare }] });
      else say(bare);
    } else if (escaped) say(escaped);
    else if (newline) found.push({ type: 'break' });
    else say(whole);
  }
  say(source.slice(from));
  return found;
}
