import * as z from "zod";
import { createProxySelector } from "../../config/proxy.ts";
import type { DockerReference } from "../../core/docker-reference.ts";
import { JobError } from "../../jobs/errors.ts";
import type { JobRequest, JobResult } from "../../jobs/job.ts";
import { createHttpClient } from "../../registry/http/client.ts";
import type { HttpResponse } from "../../registry/http/contract.ts";
import { registryOrigin } from "../../registry/origin.ts";
import { printable } from "../../registry/printable.ts";
import { SigningError } from "../../server/signing/errors.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { JobEnds } from "./job-ends.ts";
import type { PerformContext, PerformParts } from "./perform.ts";

const maxAnswerBytes = 64 * 1024;
/** The signer itself has a minute. */
const answerWithinMs = 90_000;

const answer = z.looseObject({ digest: z.string(), keyIds: z.array(z.string()) });
const refusal = z.looseObject({ errors: z.array(z.looseObject({ message: z.string() })).min(1) });

/**
 * Has the server's signer sign what a tag stands for: keys stay with the signer, and its rules decide.
 *
 * @throws {SigningError} `signing.refused`; `signing.signer-unreachable`, retryable
 */
export async function performSign(
  { image, key }: JobRequest & { readonly kind: "sign" },
  parts: Pick<PerformParts, "reach" | "settings"> & { readonly ends: JobEnds },
  { signal, story }: PerformContext,
): Promise<JobResult> {
  const { reference } = await parts.ends.resolve(image, "source", signal);
  const { docker } = reference;
  if (docker?.tag === undefined)
    throw new JobError("job.bad-request", "expected a tag to be signed");
  const { status, text } = await ask(
    parts,
    docker,
    { key, credentials: image.credentials },
    signal,
  );
  if (status !== 200) throw refused(status, text);
  const { digest, keyIds } = answer.parse(JSON.parse(text));
  const [keyId = key] = keyIds;
  story.count({ found: 1, ended: 1 });
  if (keyIds.length === 0)
    story.tell({ type: "message", level: "info", text: "it was signed by this key already" });
  return { kind: "sign", digest, keyId };
}

async function ask(
  { reach, ends, settings }: Parameters<typeof performSign>[1],
  { domain, path, tag = "" }: DockerReference,
  wanted: { readonly key: string; readonly credentials: string | undefined },
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const known = reach.hostOf(domain);
  await using http = createHttpClient({
    connections: 1,
    mayConnect: (origin, address) => reach.mayConnect(origin, address),
    proxyFor: createProxySelector(ends.parts.environment),
    tlsFor: () => known?.tls() ?? { ca: [], clientCertificates: [], verify: true },
  });
  // The name in front: the path alone may mean an upstream's.
  const body = { repository: `${domain}/${path}`, tag, key: wanted.key };
  const authorization = await ends.authorization(wanted.credentials);
  await using response: HttpResponse = await http.request({
    method: "POST",
    url: new URL("/api/v1/sign", known?.url ?? registryOrigin(settings.name)),
    headers: {
      "content-type": "application/json",
      ...(authorization !== undefined && { authorization }),
    },
    body: Buffer.from(JSON.stringify(body)),
    lane: "metadata",
    headersTimeoutMs: answerWithinMs,
    signal,
  });
  const bytes = await readBounded(response.body, maxAnswerBytes, "answer of the server");
  return { status: response.status, text: Buffer.from(bytes).toString("utf8") };
}

function refused(status: number, text: string): SigningError {
  const said = refusal.safeParse(jsonOf(text));
  const why = said.success
    ? printable(said.data.errors[0]?.message ?? "")
    : `it answered ${status}`;
  if (status >= 500 || status === 429)
    return new SigningError("signing.signer-unreachable", `the server does not sign: ${why}`, {
      retryable: true,
    });
  return new SigningError("signing.refused", `the server does not sign: ${why}`, {
    ...(status === 401 && { hint: "Name credentials that may sign there" }),
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
