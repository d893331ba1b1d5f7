import type { Digest } from "../../../src/core/digest.ts";
import type { HttpTimeouts } from "../../../src/registry/http/contract.ts";
import type { ServerCall } from "../../../src/server/caller.ts";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import { loadTryLock } from "../../../src/server/store/file-lock.ts";
import { openRegistryStore } from "../../../src/server/store/open-store.ts";
import type { RegistryStore } from "../../../src/server/store/registry-store.ts";
import { createUpstreamOpener } from "../../../src/server/upstream/open-upstream.ts";
import {
  type CacheSettings,
  cacheSettings,
  type UpstreamSettings,
  upstreamSettings,
} from "../../../src/server/upstream/settings.ts";
import type { UpstreamStore } from "../../../src/server/upstream/store.ts";
import { timerClock } from "../../../src/server/upstream/timer-clock.ts";
import { createUpstreams, type Upstreams } from "../../../src/server/upstream/upstreams.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

export const hub = "hub.example";

export interface TestUpstreams extends AsyncDisposable {
  readonly upstreams: Upstreams;
  readonly store: RegistryStore;
  readonly events: ServerEvent[];
  /** Lets time pass for whatever judges it. */
  pass(ms: number): void;
  /** Ends and begins anew on the same folder. */
  restart(): Promise<void>;
}

export interface TestOptions {
  readonly cache?: Partial<CacheSettings>;
  readonly folder?: TempFolder;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** In place of the store itself, for faults. */
  readonly wrap?: (store: RegistryStore) => UpstreamStore;
}

/** One upstream, `hub.example`, at `origin`. */
export async function startUpstreams(
  origin: string,
  settings: Partial<UpstreamSettings> = {},
  options: TestOptions = {},
): Promise<TestUpstreams> {
  const own = options.folder === undefined ? await tempFolder() : undefined;
  const folder = options.folder ?? own;
  const events: ServerEvent[] = [];
  let passed = 0;
  const now = () => Date.now() + passed;
  const open = async () => {
    const store = await openRegistryStore(folder?.in("data") ?? "", {
      domain: "registry.example",
      now,
      settings: { collectEveryMs: 0 },
    });
    const upstreams = createUpstreams({
      // However busy the machine, an upstream that is there answers in time.
      settings: [
        {
          ...upstreamSettings.parse({ name: hub, url: origin }),
          answerWithin: 60_000,
          ...settings,
        },
      ],
      cache: { ...cacheSettings.parse({}), ...options.cache },
      store: options.wrap?.(store) ?? store,
      queueFile: folder?.in("pushes.sqlite") ?? "",
      tryLock: await loadTryLock(),
      refusalOf: async () => undefined,
      now,
      report: (event) => events.push(event),
      open: createUpstreamOpener({
        clock: timerClock(now),
        random: () => 0.01,
        report: (event) => events.push(event),
        userAgent: "amphora-test",
        roots: () => [],
        proxyFor: () => undefined,
        ...(options.timeouts && { timeouts: options.timeouts }),
      }),
    });
    return { store, upstreams };
  };
  let { store, upstreams } = await open();
  const close = async () => {
    await upstreams[Symbol.asyncDispose]();
    await store.close();
  };
  return {
    get store() {
      return store;
    },
    get upstreams() {
      return upstreams;
    },
    events,
    pass(ms) {
      passed += ms;
    },
    async restart() {
      await close();
      ({ store, upstreams } = await open());
    },
    async [Symbol.asyncDispose]() {
      await close();
      await own?.[Symbol.asyncDispose]();
    },
  };
}

export function repositoryOf(path = "app"): ServedRepository {
  return { domain: hub, path, requested: path, upstream: hub };
}

export function testCall(signal = new AbortController().signal): ServerCall {
  return { caller: { user: "ann", address: "127.0.0.1" }, signal };
}

export const byTag = (tag: string) => ({ type: "tag", tag }) as const;
export const byDigest = (digest: Digest) => ({ type: "digest", digest }) as const;

/** All of a blob, or of a range of it. */
export async function readBlob(
  upstreams: Upstreams,
  digest: Digest,
  range?: { readonly start: number; readonly end: number },
  repository = repositoryOf(),
): Promise<Buffer | undefined> {
  const call = testCall();
  const asked = range === undefined ? call : { ...call, range };
  const opened = await upstreams.openBlob(repository, digest, asked);
  if (!opened) return undefined;
  await using blob = opened;
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(range ?? { start: 0, end: blob.size }, call.signal)) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}
