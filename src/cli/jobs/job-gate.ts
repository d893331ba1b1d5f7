import { PolicyError } from "../../../policy/errors.ts";
import { createGate, type Gate } from "../../../policy/gate.ts";
import { acceptAnything } from "../../../policy/policy.ts";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import type { Environment } from "../../config/environment.ts";
import { ConfigError } from "../../config/errors.ts";
import { findRegistriesD } from "../../config/load-registries-d.ts";
import { type LivePolicy, openLivePolicy } from "../../server/admission/live-policy.ts";
import type { PolicyPlaces } from "../../server/admission/policy-snapshot.ts";
import type { Report } from "../../server/server-event.ts";
import type { ServerSettings } from "../../server/settings.ts";
import type { CommandContext } from "../context.ts";
import { policyPlaces } from "../serve/policy-places.ts";

/** The trust policy as it is now. */
export interface JobGate extends Disposable {
  /** @throws {PolicyError} `policy.invalid`, retryable: it may have been saved half */
  now(): Gate;
}

/** What the gate of jobs is made of. */
export interface JobGateParts {
  readonly settings: Pick<ServerSettings, "admission">;
  readonly environment: Environment;
  readonly context: Pick<CommandContext, "settings">;
  readonly report: Report;
}

/**
 * The gate that jobs are judged by: the policy of the section `admission`, else this machine's. Where there is neither,
 * nothing is judged, as the server judges nothing then.
 *
 * @throws {KnownError} where the policy cannot be used to begin with
 */
export function openJobGate(parts: JobGateParts): JobGate {
  const verifiers = createVerifiers({ now: () => new Date() });
  const { requireSigned, registriesDirectory } = parts.context.settings;
  const places = placesOf(parts);
  if (!places) {
    const gate = createGate(acceptAnything, { requireSigned, verifiers, readKeyFile: noKeyFile });
    return { now: () => gate, [Symbol.dispose]() {} };
  }
  const live = openLivePolicy({
    ...places,
    signaturePlaces: [findRegistriesD(parts.environment, registriesDirectory)],
    verifiers,
    requireSigned,
    report: parts.report,
  });
  return { now: () => gateOf(live), [Symbol.dispose]: () => live[Symbol.dispose]() };
}

function placesOf({ settings, environment, context }: JobGateParts): PolicyPlaces | undefined {
  const { policy = context.settings.policyPath, overlay } = settings.admission ?? {};
  try {
    return policyPlaces(environment, { policy, overlay });
  } catch (error) {
    const isNone = error instanceof ConfigError && error.code === "config.not-found";
    if (isNone && !settings.admission && policy === undefined) return undefined;
    throw error;
  }
}

function gateOf({ current }: LivePolicy): Gate {
  if (current.state === "ready") return current.snapshot.gate;
  throw new PolicyError("policy.invalid", `the policy cannot be used: ${current.message}`, {
    retryable: true,
  });
}

async function noKeyFile(): Promise<Uint8Array> {
  throw new Error("a policy without requirements names no keys");
}
