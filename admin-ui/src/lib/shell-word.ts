/**
 * A text as one word of a POSIX shell, whatever is in it: within single quotes nothing is expanded, and a single quote
 * itself stands outside of them.
 */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
