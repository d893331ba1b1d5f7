import { dirname, join } from "node:path";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import { loadEnvironment } from "../../config/load-environment.ts";
import { createAccess } from "../../server/access/create-access.ts";
import { type LivePolicy, openLivePolicy } from "../../server/admission/live-policy.ts";
import { openAuditLog } from "../../server/audit/open-audit-log.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { SigningError } from "../../server/signing/errors.ts";
import type { SigningSettings } from "../../server/signing/settings.ts";
import { type SigningOffice, signByRules } from "../../server/signing/sign-by-rules.ts";
import { startSignerServer } from "../../server/signing/signer-server.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import { createKeyRing } from "./open-signing-key.ts";
import { policyPlaces } from "./policy-places.ts";
import { createServerLog } from "./server-log.ts";
import { asStartFailure } from "./start-failure.ts";

/** What the command line says of the signer. */
export interface SignerFlags {
  readonly socket?: string;
  readonly log?: string;
  readonly untilStdinEnds: boolean;
}

/** Where the signer of a server that starts its own listens. */
export function signerSocket({ data }: Pick<ServerSettings, "data">): string {
  return join(data, "signer", "socket");
}

/** Holds the keys and signs, until told to end. */
export async function runSigner(
  context: CommandContext,
  settings: ServerSettings,
  signing: SigningSettings,
  flags: SignerFlags,
): Promise<void> {
  const report = createServerLog(settings.log, context.terminal);
  const socket = flags.socket ?? signing.signer.socket ?? signerSocket(settings);
  await using stack = new AsyncDisposableStack();
  const file = flags.log ?? join(dirname(socket), "signed.jsonl");
  // What was signed waits for its line.
  const limits = { maxBytes: 64 * 1024 * 1024, keep: 0, gatherMs: 1 };
  const audit = stack.use(
    await openAuditLog({ file, ...limits, now: Date.now, report }).catch((error: unknown) => {
      throw asStartFailure(error, dirname(file));
    }),
  );
  const keys = stack.use(createKeyRing(signing, context));
  // What cannot be used is told now.
  for (const name of usedKeys(signing))
    await withPrefix(`signing.keys.${name}`, () => keys.signer(name));
  const office: SigningOffice = {
    settings: signing,
    signer: (name) => keys.signer(name),
    gate: gateOf(settings, signing, report, stack),
    userOf: userOf(settings, report, stack),
    audit,
  };
  const server = stack.use(
    await startSignerServer({
      socket,
      sign: (request, signal) => signByRules(request, office, signal),
      report,
    }),
  );
  report({ type: "message", level: "info", text: "signer listening", fields: { socket } });
  await ended(context.signal, flags.untilStdinEnds);
  await server[Symbol.asyncDispose]();
}

function usedKeys({ rules, bridge }: SigningSettings): ReadonlySet<string> {
  return new Set([...rules, ...bridge].flatMap(({ keys }) => keys));
}

/** Opened when a rule first asks; it follows its files as the server's does. */
function gateOf(
  settings: ServerSettings,
  signing: SigningSettings,
  report: Report,
  stack: AsyncDisposableStack,
): SigningOffice["gate"] {
  let live: LivePolicy | undefined;
  return async () => {
    if (!live) {
      const named = signing.policy === undefined ? settings.admission : signing;
      live = stack.use(
        openLivePolicy({
          ...policyPlaces(loadEnvironment(), named ?? {}),
          verifiers: createVerifiers({ now: () => new Date() }),
          requireSigned: true,
          report,
        }),
      );
    }
    const { current } = live;
    if (current.state === "ready") return current.snapshot.gate;
    throw new SigningError("signing.refused", `the policy cannot be used: ${current.message}`);
  };
}

/** Passwords are checked here once more: the server's word on them is not taken. */
function userOf(
  settings: ServerSettings,
  report: Report,
  stack: AsyncDisposableStack,
): SigningOffice["userOf"] {
  const { access, name, data } = settings;
  if (!access) return async () => undefined;
  const { tokens: _, ...passwords } = access;
  const configured = stack.use(
    createAccess(passwords, { name, data, perUser: 0, perAddress: 0, now: Date.now, report }),
  );
  return async (authorization) => {
    try {
      const credentials = { headers: { authorization }, address: "signer" };
      return (await configured.access.identify(credentials)).user;
    } catch {
      return undefined;
    }
  };
}

function ended(signal: AbortSignal, untilStdinEnds: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!untilStdinEnds) return;
    process.stdin.on("end", () => resolve()).on("error", () => resolve());
    process.stdin.resume();
  });
}
