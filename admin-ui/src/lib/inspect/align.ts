/**
 * Two bodies side by side: fields that mean the same stand in one row, marked by what became of them. Parts of a
 * conversation are paired by what they say, so that a turn more or less shifts nothing.
 */
import type { Dialect } from '$lib/chat/conversation';
import { nodeOf, written, type Node, type Path } from '$lib/json/node';
import { same, type Json } from '$lib/json/value';
import type { KeptEvent } from './events';
import { comparable, groups, type Field, type Group } from './field';
import { requestFields } from './request';
import { gathered, gatheredFields, responseFields } from './response';

export const marks = ['same', 'renamed', 'changed', 'lost', 'added'] as const;
export type Mark = (typeof marks)[number];

/** What the hub says about a member of the client's request. */
export interface Loss {
  code: string;
  action: string;
  member: string;
  detail: string;
}

/** One of the two bodies. */
export interface Body {
  /** The document's name in the library. */
  document: string;
  dialect: Dialect;
  stream: boolean;
}

export interface Comparison {
  kind: 'request' | 'response';
  left: Body;
  right: Body;
  losses: readonly Loss[];
  /** Whose body the left one is: losses speak of the client's members. */
  client: 'left' | 'right';
}

export interface Cell {
  document: string;
  path: Path;
  node: Node;
  role?: string | undefined;
}

export interface Row {
  group: Group;
  concept: string;
  mark: Mark;
  left: Cell | null;
  right: Cell | null;
  losses: Loss[];
}

export interface Aligned {
  rows: Row[];
  counts: Record<Mark, number>;
  /** What the hub says that belongs to no row. */
  apart: Loss[];
}

type Pair = [Field | null, Field | null];

/** Pairs fields of one concept: first those that are the same, then the others in their order. */
function paired(left: readonly Field[], right: readonly Field[]): Pair[] {
  const taken = new Set<Field>();
  const partner = new Map<Field, Field>();
  const byConcept = new Map<string, Field[]>();
  for (const field of right) {
    const known = byConcept.get(field.concept);
    if (known) known.push(field);
    else byConcept.set(field.concept, [field]);
  }
  const match = (fits: (one: Field, other: Field) => boolean) => {
    for (const field of left) {
      if (partner.has(field)) continue;
      const other = byConcept.get(field.concept)?.find((other) => !taken.has(other) && fits(field, other));
      if (!other) continue;
      taken.add(other);
      partner.set(field, other);
    }
  };
  match((one, other) => same(comparable(one), comparable(other)));
  match(() => true);
  // In the order of the left; what is new on the right stands behind what precedes it there.
  const pairs: Pair[] = left.map((field) => [field, partner.get(field) ?? null]);
  const placeOf = new Map(pairs.flatMap(([, other], place) => (other ? [[other, place] as const] : [])));
  const behind = new Map<number, Field[]>();
  let place = -1;
  for (const field of right) {
    const known = placeOf.get(field);
    if (known !== undefined) place = known;
    else if (!taken.has(field)) behind.set(place, [...(behind.get(place) ?? []), field]);
  }
  const news = (at: number): Pair[] => (behind.get(at) ?? []).map((field) => [null, field]);
  return [...news(-1), ...pairs.flatMap((pair, at) => [pair, ...news(at)])];
}

function markOf([left, right]: Pair): Mark {
  if (!right) return 'lost';
  if (!left) return 'added';
  if (!same(comparable(left), comparable(right))) return 'changed';
  return written(left.path) === written(right.path) && same(left.value, right.value) ? 'same' : 'renamed';
}

type Find = (document: string) => Json | undefined;
type Keep = (document: string, value: Json) => void;

function fieldsOf(kind: Comparison['kind'], body: Body, find: Find, keep: Keep): { document: string; fields: Field[] } {
  const value = find(body.document) ?? null;
  if (kind === 'request') return { document: body.document, fields: requestFields(body.dialect, value) };
  if (!body.stream) return { document: body.document, fields: responseFields(body.dialect, value) };
  const whole = gathered(body.dialect, value as unknown as KeptEvent[]);
  const document = `${body.document}#whole`;
  keep(document, whole);
  return { document, fields: gatheredFields(whole) };
}

/** Whether what the hub says of a member speaks of this path. */
function speaksOf(loss: Loss, path: string): boolean {
  const member = loss.member.replace(/\[\]/g, '');
  return path === member || path.startsWith(`${member}.`) || path.startsWith(`${member}[`) || path.replace(/\[\d+\]/g, '') === member;
}

/** Aligns two bodies. */
export function align({ kind, left, right, losses, client }: Comparison, find: Find, keep: Keep): Aligned {
  const one = fieldsOf(kind, left, find, keep);
  const other = fieldsOf(kind, right, find, keep);
  const told = new Set<Loss>();
  const cell = (document: string, field: Field | null): Cell | null =>
    field && { document, path: field.path, node: nodeOf(field.value, null), role: field.role };
  const rows: Row[] = [];
  for (const group of groups) {
    const within = (fields: readonly Field[]) => fields.filter((field) => field.group === group);
    for (const pair of paired(within(one.fields), within(other.fields))) {
      const theirs = client === 'left' ? pair[0] : pair[1];
      const said = theirs ? losses.filter((loss) => speaksOf(loss, written(theirs.path))) : [];
      said.forEach((loss) => told.add(loss));
      rows.push({
        group,
        concept: (pair[0] ?? pair[1])?.concept ?? '',
        mark: markOf(pair),
        left: cell(one.document, pair[0]),
        right: cell(other.document, pair[1]),
        losses: said
      });
    }
  }
  const counts = Object.fromEntries(marks.map((mark) => [mark, rows.filter((row) => row.mark === mark).length])) as Record<Mark, number>;
  return { rows, counts, apart: losses.filter((loss) => !told.has(loss)) };
}
