/**
 * How each client is pointed at the hub: files and commands, ready to copy. Facts of the clients stand here and
 * nowhere else; words for people are keys. What a reader fills in are the address, the key and the model.
 */
import type { Key } from '$lib/i18n/index.svelte';
import { shellWord } from '$lib/shell-word';

export interface Values {
  /** The hub, without a slash at its end. */
  base: string;
  key: string;
  model: string;
}

export interface Block {
  /** A file's name or where a command is typed; code, so the same in all languages. */
  title: string;
  code: string;
}

export type Dialect = 'openai' | 'openai-responses' | 'anthropic' | 'gemini';

export interface Recipe {
  id: string;
  name: string;
  group: 'agents' | 'sdks' | 'tools';
  dialect: Dialect;
  /** What to know before. */
  note?: Key;
  blocks: (values: Values) => Block[];
}

function exported(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `export ${name}=${shellWord(value)}`)
    .join('\n');
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

const PROMPT = 'Say hello in five languages.';

/** A vendor's key in the shell would be sent beside the token, and looked at first: it is emptied. */
function claudeCode({ base, key, model }: Values): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: base,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_API_KEY: '',
    ANTHROPIC_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model
  };
}

const agents: Recipe[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    group: 'agents',
    dialect: 'anthropic',
    note: 'clients.note.claude_code',
    blocks: (values) => [
      { title: 'bash · zsh', code: `${exported(claudeCode(values))}\nclaude` },
      { title: '~/.claude/settings.json', code: json({ env: claudeCode(values) }) }
    ]
  },
  {
    id: 'codex',
    name: 'Codex CLI',
    group: 'agents',
    dialect: 'openai-responses',
    note: 'clients.note.codex',
    blocks: ({ base, key, model }) => [
      {
        title: '~/.codex/config.toml',
        code: `model = ${JSON.stringify(model)}
model_provider = "bridge"

[model_providers.bridge]
name = "LLM Bridge"
base_url = ${JSON.stringify(`${base}/v1`)}
env_key = "BRIDGE_KEY"
wire_api = "responses"`
      },
      { title: 'bash · zsh', code: `${exported({ BRIDGE_KEY: key })}\ncodex` }
    ]
  },
  {
    id: 'gemini-cli',
    name: 'Gemini CLI',
    group: 'agents',
    dialect: 'gemini',
    note: 'clients.note.gemini_cli',
    blocks: ({ base, key, model }) => [
      { title: '~/.gemini/settings.json', code: json({ security: { auth: { selectedType: 'gemini-api-key' } } }) },
      { title: 'bash · zsh', code: `${exported({ GOOGLE_GEMINI_BASE_URL: base, GEMINI_API_KEY: key })}\ngemini -m ${shellWord(model)}` },
      // Without a terminal nobody can be asked whether the folder is trusted, and in others it refuses.
      { title: 'gemini -p', code: `gemini --skip-trust -m ${shellWord(model)} -p ${shellWord(PROMPT)}` }
    ]
  },
  {
    id: 'qwen-code',
    name: 'Qwen Code',
    group: 'agents',
    dialect: 'openai',
    blocks: ({ base, key, model }) => [
      {
        title: 'bash · zsh',
        code: `${exported({ OPENAI_BASE_URL: `${base}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: model })}\nqwen --auth-type openai`
      }
    ]
  },
  {
    id: 'opencode',
    name: 'opencode',
    group: 'agents',
    dialect: 'openai',
    blocks: ({ base, key, model }) => [
      {
        title: 'opencode.json',
        code: json({
          provider: {
            bridge: {
              npm: '@ai-sdk/openai-compatible',
              options: { baseURL: `${base}/v1`, apiKey: key },
              models: { [model]: { tool_call: true } }
            }
          },
          model: `bridge/${model}`
        })
      }
    ]
  }
];

const sdks: Recipe[] = [
  {
    id: 'openai-python',
    name: 'OpenAI · Python',
    group: 'sdks',
    dialect: 'openai',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'pip install openai' },
      {
        title: 'hello.py',
        code: `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${base}/v1`)}, api_key=${JSON.stringify(key)})
answer = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=[{"role": "user", "content": "${PROMPT}"}],
)
print(answer.choices[0].message.content)`
      }
    ]
  },
  {
    id: 'openai-node',
    name: 'OpenAI · Node',
    group: 'sdks',
    dialect: 'openai',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'npm install openai' },
      {
        title: 'hello.mjs',
        code: `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: ${JSON.stringify(`${base}/v1`)}, apiKey: ${JSON.stringify(key)} });
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: 'user', content: '${PROMPT}' }]
});
console.log(answer.choices[0].message.content);`
      }
    ]
  },
  {
    id: 'anthropic-python',
    name: 'Anthropic · Python',
    group: 'sdks',
    dialect: 'anthropic',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'pip install anthropic' },
      {
        title: 'hello.py',
        code: `from anthropic import Anthropic

client = Anthropic(base_url=${JSON.stringify(base)}, api_key=${JSON.stringify(key)})
answer = client.messages.create(
    model=${JSON.stringify(model)},
    max_tokens=1024,
    messages=[{"role": "user", "content": "${PROMPT}"}],
)
print(answer.content[0].text)`
      }
    ]
  },
  {
    id: 'anthropic-node',
    name: 'Anthropic · Node',
    group: 'sdks',
    dialect: 'anthropic',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'npm install @anthropic-ai/sdk' },
      {
        title: 'hello.mjs',
        code: `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: ${JSON.stringify(base)}, apiKey: ${JSON.stringify(key)} });
const answer = await client.messages.create({
  model: ${JSON.stringify(model)},
  max_tokens: 1024,
  messages: [{ role: 'user', content: '${PROMPT}' }]
});
console.log(answer.content[0].text);`
      }
    ]
  },
  {
    id: 'google-python',
    name: 'Google · Python',
    group: 'sdks',
    dialect: 'gemini',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'pip install google-genai' },
      {
        title: 'hello.py',
        code: `from google import genai
from google.genai import types

client = genai.Client(api_key=${JSON.stringify(key)}, http_options=types.HttpOptions(base_url=${JSON.stringify(base)}))
answer = client.models.generate_content(model=${JSON.stringify(model)}, contents="${PROMPT}")
print(answer.text)`
      }
    ]
  },
  {
    id: 'google-node',
    name: 'Google · Node',
    group: 'sdks',
    dialect: 'gemini',
    blocks: ({ base, key, model }) => [
      { title: 'bash', code: 'npm install @google/genai' },
      {
        title: 'hello.mjs',
        code: `import { GoogleGenAI } from '@google/genai';

const client = new GoogleGenAI({ apiKey: ${JSON.stringify(key)}, httpOptions: { baseUrl: ${JSON.stringify(base)} } });
const answer = await client.models.generateContent({ model: ${JSON.stringify(model)}, contents: '${PROMPT}' });
console.log(answer.text);`
      }
    ]
  }
];

