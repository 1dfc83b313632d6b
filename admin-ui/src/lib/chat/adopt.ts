/** A request that was kept in the log, as a conversation that goes on. */
import { conversationOf } from '$lib/inspect/conversation';
import type { Field } from '$lib/inspect/field';
import { at, isObject, list, member, text, type Json } from '$lib/json/value';
import type { Dialect, ImagePart, Message, Part, Tool } from './conversation';

export interface Adopted {
  system: string;
  messages: Message[];
  tools: Tool[];
}

function image(value: Json | undefined): ImagePart {
  const address = text(at(value, 'image_url', 'url')) || text(member(value, 'image_url')) || text(at(value, 'source', 'url')) || text(at(value, 'fileData', 'fileUri'));
  const bytes = /^data:([^;,]*)[^,]*,(.*)$/s.exec(address);
  if (bytes) return { type: 'image', media_type: bytes[1] || 'image/png', data: bytes[2] ?? '' };
  if (address) return { type: 'image', url: address };
  const inline = member(value, 'inlineData') ?? member(value, 'source');
  return { type: 'image', media_type: text(member(inline, 'mimeType')) || text(member(inline, 'media_type')) || 'image/png', data: text(member(inline, 'data')) };
}

/** Thoughts are left out: they belong to the model that had them. */
function partOf(field: Field, place: number): Part | null {
  const value = field.value;
  switch (field.concept) {
    case 'text':
      return { type: 'text', text: text(field.comparable) };
    case 'image':
      return image(value);
    case 'tool_call': {
      const id = text(member(value, 'call_id')) || text(member(value, 'id')) || text(at(value, 'functionCall', 'id')) || `call_${place}`;
      return { type: 'tool_call', id, name: text(member(field.comparable, 'name')), arguments: JSON.stringify(member(field.comparable, 'arguments') ?? {}) };
    }
    case 'tool_result': {
      const id = text(member(value, 'call_id')) || text(member(value, 'tool_call_id')) || text(member(value, 'tool_use_id')) || text(at(value, 'functionResponse', 'id'));
      const name = text(at(value, 'functionResponse', 'name'));
      return { type: 'tool_result', call_id: id, ...(name ? { name } : {}), content: [{ type: 'text', text: text(field.comparable) }], is_error: member(value, 'is_error') === true };
    }
    default:
      return null;
  }
}

function toolOf(definition: Json): Tool[] {
  const declared = list(member(definition, 'functionDeclarations'));
  if (declared.length) return declared.flatMap(toolOf);
  const inner = member(definition, 'function') ?? definition;
  const name = text(member(inner, 'name'));
  const schema = member(inner, 'parameters') ?? member(inner, 'input_schema') ?? member(inner, 'parametersJsonSchema');
  if (!name) return [];
  return [{ name, description: text(member(inner, 'description')), parameters: isObject(schema) ? schema : { type: 'object', properties: {} } }];
}

export function adopt(dialect: Dialect, body: Json): Adopted {
  const fields = conversationOf(dialect, body);
  const system = fields.filter((field) => field.concept === 'instructions').map((field) => text(field.comparable));
  const messages: Message[] = [];
  fields.forEach((field, place) => {
    if (field.group === 'instructions') return;
    const part = partOf(field, place);
    if (!part) return;
    const role = part.type === 'tool_result' ? 'tool' : field.role === 'assistant' ? 'assistant' : 'user';
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(part);
    else messages.push({ role, content: [part] });
  });
  return { system: system.join('\n\n'), messages, tools: list(member(body, 'tools')).flatMap(toolOf) };
}
