// What a case may know of the outside: the hub, one model, and the prompts that the upstream behind it understands.
// A case is an async function with one World; it returns nothing and throws when the hub did wrong. This file knows no SDK.

import { readFileSync } from "node:fs";
import { z } from "zod";

const PROMPTS = JSON.parse(readFileSync(new URL("../prompts.json", import.meta.url), "utf8"));

export const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string", description: "A city" }, days: { type: "integer", minimum: 1 } },
  required: ["city"],
};
export const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
export const RESULT = "rain and 7 degrees";
// One red pixel.
export const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
export const WAIT = 20_000;

/** The case makes no sense for this pair. */
export class NotApplicable extends Error {}

/** Throws unless the condition holds. */
export function check(condition, message) {
  if (!condition) throw new Error(typeof message === "string" ? message : JSON.stringify(message)?.slice(0, 600));
}

/** Runs the action, which must throw an error of one of the kinds; returns it. */
export async function raises(kinds, action) {
  let value;
  try {
    value = await action();
  } catch (error) {
    if ([kinds].flat().some((kind) => error instanceof kind)) return error;
    throw error;
  }
  throw new Error(`no error was thrown, but this came back: ${JSON.stringify(value)?.slice(0, 300)}`);
}

/** Everything that an async iterable gives. */
export async function collect(iterable) {
  const all = [];
  for await (const one of await iterable) all.push(one);
  return all;
}

export class World {
  constructor(settings, model, client) {
    Object.assign(this, settings, { model, client });
  }

  /** The dialect behind the model. */
  get upstream() {
    if (this.direct) return this.client;
    const provider = this.model.split("/")[0].replace(/^demo-/, "");
    return provider === "responses" ? "openai-responses" : provider;
  }

  /** A model that nobody has. */
  get missing() {
    return this.direct ? "missing-model" : `${this.model.split("/")[0]}/missing-model`;
  }

  /** The prompt for a kind of answer. */
  say(kind) {
    const prompt = PROMPTS[this.strict ? "strict" : "demo"][kind];
    if (!prompt) throw new NotApplicable();
    return prompt;
  }

  /** Skips a case that the strict upstream has no way to play. */
  demoOnly() {
    if (this.strict) throw new NotApplicable();
  }

  /** Whether the upstream keeps the text of its reasoning to itself unless a summary is ordered in its own dialect. */
  get hidesReasoning() {
    const unordered = this.upstream === "openai-responses" && this.client !== "openai-responses";
    return this.strict && (this.upstream === "openai" || unordered);
  }

  /** A plain answer must be the upstream's own. */
  greeted(text) {
    check(text, "the answer is empty");
    if (this.strict) return;
    check(text.includes("Hello from the demo upstream"), `not the demo's greeting: ${text}`);
    check(text.includes(`${this.upstream} conversation`), `asked in another dialect than ${this.upstream}: ${text}`);
  }

  /** The final answer of a tool loop must have seen the results. */
  quoted(text, count = 1) {
    check(text, "the final answer is empty");
    check(this.strict || text.split(RESULT).length > count, `the tool results did not arrive: ${text}`);
  }

  /** The reasoning state must have come back to the upstream, where the dialect has any. */
  remembered(text) {
    this.quoted(text);
    if (!this.strict && this.upstream !== "openai") check(text.includes("came back intact"), `the reasoning state was lost: ${text}`);
  }
}
