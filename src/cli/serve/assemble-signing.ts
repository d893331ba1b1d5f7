import type { Access } from "../../server/access.ts";
import type { Admission } from "../../server/admission.ts";
import type { PushSigning } from "../../server/push-signing.ts";
import type { ServedSignatures } from "../../server/served-signatures.ts";
import type { Face } from "../../server/shell/faces.ts";
import { withBridge } from "../../server/signing/bridge.ts";
import { createPushSigning } from "../../server/signing/push-signing.ts";
import { signFace } from "../../server/signing/sign-face.ts";
import { createSignerClient } from "../../server/signing/signer-client.ts";
import { startSignerProcess } from "../../server/signing/signer-process.ts";
import type { V2Parts } from "../../server/v2/parts.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";
import { signerSocket } from "./run-signer.ts";

/** What signing is joined with. */
export interface SigningContext extends AssembledBackends {
  readonly route: V2Parts["route"];
  readonly access: Access;
  readonly admission: Admission;
  readonly signatures: ServedSignatures;
}

/** What signing gives to the server. */
export interface AssembledSigning {
  readonly signing?: PushSigning;
  readonly admission: Admission;
  readonly faces: readonly Face[];
}

/**
 * Signing by the section of that name: through the signer that it names, or through one that is started here.
 *
 * @throws {SigningError} `signing.signer-unreachable`
 */
export async function assembleSigning(
  base: AssemblyBase,
  { backendOf, route, access, admission, signatures }: SigningContext,
  opened: AsyncDisposableStack,
): Promise<AssembledSigning> {
  const { settings, report, now } = base;
  const { signing } = settings;
  if (!signing) return { admission, faces: [] };
  const socket = signing.signer.socket ?? signerSocket(settings);
  if (signing.signer.socket === undefined) opened.use(await startOwnSigner(base, socket));
  const parts = { settings: signing, signer: createSignerClient(socket), signatures };
  const readManifest: Parameters<typeof signFace>[0]["readManifest"] = (
    repository,
    reference,
    call,
  ) => backendOf(repository).readManifest(repository, reference, call);
  return {
    signing: createPushSigning(parts),
    admission: withBridge(admission, {
      ...parts,
      now,
      report,
      readManifest: (repository, digest, call) =>
        readManifest(repository, { type: "digest", digest }, call),
    }),
    faces: [
      signFace({
        ...parts,
        access,
        readManifest,
        route: (path) => route({ path, namespace: undefined, host: undefined }),
      }),
    ],
  };
}

/** The same program, with the same configuration. */
async function startOwnSigner(
  { settings, environment, context, report }: AssemblyBase,
  socket: string,
): Promise<AsyncDisposable> {
  const { execPath, execArgv, argv } = process;
  const configFile = context.flags.optionalString("config") || undefined;
  const { uid, gid } = settings.signing?.signer ?? {};
  return await startSignerProcess({
    command: [
      execPath,
      ...execArgv,
      argv[1] ?? "",
      "signer",
      ...(configFile === undefined ? [] : ["--config", configFile]),
      "--data",
      settings.data,
      "--socket",
      socket,
      "--until-stdin-ends",
    ],
    env: environment.variables,
    socket,
    uid,
    gid,
    report,
  });
}
