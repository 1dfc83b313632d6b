import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from './shell-word';

it('stands between single quotes', () => {
  expect(shellWord('plain')).toBe("'plain'");
  expect(shellWord("it's")).toBe("'it'\\''s'");
  expect(shellWord('')).toBe("''");
});

it.each(['', ' ', "'", "''a''", '$HOME `id` $(id)', '"\\ \\n', 'a\nb\n', '-n', '=ls', '~', '*', '!!', '#x', 'é 日本'])('comes out of a shell as it went in: %j', (text) => {
  const word = shellWord(text);
  expect(execFileSync('sh', ['-c', `printf '%s|' ${word}; export X=${word}; printf %s "$X"`]).toString()).toBe(`${text}|${text}`);
});
