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

/**
 * Tells workers on other machines what is blocked here, by the Redis of the queue: now, after each change, and again where
 * that failed. Returns when it was told, or could not be.
 */
export async function tellBlocks(
  { told, server, blocks, report }: TellingParts,
  opened: AsyncDisposableStack,
): Promise<void> {
  let isOut = false;
  const tell = async () => {
    try {
      await told.tell(server, JSON.stringify(blocks.list().map(toTold(blocks))));
      isOut = false;
    } catch (error) {
      const text = "Workers cannot be told what is blocked";
      if (!isOut) report({ type: "message", level: "error", text, error });
      isOut = true;
    }
  };
  blocks.onChange(() => void tell());
  const timer = setInterval(() => void tell(), againMs).unref();
  opened.defer(() => clearInterval(timer));
  await tell();
}

function toTold(blocks: BlockList): (block: ReturnType<BlockList["list"]>[number]) => ToldBlock {
  return ({ digest, by: _, ...block }) => ({
    ...block,
    digests: digest === undefined ? [] : blocks.namesOf(digest),
  });
}
