import * as z from "zod";
import type { Access, Credentials } from "../access.ts";
import type { Caller, ServerCall } from "../caller.ts";
import type { ServedRepository } from "../repository-name.ts";
import { credentialsOf } from "../shell/credentials-of.ts";
import type { Face } from "../shell/faces.ts";
import { RegistryAnswerError } from "../v2/answer-error.ts";
import type { HeldManifest, ManifestReference } from "../v2/backend.ts";
import { isRepositoryPath } from "../v2/names.ts";
import { nameForRights, refusalOf } from "../v2/rights.ts";
import { asAnswer, type PushSigningParts, signAndKeep } from "./push-signing.ts";
import { rulesFor } from "./rules.ts";

/** What the face is made of. */
export interface SignFaceParts extends PushSigningParts {
  readonly access: Access;
  /** Whose repository is meant by the path behind `/v2/`. */
  route(path: string): ServedRepository | RegistryAnswerError;
  readManifest(
    repository: ServedRepository,
    reference: ManifestReference,
    call: ServerCall,
  ): Promise<HeldManifest | undefined>;
}

const body = z.strictObject({
  repository: z.string().min(1).max(255),
  tag: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/),
  /** What the tag is expected to stand for: nothing is signed by a name that has moved. */
  digest: z
    .string()
    .regex(/^[a-z0-9]+:[0-9a-f]{64,128}$/)
    .optional(),
  /** Of the keys that the rules name, only this one. */
  key: z.string().min(1).max(128).optional(),
});

const signed = z.strictObject({
  digest: z.string(),
  signatures: z.int(),
  keyIds: z.array(z.string()).meta({ description: "Whose signatures are new" }),
});

/**
 * `POST /api/v1/sign`: has what a tag stands for signed by the rules, as a push of it would. The right to sign there is
 * needed; the key stays where it is.
 */
export function signFace(parts: SignFaceParts): Face {
  return (app) => {
    app.post(
      "/api/v1/sign",
      {
        config: {
          operation: "sign",
          api: {
            summary: "Sign an image by the rules",
            body,
            answers: { 200: { is: "Signed", body: signed } },
          },
        },
      },
      async (request, reply) => {
        const parsed = body.safeParse(request.body);
        if (!parsed.success) throw bad(parsed.error.issues[0]?.message ?? "not understood");
        const gone = new AbortController();
        // The request closes as soon as its body is read: it is the answer that nobody waits for any more.
        reply.raw.on("close", () => gone.abort());
        const { authorization } = request.headers;
        const call = {
          caller: request.caller,
          signal: gone.signal,
          ...(authorization !== undefined && /^basic /i.test(authorization) && { authorization }),
        };
        return await signTag(parts, parsed.data, call, credentialsOf(request.raw));
      },
    );
  };
}

/** A path behind a host, which has a dot or a port, or is this machine. */
const hosted = /^(?:localhost|[A-Za-z0-9[][A-Za-z0-9-]*[.:][A-Za-z0-9.:\]-]*)\/(.*)$/s;

/** Whether it is a repository's name, by itself or behind a host's. */
function isNamed(path: string): boolean {
  const [, behindHost] = hosted.exec(path) ?? [];
  return isRepositoryPath(path) || (behindHost !== undefined && isRepositoryPath(behindHost));
}

async function signTag(
  parts: SignFaceParts,
  { repository: path, tag, digest, key }: z.output<typeof body>,
  call: ServerCall,
  credentials: Credentials,
): Promise<z.output<typeof signed>> {
  // Dots would lead elsewhere at an upstream, which has no say in whose rights were judged.
  if (!isNamed(path))
    throw new RegistryAnswerError("NAME_INVALID", "invalid repository name", { status: 400 });
  const repository = parts.route(path);
  if (repository instanceof RegistryAnswerError) throw repository;
  demandSign(parts, call.caller, repository, credentials);
  const manifest = await parts.readManifest(repository, { type: "tag", tag }, call);
  if (!manifest)
    throw new RegistryAnswerError("MANIFEST_UNKNOWN", "there is no such tag", { status: 404 });
  if (digest !== undefined && digest !== manifest.digest)
    throw new RegistryAnswerError("MANIFEST_INVALID", `${tag} stands for ${manifest.digest}`, {
      status: 409,
    });
  const rules = rulesFor(parts.settings, repository, call.caller.user);
  if (rules.length === 0)
    throw new RegistryAnswerError("DENIED", "no rule has it signed", { status: 403 });
  const readInstance = (instance: HeldManifest["digest"]) =>
    parts.readManifest(repository, { type: "digest", digest: instance }, call);
  const all = rules.some(({ require }) => require === "verified");
  try {
    const wanted = { why: "push", repository, manifest, tags: [tag], readInstance } as const;
    const only = key === undefined ? {} : { keys: [key] };
    const made = await signAndKeep({ ...wanted, ...only }, { ...parts, all }, call);
    const keyIds = [...new Set(made.map(({ keyId }) => keyId))];
    return { digest: manifest.digest, signatures: made.length, keyIds };
  } catch (error) {
    throw asAnswer(error);
  }
}

function byPath({ route }: SignFaceParts): Parameters<typeof nameForRights>[0] {
  return { route: ({ path }) => route(path) };
}

function demandSign(
  parts: SignFaceParts,
  caller: Caller,
  repository: ServedRepository,
  credentials: Credentials,
): void {
  const { access } = parts;
  const name = nameForRights(byPath(parts), repository);
  if (access.allows(caller, name, "sign")) return;
  const challenge = access.challenge(name, ["sign"], credentials);
  const message = "you may not sign there";
  throw refusalOf(access, caller, { name, action: "sign", challenge, message });
}

function bad(message: string): RegistryAnswerError {
  return new RegistryAnswerError("UNSUPPORTED", message, { status: 400 });
}
