// Google's SDK on generateContent.

import { ApiError, GoogleGenAI } from "@google/genai";
import { z } from "zod";

import { CITY_SCHEMA, PIXEL, Person, RESULT, WAIT, check, collect, raises } from "./world.mjs";

const TOOLS = [{ functionDeclarations: ["get_weather", "get_time"].map((name) => ({ name, description: "Tells it", parametersJsonSchema: CITY_SCHEMA })) }];
const THINKING = { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } };

const client = (world, key = world.key, apiVersion = undefined) =>
  new GoogleGenAI({ apiKey: key, apiVersion, httpOptions: { baseUrl: world.url, timeout: WAIT } });
const user = (parts) => ({ role: "user", parts: typeof parts === "string" ? [{ text: parts }] : parts });
const ask = (world, contents, config = {}, model = world.model) => client(world).models.generateContent({ model, contents, config });
const stream = (world, contents, config = {}) => collect(client(world).models.generateContentStream({ model: world.model, contents, config }));
const parts = (chunks) => [chunks].flat().flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
const said = (chunks) => parts(chunks).filter((part) => !part.thought).map((part) => part.text ?? "").join("");
const calls = (chunks) => parts(chunks).map((part) => part.functionCall).filter(Boolean);
const finish = (chunks) => [chunks].flat().map((chunk) => chunk.candidates?.[0]?.finishReason).filter(Boolean).join();

/** The conversation with an answer and a result for each of its calls. */
const back = (prompt, answer) => [
  user(prompt),
  { role: "model", parts: parts(answer) },
  user(calls(answer).map(({ id, name }) => ({ functionResponse: { id, name, response: { output: RESULT } } }))),
];

async function text(world) {
  const answer = await ask(world, world.say("text"));
  world.greeted(answer.text);
  check(finish(answer) === "STOP" && answer.usageMetadata.promptTokenCount > 0, answer);
}

async function streamedText(world) {
  const chunks = await stream(world, world.say("text"));
  world.greeted(said(chunks));
  check(chunks.length > 3 && finish(chunks) === "STOP", `${chunks.length} chunks, ${finish(chunks)}`);
  check(chunks.at(-1).usageMetadata?.candidatesTokenCount > 0, chunks.at(-1));
}

async function versions(world) {
  for (const version of ["v1", "v1beta", "v1alpha"]) {
    const answer = await client(world, world.key, version).models.generateContent({ model: world.model, contents: world.say("text") });
    world.greeted(answer.text);
  }
}

async function conversation(world) {
  const picture = { inlineData: { mimeType: "image/png", data: PIXEL } };
  const turns = [user("Hello"), { role: "model", parts: [{ text: "Yes?" }] }, user([{ text: world.say("text") }, picture])];
  world.greeted((await ask(world, turns, { systemInstruction: "Be brief.", maxOutputTokens: 500 })).text);
}

async function toolLoop(world) {
  const prompt = world.say("tool");
  const first = await ask(world, prompt, { tools: TOOLS });
  check(calls(first).length === 1 && "city" in calls(first)[0].args, first);
  world.quoted((await ask(world, back(prompt, first), { tools: TOOLS })).text);
}

async function streamedToolLoop(world) {
  const prompt = world.say("tool");
  const first = await stream(world, prompt, { tools: TOOLS });
  check(calls(first).length === 1, first);
  world.quoted(said(await stream(world, back(prompt, first), { tools: TOOLS })));
}

async function parallelTools(world) {
  const prompt = world.say("parallel");
  const first = await ask(world, prompt, { tools: TOOLS });
  check(calls(first).length === 2, first);
  world.quoted((await ask(world, back(prompt, first), { tools: TOOLS })).text, 2);
  check(calls(await stream(world, prompt, { tools: TOOLS })).length === 2, "streamed calls");
}

async function forcedTool(world) {
  const toolConfig = { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["get_time"] } };
  const answer = await ask(world, world.say("forced"), { tools: TOOLS, toolConfig });
  check(calls(answer).map((call) => call.name).join() === "get_time", answer);
}

async function structuredOutput(world) {
  const answer = await ask(world, "Who?", { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(Person) });
  check(Person.safeParse(JSON.parse(answer.text)).success, answer);
}

