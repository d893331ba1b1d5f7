import type { Digest } from "../../core/digest.ts";
import type { Decision } from "../admission.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import type { ManifestReference } from "../v2/backend.ts";
import type { About } from "./answers.ts";
import { type Asked, type JudgingParts, judgeCached } from "./judge-cached.ts";
import type { Judgement } from "./judgement.ts";
import type { KnownManifest } from "./known-manifests.ts";
import type { DoorParts } from "./manifest-door.ts";
import type { PolicySnapshot } from "./policy-snapshot.ts";

/** A blob that wants to leave. */
interface Leaving {
  readonly repository: ServedRepository;
  readonly digest: Digest;
  readonly call: ServerCall;
}

/** By which manifest, asked for in which way, a blob was let go last. */
interface Passport {
  readonly parent: KnownManifest;
  readonly reference: ManifestReference;
}

const maxPassports = 20_000;

/** The door that blobs leave by, where manifests alone are not trusted to be asked for. */
export class BlobDoor {
  readonly #parts: DoorParts;
  readonly #passports = new Map<string, Passport>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Undefined where blobs are not judged. A blob leaves if an image that is admitted now has it. */
  async admit(leaving: Leaving): Promise<Decision | undefined> {
    const { answers, blocks, search, scopeOf } = this.#parts;
    const name = servedName(leaving.repository);
    const scope = scopeOf(name);
    const { digest, repository, call } = leaving;
    const about: About = { repository, scope, asked: `@${digest}`, digest };
    const block = blocks.isEmpty ? undefined : await search.ofBlob(repository, digest, call);
    if (block) return answers.blocked(about, block);
    if (scope.mode === "off" || !scope.strictBlobs) return undefined;
    return await this.#judge(leaving, about);
  }

  async #judge(leaving: Leaving, about: About): Promise<Decision> {
    const { answers, judging, policy, known } = this.#parts;
    const now = policy?.current;
    if (!judging || now?.state !== "ready") return answers.noPolicy(about);
    const key = `${servedName(leaving.repository)}\0${leaving.digest}`;
    const passport = this.#passports.get(key);
    const parents = passport ? [passport] : [];
    const all = () => known.naming(servedName(leaving.repository), leaving.digest).flatMap(waysTo);
    const first = await this.#firstGood(judging, leaving, about, now.snapshot, parents);
    const found =
      first?.outcome === "admitted"
        ? first
        : await this.#firstGood(judging, leaving, about, now.snapshot, all());
    // A policy that has changed meanwhile is asked, not the one that was.
    if (policy?.current !== now) return await this.#judge(leaving, about);
    if (!found) return answers.strayBlob(about);
    return found === attachment
      ? { allowed: true, policy: now.snapshot.policyHash }
      : answers.ofJudgement(about, found, now.snapshot.policyHash);
  }

  /** The first judgement that admits; else the first of all, which says why not. */
  async #firstGood(
    judging: JudgingParts,
    leaving: Leaving,
    about: About,
    snapshot: PolicySnapshot,
    ways: readonly Passport[],
  ): Promise<Judgement | undefined> {
    const name = servedName(leaving.repository);
    let bad: Judgement | undefined;
    for (const way of ways) {
      if (this.#parts.blocks.find(name, way.parent.digest)) continue;
      const judgement = await this.#judgeParent(judging, leaving, about, snapshot, way);
      if (judgement.outcome === "admitted") {
        this.#keep(`${name}\0${leaving.digest}`, way);
        return judgement;
      }
      bad ??= judgement;
    }
    return bad;
  }

  async #judgeParent(
    judging: JudgingParts,
    { repository, call }: Leaving,
    { scope }: About,
    snapshot: PolicySnapshot,
    { parent, reference }: Passport,
  ): Promise<Judgement> {
    if (parent.type === "attachment") return attachment;
    const what = { type: "digest", digest: parent.digest, signed: parent.signed } as const;
    const asked: Asked = { repository, reference, what, scope, call };
    return await judgeCached(judging, asked, snapshot);
  }

  #keep(key: string, way: Passport): void {
    if (this.#passports.size >= maxPassports) this.#passports.clear();
    this.#passports.set(key, way);
  }
}

/** An attachment is no image under any policy. */
const attachment: Judgement = {
  id: "",
  outcome: "admitted",
  reason: "",
  until: 0,
  policyKey: "",
  rests: [],
  images: [],
  isAttachment: true,
};

/** By digest, and by each tag it was admitted under. An index has no blobs. */
function waysTo(parent: KnownManifest): readonly Passport[] {
  if (parent.type === "index") return [];
  const tags = parent.admittedAs.filter((tag) => tag !== "");
  return [
    ...tags.map((tag) => ({ parent, reference: { type: "tag", tag } as const })),
    { parent, reference: { type: "digest", digest: parent.digest } as const },
  ];
}
