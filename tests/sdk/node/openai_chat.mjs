// OpenAI's SDK on Chat Completions.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";

import { CITY_SCHEMA, PIXEL, Person, RESULT, WAIT, check, collect, raises } from "./world.mjs";

const TOOLS = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, description: "Tells it", parameters: CITY_SCHEMA },
}));

export const client = (world, key = world.key) =>
  new OpenAI({ baseURL: `${world.url}/v1`, apiKey: key, maxRetries: 0, timeout: WAIT });
const completions = (world) => client(world).chat.completions;
const user = (content) => [{ role: "user", content }];
const ask = (world, content, more = {}) => completions(world).create({ model: world.model, messages: user(content), ...more });
/** The answer and a result for each of its calls; what the helpers add for the caller stays here. */
const back = ({ parsed: _, ...message }) => {
  const bare = ({ id, type, function: { name, arguments: args }, ...more }) => ({ ...more, id, type, function: { name, arguments: args } });
  return [{ ...message, ...(message.tool_calls && { tool_calls: message.tool_calls.map(bare) }) }, ...results(message)];
};
const results = (message) => message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: RESULT }));

async function stream(world, content, more = {}) {
  const chunks = await collect(ask(world, content, { stream: true, stream_options: { include_usage: true }, ...more }));
  return { text: chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? "").join(""), chunks };
}

async function text(world) {
  const answer = await ask(world, world.say("text"));
  world.greeted(answer.choices[0].message.content);
  check(answer.choices[0].finish_reason === "stop", answer.choices[0].finish_reason);
  check(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0, answer.usage);
}

async function streamedText(world) {
  const { text, chunks } = await stream(world, world.say("text"));
  world.greeted(text);
  check(chunks.length > 4, `only ${chunks.length} chunks: not streamed`);
  const finishes = chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean);
  check(finishes.join() === "stop", finishes);
  check(chunks.at(-1).usage?.completion_tokens > 0, "no usage at the end");
}

async function longStream(world) {
  const { text } = await stream(world, world.say("long"));
  const whole = (await ask(world, world.say("long"))).choices[0].message.content;
  check(text === whole && whole.length > 1000, `${text.length} and ${whole.length} characters`);
}

async function conversation(world) {
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
  const messages = [
    { role: "developer", content: "Be brief." },
    ...user("Hello"),
    { role: "assistant", content: "Yes?" },
    ...user([{ type: "text", text: world.say("text") }, picture]),
  ];
  world.greeted((await completions(world).create({ model: world.model, messages, max_completion_tokens: 500 })).choices[0].message.content);
}

async function toolLoop(world) {
  const messages = user(world.say("tool"));
  const { message } = (await completions(world).create({ model: world.model, messages, tools: TOOLS })).choices[0];
  check(message.tool_calls?.length === 1, message);
  messages.push(...back(message));
  world.quoted((await completions(world).create({ model: world.model, messages, tools: TOOLS })).choices[0].message.content);
}

/** The SDK's own loop: it streams, runs the functions and sends their results. */
async function toolRunner(world) {
  let seen = 0;
  const tools = TOOLS.map((tool) => ({
    type: "function",
    function: { ...tool.function, parse: JSON.parse, function: () => ((seen += 1), RESULT) },
  }));
  const runner = completions(world).runTools({ model: world.model, messages: user(world.say("tool")), tools, stream: true });
  world.quoted(await runner.finalContent());
  check(seen === 1, `${seen} runs of the function`);
}

async function parallelTools(world) {
  const messages = user(world.say("parallel"));
  const { message } = (await completions(world).stream({ model: world.model, messages, tools: TOOLS }).finalChatCompletion()).choices[0];
  check(new Set(message.tool_calls?.map((call) => call.id)).size === 2, message);
  messages.push(...back(message));
  world.quoted((await completions(world).create({ model: world.model, messages, tools: TOOLS })).choices[0].message.content, 2);
}

async function forcedTool(world) {
  const answer = await ask(world, world.say("forced"), { tools: TOOLS, tool_choice: { type: "function", function: { name: "get_time" } } });
  check(answer.choices[0].message.tool_calls?.map((call) => call.function.name).join() === "get_time", answer.choices);
}

