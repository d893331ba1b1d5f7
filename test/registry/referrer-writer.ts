// A process of its own that attaches artifacts to one subject: HOST REPOSITORY SUBJECT FIRST COUNT AT-ONCE [REDIS-SOCKET]

import { Redis } from "ioredis";
import { clock } from "../../src/cli/clock.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { createRedisCoordinator } from "../../src/jobs/redis/coordinator.ts";
import { createRegistryHost } from "../../src/registry/host.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import { pool } from "../../src/stream/pool.ts";
import { hostOptions } from "../../src/sync/host-options.ts";
import { artifactAbout } from "../support/artifacts.ts";

const [host = "", path = "", subject = "", first = "", count = "", atOnce = "", redis] =
  process.argv.slice(2);
const { signal } = new AbortController();

const coordinator = redis === undefined ? undefined : joinAt(redis);

function joinAt(socket: string) {
  return createRedisCoordinator(new Redis(socket, { lazyConnect: true }), {
    limitsOf: () => ({}),
    clock,
    worker: String(process.pid),
  });
}

await using http = createHttpClient({
  tlsFor: () => ({ ca: [], clientCertificates: [], verify: false }),
  proxyFor: () => undefined,
  connections: 8,
});
await using registry = createRegistryHost({
  host,
  http,
  origin: new URL(`http://${host}`),
  credentials: async () => undefined,
  security: "insecure",
  userAgent: "test",
  clock,
  random: Math.random,
  report: () => {},
  ...(coordinator && hostOptions(coordinator, host)),
});
const repository = registry.repository(path, "write");
const numbers = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
await pool(numbers, Number(atOnce), signal, async (number) => {
  const { manifest } = artifactAbout(parseDigest(subject), { seed: number });
  await repository.pushManifest(manifest.digest, manifest, { signal });
});
await coordinator?.[Symbol.asyncDispose]();
