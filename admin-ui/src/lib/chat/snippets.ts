/** A call as code that a person can take along. The key is always the name of a variable. */
import type { Call, Dialect } from './conversation';
import { member, text } from '$lib/json/value';
import { shellWord } from '$lib/shell-word';

export const languages = ['curl', 'python', 'typescript'] as const;
export type SnippetLanguage = (typeof languages)[number];

const VARIABLE = 'LLM_BRIDGE_KEY';

/** The call as a command. */
export function curl(origin: string, path: string, headers: Record<string, string>, body: string): string {
  const stream = /"stream"\s*:\s*true|streamGenerate/.test(path + body) ? ' -N' : '';
  const lines = [
    `curl${stream} ${shellWord(origin + path)}`,
    `-H "authorization: Bearer $${VARIABLE}"`,
    ...Object.entries({ 'content-type': 'application/json', ...headers }).map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    `-d ${shellWord(body)}`
  ];
  return lines.join(' \\\n  ');
}

/** JSON as Python writes it. */
export function python(value: unknown, indent = 0): string {
  const pad = '    '.repeat(indent + 1);
  const end = '    '.repeat(indent);
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (!value.length) return '[]';
    return `[\n${value.map((item) => `${pad}${python(item, indent + 1)},`).join('\n')}\n${end}]`;
  }
  const members = Object.entries(value);
  if (!members.length) return '{}';
  return `{\n${members.map(([name, item]) => `${pad}${JSON.stringify(name)}: ${python(item, indent + 1)},`).join('\n')}\n${end}}`;
}

function keywords(body: object): string {
  return Object.entries(body)
    .map(([name, value]) => `    ${name}=${python(value, 1)},`)
    .join('\n');
}

/** The vendors' own libraries, pointed at this hub. */
function pythonOf(dialect: Dialect, origin: string, call: Call): string {
  const body = (call.body ?? {}) as object;
  switch (dialect) {
    case 'openai-chat':
    case 'openai-responses': {
      const method = dialect === 'openai-chat' ? 'chat.completions' : 'responses';
      return `import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key=os.environ["${VARIABLE}"])\nanswer = client.${method}.create(\n${keywords(body)}\n)\n${shown(body)}`;
    }
    case 'anthropic':
      return `import os\nfrom anthropic import Anthropic\n\nclient = Anthropic(base_url=${JSON.stringify(origin)}, api_key=os.environ["${VARIABLE}"])\nanswer = client.messages.create(\n${keywords(body)}\n)\n${shown(body)}`;
    case 'gemini':
      return `import os\nimport httpx\n\nanswer = httpx.post(\n    ${JSON.stringify(origin + call.path)},\n    headers={"x-goog-api-key": os.environ["${VARIABLE}"]},\n    json=${python(body, 1)},\n    timeout=600,\n)\nprint(answer.text)`;
  }
}

function shown(body: object): string {
  return 'stream' in body ? 'for event in answer:\n    print(event)' : 'print(answer)';
}

function typescriptOf(dialect: Dialect, origin: string, call: Call): string {
  const body = JSON.stringify(call.body, null, 2);
  const streams = text(member(call.body, 'stream')) || member(call.body, 'stream') === true;
  const read = streams ? 'for await (const event of answer) console.log(event);' : 'console.log(answer);';
  switch (dialect) {
    case 'openai-chat':
    case 'openai-responses': {
      const method = dialect === 'openai-chat' ? 'chat.completions' : 'responses';
      return `import OpenAI from 'openai';\n\nconst client = new OpenAI({ baseURL: '${origin}/v1', apiKey: process.env.${VARIABLE} });\nconst answer = await client.${method}.create(${body});\n${read}`;
    }
    case 'anthropic':
      return `import Anthropic from '@anthropic-ai/sdk';\n\nconst client = new Anthropic({ baseURL: '${origin}', apiKey: process.env.${VARIABLE} });\nconst answer = await client.messages.create(${body});\n${read}`;
    case 'gemini':
      return `const answer = await fetch('${origin}${call.path}', {\n  method: 'POST',\n  headers: { 'content-type': 'application/json', 'x-goog-api-key': process.env.${VARIABLE} ?? '' },\n  body: JSON.stringify(${body})\n});\nconsole.log(await answer.text());`;
  }
}

/** The call in a language. */
export function snippet(language: SnippetLanguage, dialect: Dialect, origin: string, call: Call): string {
  if (language === 'python') return pythonOf(dialect, origin, call);
  if (language === 'typescript') return typescriptOf(dialect, origin, call);
  return curl(origin, call.path, call.headers, JSON.stringify(call.body, null, 2));
}