async function structuredOutput(world) {
  const answer = await completions(world).parse({ model: world.model, messages: user("Who?"), response_format: zodResponseFormat(Person, "person") });
  check(Person.safeParse(answer.choices[0].message.parsed).success, answer.choices);
}

async function reasoning(world) {
  if (world.hidesReasoning) world.demoOnly();
  const { message } = (await ask(world, world.say("reasoning"), { reasoning_effort: "medium" })).choices[0];
  check(message.reasoning_content, message);
  const { chunks } = await stream(world, world.say("reasoning"), { reasoning_effort: "medium" });
  check(chunks.some((chunk) => chunk.choices[0]?.delta?.reasoning_content), "no reasoning in the stream");
}

async function reasoningState(world) {
  const more = { model: world.model, tools: TOOLS, reasoning_effort: "medium" };
  const messages = user(world.say("reasoning_tool"));
  const { message } = (await completions(world).create({ ...more, messages })).choices[0];
  messages.push(...back(message));
  world.remembered((await completions(world).create({ ...more, messages })).choices[0].message.content);
}

async function usage(world) {
  const { chunks } = await stream(world, world.say("usage"));
  for (const one of [(await ask(world, world.say("usage"))).usage, chunks.at(-1).usage]) {
    check(one.prompt_tokens === 1300 && one.completion_tokens === 80 && one.total_tokens === 1380, one);
    check(one.prompt_tokens_details.cached_tokens === 200 && one.completion_tokens_details.reasoning_tokens === 30, one);
  }
}

async function finishes(world) {
  check((await ask(world, world.say("length"), { max_completion_tokens: 50 })).choices[0].finish_reason === "length", "length");
  const refused = (await ask(world, world.say("refusal"))).choices[0];
  check(refused.message.refusal || refused.finish_reason === "content_filter", refused);
  if (world.strict) return;
  const stopped = (await ask(world, world.say("text"), { stop: ["upstream"] })).choices[0];
  check(stopped.message.content === "Hello from the demo ", stopped);
}

async function models(world) {
  const names = (await collect(client(world).models.list())).map((model) => model.id);
  check(names.length, "no models");
  if (world.strict) return;
  check(names.some((name) => name.endsWith(world.model.split("/").pop())), names);
  check((await client(world).models.retrieve(world.model)).id.endsWith(world.model.split("/").pop()), "retrieve");
}

async function embeddings(world) {
  world.demoOnly();
  const embed = () => client(world).embeddings.create({ model: world.model, input: ["a", "b"] });
  if (world.upstream === "anthropic") {
    const error = await raises(OpenAI.APIError, embed);
    return check(error.status >= 400 && error.status < 500, `${error.status}`);
  }
  const made = (await embed()).data;
  check(made.length === 2 && made[0].embedding.length > 3 && made[0].embedding[0] !== made[1].embedding[0], made);
}

async function errors(world) {
  const bad = await raises(OpenAI.BadRequestError, () => ask(world, world.say("error_400")));
  check(bad.type === "invalid_request_error", bad);
  await raises(OpenAI.InternalServerError, () => ask(world, world.say("error_500")));
  await raises(OpenAI.AuthenticationError, () => client(world, "bad-key").models.list());
  await raises(OpenAI.NotFoundError, () => ask(world, "Hi", { model: world.missing }));
}

async function brokenStream(world) {
  for (const kind of ["stream_error", "cut"]) await raises(world.direct ? Error : OpenAI.APIError, () => stream(world, world.say(kind)));
}

async function rateLimit(world) {
  const error = await raises(OpenAI.RateLimitError, () => ask(world, world.say("error_429")));
  check(Number(error.headers.get("retry-after")) >= 1, `retry-after: ${error.headers.get("retry-after")}`);
}

export const CASES = [
  text, streamedText, longStream, conversation, toolLoop, toolRunner, parallelTools, forcedTool, structuredOutput, reasoning,
  reasoningState, usage, finishes, models, embeddings, errors, brokenStream, rateLimit,
];
