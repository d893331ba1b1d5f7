import { join } from "node:path";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import type { Access } from "../../server/access.ts";
import type { AuditLog } from "../../server/audit.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { Face } from "../../server/shell/faces.ts";
import { AnswerFiles } from "../../server/signatures/answer-files.ts";
import {
  createServedSignatures,
  type SignaturesService,
} from "../../server/signatures/create-served-signatures.ts";
import { describeFace } from "../../server/signatures/describe-face.ts";
import { reportTo } from "../../server/signatures/events.ts";
import { lookasideFace } from "../../server/signatures/lookaside-face.ts";
import { signaturesApiFace } from "../../server/signatures/signatures-api-face.ts";
import { watchAttachments } from "../../server/signatures/watch-attachments.ts";
import type { V2Parts } from "../../server/v2/parts.ts";
import { assembleOrigins } from "./assemble-origins.ts";
import type { AssembledBackends, AssemblyBase } from "./assemble-server.ts";
import type { FaceName } from "./face-names.ts";

/** What signatures are joined with. */
export interface SignaturesContext extends AssembledBackends {
  readonly route: V2Parts["route"];
  readonly access: Access;
  readonly audit: AuditLog | undefined;
  readonly only: FaceName | undefined;
}

/** The store of signatures, its faces, and the backends as they are to be used from now on. */
export interface AssembledSignatures {
  readonly signatures: SignaturesService;
  readonly faces: readonly Face[];
  readonly backendOf: AssembledBackends["backendOf"];
}

/** The one store of signatures, and its faces. */
export function assembleSignatures(
  base: AssemblyBase,
  context: SignaturesContext,
  opened: AsyncDisposableStack,
): AssembledSignatures {
  const { settings, report, now } = base;
  const { freshFor, heldFor, answerWithin } = settings.signatures;
  const signatures = createServedSignatures({
    folder: join(settings.data, "signatures"),
    now,
    memory: rememberAnswers(settings, now()),
    openOrigins: assembleOrigins(base, context, opened),
    freshForMs: freshFor,
    heldForMs: heldFor,
    timeoutMs: answerWithin,
    report: reportTo(report),
  });
  const own = watchAttachments(context.store, signatures.touched);
  return {
    signatures,
    faces: facesOf(base, context, signatures),
    backendOf: (repository) =>
      repository.upstream === undefined ? own : context.backendOf(repository),
  };
}

function facesOf(
  { settings, report }: AssemblyBase,
  { route, access, audit, only }: SignaturesContext,
  signatures: SignaturesService,
): readonly Face[] {
  const { describe } = createVerifiers({ now: () => new Date() });
  const domain = settings.name;
  const parts = { signatures, domain, route, access, report, ...(audit && { audit }) };
  const lookaside = (base: string) =>
    lookasideFace({ ...parts, base, open: settings.signatures.publicLookaside });
  const api = signaturesApiFace(parts);
  if (only === "registry") return [api];
  const faces = [lookaside("/sigstore"), api, describeFace({ ...parts, describe })];
  return only === "signatures" ? [...faces, lookaside("")] : faces;
}

/** Those that nobody has renewed for this long are given up. */
const answersForMs = 90 * 86_400_000;

function rememberAnswers({ data, signatures }: ServerSettings, now: number): AnswerFiles {
  const memory = new AnswerFiles(join(data, "signatures-of-others"));
  void memory.prune(now - Math.max(signatures.heldFor, answersForMs));
  return memory;
}
