import * as z from "zod";
import { domain, filePath, listenAddress } from "../config/setting-values.ts";
import { accessSettings } from "./access/settings.ts";
import { admissionSettings } from "./admission/settings.ts";
import { auditSettings } from "./audit/settings.ts";
import { jobsSettings, mirrorsSettings, schedulesSettings } from "./jobs/settings.ts";
import {
  limitSettings,
  logSettings,
  metricsSettings,
  shutdownSettings,
  tlsSettings,
} from "./shell/settings.ts";
import { signaturesSettings } from "./signatures/settings.ts";
import { signingSettings } from "./signing/settings.ts";
import { storeSettings } from "./store/settings.ts";
import { cacheSettings, upstreamsSettings } from "./upstream/settings.ts";

/**
 * The whole of the configuration, every section of the part that it is for. Keys are camelCase here and kebab-case in the
 * file. Empty, it is a registry for this machine.
 */
export const serverSettings = z
  .strictObject({
    /** What the repositories kept here are called by: the domain of their images' names. */
    name: domain().default("localhost:5000"),
    listen: z
      .array(listenAddress())
      .min(1, { error: "expected at least one address" })
      .prefault(["127.0.0.1:5000"]),
    /** All that the server keeps is in here. */
    data: filePath().default("./amphora-data"),
    tls: tlsSettings.optional(),
    access: accessSettings.optional(),
    signing: signingSettings.optional(),
    signatures: signaturesSettings.prefault({}),
    limits: limitSettings.prefault({}),
    log: logSettings.prefault({}),
    metrics: metricsSettings.prefault({}),
    store: storeSettings.prefault({}),
    upstreams: upstreamsSettings.prefault([]),
    cache: cacheSettings.prefault({}),
    admission: admissionSettings.optional(),
    audit: auditSettings.prefault({}),
    jobs: jobsSettings.prefault({}),
    mirrors: mirrorsSettings,
    schedules: schedulesSettings,
    shutdown: shutdownSettings.prefault({}),
  })
  .superRefine(({ name, upstreams }, context) => {
    for (const [index, upstream] of upstreams.entries()) {
      if (upstream.name.toLowerCase() !== name.toLowerCase()) continue;
      const path = ["upstreams", index, "name"];
      context.addIssue({
        code: "custom",
        path,
        message: "expected another name than the server's",
      });
    }
  });

/** As parsed. */
export type ServerSettings = z.output<typeof serverSettings>;
