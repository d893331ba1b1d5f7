import type { Decision } from "../admission.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { Report } from "../server-event.ts";
import type { Block } from "./block-list.ts";
import { type DecisionLog, type KeptDecision, newDecisionId } from "./decision-log.ts";
import type { Judgement } from "./judgement.ts";
import { clientReason, type Discretion } from "./reason.ts";
import type { AdmissionScope } from "./settings.ts";

/** What an answer is about. */
export interface About {
  readonly repository: ServedRepository;
  readonly scope: AdmissionScope;
  /** As it was asked for: `:tag`, `@sha256:…`. */
  readonly asked: string;
  readonly digest: string;
}

/** Makes decisions of judgements, and of what is refused without one; counts them. */
export interface Answers {
  ofJudgement(about: About, judgement: Judgement, policy: string): Decision;
  /** Beats every accept, also under `audit` and `off`. */
  blocked(about: About, block: Block): Decision;
  rollback(about: About, why: string): Decision;
  /** A blob that no admitted manifest names. */
  strayBlob(about: About): Decision;
  /** There is no policy that could decide. */
  noPolicy(about: About): Decision;
}

/** What {@link Answers} need. */
export interface AnswerParts {
  readonly log: DecisionLog;
  readonly now: () => number;
  readonly report: Report;
  readonly discretion: Discretion;
}

/** The same refusal is explained once in so long. */
const sameForMs = 60_000;
const maxSame = 10_000;

type Refusal = Pick<KeptDecision, "kind" | "outcome"> & { readonly text: string };

/** @returns answers that heed the scope's mode */
export function createAnswers(parts: AnswerParts): Answers {
  const idOf = createRefusalLog(parts);
  const tell = (scope: AdmissionScope, allowed: boolean, reason: string) =>
    parts.report({ type: "decision", scope: scope.pattern, allowed, reason });
  const refuse = (about: About, refusal: Refusal, word: string): Decision => {
    const reason = clientReason(refusal.text, parts.discretion);
    const id = idOf(about, refusal, reason);
    tell(about.scope, false, word);
    if (about.scope.mode === "audit" && refusal.kind !== "blocked") return { allowed: true, id };
    const status = refusal.outcome === "undecided" ? 503 : 403;
    if (refusal.kind !== "blocked")
      return { allowed: false, id, status, reason, at: about.scope.refuseAt };
    return { allowed: false, id, status, reason, at: "manifest", blocked: true };
  };
  return {
    ofJudgement({ scope }, { id, outcome, reason, isAttachment }, policy) {
      const allowed = outcome === "admitted";
      tell(scope, allowed, isAttachment ? "attachment" : outcome);
      if (allowed || scope.mode === "audit") return { allowed: true, id, policy };
      const status = outcome === "undecided" ? 503 : 403;
      return { allowed: false, id, status, reason, at: scope.refuseAt, policy };
    },
    blocked: (about, { reason }) =>
      refuse(about, { kind: "blocked", outcome: "refused", text: `blocked: ${reason}` }, "blocked"),
    rollback: (about, text) =>
      refuse(about, { kind: "rollback", outcome: "refused", text }, "rollback"),
    strayBlob(about) {
      const text = `No admitted image of ${servedName(about.repository)} has ${about.digest}`;
      return refuse(about, { kind: "blob", outcome: "refused", text }, "stray");
    },
    noPolicy(about) {
      const text = "the trust policy cannot be used now, so nothing can be decided";
      return refuse(about, { kind: "manifest", outcome: "undecided", text }, "no-policy");
    },
  };
}

/** Keeps refusals that no policy made, each once in a while, and gives the id under which it is explained. */
function createRefusalLog({
  log,
  now,
}: AnswerParts): (about: About, refusal: Refusal, reason: string) => string {
  const same = new Map<string, { readonly id: string; readonly until: number }>();
  return ({ repository, scope, asked, digest }, { kind, outcome, text }, reason) => {
    const name = servedName(repository);
    const key = `${name}${asked}\0${digest}\0${kind}\0${text}`;
    const known = same.get(key);
    if (known && now() < known.until) return known.id;
    if (same.size >= maxSame) same.clear();
    const id = newDecisionId();
    same.set(key, { id, until: now() + sameForMs });
    log.keep({
      id,
      at: new Date(now()).toISOString(),
      kind,
      outcome,
      mode: scope.mode,
      scope: scope.pattern,
      repository: name,
      served: repository,
      image: `docker://${name}${asked}`,
      digest,
      reason,
      images: [],
    });
    return id;
  };
}
