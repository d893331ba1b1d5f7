import * as z from "zod";
import {
  domain,
  duration,
  filePath,
  originUrl,
  percentage,
  size,
} from "../../config/setting-values.ts";

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const platform = /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?$/;

/** One registry behind this server. */
export const upstreamSettings = z
  .strictObject({
    /** The domain of its images, which is the name that they are known, judged and signed by. */
    name: domain(),
    /** What it is called in paths of this server: `/v2/hub/library/alpine`. */
    alias: z
      .string()
      .regex(component, { error: "expected one component of a path, such as hub" })
      .optional(),
    /** Names of this server that mean this upstream. */
    hosts: z.array(domain()).default([]),
    /** Whether it is meant where nothing else is. */
    default: z.boolean().default(false),
    /** Where it is asked, if not at https://NAME. */
    url: originUrl().optional(),
    username: z.string().min(1).optional(),
    passwordFile: filePath().optional(),
    /** In the form of containers-auth.json(5). */
    authFile: filePath().optional(),
    /** PEM certificates to trust for it, besides the system's. */
    ca: filePath().optional(),
    clientCertificate: filePath().optional(),
    clientKey: filePath().optional(),
    /** Takes any certificate, and plain HTTP where there is no TLS. */
    insecure: z.boolean().default(false),
    /** Hosts inside this network that it may lead to, as `HOST` or `HOST:PORT`. */
    redirectsTo: z.array(domain()).default([]),
    /** How long a tag is served without asking whether it has moved. */
    freshFor: duration().default(60_000),
    /** How long an answer is waited for where there is a copy to serve in its place. */
    answerWithin: duration().default(5000),
    /** What becomes of a tag that is not there any more. */
    missing: z.enum(["pass", "remove", "serve-stale"]).default("pass"),
    /** Ask nothing: serve what is held. */
    offline: z.boolean().default(false),
    push: z.enum(["refuse", "write-through", "write-back", "local-only"]).default("refuse"),
    /** Whether a tag may be pushed that has moved there since it was last seen. */
    tagConflict: z.enum(["overwrite", "refuse"]).default("overwrite"),
    /** Pass deletions on; else they are refused. */
    deletes: z.boolean().default(false),
    /** Instances fetched with an index before anybody asks for them: `linux/arm64`. */
    platformsToPrefetch: z
      .array(z.string().regex(platform, { error: "expected OS/ARCHITECTURE[/VARIANT]" }))
      .default([]),
    /** Fetch what has a manifest as its subject along with it. */
    prefetchReferrers: z.boolean().default(false),
  })
  .refine((upstream) => upstream.username === undefined || upstream.passwordFile !== undefined, {
    path: ["passwordFile"],
    error: "expected the file with the password of username",
  })
  .refine(
    (upstream) => (upstream.clientCertificate === undefined) === (upstream.clientKey === undefined),
    {
      path: ["clientKey"],
      error: "expected a client's certificate and its key together",
    },
  );

/** As read and completed. */
export type UpstreamSettings = z.infer<typeof upstreamSettings>;

/** All of them. No two may be meant by the same name, and one at most by none. */
export const upstreamsSettings = z.array(upstreamSettings).superRefine((upstreams, context) => {
  const seen = new Set<string>();
  for (const [index, { name, alias, hosts }] of upstreams.entries()) {
    for (const word of [name, ...(alias === undefined ? [] : [alias]), ...hosts]) {
      if (seen.has(word)) {
        context.addIssue({
          code: "custom",
          path: [index],
          message: `expected one upstream for ${word}`,
        });
      }
      seen.add(word);
    }
  }
  if (upstreams.filter((upstream) => upstream.default).length > 1) {
    context.addIssue({ code: "custom", message: "expected one default at most" });
  }
});

/** How much of other registries is kept. */
export const cacheSettings = z.strictObject({
  /** Unlimited where absent. */
  maxBytes: size().optional(),
  /** How full the cache is once it was cleared: part of `maxBytes`. */
  low: percentage().default(0.8),
  /** What was used since is not cleared away. */
  minAge: duration().default(3_600_000),
});

/** As read and completed. */
export type CacheSettings = z.infer<typeof cacheSettings>;
