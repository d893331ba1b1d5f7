import type { JobRequest, JobResult } from "../../jobs/job.ts";
import { judgeImage } from "../trust/judge.ts";
import type { JobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";

/** Asks the policy about an image, of a list about each; that it does not admit it is a result, and no failure. */
export async function performVerify(
  { image }: JobRequest & { readonly kind: "verify" },
  { ends, gate }: Pick<PerformParts, "gate"> & { readonly ends: JobEnds },
  { signal, story }: PerformContext,
): Promise<JobResult> {
  const resolved = await ends.resolve(image, "source", signal);
  const { platform } = ends.parts;
  const request = { gate: gate.now(), image: resolved, platform, every: true, signal };
  const { digest, images } = await judgeImage(request);
  story.count({ found: images.length, ended: images.length });
  const refused = images.find(({ verdict }) => !verdict.allowed);
  const reason = refused?.verdict.error ?? "the policy admits it";
  const where = refused && images.length > 1 ? `${refused.platform ?? refused.digest}: ` : "";
  return { kind: "verify", digest, allowed: refused === undefined, reason: `${where}${reason}` };
}
