/** The events of a stream that was kept as text. */
import type { Dialect } from '$lib/chat/conversation';
import { codecs } from '$lib/chat/dialects';
import type { Piece } from '$lib/chat/dialects/codec';
import { parse, member, text, type Json, type JsonObject } from '$lib/json/value';
import { EventReader } from '$lib/live/event-reader';

export interface KeptEvent extends JsonObject {
  event: string;
  data: Json;
}

/** The events, or nothing when the text is no stream. */
export function eventsOf(source: string): KeptEvent[] | null {
  if (!/^\s*(event|data|id|retry)?:/.test(source.slice(0, 64))) return null;
  // What was cut off in its middle still is an event to look at.
  return new EventReader().read(`${source}\n\n`).map(({ name, data }) => {
    const value = parse(data);
    const own = text(member(value, 'type'));
    return { event: name === 'message' ? own || 'data' : name, data: value ?? data };
  });
}

function gist(piece: Piece): string {
  switch (piece.type) {
    case 'text':
    case 'reasoning':
      return piece.text;
    case 'tool_call':
      return [piece.name, piece.arguments].filter(Boolean).join(' ');
    case 'usage':
      return `${piece.usage.input_tokens} / ${piece.usage.output_tokens}`;
    case 'stop':
      return piece.reason;
    case 'error':
      return piece.message;
    default:
      return '';
  }
}

/** What each event says, in the same words for all dialects; empty for those that only frame. */
export function gistsOf(dialect: Dialect, events: readonly KeptEvent[]): string[] {
  const reader = codecs[dialect].reader();
  return events.map((event) => {
    const data = typeof event.data === 'string' ? event.data : JSON.stringify(event.data);
    const pieces = reader.read({ name: event.event, data });
    return pieces
      .flatMap((piece) => (gist(piece) ? [`${piece.type}: ${gist(piece)}`] : []))
      .join(' · ')
      .slice(0, 160);
  });
}
