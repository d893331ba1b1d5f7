import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import type { ToldBlocks } from "../../jobs/redis/told-blocks.ts";
import type { BlockList } from "../../server/admission/block-list.ts";
import { openBlocks } from "../../server/admission/open-blocks.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";

/** What a worker knows of what is blocked. */
export interface JobBlocks
  extends Pick<BlockList, "find" | "ofRepository" | "ofDigest" | "learn">,
    AsyncDisposable {
  /**
   * Has it as it is now: before a job begins.
   *
   * @throws {JobError} `job.queue-unreachable`
   */
  renew(): Promise<void>;
  /** Called after each change, which is heard of within half a second; returns what ends that. */
  onChange(listener: () => void): () => void;
}

/** What it is opened with. */
export interface JobBlocksParts {
  readonly settings: Pick<ServerSettings, "data">;
  /** What servers tell, where their folder may not be here; open for longer than the list is. */
  readonly told: ToldBlocks | undefined;
  readonly report: Report;
  readonly now: () => number;
}

/** As servers tell it, or the server's own list from its folder. */
export async function openJobBlocks(parts: JobBlocksParts): Promise<JobBlocks> {
  const { told, report } = parts;
  if (!told) return openOwnBlocks(parts);
  const { ToldJobBlocks } = await import("./told-job-blocks.ts");
  return new ToldJobBlocks(told, report);
}

function openOwnBlocks({ settings, report, now }: JobBlocksParts): JobBlocks {
  const opened = openBlocks({ folder: join(settings.data, "admission"), now, report });
  const { blocks } = opened;
  const listeners = new Set<() => void>();
  blocks.onChange(() => {
    for (const listener of listeners) listener();
  });
  return {
    find: (repository: string, digest: Digest, unsure?: Set<Digest>) =>
      blocks.find(repository, digest, unsure),
    ofRepository: (repository) => blocks.ofRepository(repository),
    ofDigest: (digest) => blocks.ofDigest(digest),
    learn: (names) => blocks.learn(names),
    renew: async () => blocks.refresh(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.asyncDispose]: async () => opened[Symbol.dispose](),
  };
}
