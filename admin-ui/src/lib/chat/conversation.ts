/**
 * What a conversation is made of, whatever dialect it is held in. The same form as conversations are stored in, so
 * that the model and the dialect can change between two messages.
 */
import type { Json, JsonObject } from '$lib/json/value';

export const dialects = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const;
export type Dialect = (typeof dialects)[number];

export function isDialect(name: string | null | undefined): name is Dialect {
  return dialects.some((dialect) => dialect === name);
}

/** What a vendor wants back unchanged; of use in the dialect that it was born in alone. */
export interface PartState {
  dialect: string;
  kind: string;
  value: string;
}

export interface TextPart {
  type: 'text';
  text: string;
  state?: PartState[];
}
export interface ReasoningPart {
  type: 'reasoning';
  text: string;
  state?: PartState[];
}
export interface ToolCallPart {
  type: 'tool_call';
  id: string;
  name: string;
  /** As the model wrote it: JSON text, whole or not. */
  arguments: string;
  state?: PartState[];
}
export interface ToolResultPart {
  type: 'tool_result';
  call_id: string;
  name?: string;
  content: (TextPart | ImagePart)[];
  is_error: boolean;
}
export interface ImagePart {
  type: 'image';
  media_type?: string;
  /** base64 */
  data?: string;
  url?: string;
}
export type Part = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | ImagePart;

export type Speaker = 'system' | 'user' | 'assistant' | 'tool';

export interface Usage {
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
}

export interface Message {
  role: Speaker;
  content: Part[];
  model?: string;
  provider?: string;
  dialect?: string;
  request_id?: string;
  usage?: Usage;
  created_at?: number;
}

/** A function that the model may call. */
export interface Tool {
  name: string;
  description: string;
  /** A JSON Schema. */
  parameters: JsonObject;
}

export interface Parameters {
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  stop?: string[];
  effort?: 'low' | 'medium' | 'high';
}

/** What is asked of a model. */
export interface Turn {
  model: string;
  system: string;
  messages: readonly Message[];
  tools: readonly Tool[];
  params: Parameters;
  stream: boolean;
}

/** A request as it goes to the hub, without the credential. */
export interface Call {
  path: string;
  headers: Record<string, string>;
  body: Json;
}

/** The state of a part that this dialect may send back. */
export function stateOf(part: Part, dialect: Dialect, kind: string): string | undefined {
  if (!('state' in part)) return undefined;
  return part.state?.find((state) => state.dialect === dialect && state.kind === kind)?.value;
}

/** The words of a message. */
export function wordsOf(message: Message): string {
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}

/** Runs of messages by role: tool results stand in messages of their own, whatever a store made of them. */
export function partsOf<Kind extends Part['type']>(message: Message, kind: Kind): Extract<Part, { type: Kind }>[] {
  return message.content.filter((part): part is Extract<Part, { type: Kind }> => part.type === kind);
}
