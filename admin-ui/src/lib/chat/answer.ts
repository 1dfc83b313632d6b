/** Puts the pieces of an answer together: the parts of a message, what they cost, and how it ended. */
import type { Dialect, Part, PartState, ReasoningPart, ToolCallPart, Usage } from './conversation';
import type { Piece } from './dialects/codec';

export class Answer {
  id = '';
  model = '';
  usage: Usage | undefined;
  stop = '';
  error = '';
  readonly parts: Part[] = [];
  #calls = new Map<number, ToolCallPart>();
  /** Whose words it is read from. */
  readonly dialect: Dialect;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** Takes the next piece. */
  add(piece: Piece): void {
    switch (piece.type) {
      case 'start':
        this.id = piece.id ?? '';
        this.model = piece.model ?? '';
        return;
      case 'text':
        return this.#say('text', piece.text, piece.state);
      case 'reasoning':
        return this.#say('reasoning', piece.text);
      case 'reasoning_state':
        return this.#seal(piece);
      case 'tool_call':
        return this.#call(piece);
      case 'image':
        this.parts.push({ type: 'image', media_type: piece.media_type, data: piece.data });
        return;
      case 'usage':
        this.usage = piece.usage;
        return;
      case 'stop':
        this.stop = piece.reason;
        return;
      case 'error':
        this.error = piece.message;
    }
  }

  #state({ kind, value }: { kind: string; value: string }): PartState {
    return { dialect: this.dialect, kind, value };
  }

  #say(type: 'text' | 'reasoning', words: string, state?: { kind: string; value: string }): void {
    const last = this.parts.at(-1);
    // What carries a state of its own stays apart: the state belongs to these words alone.
    if (last?.type === type && !state && !(last.type === 'reasoning' && last.state?.length)) last.text += words;
    else this.parts.push({ type, text: words, ...(state ? { state: [this.#state(state)] } : {}) });
  }

  #seal({ kind, value, apart }: { kind: string; value: string; apart?: boolean }): void {
    const last = this.parts.findLast((part): part is ReasoningPart => part.type === 'reasoning');
    if (!last || apart) {
      this.parts.push({ type: 'reasoning', text: '', state: [this.#state({ kind, value })] });
      return;
    }
    const states = (last.state ??= []);
    const known = states.find((state) => state.kind === kind);
    if (known) known.value = kind === 'details' ? joined(known.value, value) : known.value + value;
    else states.push(this.#state({ kind, value }));
  }

  #call(piece: Extract<Piece, { type: 'tool_call' }>): void {
    let call = this.#calls.get(piece.index);
    if (!call) {
      call = { type: 'tool_call', id: '', name: '', arguments: '' };
      this.#calls.set(piece.index, call);
      this.parts.push(call);
    }
    if (piece.id) call.id = piece.id;
    if (piece.name) call.name = piece.name;
    call.arguments += piece.arguments ?? '';
    if (piece.state) call.state = [this.#state(piece.state)];
  }
}

/** Two JSON lists in one. */
function joined(first: string, second: string): string {
  return JSON.stringify([...(JSON.parse(first) as unknown[]), ...(JSON.parse(second) as unknown[])]);
}