const tools: Recipe[] = [
  {
    id: 'curl',
    name: 'curl',
    group: 'tools',
    dialect: 'openai',
    blocks: ({ base, key, model }) => [
      {
        title: 'POST /v1/chat/completions',
        code: curl(`${base}/v1/chat/completions`, `authorization: Bearer ${key}`, { model, messages: [{ role: 'user', content: PROMPT }] })
      },
      {
        title: 'POST /v1/messages',
        code: curl(`${base}/v1/messages`, `x-api-key: ${key}`, { model, max_tokens: 1024, messages: [{ role: 'user', content: PROMPT }] })
      }
    ]
  },
  {
    id: 'ide',
    name: 'IDE',
    group: 'tools',
    dialect: 'openai',
    note: 'clients.note.ide',
    blocks: ({ base, key, model }) => [
      { title: 'Base URL (OpenAI)', code: `${base}/v1` },
      { title: 'Base URL (Anthropic)', code: base },
      { title: 'API key', code: key },
      { title: 'Model', code: model }
    ]
  }
];

function curl(url: string, credential: string, body: unknown): string {
  return `curl ${shellWord(url)} \\\n  -H ${shellWord(credential)} \\\n  -H 'content-type: application/json' \\\n  -d ${shellWord(JSON.stringify(body))}`;
}

export const recipes: readonly Recipe[] = [...agents, ...sdks, ...tools];
export const groups = ['agents', 'sdks', 'tools'] as const;
