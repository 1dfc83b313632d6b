/** The events of a stream that was kept as text. */
import { parse, member, text, type Json, type JsonObject } from '$lib/json/value';
import { EventReader } from '$lib/live/events';

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
