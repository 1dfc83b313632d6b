/** What every dialect can do for a conversation: write the request, and read the answer, streamed or whole. */
import type { ServerEvent } from '$lib/live/event-reader';
import type { Json } from '$lib/json/value';
import type { Call, Dialect, Turn, Usage } from '../conversation';

/** One step of an answer, the same for all dialects. */
export type Piece =
  | { type: 'start'; id?: string; model?: string }
  | { type: 'text'; text: string; state?: { kind: string; value: string } }
  | { type: 'reasoning'; text: string }
  /** State of the reasoning before it; `apart` begins a part of its own. */
  | { type: 'reasoning_state'; kind: string; value: string; apart?: boolean }
  | { type: 'tool_call'; index: number; id?: string; name?: string; arguments?: string; state?: { kind: string; value: string } }
  | { type: 'image'; media_type: string; data: string }
  | { type: 'usage'; usage: Usage }
  | { type: 'stop'; reason: string }
  | { type: 'error'; message: string };

/** Reads the events of one stream, in order. */
export interface Reader {
  read(event: ServerEvent): Piece[];
}

export interface Codec {
  dialect: Dialect;
  /** Its name, as people call it. */
  name: string;
  request(turn: Turn): Call;
  reader(): Reader;
  /** Reads an answer that came whole. */
  whole(answer: Json): Piece[];
}

/** What an error body of any of the dialects says. */
export function complaint(body: Json | undefined, fallback: string): string {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    const error = body['error'];
    if (typeof error === 'string') return error;
    if (typeof error === 'object' && error !== null && !Array.isArray(error) && typeof error['message'] === 'string') return error['message'];
    if (typeof body['message'] === 'string') return body['message'];
    if (typeof body['detail'] === 'string') return body['detail'];
  }
  return fallback;
}

/** The arguments of a call as a value: vendors that take no text get an object. */
export function argumentsOf(source: string): Json {
  try {
    return JSON.parse(source || '{}') as Json;
  } catch {
    return { _text: source };
  }
}

/** An image as an address: its own, or one that holds the bytes. */
export function addressOf(image: { media_type?: string; data?: string; url?: string }): string {
  return image.url ?? `data:${image.media_type ?? 'image/png'};base64,${image.data ?? ''}`;
}