async function reasoning(world) {
  if (world.hidesReasoning) world.demoOnly();
  for (const chunks of [await ask(world, world.say("reasoning"), THINKING), await stream(world, world.say("reasoning"), THINKING)]) {
    check(parts(chunks).some((part) => part.thought && part.text) && said(chunks), chunks);
  }
}

async function reasoningState(world) {
  const prompt = world.say("reasoning_tool");
  const config = { tools: TOOLS, ...THINKING };
  const whole = await ask(world, prompt, config);
  world.remembered((await ask(world, back(prompt, whole), config)).text);
  const chunks = await stream(world, prompt, config);
  world.remembered(said(await stream(world, back(prompt, chunks), config)));
}

async function chatSession(world) {
  const chat = client(world).chats.create({ model: world.model });
  check((await chat.sendMessage({ message: world.say("text") })).text, "the first answer is empty");
  check(said(await collect(chat.sendMessageStream({ message: world.say("text") }))), "the second answer is empty");
}

async function usage(world) {
  for (const { usageMetadata: one } of [await ask(world, world.say("usage")), (await stream(world, world.say("usage"))).at(-1)]) {
    check(one.promptTokenCount === 1300 && one.cachedContentTokenCount === 200, one);
    check(one.candidatesTokenCount === 50 && one.thoughtsTokenCount === 30 && one.totalTokenCount === 1380, one);
  }
}

async function finishes(world) {
  check(finish(await ask(world, world.say("length"), { maxOutputTokens: 50 })) === "MAX_TOKENS", "length");
  const refused = await ask(world, world.say("refusal"));
  check(refused.candidates || refused.promptFeedback, refused);
  if (world.strict) return;
  const stopped = await ask(world, world.say("text"), { stopSequences: ["upstream"] });
  check(stopped.text === "Hello from the demo ", stopped);
}

async function countTokens(world) {
  const count = async (contents) => (await client(world).models.countTokens({ model: world.model, contents })).totalTokens;
  const [small, large] = [await count("Hello"), await count("Hello ".repeat(200))];
  check(small > 0 && small < large, `${small} and ${large}`);
}

async function models(world) {
  const names = (await collect(client(world).models.list())).map((model) => model.name.replace(/^models\//, ""));
  check(names.length, "no models");
  if (world.strict) return;
  check(names.some((name) => name.endsWith(world.model.split("/").pop())), names);
  check((await client(world).models.get({ model: world.model })).name.endsWith(world.model.split("/").pop()), "get");
}

async function embeddings(world) {
  world.demoOnly();
  const embed = () => client(world).models.embedContent({ model: world.model, contents: ["a", "b"] });
  if (world.upstream === "anthropic") {
    const error = await raises(ApiError, embed);
    return check(error.status >= 400 && error.status < 500, `${error.status}`);
  }
  const made = (await embed()).embeddings;
  check(made.length === 2 && made[0].values.length > 3 && made[0].values[0] !== made[1].values[0], made);
}

async function errors(world) {
  const status = async (expected, action) => check([expected].flat().includes((await raises(ApiError, action)).status), `not ${expected}`);
  await status(400, () => ask(world, world.say("error_400")));
  check((await raises(ApiError, () => ask(world, world.say("error_500")))).status >= 500, "not a server error");
  await status([400, 401], () => client(world, "bad-key").models.generateContent({ model: world.model, contents: "Hi" }));
  await status(404, () => ask(world, "Hi", {}, world.missing));
}

async function brokenStream(world) {
  for (const kind of ["stream_error", "cut"]) await raises(world.direct ? Error : ApiError, () => stream(world, world.say(kind)));
}

async function rateLimit(world) {
  const error = await raises(ApiError, () => ask(world, world.say("error_429")));
  check(error.status === 429 && error.message.includes("RetryInfo"), error.message);
}

export const CASES = [
  text, streamedText, versions, conversation, toolLoop, streamedToolLoop, parallelTools, forcedTool, structuredOutput,
  reasoning, reasoningState, chatSession, usage, finishes, countTokens, models, embeddings, errors, brokenStream, rateLimit,
];
