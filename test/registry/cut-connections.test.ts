import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { startRegistry } from "../support/registry.ts";
import { copyThrough, testHost } from "./support.ts";

/** A forwarder that resets a connection after so many bytes, once for each number in `cuts`. */
async function cutting(to: string, cuts: number[]): Promise<AsyncDisposable & { host: string }> {
  const [, port] = to.split(":");
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), "127.0.0.1");
    let left = cuts.shift() ?? Number.POSITIVE_INFINITY;
    const pass = (socket: Socket) => (chunk: Buffer) => {
      left -= chunk.byteLength;
      if (left < 0) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      } else socket.write(chunk);
    };
    near
      .on("data", pass(far))
      .on("close", () => far.destroy())
      .on("error", () => far.destroy());
    far
      .on("data", pass(near))
      .on("close", () => near.destroy())
      .on("error", () => near.destroy());
    sockets.add(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const image = makeImage({ layers: 2, layerBytes: 1_500_000, compression: "none" });
const rows: readonly (readonly number[])[] = [
  [0, 0, 0],
  [500],
  [1200, 1000, 800_000],
  [700_000, 700_000, 700_000, 700_000],
  [1_500_700, 1_501_000, 1_501_400, 1_502_000],
];

for (const cuts of rows) {
  const title = `Repository copies by docker-registry though connections are cut after ${cuts.join(", ")} bytes`;
  test(title, { skip: skipWithout("docker-registry"), timeout: 300_000 }, async () => {
    await using near = await startRegistry();
    await using far = await startDockerRegistry();
    near.seed("app", "v1", image);
    await using up = await cutting(far.host, [...cuts]);
    await using down = await cutting(far.host, [...cuts]);
    await using plain = testHost(near.host);
    await using pushing = testHost(up.host);
    await using pulling = testHost(down.host);
    const app = plain.host.repository("app", "read");
    const back = plain.host.repository("back", "write");
    await copyThrough(app, pushing.host.repository("a", "write"), image);
    await copyThrough(pulling.host.repository("a", "read"), back, image);
    assert.equal(near.store.repositories.get("back")?.tags.get("v1"), image.digest);
  });
}
