import { describe, expect, it } from 'vitest';
import { blobOf, childrenOf, nodeOf, written } from './node';
import { Library } from './library';

describe('nodes', () => {
  it('tell base64 by its size', () => {
    const png = `iVBORw0KGgo${'A'.repeat(4085)}`;
    expect(nodeOf(png, 'data')).toMatchObject({ preview: '', blob: { media: 'image/png', bytes: 3072 } });
    expect(blobOf(`data:image/webp;base64,${'A'.repeat(400)}`)).toMatchObject({ media: 'image/webp', bytes: 300 });
    expect(blobOf('A sentence that is long, but not base64. '.repeat(40))).toBeUndefined();
    expect(blobOf('short')).toBeUndefined();
  });

  it('hold no more of a long text than is shown', () => {
    expect(nodeOf('word '.repeat(100_000), null).preview.length).toBe(240);
  });

  it('give what is inside a part at a time', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => at);
    expect(childrenOf(many, 9_990, 100).map((node) => node.name)).toEqual(many.slice(9_990));
    expect(childrenOf({ a: 1, b: [2] }, 0, 10).map((node) => [node.name, node.kind])).toEqual([['a', 'number'], ['b', 'array']]);
  });

  it('are called as people write it', () => {
    expect(written(['messages', 0, 'content', 'x y'])).toBe('messages[0].content."x y"');
  });
});

describe('the library', () => {
  it('says why a document is none, and reads streams as lists', () => {
    const library = new Library();
    expect(library.open('a', '{"cut": ').root).toBeNull();
    const stream = library.open('b', 'event: ping\ndata: {"type":"ping"}\n\ndata: {"n":1}\n\n');
    expect([stream.stream, stream.root?.size]).toEqual([true, 2]);
    expect(library.text('b', [1, 'data', 'n'])).toBe('1');
  });
});
