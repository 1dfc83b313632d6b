import { expect, it } from 'vitest';
import { alike, maskOf, pasted } from './paste';

it('reads keys one a line, with commas, quotes and names', () => {
  const text = 'sk-a\n"sk-b", sk-c;\nOPENAI_API_KEY=sk-d\nexport OTHER_KEY="sk-e"\n\nsk-a';
  expect(pasted(text)).toEqual({ keys: ['sk-a', 'sk-b', 'sk-c', 'sk-d', 'sk-e'], doubles: 1 });
  expect(pasted('  \n')).toEqual({ keys: [], doubles: 0 });
});

it('keeps an equals sign that is part of a key', () => {
  expect(pasted('c2stYWJjZGVm==').keys).toEqual(['c2stYWJjZGVm==']);
});

it('masks as the hub does', async () => {
  expect(await maskOf('sk-lab-aaaaaaaaaaaa1111')).toBe('sk-l...1111#877081');
  expect(alike('sk-l...1111#877081', 'sk-l...1111#877081')).toBe(true);
  expect(alike('sk-l...1111#877081', 'sk-l...1111#877082')).toBe(false);
  expect(alike('sk-l...1111', 'sk-l...1111#877082')).toBe(true);
});
