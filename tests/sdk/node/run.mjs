// Drives a running hub with the vendors' own Node SDKs: every client with every upstream, every case.
//
// HUB_URL, HUB_KEY   the hub
// MODELS             comma-separated, one model per upstream, for example demo-anthropic/demo-model
// CLIENTS            optional: only these (openai, openai-responses, anthropic, gemini)
// UPSTREAM           demo (default) or strict: which prompts the upstream understands
// DIRECT             1 when HUB_URL is the upstream itself
//
// Prints a table and exits with 1 when anything failed.

import * as anthropic from "./anthropic_messages.mjs";
import * as gemini from "./gemini_generate.mjs";
import * as chat from "./openai_chat.mjs";
import * as responses from "./openai_responses.mjs";
import { NotApplicable, World } from "./world.mjs";

const CLIENTS = { openai: chat, "openai-responses": responses, anthropic, gemini };
const DISRUPTIVE = ["errors", "brokenStream"];
// Milliseconds until a rate limit of an earlier run is over.
const PATIENCE = 30_000;

const list = (name) => (process.env[name] ?? "").split(",").filter(Boolean);
const models = list("MODELS");
const clients = list("CLIENTS").length ? list("CLIENTS") : Object.keys(CLIENTS);
const settings = {
  url: process.env.HUB_URL.replace(/\/+$/, ""),
  key: process.env.HUB_KEY,
  strict: process.env.UPSTREAM === "strict",
  direct: process.env.DIRECT === "1",
};

/** All clients with one model, one after the other: a break of one case must not hit a neighbour's. */
async function runModel(model) {
  const worlds = clients.map((client) => new World(settings, model, client));
  const plan = worlds.flatMap((world) => CLIENTS[world.client].CASES.map((one) => ({ world, one })));
  // A rate limit silences the key for all clients: it comes last.
  const last = ({ one }) => Number(one.name === "rateLimit");
  plan.sort((a, b) => last(a) - last(b));
  await settle(worlds[0]);
  const verdicts = [];
  for (const { world, one } of plan) verdicts.push({ client: world.client, name: one.name, verdict: await judge(world, one) });
  return verdicts.sort((a, b) => clients.indexOf(a.client) - clients.indexOf(b.client));
}

/** The first case of a client is a plain answer. */
const plain = (world) => CLIENTS[world.client].CASES[0](world);

/** The verdict on one case; after a disruptive one the hub must answer again as if nothing had been. */
async function judge(world, one) {
  try {
    await one(world);
    if (DISRUPTIVE.includes(one.name)) await plain(world);
    return "ok";
  } catch (error) {
    return error instanceof NotApplicable ? "-" : `${error?.constructor?.name}: ${error?.message}`;
  }
}

/** Waits until a rate limit of an earlier run is over, but never for long. */
async function settle(world) {
  const until = performance.now() + PATIENCE;
  while (performance.now() < until) {
    try {
      return await plain(world);
    } catch {
      // The cases will say what is wrong.
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

const passed = (verdict) => verdict === "ok" || verdict === "-";

/** The table, then every failure in full; returns how many there are. */
function show(runs) {
  const columns = models.map((model) => model.split("/")[0]);
  const width = Math.max(...columns.map((column) => column.length)) + 2;
  console.log("client".padEnd(18) + "case".padEnd(22) + columns.map((column) => column.padEnd(width)).join(""));
  runs[0].forEach(({ client, name }, row) => {
    const cells = runs.map((run) => (passed(run[row].verdict) ? run[row].verdict : "FAIL").padEnd(width));
    console.log(client.padEnd(18) + name.padEnd(22) + cells.join(""));
  });
  const failed = runs.flatMap((run, n) => run.filter((one) => !passed(one.verdict)).map((one) => ({ ...one, column: columns[n] })));
  for (const { client, name, column, verdict } of failed) console.log(`\nFAIL ${client} -> ${column}: ${name}\n     ${verdict.slice(0, 600)}`);
  return failed.length;
}

const began = performance.now();
const runs = await Promise.all(models.map(runModel));
const failures = show(runs);
const total = runs.flat().length;
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`\nnode: ${total - failures} of ${total} passed or not applicable, ${failures} failed, ${seconds} s`);
process.exit(failures || !total ? 1 : 0);
