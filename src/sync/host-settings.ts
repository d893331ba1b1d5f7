import * as z from "zod";
import { filePath, size } from "../config/setting-values.ts";
import type { HostLimits } from "./coordinator.ts";

/** How a host is reached; what is absent is as for any other run. */
export interface HostSettings {
  readonly credentials?: HostCredentials;
  /** False: any certificate, and plain HTTP where there is no TLS. */
  readonly tlsVerify?: boolean;
  readonly certificateDirectory?: string;
  readonly limits: HostLimits;
}

/** Who to be; paths are whole. No secret is in here but the password of skopeo's files. */
export type HostCredentials =
  | { readonly kind: "password-file"; readonly username: string; readonly file: string }
  /** As containers-auth.json(5). */
  | { readonly kind: "auth-file"; readonly file: string }
  /** Kept by whoever runs the mirror, under that name. */
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "password"; readonly username: string; readonly password: string };

const error = (what: string) => ({ error: `expected ${what}` });
const positive = (what: string) => z.number(error(what)).positive(error(what));

/** `hosts.NAME:` of a specification. */
export const hostSettings = z
  .strictObject({
    username: z.string().min(1, error("a user's name")).optional(),
    passwordFile: filePath().optional(),
    /** In the form of containers-auth.json(5). */
    authFile: filePath().optional(),
    /** The name of credentials that are kept elsewhere: in a server's settings. */
    credentials: z.string().min(1, error("the name of credentials")).optional(),
    tlsVerify: z.boolean().optional(),
    certDir: filePath().optional(),
    limits: z
      .strictObject({
        requestsPerSecond: positive("requests a second, such as 10").optional(),
        bytesPerSecond: size()
          .refine((bytes) => bytes > 0, error("a size such as 50MB"))
          .optional(),
        slots: z
          .int(error("a whole number from 1 on"))
          .min(1, error("a whole number from 1 on"))
          .optional(),
        keptPulls: z.int(error("a whole number")).min(0, error("a whole number")).optional(),
      })
      .optional(),
  })
  .refine((host) => (host.username === undefined) === (host.passwordFile === undefined), {
    path: ["passwordFile"],
    error: "expected a user's name and the file with the password together",
  })
  .refine(
    (host) =>
      [host.username, host.authFile, host.credentials].filter((each) => each !== undefined).length <
      2,
    { error: "expected one of username, auth-file and credentials" },
  );

/** As others see it. */
export function hostOf(settings: z.output<typeof hostSettings>): HostSettings {
  const { tlsVerify, certDir, limits = {} } = settings;
  const credentials = credentialsOf(settings);
  return {
    ...(credentials && { credentials }),
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(certDir !== undefined && { certificateDirectory: certDir }),
    limits: withoutUndefined(limits),
  };
}

function credentialsOf({
  username,
  passwordFile,
  authFile,
  credentials,
}: z.output<typeof hostSettings>): HostCredentials | undefined {
  if (username !== undefined && passwordFile !== undefined)
    return { kind: "password-file", username, file: passwordFile };
  if (authFile !== undefined) return { kind: "auth-file", file: authFile };
  return credentials === undefined ? undefined : { kind: "named", name: credentials };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(members: T): Given<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}
