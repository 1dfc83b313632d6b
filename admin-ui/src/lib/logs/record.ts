/** One request with everything that is kept of it, read from what the server sends as documents. */
import type { Schemas } from '$lib/api/client';
import type { Loss } from '$lib/inspect/align';
import { at, count, isObject, list, member, text, type Json } from '$lib/json/value';
import type { RequestRow } from './filter';

export const sides = ['client_request', 'upstream_request', 'upstream_answer', 'client_answer'] as const;
export type Side = (typeof sides)[number];

export interface KeptBody {
  text: string;
  bytes: number;
  truncated: boolean;
}

export interface Attempt {
  provider: string;
  model: string;
  key: string;
  status: number;
  /** When it began after the request came; nothing in records of an earlier version. */
  since: number | null;
  ms: number;
  /** Why it was not the last one. */
  reason: string;
}

export interface UsageWords {
  upstream: Json[];
  client: Json | null;
}

export interface RequestRecord {
  request: RequestRow;
  attempts: Attempt[];
  trace: string[];
  losses: Loss[];
  /** Usage objects as either side wrote them; nothing where the upstream's own went to the client. */
  usages: UsageWords | null;
  /** Nothing when bodies were not captured, or are not for this reader. */
  capture: Record<Side, KeptBody> | null;
}

function bodyOf(value: Json | undefined): KeptBody {
  const kept = text(member(value, 'text'));
  return { text: kept, bytes: count(member(value, 'bytes')) || kept.length, truncated: member(value, 'truncated') === true };
}

export function lossOf(value: Json): Loss {
  return { code: text(member(value, 'code')), action: text(member(value, 'action')), member: text(member(value, 'member')), detail: text(member(value, 'detail')) };
}

/** Reads the answer of the server. */
export function recordOf(answer: Schemas['RequestRecord']): RequestRecord {
  const capture = answer.capture as Json | undefined;
  return {
    request: answer.request,
    attempts: list(answer.attempts as Json).map((attempt) => ({
      provider: text(member(attempt, 'provider')),
      model: text(member(attempt, 'model')),
      key: text(member(attempt, 'key')),
      status: count(member(attempt, 'status')),
      since: typeof member(attempt, 'since_ms') === 'number' ? count(member(attempt, 'since_ms')) : null,
      ms: count(member(attempt, 'ms')),
      reason: text(member(attempt, 'reason'))
    })),
    trace: list(answer.trace as Json).map((step) => (typeof step === 'string' ? step : text(at(step, 'text')))),
    losses: list(answer.fidelity as Json).map(lossOf),
    usages: answer.usages ? { upstream: list(answer.usages.upstream as Json), client: (answer.usages.client as Json | undefined) ?? null } : null,
    capture: isObject(capture)
      ? {
          client_request: bodyOf(capture['client_request']),
          upstream_request: bodyOf(capture['upstream_request']),
          upstream_answer: bodyOf(capture['upstream_answer']),
          client_answer: bodyOf(capture['client_answer'])
        }
      : null
  };
}

export interface Phase {
  /** `preparing`: reading the request, choosing where it goes, translating it. */
  kind: 'preparing' | 'failed' | 'between' | 'waiting' | 'streaming';
  from: number;
  ms: number;
  /** The attempt that it belongs to. */
  attempt?: Attempt;
}

/** What the time went into, in order; parts that nobody measured stand between those that were. */
export function phasesOf({ request, attempts }: RequestRecord): Phase[] {
  const total = request.total_ms;
  const first = request.first_byte_ms ?? null;
  const phases: Phase[] = [];
  let from = 0;
  const add = (kind: Phase['kind'], until: number, attempt?: Attempt) => {
    const ms = Math.min(until, total) - from;
    if (ms > 0) phases.push({ kind, from, ms, ...(attempt ? { attempt } : {}) });
    from = Math.max(from, Math.min(until, total));
  };
  const failed = attempts.filter((attempt) => attempt.reason);
  const tries = failed.reduce((sum, attempt) => sum + attempt.ms, 0);
  const last = attempts.find((attempt) => !attempt.reason);
  const begun = attempts[0]?.since ?? 0;
  add('preparing', begun);
  // Where it is not known when a try began, the pauses between them are what is left, in even parts.
  const end = first ?? total;
  const pause = failed.length ? Math.max(0, end - begun - tries - (last?.ms ?? 0)) / failed.length : 0;
  for (const [place, attempt] of failed.entries()) {
    add('failed', from + attempt.ms, attempt);
    const next = failed[place + 1] ?? last;
    add('between', next?.since ?? from + pause);
  }
  if (first !== null) {
    add('waiting', first, last);
    add('streaming', total);
  } else {
    add('waiting', total, last);
  }
  return phases;
}
