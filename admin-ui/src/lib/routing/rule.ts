/** A rule as the form has it, and as the server keeps it. */
import type { Schemas } from '$lib/api/client';
import { isObject, parse, type JsonObject } from '$lib/json/value';

export type Route = Schemas['Route'];
export type RouteEntry = Schemas['RouteEntry'];
export type RouteMatch = NonNullable<Route['match']>;

export const strategies = ['priority', 'weighted', 'round_robin', 'random', 'least_latency', 'least_busy'] as const;
export const features = ['tools', 'images', 'thinking'] as const;

export interface DraftTarget {
  provider: string;
  model: string;
  weight: string;
}

/** Every field as text or list, so that what is half written has a place. */
export interface RuleDraft {
  name: string;
  description: string;
  enabled: boolean;
  priority: number | null;
  model: string[];
  modelRegex: string[];
  ingress: string[];
  clientKey: string[];
  tag: string[];
  keyword: string[];
  /** One `name: pattern, pattern` a line; the name alone for presence. */
  header: string;
  has: string[];
  minTokens: string;
  maxTokens: string;
  targets: DraftTarget[];
  strategy: string;
  mode: string;
  keyPool: string;
  /** JSON */
  params: string;
}

export function emptyDraft(): RuleDraft {
  return {
    name: '',
    description: '',
    enabled: true,
    priority: null,
    model: [],
    modelRegex: [],
    ingress: [],
    clientKey: [],
    tag: [],
    keyword: [],
    header: '',
    has: [],
    minTokens: '',
    maxTokens: '',
    targets: [{ provider: '', model: '', weight: '' }],
    strategy: '',
    mode: '',
    keyPool: '',
    params: ''
  };
}

/** The form of a rule that is there. */
export function draftOf(route: Route): RuleDraft {
  const match = route.match ?? ({} as Partial<RouteMatch>);
  const params = route.params;
  return {
    name: route.name,
    description: route.description ?? '',
    enabled: route.enabled ?? true,
    priority: route.priority ?? null,
    model: [...(match.model ?? [])],
    modelRegex: [...(match.model_regex ?? [])],
    ingress: [...(match.ingress ?? [])],
    clientKey: [...(match.client_key ?? [])],
    tag: [...(match.tag ?? [])],
    keyword: [...(match.keyword ?? [])],
    header: Object.entries(match.header ?? {})
      .map(([name, patterns]) => (patterns.length ? `${name}: ${patterns.join(', ')}` : name))
      .join('\n'),
    has: [...(match.has ?? [])],
    minTokens: match.min_input_tokens?.toString() ?? '',
    maxTokens: match.max_input_tokens?.toString() ?? '',
    targets: route.targets.map((target) => ({ provider: target.provider, model: target.model ?? '', weight: target.weight?.toString() ?? '' })),
    strategy: route.strategy ?? '',
    mode: route.mode ?? '',
    keyPool: route.key_pool ?? '',
    params: params && Object.keys(params).length ? JSON.stringify(params, null, 2) : ''
  };
}

/** Headers with their patterns, from lines. */
export function headerOf(lines: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of lines.split('\n').map((line) => line.trim())) {
    if (!line) continue;
    const [name, ...rest] = line.split(':');
    const patterns = rest.join(':').split(',');
    found[(name ?? '').trim().toLowerCase()] = patterns.map((pattern) => pattern.trim()).filter(Boolean);
  }
  return found;
}

/** The parameters, or nothing when they are no object. */
export function paramsOf(text: string): JsonObject | null | undefined {
  if (!text.trim()) return undefined;
  const value = parse(text);
  return isObject(value) ? value : null;
}

function whole(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text.trim()) : undefined;
}

/** The rule as the server takes it; members that say nothing are left out. */
export function entryOf(draft: RuleDraft): RouteEntry {
  const filled = <Value>(name: string, value: Value | undefined) => {
    const empty = value === undefined || value === '' || (Array.isArray(value) && !value.length) || (isObject(value) && !Object.keys(value).length);
    return empty ? {} : { [name]: value };
  };
  const match = {
    ...filled('model', draft.model),
    ...filled('model_regex', draft.modelRegex),
    ...filled('ingress', draft.ingress),
    ...filled('client_key', draft.clientKey),
    ...filled('tag', draft.tag),
    ...filled('keyword', draft.keyword),
    ...filled('header', headerOf(draft.header)),
    ...filled('has', draft.has),
    ...filled('min_input_tokens', whole(draft.minTokens)),
    ...filled('max_input_tokens', whole(draft.maxTokens))
  };
  const entry = {
    name: draft.name.trim(),
    ...filled('description', draft.description.trim()),
    enabled: draft.enabled,
    ...(draft.priority === null ? {} : { priority: draft.priority }),
    match,
    targets: draft.targets
      .filter((target) => target.provider.trim())
      .map((target) => ({ provider: target.provider.trim(), ...filled('model', target.model.trim()), ...filled('weight', whole(target.weight)) })),
    ...filled('strategy', draft.strategy),
    ...filled('mode', draft.mode),
    ...filled('key_pool', draft.keyPool.trim()),
    ...filled('params', paramsOf(draft.params) ?? undefined)
  };
  return entry as unknown as RouteEntry;
}

/** A rule without what only the server knows, to compare with an entry. */
export function writtenOf(route: Route): RouteEntry {
  return entryOf(draftOf(route));
}

/** Demo rules stand behind all others, at the last number that JavaScript has. */
export function isLast(priority: number | undefined): boolean {
  return (priority ?? 0) >= Number.MAX_SAFE_INTEGER;
}
