import type { ToldBlocks } from "../../jobs/redis/told-blocks.ts";
import type { BlockList } from "../../server/admission/block-list.ts";
import type { Report } from "../../server/server-event.ts";
import type { ToldBlock } from "./told-job-blocks.ts";

/** What is told, and to whom. */
export interface TellingParts {
  readonly told: ToldBlocks;
  /** The server's name. */
  readonly server: string;
  readonly blocks: BlockList;
  readonly report: Report;
}

/** A Redis that was emptied, or away, is told again after so long. */
const againMs = 5000;
/** What a block takes along is looked up again after so long: it is known by what was asked for meanwhile. */
const lookMs = 60_000;

/**
 * Tells workers on other machines what is blocked here, by the Redis of the queue: now, after each change, and again where
 * that failed. Returns when it was told, or could not be.
 */
export async function tellBlocks(
  { told, server, blocks, report }: TellingParts,
  opened: AsyncDisposableStack,
): Promise<void> {
  let isOut = false;
  let text: string | undefined;
  const tell = async () => {
    try {
      text ??= toldText(blocks);
      await told.tell(server, text);
      isOut = false;
    } catch (error) {
      const what = "Workers cannot be told what is blocked";
      if (!isOut) report({ type: "message", level: "error", text: what, error });
      isOut = true;
    }
  };
  const look = () => {
    text = undefined;
  };
  blocks.onChange(() => {
    look();
    void tell();
  });
  const timers = [setInterval(() => void tell(), againMs), setInterval(look, lookMs)];
  opened.defer(() => {
    for (const timer of timers) clearInterval(timer);
  });
  for (const timer of timers) timer.unref();
  await tell();
}

function toldText(blocks: BlockList): string {
  const told = blocks.list().map(
    ({ digest, by: _, ...block }): ToldBlock => ({
      ...block,
      digests: digest === undefined ? [] : blocks.namesOf(digest),
      instances: digest === undefined ? [] : blocks.takenAlong(digest),
    }),
  );
  return JSON.stringify(told);
}
