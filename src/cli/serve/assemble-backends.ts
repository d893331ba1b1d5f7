import { join } from "node:path";
import { loadSystemRoots } from "../../config/load-system-roots.ts";
import { createProxySelector } from "../../config/proxy.ts";
import type { Report } from "../../server/server-event.ts";
import { loadTryLock } from "../../server/store/file-lock.ts";
import { openRegistryStore } from "../../server/store/open-store.ts";
import type { RegistryStore, StoreEvent, StoreHealth } from "../../server/store/registry-store.ts";
import type { RefusalOf } from "../../server/upstream/replication.ts";
import type { Upstreams } from "../../server/upstream/upstreams.ts";
import { clock } from "../clock.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";

/** The store in the data folder, and the upstreams over it where there are any. */
export async function assembleBackends(
  base: AssemblyBase,
  refusalOf: RefusalOf,
  opened: AsyncDisposableStack,
): Promise<AssembledBackends> {
  const { settings, report, now } = base;
  const store = opened.use(
    await openRegistryStore(settings.data, {
      domain: settings.name,
      now,
      settings: settings.store,
      report: (event) => tell(report, event),
    }),
  );
  const upstreams =
    settings.upstreams.length > 0 ? await openUpstreams(base, store, refusalOf) : undefined;
  if (upstreams) opened.use(upstreams);
  return {
    store,
    trouble: () => troubleOf(store),
    figures: { ...figuresOf(store, now), ...(upstreams && pushFigures(upstreams, now)) },
    backendOf: ({ upstream }) => (upstream === undefined ? store : (upstreams ?? store)),
    clientOf(repository) {
      if (!upstreams) throw new Error(`no upstream is configured for ${repository.domain}`);
      return upstreams.clientOf(repository);
    },
  };
}

/** All of one look at the figures come from one look at the store. */
function figuresOf(store: RegistryStore, now: () => number): AssembledBackends["figures"] {
  const health = oneLook(now, () => store.health());
  const figure = (name: keyof StoreHealth, help: string) => ({
    help,
    read: async () => (await health())[name],
  });
  return {
    open_uploads: figure("openUploads", "Uploads that were begun and not ended"),
    repositories: figure("repositories", "Repositories held"),
    manifests: figure("manifests", "Manifests held"),
    tags: figure("tags", "Tags held"),
    cached_bytes: figure("cachedBytes", "Bytes held of upstreams"),
  };
}

/** What was looked at within the last second is not looked at again. */
function oneLook<T>(now: () => number, look: () => T): () => T {
  let looked: { readonly at: number; readonly found: T } | undefined;
  return () => {
    if (!looked || Math.abs(now() - looked.at) > 1000) looked = { at: now(), found: look() };
    return looked.found;
  };
}

/** Of pushes that are to be passed on later. */
function pushFigures(upstreams: Upstreams, now: () => number): AssembledBackends["figures"] {
  const count = oneLook(now, () => {
    const pushes = upstreams.waitingPushes();
    const refused = pushes.filter((push) => push.refused).length;
    return { waiting: pushes.length - refused, refused };
  });
  return {
    pushes_waiting: {
      help: "Pushes that their upstreams are still to get",
      read: async () => count().waiting,
    },
    pushes_refused: {
      help: "Pushes that their upstreams would not have, kept here",
      read: async () => count().refused,
    },
  };
}

async function troubleOf(store: RegistryStore): Promise<string | undefined> {
  try {
    await store.health();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function openUpstreams(
  { settings, environment, report, now, context }: AssemblyBase,
  store: RegistryStore,
  refusalOf: RefusalOf,
): Promise<Upstreams> {
  const { createUpstreams } = await import("../../server/upstream/upstreams.ts");
  const { createUpstreamOpener } = await import("../../server/upstream/open-upstream.ts");
  const open = createUpstreamOpener({
    clock,
    random: Math.random,
    report,
    userAgent: `amphora/${context.version}`,
    roots: () => loadSystemRoots(environment).pem,
    proxyFor: createProxySelector(environment),
  });
  return createUpstreams({
    settings: settings.upstreams,
    cache: settings.cache,
    store,
    open,
    queueFile: join(settings.data, "pushes.sqlite"),
    tryLock: await loadTryLock(),
    refusalOf,
    now,
    report,
  });
}

function tell(report: Report, event: StoreEvent): void {
  switch (event.type) {
    case "background-failed": {
      const { what, error } = event;
      report({
        type: "message",
        level: "warn",
        text: "to be tried again",
        fields: { what },
        error,
      });
      break;
    }
    case "garbage-collected":
    case "evicted": {
      const { uploads, manifests, blobs, bytes } = event.report;
      const fields = { uploads, manifests, blobs, bytes };
      report({ type: "message", level: "debug", text: event.type, fields });
      break;
    }
    case "index-written": {
      const { repository, entries } = event;
      report({
        type: "message",
        level: "debug",
        text: event.type,
        fields: { repository, entries },
      });
      break;
    }
  }
}
