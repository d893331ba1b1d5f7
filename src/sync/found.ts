import { KnownError } from "../core/errors.ts";
import type { FoundImage } from "./ends.ts";
import type { Fed, FeedSource } from "./feed.ts";
import type { MirrorRule } from "./mirror.ts";
import type { MirrorParts } from "./parts.ts";
import { waitToTry } from "./try-again.ts";

/** An image, and the rule that gave it. */
export interface RuleImage {
  readonly rule: MirrorRule;
  readonly image: FoundImage;
}

/** The images of a rule as a source to be fed from. What cannot be listed is told, and ends the source. */
export function sourceOf(rule: MirrorRule, parts: MirrorParts): FeedSource<RuleImage> {
  return { host: hostOf(rule), open: () => find(rule, parts) };
}

/** Listed again after a failure that may pass, as long as nothing was found: what was found must not come twice. */
async function* find(rule: MirrorRule, parts: MirrorParts): AsyncGenerator<Fed<RuleImage>> {
  const { steps, signal, retries: of, report } = parts;
  const { name } = rule;
  let found = 0;
  let burdens: Fed<RuleImage>["burdens"] = ["", ""];
  for (let tried = 1; ; tried++) {
    try {
      for await (const image of steps.enumerate(rule, parts)) {
        found++;
        burdens = unlessOther(burdens, burdensOf(image));
        yield { value: { rule, image }, burdens };
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof KnownError)) throw error;
      const { code, message, retryable } = error;
      const told = { rule: name, what: name, message };
      if (found > 0 || tried > of || !retryable)
        return report({ type: "listing-failed", ...told, code, retryable });
      await waitToTry(parts, tried, (delayMs) =>
        report({ type: "listing-retrying", ...told, attempt: tried, of, delayMs }),
      );
    }
  }
}

function hostOf({ from }: MirrorRule): string {
  if (from.kind === "registry") return from.domain;
  return /^docker:\/\/[^/]+/.exec(from.text)?.[0].slice("docker://".length) ?? from.text;
}

/** The same list for the images of one repository: then they need not be compared. */
function unlessOther<T extends readonly [string, string]>(known: T, next: T): T {
  return known[0] === next[0] && known[1] === next[1] ? known : next;
}

function burdensOf({ from, to }: FoundImage): readonly [string, string] {
  const [a, b] = [from.reference, to.reference];
  const place = ({ docker, transport }: typeof a) => docker?.domain ?? `${transport}:`;
  const repository = ({ docker, text }: typeof a) => (docker ? docker.path : text);
  return [`${place(a)} ${place(b)}`, `${place(a)} ${repository(a)} ${place(b)}`];
}
