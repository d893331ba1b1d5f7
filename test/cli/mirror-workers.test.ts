import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { builtProgram } from "../support/built.ts";
import { makeImage } from "../support/images.ts";
import { endOf, jobsOf, postJob } from "../support/jobs/job-client.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { type Fault, hang } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { startServerProcess } from "../support/server/server-process.ts";
import { tempFolder } from "../support/temp.ts";

const tags = 30;

interface Worker {
  readonly child: ChildProcess;
  /** Parts that it has begun and ended, by its log. */
  begun(): number;
  ended(): number;
  left(): number;
}

async function startWorker(config: string, data: string, name: string): Promise<Worker> {
  const words = ["worker", "--config", config, "--data", data, "--name", name, "--slots", "2"];
  const child = spawn(process.execPath, [await builtProgram(), ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin", HOME: data, AMPHORA_CALLED_AS: "amphora" },
  });
  let text = "";
  const count = (what: string) => text.split(what).length - 1;
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error(text)));
    child.stderr?.on("data", (chunk) => {
      text += String(chunk);
      if (text.includes('"worker ready"')) resolve();
    });
  });
  return {
    child,
    begun: () => count('"job begun"'),
    ended: () => count('"job ended"'),
    left: () => count('"job left"'),
  };
}

async function end({ child }: Worker, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

async function startWorld() {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const source = stack.use(await startRegistry());
  const target = stack.use(await startRegistry());
  const folder = stack.use(await tempFolder());
  for (let tag = 0; tag < tags; tag++)
    source.seed("team/app", `v${tag}`, makeImage({ seed: tag, layers: 2 }));
  const settings = (more: object = {}) => ({
    log: { requests: false, format: "json" },
    jobs: {
      queue: `redis://127.0.0.1:${new URL(redis.url).port}/0`,
      workers: 0,
      "allowed-hosts": [
        { host: "source.example", url: source.origin, insecure: true },
        { host: "target.example", url: target.origin, insecure: true },
      ],
      ...more,
    },
  });
  const server = stack.use(await startServerProcess({ folder, yaml: stringify(settings()) }));
  const config = folder.in("worker.yaml");
  await writeFile(config, stringify(settings({ "server-url": server.url })));
  const kept = stack.move();
  return {
    server,
    source,
    target,
    worker: (name: string) => startWorker(config, folder.in(name), name),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const mirror = {
  kind: "sync",
  mirror: { mirrors: [{ from: "source.example/team/app", to: "target.example/copy/" }] },
};

test("all workers bring the images of one mirror, each once, and one that is killed loses none", {
  skip: skipWithout("redis-server"),
  timeout: 600_000,
}, async () => {
  await using world = await startWorld();
  const { server, source, target } = world;
  const allBegan = Promise.withResolvers<void>();
  const waits: Fault = {
    async reply(reply) {
      await allBegan.promise;
      return reply;
    },
  };
  source.behave({ on: "GET blob", times: 1000, fault: waits });
  const workers = await Promise.all(["a", "b", "c"].map((name) => world.worker(name)));
  try {
    const { job } = await postJob(server.url, mirror);
    const [a, b, c] = workers as [Worker, Worker, Worker];
    while (Math.min(a.begun(), b.begun(), c.begun()) === 0) await sleep(10);
    const killed = workers.find((worker) => worker.begun() > worker.ended()) ?? a;
    await end(killed, "SIGKILL");
    allBegan.resolve();
    const ended = await endOf(server.url, job?.id ?? "");
    assert.equal(ended.state, "done", JSON.stringify(ended.failure));
    assert.ok(ended.result?.kind === "sync");
    const { images, failed, stopped } = ended.result.summary;
    assert.deepEqual({ images, failed, stopped }, { images: tags, failed: 0, stopped: 0 });
    const others = workers.filter((worker) => worker !== killed);
    for (const worker of others) while (worker.ended() === 0) await sleep(10);
    for (let tag = 0; tag < tags; tag++) {
      const answer = await fetch(`${target.origin}/v2/copy/team/app/manifests/v${tag}`);
      assert.equal(answer.status, 200, `v${tag}`);
      await answer.arrayBuffer();
    }
    // Parts are nobody's jobs.
    assert.deepEqual(
      (await jobsOf(server.url)).map(({ id }) => id),
      [job?.id],
    );
  } finally {
    for (const worker of workers) await end(worker, "SIGTERM");
  }
});

test("who cancels a mirror calls off its parts", {
  skip: skipWithout("redis-server"),
  timeout: 600_000,
}, async () => {
  await using world = await startWorld();
  const { server, source } = world;
  source.behave({ on: "GET blob", times: 1000, fault: hang() });
  const worker = await world.worker("a");
  try {
    const { job } = await postJob(server.url, mirror);
    while (worker.begun() < 2) await sleep(10);
    await fetch(`${server.url}/api/v1/jobs/${job?.id}`, { method: "DELETE" });
    const ended = await endOf(server.url, job?.id ?? "");
    assert.equal(ended.state, "cancelled");
    // Nothing of it goes on: the slots are free again.
    while (worker.ended() + worker.left() < worker.begun()) await sleep(20);
  } finally {
    await end(worker, "SIGTERM");
  }
});
