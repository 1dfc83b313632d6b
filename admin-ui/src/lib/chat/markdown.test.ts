import { describe, expect, it } from 'vitest';
import { blocks, inline, webAddress } from './markdown';

describe('blocks', () => {
  it('are what models write', () => {
    const found = blocks('# Title\n\nOne **two**\nthree\n\n```ts\nconst a = `b`;\n```\n\n- x\n- y\n  - z\n\n1. first\n2. second\n\n> quoted\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n---\nend');
    expect(found.map((block) => block.type)).toEqual(['heading', 'paragraph', 'code', 'list', 'list', 'quote', 'table', 'rule', 'paragraph']);
    expect(found[2]).toEqual({ type: 'code', language: 'ts', text: 'const a = `b`;' });
    const list = found[3];
    expect(list?.type === 'list' && list.items.length).toBe(2);
    expect(list?.type === 'list' && list.items[1]?.map((block) => block.type)).toEqual(['paragraph', 'list']);
  });

  it('of a text that still grows are read as far as they go', () => {
    expect(blocks('```py\nprint(')).toEqual([{ type: 'code', language: 'py', text: 'print(' }]);
    expect(blocks('- a\n- ')[0]?.type).toBe('list');
  });

  it('take no longer for what is written to take long', () => {
    const begun = performance.now();
    for (const nasty of ['*'.repeat(20_000), '> '.repeat(5_000), '['.repeat(20_000), '`'.repeat(20_000), '- '.repeat(5_000), '**a'.repeat(5_000), '_a '.repeat(8_000)]) blocks(nasty);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });
});

describe('within a line', () => {
  it('marks are read, and words with underscores are none', () => {
    expect(inline('a `b*c*` **d** _e_ snake_case_name ~~f~~')).toEqual([
      { type: 'text', text: 'a ' },
      { type: 'code', text: 'b*c*' },
      { type: 'text', text: ' ' },
      { type: 'strong', inside: [{ type: 'text', text: 'd' }] },
      { type: 'text', text: ' ' },
      { type: 'emphasis', inside: [{ type: 'text', text: 'e' }] },
      { type: 'text', text: ' snake_case_name ' },
      { type: 'strike', inside: [{ type: 'text', text: 'f' }] }
    ]);
  });

  it('links lead to web pages only', () => {
    for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', 'vbscript:x']) expect(webAddress(bad), bad).toBeNull();
    expect(inline('[x](javascript:alert(1))').some((part) => part.type === 'link')).toBe(false);
    expect(inline('[x](https://example.com/a_(b))')).toEqual([{ type: 'link', href: 'https://example.com/a_(b)', inside: [{ type: 'text', text: 'x' }] }]);
  });

  it('markup stays text', () => {
    expect(inline('<img src=x onerror=alert(1)>')).toEqual([{ type: 'text', text: '<img src=x onerror=alert(1)>' }]);
  });
});
