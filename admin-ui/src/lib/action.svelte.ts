/**
 * What a person does, and how it came out: a message when it worked, the server's words when it did not. A form
 * keeps its problem so that its fields can show what concerns them.
 */
import { toast } from 'svelte-sonner';
import { problemOf, type Problem } from '$lib/api/client';
import { told } from '$lib/i18n/index.svelte';

type Answer<Data> = Promise<{ data?: Data; error?: unknown; response: Response }>;

/** The words for a refusal: the code's own in the reader's language, and what the server says of this case. */
export function wordsFor(problem: Problem): { title: string; detail: string } {
  const title = told(problem.code, problem.detail || problem.title);
  const details = [title === problem.detail ? '' : problem.detail, ...(problem.errors ?? []).map((flaw) => `${flaw.field}: ${flaw.message}`)];
  return { title, detail: details.filter(Boolean).join('\n') };
}

/** Says a refusal in passing. */
export function tell(problem: Problem): void {
  const { title, detail } = wordsFor(problem);
  toast.error(title, detail ? { description: detail } : {});
}

export class Action {
  busy = $state(false);
  problem = $state.raw<Problem | null>(null);

  /** The problem, where it is of no field: those stand at their fields. */
  get general(): Problem | null {
    return this.problem?.errors?.length ? null : this.problem;
  }

  /**
   * Runs a call. Returns its data (`true` for an answer without one), or null when it was refused. With `done`,
   * says so when it worked; with `quiet`, a refusal is only kept (for a form that shows it itself).
   */
  async run<Data>(call: () => Answer<Data>, options: { done?: string; quiet?: boolean; undo?: Undo } = {}): Promise<Data | true | null> {
    if (this.busy) return null;
    this.busy = true;
    try {
      const { data, error, response } = await call();
      if (!response.ok) throw error ?? new Error(response.statusText);
      this.problem = null;
      if (options.done) toast.success(options.done, options.undo ? { action: once(options.undo) } : {});
      return data === undefined || (data as unknown) === '' ? true : data;
    } catch (error) {
      this.problem = problemOf(error);
      if (!options.quiet) tell(this.problem);
      return null;
    } finally {
      this.busy = false;
    }
  }
}

export interface Undo {
  label: string;
  onClick: () => void;
}

/** A message that is pressed stays for a moment while it goes: pressing it again is no second wish. */
export function once({ label, onClick }: Undo): Undo {
  let isDone = false;
  return {
    label,
    onClick: () => {
      if (isDone) return;
      isDone = true;
      onClick();
    }
  };
}
