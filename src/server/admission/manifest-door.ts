import { algorithmOf, type Digest } from "../../core/digest.ts";
import type { RawManifest } from "../../core/manifest.ts";
import { isIndexType } from "../../core/media-type.ts";
import type { Decision } from "../admission.ts";
import type { ServerCall } from "../caller.ts";
import { type ServedRepository, servedName } from "../repository-name.ts";
import { signedDigest } from "../signed-digest.ts";
import type { ManifestReference } from "../v2/backend.ts";
import type { About, Answers } from "./answers.ts";
import type { Block, BlockList } from "./block-list.ts";
import type { BlockSearch } from "./block-search.ts";
import { namesOfManifest } from "./content-names.ts";
import { embeddedManifests, embedsContent } from "./embedded-content.ts";
import { type Asked, type JudgingParts, judgeCached } from "./judge-cached.ts";
import type { Judgement } from "./judgement.ts";
import type { KnownManifests, SeenManifest } from "./known-manifests.ts";
import type { LivePolicy } from "./live-policy.ts";
import { namesOf, shapeIfAny } from "./manifest-shape.ts";
import type { PolicySnapshot } from "./policy-snapshot.ts";
import type { AdmissionScope } from "./settings.ts";
import type { TagMemory } from "./tag-memory.ts";

/** What both doors stand on. */
export interface DoorParts {
  readonly judging: JudgingParts | undefined;
  readonly policy: LivePolicy | undefined;
  readonly scopeOf: (name: string) => AdmissionScope;
  readonly blocks: BlockList;
  readonly search: BlockSearch;
  readonly known: KnownManifests;
  readonly tags: TagMemory;
  readonly answers: Answers;
}

/** Of an index with more instances none is looked at: it is taken for one that has a good one. */
const mostAsked = 100;

/** A manifest that wants to leave. */
interface Leaving {
  readonly repository: ServedRepository;
  readonly reference: ManifestReference;
  readonly manifest: RawManifest;
  readonly call: ServerCall;
}

/** The door that manifests leave by. */
export class ManifestDoor {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** Decides on these very bytes; nothing is looked up by the tag again. */
  async admit(leaving: Leaving): Promise<Decision> {
    const { answers } = this.#parts;
    const about = this.#about(leaving);
    const block = await this.blockAgainst(leaving);
    if (block) {
      this.#remember(leaving, false); // what it names does not leave either, though it be deleted here
      return answers.blocked(about, block);
    }
    if (about.scope.mode === "off") {
      this.#remember(leaving, false);
      return { allowed: true };
    }
    const decision = await this.#judge(leaving, about);
    const late = await this.blockAgainst(leaving); // made while it was judged
    return late ? answers.blocked(about, late) : decision;
  }

