// Anthropic's SDK on Messages.

import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";

import { CITY_SCHEMA, PIXEL, Person, RESULT, WAIT, check, collect, raises } from "./world.mjs";

const TOOLS = ["get_weather", "get_time"].map((name) => ({ name, description: "Tells it", input_schema: CITY_SCHEMA }));
const THINKING = { type: "enabled", budget_tokens: 2048 };

const client = (world, key = world.key) => new Anthropic({ baseURL: world.url, apiKey: key, maxRetries: 0, timeout: WAIT });
const user = (content) => [{ role: "user", content }];
const body = (world, turns, more) => ({ model: world.model, max_tokens: 4096, messages: typeof turns === "string" ? user(turns) : turns, ...more });
const ask = (world, turns, more = {}) => client(world).messages.create(body(world, turns, more));
const said = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const calls = (message) => message.content.filter((block) => block.type === "tool_use");
const back = (message) => [
  { role: "assistant", content: message.content },
  ...user(calls(message).map((call) => ({ type: "tool_result", tool_use_id: call.id, content: RESULT }))),
];

/** The final message and all events. */
async function stream(world, turns, more = {}) {
  const runner = client(world).messages.stream(body(world, turns, more));
  const events = await collect(runner);
  return { final: await runner.finalMessage(), events };
}

async function text(world) {
  const answer = await ask(world, world.say("text"));
  world.greeted(said(answer));
  check(answer.stop_reason === "end_turn" && answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, answer);
}

async function streamedText(world) {
  const { final, events } = await stream(world, world.say("text"));
  world.greeted(said(final));
  check(events.filter((event) => event.type === "content_block_delta").length > 3, "not streamed");
  check(events[0].type === "message_start" && events.at(-1).type === "message_stop", "first and last event");
  check(final.stop_reason === "end_turn" && final.usage.output_tokens > 0, final);
}

async function conversation(world) {
  const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
  const turns = [...user("Hello"), { role: "assistant", content: "Yes?" }, ...user([{ type: "text", text: world.say("text") }, picture])];
  world.greeted(said(await ask(world, turns, { system: "Be brief." })));
}

async function toolLoop(world) {
  const turns = user(world.say("tool"));
  const first = await ask(world, turns, { tools: TOOLS });
  check(first.stop_reason === "tool_use" && calls(first).length === 1 && "city" in calls(first)[0].input, first);
  world.quoted(said(await ask(world, [...turns, ...back(first)], { tools: TOOLS })));
}

async function streamedToolLoop(world) {
  const turns = user(world.say("tool"));
  const { final: first } = await stream(world, turns, { tools: TOOLS });
  check(first.stop_reason === "tool_use" && "city" in calls(first)[0].input, first);
  world.quoted(said((await stream(world, [...turns, ...back(first)], { tools: TOOLS })).final));
}

async function parallelTools(world) {
  const turns = user(world.say("parallel"));
  const { final: first } = await stream(world, turns, { tools: TOOLS });
  check(new Set(calls(first).map((call) => call.id)).size === 2, first);
  world.quoted(said(await ask(world, [...turns, ...back(first)], { tools: TOOLS })), 2);
}

async function forcedTool(world) {
  const answer = await ask(world, world.say("forced"), { tools: TOOLS, tool_choice: { type: "tool", name: "get_time" } });
  check(calls(answer).map((call) => call.name).join() === "get_time", answer);
}

async function structuredOutput(world) {
  const answer = await client(world).messages.parse(body(world, "Who?", { output_config: { format: zodOutputFormat(Person) } }));
  check(Person.safeParse(answer.parsed_output).success, answer);
}

async function reasoning(world) {
  if (world.hidesReasoning) world.demoOnly();
  const more = { thinking: THINKING };
  for (const answer of [await ask(world, world.say("reasoning"), more), (await stream(world, world.say("reasoning"), more)).final]) {
    const block = answer.content.find((one) => one.type === "thinking");
    check(block?.thinking && block.signature, answer);
  }
}

async function reasoningState(world) {
  const more = { tools: TOOLS, thinking: THINKING };
  const turns = user(world.say("reasoning_tool"));
  const whole = await ask(world, turns, more);
  world.remembered(said(await ask(world, [...turns, ...back(whole)], more)));
  const { final } = await stream(world, turns, more);
  world.remembered(said((await stream(world, [...turns, ...back(final)], more)).final));
}

async function usage(world) {
  for (const { usage: one } of [await ask(world, world.say("usage")), (await stream(world, world.say("usage"))).final]) {
    const cached = (one.cache_read_input_tokens ?? 0) + (one.cache_creation_input_tokens ?? 0);
    check(one.input_tokens + cached === 1300 && one.cache_read_input_tokens === 200 && one.output_tokens === 80, one);
  }
}

async function finishes(world) {
  check((await ask(world, world.say("length"), { max_tokens: 50 })).stop_reason === "max_tokens", "length");
  const refused = await ask(world, world.say("refusal"));
  check(refused.stop_reason === "refusal" || said(refused), refused);
  if (world.strict) return;
  const stopped = await ask(world, world.say("text"), { stop_sequences: ["upstream"] });
  check(said(stopped) === "Hello from the demo ", stopped);
}

async function countTokens(world) {
  const count = async (content) =>
    (await client(world).messages.countTokens({ model: world.model, messages: user(content), tools: TOOLS })).input_tokens;
  const [small, large] = [await count("Hello"), await count("Hello ".repeat(200))];
  check(small > 0 && small < large, `${small} and ${large}`);
}

async function models(world) {
  const names = (await collect(client(world).models.list({ limit: 1000 }))).map((model) => model.id);
  check(names.length, "no models");
  if (world.strict) return;
  check(names.some((name) => name.endsWith(world.model.split("/").pop())), names);
  check((await client(world).models.retrieve(world.model)).id.endsWith(world.model.split("/").pop()), "retrieve");
}

async function errors(world) {
  const bad = await raises(Anthropic.BadRequestError, () => ask(world, world.say("error_400")));
  check(bad.error?.error?.type === "invalid_request_error", bad.error);
  await raises(Anthropic.InternalServerError, () => ask(world, world.say("error_500")));
  await raises(Anthropic.AuthenticationError, () => client(world, "bad-key").models.list());
  await raises(Anthropic.NotFoundError, () => ask(world, "Hi", { model: world.missing }));
}

async function brokenStream(world) {
  for (const kind of ["stream_error", "cut"]) {
    await raises(world.direct ? Error : Anthropic.AnthropicError, () => stream(world, world.say(kind)));
  }
}

async function rateLimit(world) {
  const error = await raises(Anthropic.RateLimitError, () => ask(world, world.say("error_429")));
  check(Number(error.headers.get("retry-after")) >= 1, `retry-after: ${error.headers.get("retry-after")}`);
}

export const CASES = [
  text, streamedText, conversation, toolLoop, streamedToolLoop, parallelTools, forcedTool, structuredOutput, reasoning,
  reasoningState, usage, finishes, countTokens, models, errors, brokenStream, rateLimit,
];
