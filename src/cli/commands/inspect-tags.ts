import { KnownError } from "../../core/errors.ts";
import type { CommandContext } from "../context.ts";
import { prefixed } from "../errors.ts";
import type { ResolvedImage } from "../parts.ts";
import { withRetries } from "../retry.ts";
import { endSettings } from "../settings.ts";

/** Tags on their way; disposed of unread, the listing is called off. */
export interface TagListing extends AsyncDisposable {
  /** @throws what listing threw; of a registry that does not let its tags be listed is warned, and null the answer */
  read(): Promise<readonly string[] | null>;
}

type Outcome = { readonly tags: readonly string[] } | { readonly error: unknown };

/** Starts listing the tags of an image's repository, where `inspect` will show them. */
export function listTagsForInspect(context: CommandContext, image: ResolvedImage): TagListing {
  const { flags, globals } = context;
  const isWanted =
    image.transport.name === "docker" &&
    !flags.bool("no-tags") &&
    !flags.bool("raw") &&
    !flags.bool("config");
  if (!isWanted) return { read: async () => [], [Symbol.asyncDispose]: async () => {} };
  const controller = new AbortController();
  const signal = AbortSignal.any([context.signal, controller.signal]);
  const settings = endSettings(flags, globals, "");
  const list = async () => (await image.transport.listTags?.(image.reference, { signal })) ?? [];
  // What goes wrong on the way is told of when the tags are: the manifest may well fail of the same, and before.
  const warnings: string[] = [];
  const log = { ...context.log, warning: (text: string) => void warnings.push(text) };
  const outcome: Promise<Outcome> = withRetries({ log, signal }, settings, list).then(
    (tags) => ({ tags }),
    (error: unknown) => ({ error }),
  );
  return {
    async read() {
      const result = await outcome;
      for (const text of warnings) context.log.warning(text);
      if ("tags" in result) return result.tags;
      if (!isRefusal(result.error))
        throw prefixed("Error determining repository tags", result.error);
      context.log.warning("Registry disallows tag list retrieval; skipping");
      return null;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await outcome;
    },
  };
}

/** DENIED (ECR without `ecr:ListImages`), or no such endpoint at all (public.ecr.aws). */
function isRefusal(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (!(at instanceof KnownError) || !("entries" in at)) continue;
    const [first] = at.entries as readonly { readonly code: string; readonly message: string }[];
    if (first?.code === "DENIED" || first?.message === "404 page not found") return true;
  }
  return false;
}
