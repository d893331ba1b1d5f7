import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { builtProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { endOf, jobAt, postJob } from "../support/jobs/job-client.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { hang } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { startServerProcess } from "../support/server/server-process.ts";
import { tempFolder } from "../support/temp.ts";

test("worker says what is wrong with its flags and its configuration", async () => {
  await using folder = await tempFolder();
  for (const [args, text] of [
    [["extra"], /No arguments expected/],
    [["--slots", "0"], /--slots: expected a whole number from 1 to 256/],
    [["--config", "/nowhere.yaml"], /nowhere\.yaml/],
  ] as const) {
    const { exitCode, stderr } = await runCli(["worker", ...args], { cwd: folder.path });
    assert.equal(exitCode, 1, args.join(" "));
    assert.match(stderr, text);
  }
});

/** `amphora worker`, ready. */
async function startWorker(config: string, data: string, name: string): Promise<ChildProcess> {
  const words = [
    await builtProgram(),
    "worker",
    "--config",
    config,
    "--data",
    data,
    "--name",
    name,
  ];
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin", HOME: data, AMPHORA_CALLED_AS: "amphora" },
  });
  let text = "";
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error(text)));
    child.stderr?.on("data", (chunk) => {
      text += String(chunk);
      if (text.includes('"worker ready"')) resolve();
    });
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

test("workers share the server's queue in Redis: what one gives back another does, and SIGTERM ends them", {
  skip: skipWithout("redis-server"),
}, async () => {
  await using redis = await startRedis();
  await using source = await startRegistry();
  await using folder = await tempFolder();
  source.seed("team/app", "1", makeImage({ layers: 1 }));
  const { port } = new URL(redis.url);
  const settings = (serverUrl?: string) => ({
    log: { requests: false, format: "json" },
    jobs: {
      queue: `redis://127.0.0.1:${port}/0`,
      workers: 0,
      "allowed-hosts": [{ host: "source.example", url: source.origin, insecure: true }],
      ...(serverUrl !== undefined && { "server-url": serverUrl }),
    },
  });
  await using server = await startServerProcess({ folder, yaml: stringify(settings()) });
  const config = folder.in("worker.yaml");
  await writeFile(config, stringify(settings(server.url)));
  const work = folder.in("work");
  const stalled = source.behave({ on: "GET blob", times: 1, fault: hang() });
  const first = await startWorker(config, work, "first");
  const body = {
    kind: "copy",
    from: "docker://source.example/team/app:1",
    to: "docker://localhost:5000/app:1",
  };
  const { status, job } = await postJob(server.url, body);
  assert.equal(status, 202);
  const id = job?.id ?? "";
  while (stalled.hits === 0) await sleep(20);
  assert.equal((await jobAt(server.url, id)).state, "running");
  await end(first, "SIGTERM");
  assert.equal(first.exitCode, 0);
  assert.equal((await jobAt(server.url, id)).state, "waiting");
  const second = await startWorker(config, work, "second");
  try {
    const ended = await endOf(server.url, id);
    assert.equal(ended.state, "done", JSON.stringify(ended.failure));
    const pulled = await fetch(`${server.url}/v2/app/manifests/1`);
    assert.equal(pulled.status, 200);
    await pulled.arrayBuffer();
    const blocked = await fetch(`${server.url}/api/v1/blocked`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ repository: "source.example/**", reason: "moved" }),
    });
    assert.equal(blocked.status, 201);
    const { job: again } = await postJob(server.url, body);
    const refused = await endOf(server.url, again?.id ?? "");
    assert.match(refused.failure?.message ?? refused.state, /blocked: moved/);
  } finally {
    await end(second, "SIGTERM");
  }
});

test("serve starts while Redis is away, and takes jobs when it is there", {
  skip: skipWithout("redis-server"),
}, async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  await redis.kill();
  const yaml = stringify({ log: { requests: false }, jobs: { queue: redis.url, workers: 0 } });
  await using server = await startServerProcess({ folder, yaml });
  const statusOf = async (path: string) => (await fetch(`${server.url}${path}`)).status;
  assert.deepEqual([await statusOf("/v2/"), await statusOf("/readyz")], [200, 200]);
  assert.match(server.log(), /Redis does not answer/);
  assert.equal(await statusOf("/api/v1/jobs"), 503);
  await redis.start();
  const body = { kind: "verify", image: "docker://localhost:5000/app:1" };
  assert.equal((await postJob(server.url, body)).status, 202);
  assert.equal(await server.kill("SIGTERM"), 0);
});

test("serve is not ready while Redis is away where it does jobs alone", {
  skip: skipWithout("redis-server"),
}, async () => {
  await using redis = await startRedis();
  await using folder = await tempFolder();
  await redis.kill();
  const yaml = stringify({ log: { requests: false }, jobs: { queue: redis.url, workers: 0 } });
  const shell = 'exec "$@" --only jobs';
  await using server = await startServerProcess({ folder, yaml, shell });
  const ready = await fetch(`${server.url}/readyz`);
  assert.deepEqual([ready.status, await ready.text()], [503, "jobs cannot be taken now\n"]);
  await redis.start();
  while ((await fetch(`${server.url}/readyz`)).status !== 200) await sleep(50);
});
