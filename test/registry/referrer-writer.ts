// A process of its own that attaches artifacts to one subject: HOST REPOSITORY SUBJECT FIRST COUNT AT-ONCE [LOCK-FOLDER]

import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseDigest } from "../../src/core/digest.ts";
import { createRegistryHost } from "../../src/registry/host.ts";
import { createHttpClient } from "../../src/registry/http/client.ts";
import type { Exclusively } from "../../src/registry/options.ts";
import { pool } from "../../src/stream/pool.ts";
import { artifactAbout } from "../support/artifacts.ts";

const [host = "", path = "", subject = "", first = "", count = "", atOnce = "", locks] =
  process.argv.slice(2);
const { signal } = new AbortController();

/** Stands in for a coordinator: a folder is made by one process only. */
function byFolders(folder: string): Exclusively {
  return async (key, signal, work) => {
    const lock = join(folder, Buffer.from(key).toString("base64url").slice(-200));
    while (
      !(await mkdir(lock).then(
        () => true,
        () => false,
      ))
    ) {
      await sleep(2 + Math.random() * 8, undefined, { signal });
    }
    try {
      return await work(new AbortController().signal);
    } finally {
      await rmdir(lock);
    }
  };
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
  clock: {
    now: () => Date.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  },
  random: Math.random,
  report: () => {},
  ...(locks !== undefined && { exclusively: byFolders(locks) }),
});
const repository = registry.repository(path, "write");
const numbers = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
await pool(numbers, Number(atOnce), signal, async (number) => {
  const { manifest } = artifactAbout(parseDigest(subject), { seed: number });
  await repository.pushManifest(manifest.digest, manifest, { signal });
});
