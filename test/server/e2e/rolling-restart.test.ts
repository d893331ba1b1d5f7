import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { createServer, type Server } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Digest, digestOf } from "../../../src/core/digest.ts";
import { randomBytesOf } from "../../support/random.ts";
import { call, locationOf, withQuery } from "../../support/server/client.ts";
import { type LoadImage, pullLoadImage, pushLoadImage } from "../../support/server/load-client.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const repository = "team/app";
const largeBytes = 12_000_000;

/** A server that has the listening socket and waits for the word to begin, as a service manager starts the next one. */
interface Waiting extends Disposable {
  begin(): Promise<ServerProcess>;
}

/** As many servers as are needed one after the other, all with one socket, which nobody else has. */
async function waitingServers(folder: TempFolder, count: number) {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as { port: number };
  const waiting: Waiting[] = [];
  for (let n = 0; n < count; n++) waiting.push(await waitingServer(folder, descriptorOf(holder)));
  holder.close();
  return { url: `http://127.0.0.1:${port}`, waiting };
}

async function waitingServer(folder: TempFolder, descriptor: number): Promise<Waiting> {
  const spawned = Promise.withResolvers<ChildProcess>();
  const begun = Promise.withResolvers<void>();
  const started = startServerProcess({
    folder,
    descriptor,
    yaml: "log: {requests: false}\n",
    shell: 'read -r word; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"',
    onSpawn: spawned.resolve,
    begun: begun.promise,
  });
  started.catch(() => undefined); // told to whoever begins it
  const child = await spawned.promise;
  return {
    begin: () => {
      child.stdin?.write("go\n");
      begun.resolve();
      return started;
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"), // where it was never begun, or has gone
  };
}

function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

const agent = new Agent({ keepAlive: true });

/** A GET; again where a connection that was used before turns out to be closed, as every client does. */
async function get(url: string, retried: { count: number }): Promise<Buffer> {
  for (;;) {
    const asked = request(url, { agent });
    const answer = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
      asked.on("response", resolve);
      asked.on("error", (error) => (asked.reusedSocket ? resolve(undefined) : reject(error)));
      asked.end();
    });
    if (answer === undefined) {
      retried.count++;
      continue;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    assert.equal(answer.statusCode, 200);
    return Buffer.concat(chunks);
  }
}

/** Takes a blob slowly: longer than a restart takes. */
async function slowGet(url: string, isOver: () => boolean): Promise<Digest> {
  const answer = (await once(request(url).end(), "response"))[0] as IncomingMessage;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    if (!isOver()) await sleep(20);
  }
  return digestOf(Buffer.concat(chunks));
}

async function pullOn(
  url: string,
  image: LoadImage,
  world: { isOver: boolean; pulls: number; retried: { count: number } },
) {
  while (!world.isOver) {
    const manifest = await get(`${url}/v2/${repository}/manifests/${image.tag}`, world.retried);
    assert.equal(digestOf(manifest), image.digest);
    for (const digest of image.blobs) {
      assert.equal(
        digestOf(await get(`${url}/v2/${repository}/blobs/${digest}`, world.retried)),
        digest,
      );
    }
    world.pulls++;
  }
}

test("servers that follow each other on one socket lose no pull and no upload", {
  timeout: 600_000,
}, async (t) => {
  await using folder = await tempFolder();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => agent.destroy());
  const { url, waiting } = await waitingServers(folder, 3);
  for (const server of waiting) stack.use(server); // else who connects to its socket waits for ever
  const [first, second, third] = waiting;
  assert.ok(first && second && third);
  const one = stack.use(await first.begin());
  const image = await pushLoadImage({ url }, repository, "v1", [
    [1, 20_000],
    [2, 300_000],
    [3, largeBytes],
  ]);
  const small = { ...image, blobs: image.blobs.slice(0, 3) };
  const large = image.blobs[3] ?? "";
  const world = { isOver: false, pulls: 0, retried: { count: 0 } };
  const pullers = Array.from({ length: 6 }, () => pullOn(url, small, world));
  for (const puller of pullers) puller.catch(() => {}); // told to whoever waits for pulls
  const awaitPulls = async (more: number) => {
    for (const wanted = world.pulls + more; world.pulls < wanted; ) {
      await Promise.race([sleep(10), ...pullers]);
    }
  };
  const uploaded = randomBytesOf(9, 200_000);
  const begun = await call(url, "POST", `/v2/${repository}/blobs/uploads/`, { body: "" });
  const half = await call(url, "PATCH", locationOf(begun, url), {
    body: uploaded.subarray(0, 100_000),
    headers: { "Content-Range": "0-99999" },
  });
  assert.equal(half.status, 202);

  // The next one is there before this one goes.
  await awaitPulls(20);
  let isReplaced = false;
  const slow = slowGet(`${url}/v2/${repository}/blobs/${large}`, () => isReplaced);
  slow.catch(() => {});
  const two = stack.use(await second.begin());
  const ending = one.kill("SIGTERM");
  await awaitPulls(20);
  isReplaced = true;
  assert.equal(await slow, large, "what was being sent came to its end");
  assert.equal(await ending, 0);

  // The next one comes when this one has gone: whoever connects in between waits.
  await awaitPulls(20);
  const before = world.pulls;
  assert.equal(await two.kill("SIGTERM"), 0);
  stack.use(await third.begin());
  await awaitPulls(20);
  const put = withQuery(locationOf(half, url), `digest=${digestOf(uploaded)}`);
  const done = await call(url, "PUT", put, {
    body: uploaded.subarray(100_000),
    headers: { "Content-Range": "100000-199999" },
  });
  assert.equal(done.status, 201, "an upload goes on at the third that was begun at the first");
  world.isOver = true;
  await Promise.all(pullers);
  await pullLoadImage({ url }, image);
  t.diagnostic(
    `${world.pulls} pulls (${before} before the last), ${world.retried.count} asked again on a new connection`,
  );
});
