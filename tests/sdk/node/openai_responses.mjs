// OpenAI's SDK on Responses, stateless: nothing is stored, reasoning travels encrypted.

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";

import { client } from "./openai_chat.mjs";
import { CITY_SCHEMA, PIXEL, Person, RESULT, check, collect, raises } from "./world.mjs";

const TOOLS = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  name,
  description: "Tells it",
  parameters: CITY_SCHEMA,
  strict: false,
}));

const user = (content) => [{ role: "user", content }];
const ask = (world, input, more = {}) => client(world).responses.create({ model: world.model, input, store: false, ...more });
const calls = (response) => response.output.filter((item) => item.type === "function_call" || item.type === "custom_tool_call");
/** The answer and a result for each of its calls; what the helpers add for the caller stays here. */
const back = (response) => [
  ...response.output.map(({ parsed_arguments: _, ...item }) => item),
  ...calls(response).map((item) => ({ type: `${item.type}_output`, call_id: item.call_id, output: RESULT })),
];

/** The final response and all events. */
async function stream(world, input, more = {}) {
  const runner = client(world).responses.stream({ model: world.model, input, store: false, ...more });
  const events = await collect(runner);
  return { final: await runner.finalResponse(), events };
}

async function text(world) {
  const answer = await ask(world, world.say("text"));
  world.greeted(answer.output_text);
  check(answer.status === "completed" && answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, answer);
}

async function streamedText(world) {
  const { final, events } = await stream(world, world.say("text"));
  world.greeted(final.output_text);
  const deltas = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  check(deltas.join("") === final.output_text && deltas.length > 3, deltas);
  check(events[0].type === "response.created" && events.at(-1).type === "response.completed", "first and last event");
  check(final.status === "completed", final.status);
}

async function conversation(world) {
  const picture = { type: "input_image", image_url: `data:image/png;base64,${PIXEL}`, detail: "auto" };
  const turns = [...user("Hello"), { role: "assistant", content: "Yes?" }, ...user([{ type: "input_text", text: world.say("text") }, picture])];
  world.greeted((await ask(world, turns, { instructions: "Be brief.", max_output_tokens: 500 })).output_text);
}

async function toolLoop(world) {
  const turns = user(world.say("tool"));
  const first = await ask(world, turns, { tools: TOOLS });
  check(calls(first).length === 1, first.output);
  turns.push(...back(first));
  world.quoted((await ask(world, turns, { tools: TOOLS })).output_text);
}

async function streamedToolLoop(world) {
  const turns = user(world.say("tool"));
  const { final: first } = await stream(world, turns, { tools: TOOLS });
  check(calls(first).length === 1 && "city" in JSON.parse(calls(first)[0].arguments), first.output);
  turns.push(...back(first));
  world.quoted((await stream(world, turns, { tools: TOOLS })).final.output_text);
}

async function parallelTools(world) {
  const turns = user(world.say("parallel"));
  const { final: first } = await stream(world, turns, { tools: TOOLS });
  check(new Set(calls(first).map((call) => call.call_id)).size === 2, first.output);
  turns.push(...back(first));
  world.quoted((await ask(world, turns, { tools: TOOLS })).output_text, 2);
}

async function customTool(world) {
  world.demoOnly();
  const tools = [{ type: "custom", name: "notebook", description: "Takes a note" }];
  const turns = user(world.say("tool"));
  const { final: first } = await stream(world, turns, { tools });
  check(calls(first)[0]?.type === "custom_tool_call" && calls(first)[0].input && !calls(first)[0].input.startsWith("{"), first.output);
  turns.push(...back(first));
  world.quoted((await ask(world, turns, { tools })).output_text);
}

async function forcedTool(world) {
  const answer = await ask(world, world.say("forced"), { tools: TOOLS, tool_choice: { type: "function", name: "get_time" } });
  check(calls(answer).map((call) => call.name).join() === "get_time", answer.output);
}

