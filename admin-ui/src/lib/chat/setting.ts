/** What is set for the next message, as the form has it; this browser remembers it. */
import { isObject, parse } from '$lib/json/value';
import type { Parameters, Tool } from './conversation';
import type { Setting } from './lane.svelte';

export interface DraftTool {
  name: string;
  description: string;
  /** JSON */
  parameters: string;
  used: boolean;
}

export interface Draft {
  system: string;
  temperature: string;
  top_p: string;
  max_tokens: string;
  effort: string;
  stop: string[];
  stream: boolean;
  tools: DraftTool[];
}

const STORED = 'bridge.chat.setting';

export function emptySetting(): Draft {
  return { system: '', temperature: '', top_p: '', max_tokens: '', effort: '', stop: [], stream: true, tools: [] };
}

export function sampleTool(): DraftTool {
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  return { name: 'get_weather', description: 'The weather in a city, now.', parameters: JSON.stringify(parameters, null, 2), used: true };
}

export function draftToolOf(tool: Tool): DraftTool {
  return { name: tool.name, description: tool.description, parameters: JSON.stringify(tool.parameters, null, 2), used: true };
}

export function storedSetting(): Draft {
  const value = parse(localStorage.getItem(STORED) ?? '');
  return isObject(value) ? { ...emptySetting(), ...(value as unknown as Partial<Draft>) } : emptySetting();
}

export function storeSetting(draft: Draft): void {
  localStorage.setItem(STORED, JSON.stringify(draft));
}

function number(text: string): number | undefined | null {
  if (!text.toString().trim()) return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

/** What goes with the next message; what is no number is told and left out. */
export function settingOf(draft: Draft): Setting & { wrong: string[] } {
  const params: Parameters = {};
  const wrong: string[] = [];
  for (const name of ['temperature', 'top_p', 'max_tokens'] as const) {
    const value = number(draft[name]);
    if (value === null || (name === 'max_tokens' && value !== undefined && !Number.isInteger(value))) wrong.push(name);
    else if (value !== undefined) params[name] = value;
  }
  if (draft.stop.length) params.stop = [...draft.stop];
  if (draft.effort === 'low' || draft.effort === 'medium' || draft.effort === 'high') params.effort = draft.effort;
  const tools = draft.tools.flatMap((tool): Tool[] => {
    const parameters = parse(tool.parameters);
    return tool.used && tool.name.trim() && isObject(parameters) ? [{ name: tool.name.trim(), description: tool.description, parameters }] : [];
  });
  return { system: draft.system.trim(), params, tools, stream: draft.stream, wrong };
}
