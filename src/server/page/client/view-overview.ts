import type { Job } from "../../../jobs/job.ts";
import { api } from "./api.ts";
import { h, onceAFrame, setChildren, setText } from "./dom.ts";
import { followJobs } from "./live.ts";
import {
  bar,
  emptyNote,
  jobNumbers,
  jobTitle,
  kindWords,
  openStates,
  setBar,
  stateBadge,
  timeText,
} from "./parts.ts";
import type { MakeView } from "./view.ts";
import { MirrorList } from "./view-mirrors.ts";

const failuresShown = 5;

/** What goes on, what went wrong lately, and the mirrors. */
export const overviewView: MakeView = async ({ go }) => {
  const [found, mirrors] = await Promise.all([notable(), api.mirrors()]);
  let jobs = found;
  const list = new MirrorList(mirrors, go);
  const running = h("div");
  const failures = h("div");
  const cards = new Map<string, RunningCard>();
  const draw = onceAFrame(() => {
    const all = [...jobs.values()].sort((a, b) => b.createdAt - a.createdAt);
    const now = all.filter(({ state }) => openStates.includes(state));
    const wrong = all.filter(({ state }) => state === "failed" || state === "refused");
    setChildren(
      running,
      now.length === 0
        ? [emptyNote("Nothing is under way.")]
        : now.map((job) => {
            const card = cards.get(job.id) ?? new RunningCard(job);
            cards.set(job.id, card);
            card.draw(job);
            return card.element;
          }),
    );
    setChildren(
      failures,
      wrong.length === 0
        ? [emptyNote("Nothing went wrong.")]
        : wrong.slice(0, failuresShown).map(failureLine),
    );
  });
  const stop = followJobs(
    (job) => {
      jobs.set(job.id, job);
      list.note(job);
      draw();
    },
    async () => {
      [jobs] = await Promise.all([notable(), list.look()]);
      draw();
    },
  );
  draw();
  return {
    title: "Overview",
    element: h(
      "section",
      {},
      h(
        "div",
        { class: "head" },
        h("h1", { tabindex: "-1" }, "Overview"),
        h("a", { class: "button primary", href: "#new" }, "New job"),
      ),
      h("h2", {}, "Under way"),
      running,
      h("h2", {}, "Failed lately"),
      failures,
      h("h2", {}, "Mirrors"),
      list.element,
    ),
    end: stop,
  };
};

/** Jobs under way, and those that failed last. */
async function notable(): Promise<Map<string, Job>> {
  const [open, failed] = await Promise.all([
    api.jobs({ states: openStates }),
    api.jobs({ states: ["failed", "refused"], limit: failuresShown }),
  ]);
  return new Map([...open.jobs, ...failed.jobs].map((job) => [job.id, job]));
}

class RunningCard {
  readonly element: HTMLElement;
  readonly #badge = h("span");
  readonly #bar = bar("Images", 0, 0);
  readonly #numbers = h("p", { class: "numbers" });

  constructor(job: Job) {
    this.element = h(
      "article",
      { class: "card" },
      h(
        "p",
        {},
        this.#badge,
        ` ${kindWords[job.request.kind]} `,
        h("a", { href: `#job/${job.id}` }, jobTitle(job)),
      ),
      this.#bar,
      this.#numbers,
    );
  }

  draw(job: Job): void {
    setChildren(this.#badge, [stateBadge(job)]);
    this.#bar.hidden = job.state !== "running";
    setBar(this.#bar, job.progress?.images.ended ?? 0, job.progress?.images.found ?? 0);
    setText(this.#numbers, jobNumbers(job));
  }
}

function failureLine(job: Job): HTMLElement {
  return h(
    "article",
    { class: "card" },
    h(
      "p",
      {},
      stateBadge(job),
      ` ${kindWords[job.request.kind]} `,
      h("a", { href: `#job/${job.id}` }, jobTitle(job)),
      " ",
      timeText(job.endedAt ?? job.createdAt),
    ),
    job.failure && h("p", { class: "reason" }, job.failure.message),
  );
}