async function structuredOutput(world) {
  const answer = await client(world).responses.parse({ model: world.model, input: "Who?", store: false, text: { format: zodTextFormat(Person, "person") } });
  check(Person.safeParse(answer.output_parsed).success, answer.output);
}

async function reasoning(world) {
  if (world.hidesReasoning) world.demoOnly();
  const wanted = { reasoning: { effort: "medium", summary: "auto" } };
  const answer = await ask(world, world.say("reasoning"), wanted);
  check(answer.output.find((item) => item.type === "reasoning")?.summary?.[0]?.text, answer.output);
  const { events } = await stream(world, world.say("reasoning"), wanted);
  check(events.some((event) => event.type === "response.reasoning_summary_text.delta" && event.delta), "no summary deltas");
}

async function reasoningState(world) {
  const wanted = { tools: TOOLS, include: ["reasoning.encrypted_content"], reasoning: { effort: "medium", summary: "auto" } };
  const turns = user(world.say("reasoning_tool"));
  const whole = await ask(world, turns, wanted);
  world.remembered((await ask(world, [...turns, ...back(whole)], wanted)).output_text);
  const { final } = await stream(world, turns, wanted);
  world.remembered((await ask(world, [...turns, ...back(final)], wanted)).output_text);
}

async function usage(world) {
  for (const { usage: one } of [await ask(world, world.say("usage")), (await stream(world, world.say("usage"))).final]) {
    check(one.input_tokens === 1300 && one.output_tokens === 80 && one.total_tokens === 1380, one);
    check(one.input_tokens_details.cached_tokens === 200 && one.output_tokens_details.reasoning_tokens === 30, one);
  }
}

async function finishes(world) {
  const short = await ask(world, world.say("length"), { max_output_tokens: 50 });
  check(short.status === "incomplete" && short.incomplete_details.reason === "max_output_tokens", short);
  const refused = await ask(world, world.say("refusal"));
  check(refused.status === "incomplete" || JSON.stringify(refused.output).includes('"refusal"'), refused);
}

async function countTokens(world) {
  const count = async (input) => (await client(world).responses.inputTokens.count({ model: world.model, input })).input_tokens;
  const [small, large] = [await count("Hello"), await count("Hello ".repeat(200))];
  check(small > 0 && small < large, `${small} and ${large}`);
}

async function errors(world) {
  const bad = await raises(OpenAI.BadRequestError, () => ask(world, world.say("error_400")));
  check(bad.type === "invalid_request_error", bad);
  await raises(OpenAI.InternalServerError, () => ask(world, world.say("error_500")));
  await raises(OpenAI.AuthenticationError, () => client(world, "bad-key").responses.create({ model: world.model, input: "Hi" }));
  // The vendor answers 400 to an unknown model in this dialect, and the hub passes that on.
  const unknown = world.strict ? [OpenAI.NotFoundError, OpenAI.BadRequestError] : OpenAI.NotFoundError;
  await raises(unknown, () => ask(world, "Hi", { model: world.missing }));
}

async function brokenStream(world) {
  // The vendor's own error event, which the hub passes on as it is, is overlooked by this SDK.
  const overlooked = world.strict && world.upstream === "openai-responses";
  if (world.direct && overlooked) world.demoOnly();
  for (const kind of overlooked ? ["cut"] : ["stream_error", "cut"]) {
    await raises(world.direct ? Error : OpenAI.APIError, () => collect(ask(world, world.say(kind), { stream: true })));
  }
}

async function rateLimit(world) {
  const error = await raises(OpenAI.RateLimitError, () => ask(world, world.say("error_429")));
  check(Number(error.headers.get("retry-after")) >= 1, `retry-after: ${error.headers.get("retry-after")}`);
}

export const CASES = [
  text, streamedText, conversation, toolLoop, streamedToolLoop, parallelTools, customTool, forcedTool, structuredOutput,
  reasoning, reasoningState, usage, finishes, countTokens, errors, brokenStream, rateLimit,
];
