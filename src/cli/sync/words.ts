import { UsageError } from "../../core/errors.ts";
import { goQuote } from "../../core/go-quote.ts";
import type { CommandContext } from "../context.ts";
import type { DestinationWish } from "./plan-copies.ts";

/** What skopeo's words ask for: two transports, two places, and how names are made. */
export interface SyncWords {
  readonly from: { readonly transport: "docker" | "dir" | "yaml"; readonly text: string };
  readonly to: DestinationWish;
}

/** @throws {UsageError} `usage.bad-flag`, in skopeo's order */
export function readWords({ flags }: CommandContext, from: string, to: string): SyncWords {
  const source = flags.string("src");
  const destination = flags.string("dest");
  if (source === "") throw bad("A source transport must be specified");
  if (source !== "docker" && source !== "dir" && source !== "yaml")
    throw bad(`${goQuote(source)} is not a valid source transport`);
  if (destination === "") throw bad("A destination transport must be specified");
  if (destination !== "docker" && destination !== "dir")
    throw bad(`${goQuote(destination)} is not a valid destination transport`);
  if (source === "dir" && destination === "dir")
    throw bad("sync from 'dir' to 'dir' not implemented, consider using rsync instead");
  return {
    from: { transport: source, text: from },
    to: {
      transport: destination,
      place: to,
      isScoped: flags.bool("scoped"),
      suffix: flags.string("append-suffix"),
    },
  };
}

function bad(message: string): UsageError {
  return new UsageError("usage.bad-flag", message);
}