  async #judge(leaving: Leaving, about: About): Promise<Decision> {
    const { answers, judging, policy } = this.#parts;
    const now = policy?.current;
    if (!judging || now?.state !== "ready") return held(leaving, answers.noPolicy(about));
    const judgement = await this.#judgement(judging, leaving, about.scope, now.snapshot);
    // A policy that has changed meanwhile is asked, not the one that was.
    if (policy?.current !== now) return await this.#judge(leaving, about);
    const decision = answers.ofJudgement(about, judgement, now.snapshot.policyHash);
    this.#note(leaving, about.scope, judgement);
    if (judgement.outcome !== "admitted") {
      const late = await this.#alsoByDigest(leaving, about, decision);
      return embedsContent(leaving.manifest) ? atOnce(late) : late;
    }
    const isHeld = about.scope.noRollback && !judgement.isAttachment;
    const why = isHeld ? this.#goesBack(leaving, judgement) : undefined;
    if (why === undefined) return decision;
    return held(leaving, answers.rollback(about, why));
  }

  async #judgement(
    judging: JudgingParts,
    leaving: Leaving,
    scope: AdmissionScope,
    snapshot: PolicySnapshot,
  ): Promise<Judgement> {
    const { repository, reference, manifest, call } = leaving;
    const asked: Asked = {
      repository,
      reference,
      what: { type: "manifest", manifest },
      scope,
      call,
    };
    const judgement = await judgeCached(judging, asked, snapshot);
    const isByDigest = reference.type === "digest" && scope.instances === "all";
    if (judgement.outcome !== "refused" || !isByDigest) return judgement;
    for (const tag of this.#parts.known.tagsOf(servedName(repository), manifest.digest)) {
      if (tag === "") continue;
      const named = { ...asked, reference: { type: "tag", tag } as const };
      const other = await judgeCached(judging, named, snapshot);
      if (other.outcome === "admitted") return other;
    }
    return judgement;
  }

  /** Of a tag that is refused, whether its digest is, too. */
  async #alsoByDigest(leaving: Leaving, about: About, decision: Decision): Promise<Decision> {
    if (decision.allowed || leaving.reference.type === "digest") return decision;
    const { digest } = leaving.manifest;
    const byDigest: Leaving = { ...leaving, reference: { type: "digest", digest } };
    const { judging, policy } = this.#parts;
    const now = policy?.current;
    if (!judging || now?.state !== "ready") return held(leaving, decision);
    const { outcome } = await this.#judgement(judging, byDigest, about.scope, now.snapshot);
    if (outcome !== "refused") return held(leaving, decision);
    const isLate = about.scope.refuseAt === "blob";
    return isLate && (await this.#hasGoodInstance(judging, leaving, about.scope, now.snapshot))
      ? atOnce(decision)
      : decision;
  }

  /** Whether one instance of an index that is refused would get its blobs, being asked for by its digest. */
  async #hasGoodInstance(
    judging: JudgingParts,
    { repository, manifest, call }: Leaving,
    scope: AdmissionScope,
    snapshot: PolicySnapshot,
  ): Promise<boolean> {
    const shape = shapeIfAny(manifest);
    if (shape?.type !== "index") return false;
    if (shape.index.instances.length > mostAsked) return true;
    for (const { digest, mediaType } of shape.index.instances) {
      // By its digest alone it cannot be told what is in it, nor what it is signed by.
      if (isIndexType(mediaType) || algorithmOf(digest) !== "sha256") return true;
      const what = { type: "digest", digest, signed: digest } as const;
      const asked: Asked = { repository, reference: what, what, scope, call };
      const { outcome } = await judgeCached(judging, asked, snapshot);
      if (outcome !== "refused") return true;
    }
    return false;
  }

  #about({ repository, reference, manifest }: Leaving): About {
    const asked = reference.type === "tag" ? `:${reference.tag}` : `@${reference.digest}`;
    const scope = this.#parts.scopeOf(servedName(repository));
    return { repository, scope, asked, digest: manifest.digest };
  }

  /** What is blocked itself, or names something that is. */
  async blockAgainst({
    repository,
    manifest,
    call,
  }: Omit<Leaving, "reference">): Promise<Block | undefined> {
    const { blocks, search } = this.#parts;
    if (blocks.isEmpty) return undefined;
    const own = await search.ofManifest(repository, manifest, call);
    const named = () => this.#blockOf(namesOf(manifest));
    return own ?? named() ?? this.#blockInside(manifest);
  }

  /** What is in it needs not be asked for. */
  #blockInside(manifest: RawManifest): Block | undefined {
    for (const inner of embeddedManifests(manifest)) {
      const block = this.#blockOf([...namesOfManifest(inner), ...namesOf(inner)]);
      if (block) return block;
    }
    return undefined;
  }

  #blockOf(digests: readonly Digest[]): Block | undefined {
    return digests.map((digest) => this.#parts.blocks.ofDigest(digest)).find(Boolean);
  }

  #note(leaving: Leaving, scope: AdmissionScope, judgement: Judgement): void {
    const isAdmitted = judgement.outcome === "admitted";
    if (!isAdmitted && scope.refuseAt === "manifest" && scope.mode === "enforce") return;
    this.#remember(leaving, judgement.isAttachment);
    if (!isAdmitted) return;
    const { repository, reference, manifest } = leaving;
    const name = servedName(repository);
    const tag = reference.type === "tag" ? reference.tag : "";
    this.#parts.known.admitted(name, manifest.digest, tag);
    for (const { digest } of judgement.images) {
      this.#parts.known.admitted(name, digest as Digest, tag);
    }
  }

  #remember({ repository, manifest }: Leaving, isAttachment: boolean): void {
    const as = isAttachment ? "attachment" : "image";
    this.#parts.known.remember(servedName(repository), manifest.digest, as, () =>
      seen(manifest, isAttachment),
    );
  }

  #goesBack({ repository, reference }: Leaving, { images }: Judgement): string | undefined {
    if (reference.type !== "tag") return undefined;
    return this.#parts.tags.serve(servedName(repository), reference.tag, images);
  }
}

/** Of a tag that its digest may come through: nobody may be told the digest. */
function held({ reference }: Leaving, decision: Decision): Decision {
  return decision.allowed || reference.type === "digest"
    ? decision
    : { ...atOnce(decision), tagOnly: true };
}

/** A refusal that is not put off to the blobs, which would leave. */
function atOnce<D extends Decision>(decision: D): D {
  return decision.allowed ? decision : { ...decision, at: "manifest" };
}

function seen(manifest: RawManifest, isAttachment: boolean): SeenManifest | undefined {
  const shape = shapeIfAny(manifest);
  if (!shape) return undefined;
  const type = isAttachment ? "attachment" : shape.type;
  return { signed: signedDigest(manifest), type, names: shape.names };
}
