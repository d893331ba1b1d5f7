import type { Job } from "../../../jobs/job.ts";
import { api, type MirrorRow } from "./api.ts";
import { h } from "./dom.ts";
import { imageName } from "./format.ts";
import { followJobs } from "./live.ts";
import { action, emptyNote, jobNumbers, stateBadge, timeText } from "./parts.ts";
import type { MakeView } from "./view.ts";

/** The mirrors of the settings: when they run, how the last run went, and a button for one more. */
export const mirrorsView: MakeView = async ({ go }) => {
  const list = new MirrorList(await api.mirrors(), go);
  return {
    title: "Mirrors",
    element: h("section", {}, h("h1", { tabindex: "-1" }, "Mirrors"), list.element),
    end: followJobs(
      (job) => list.note(job),
      () => list.look(),
    ),
  };
};

/** Mirrors as cards, each with its last run as that goes on. */
export class MirrorList {
  readonly element: HTMLElement;
  readonly #cards = new Map<string, MirrorCard>();

  constructor(mirrors: readonly MirrorRow[], go: (where: string) => void) {
    for (const mirror of mirrors) this.#cards.set(mirror.name, new MirrorCard(mirror, go));
    const cards = [...this.#cards.values()];
    this.element =
      cards.length === 0
        ? emptyNote(
            "No mirrors yet: name one under ",
            h("code", {}, "mirrors:"),
            " in the server's settings.",
          )
        : h("ul", { class: "cards" }, ...cards.map(({ element }) => h("li", {}, element)));
  }

  /** A job has changed, which may be a run of one of these: then it is the last, or it is not known when the next will be. */
  note(job: Job): void {
    const { request } = job;
    if (request.kind !== "sync" || typeof request.mirror !== "string") return;
    const isNew = this.#cards.get(request.mirror)?.note(job) ?? false;
    if (isNew) this.look().catch(() => {}); // shown when it changes again
  }

  /** Asks how all of them are. */
  async look(): Promise<void> {
    for (const mirror of await api.mirrors()) this.#cards.get(mirror.name)?.renew(mirror);
  }
}

class MirrorCard {
  readonly element: HTMLElement;
  readonly #when = h("p", { class: "when" });
  readonly #last = h("p");
  #mirror: MirrorRow;

  constructor(mirror: MirrorRow, go: (where: string) => void) {
    const { name, rules } = mirror;
    this.#mirror = mirror;
    const run = (dryRun: boolean) => async () =>
      go(`job/${(await api.runMirror(name, dryRun)).id}`);
    this.element = h(
      "article",
      { class: "card", "aria-label": `Mirror ${name}` },
      h("h2", {}, name),
      ...rules.map(({ from, to }) =>
        h(
          "p",
          { class: "rule" },
          h("span", { class: "name" }, imageName(from)),
          ` → ${imageName(to)}`,
        ),
      ),
      this.#when,
      this.#last,
      h(
        "div",
        { class: "actions" },
        action("Run now", "primary", run(false)),
        action("Dry run", "plain", run(true)),
      ),
    );
    this.draw(mirror);
  }

  /** Gives whether it is another run than the last that was known. */
  note(job: Job): boolean {
    const { lastJob } = this.#mirror;
    if (lastJob && lastJob.id > job.id) return false; // ids sort by time
    this.draw({ ...this.#mirror, lastJob: job });
    return lastJob?.id !== job.id;
  }

  /** What was told meanwhile of a run that has begun or ended is newer. */
  renew(mirror: MirrorRow): void {
    const { lastJob: known } = this.#mirror;
    const { id = "" } = mirror.lastJob ?? {};
    const isNewer = known && (known.id > id || (known.id === id && known.endedAt !== undefined));
    this.draw(isNewer ? { ...mirror, lastJob: known } : mirror);
  }

  draw(mirror: MirrorRow): void {
    this.#mirror = mirror;
    this.#when.replaceChildren(...whenText(mirror));
    this.#last.className = mirror.lastJob ? "" : "quiet";
    const wasHere = this.#last.contains(document.activeElement);
    this.#last.replaceChildren(...lastText(mirror));
    if (wasHere) this.#last.querySelector("a")?.focus({ preventScroll: true });
  }
}

function lastText({ lastJob }: MirrorRow): readonly (Node | string)[] {
  if (!lastJob) return ["Has not run yet"];
  const numbers = jobNumbers(lastJob);
  return [
    stateBadge(lastJob),
    " ",
    h("a", { href: `#job/${lastJob.id}` }, "last run"),
    " ",
    timeText(lastJob.startedAt ?? lastJob.createdAt),
    numbers === "" ? "" : `: ${numbers}`,
  ];
}

function whenText({ schedule, timeZone, nextRun }: MirrorRow): readonly (Node | string)[] {
  if (schedule === undefined) return ["Runs when asked"];
  const text = [
    "Scheduled ",
    h("code", {}, schedule),
    timeZone === undefined ? "" : ` ${timeZone}`,
  ];
  return nextRun === undefined ? text : [...text, ", next ", timeText(nextRun)];
}
