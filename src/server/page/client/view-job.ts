import type { Job } from "../../../jobs/job.ts";
import { api } from "./api.ts";
import { h, onceAFrame, setChildren, setText } from "./dom.ts";
import { bytes, counted, duration, exactTime, imageName, shortDigest } from "./format.ts";
import { type ImageStory, JobStory } from "./job-story.ts";
import { followJob } from "./live.ts";
import {
  action,
  bar,
  emptyNote,
  jobNumbers,
  jobTitle,
  kindWords,
  openStates,
  sentence,
  setBar,
  stateBadge,
  stateWord,
  table,
} from "./parts.ts";
import type { MakeView } from "./view.ts";

const rowsShown = 200;
/** Between two looks at a job's numbers. */
const lookMs = 1000;

/** One job: how far it is, image by image and blob by blob, what went wrong and why. */
export const jobView: MakeView = async ({ argument, go }) => {
  let job = await api.job(argument);
  const story = new JobStory();
  let isToldToEnd = false;
  const head = h("div");
  const overall = bar("Images", 0, 0);
  const numbers = h("p", { class: "numbers" });
  const heard = h("p", { class: "unseen", role: "status" }); // the numbers change too often to be read out
  const images = new ImageTable();
  const messages = h("ol", { class: "messages" });
  const draw = onceAFrame(() => {
    const { progress } = job;
    setBar(overall, progress?.images.ended ?? 0, progress?.images.found ?? 0);
    overall.hidden = job.state !== "running";
    setText(numbers, [jobNumbers(job), timeTaken(job)].filter((text) => text !== "").join(" · "));
    images.draw(story.inOrder(), openStates.includes(job.state));
    setChildren(
      messages,
      story.messages.map(({ at, level, text }) =>
        h("li", { class: level }, h("time", {}, exactTime(at).slice(11, 19)), ` ${text}`),
      ),
    );
    messages.hidden = story.messages.length === 0;
  });
  const show = (now: Job) => {
    if (job.endedAt !== undefined && now.endedAt === undefined) return; // asked for before it ended
    const changed =
      now.state !== job.state || now.cancelRequested !== job.cancelRequested || !head.firstChild;
    job = now;
    if (changed) replaceHead(head, jobHead(job, show, go));
    setText(heard, `State: ${stateWord(job)}`);
    draw();
  };
  const look = async () => show(await api.job(argument));
  // Something is told whenever numbers change. One stream is enough: a browser has six connections for all its pages.
  let soon: ReturnType<typeof setTimeout> | undefined;
  let isGone = false;
  const lookIn = (ms: number) => {
    if (isGone) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      look().catch(() => lookIn(5 * lookMs));
    }, ms);
  };
  const lookAfter = ({ type }: { readonly type: string }) => {
    if (type !== "state") return lookIn(lookMs);
    clearTimeout(soon);
    soon = undefined;
    lookIn(0);
  };
  const stop = followJob(
    argument,
    (event) => {
      isToldToEnd ||= event.type === "state" && !openStates.includes(event.state);
      story.note(event);
      if (job.endedAt === undefined) lookAfter(event);
      draw();
    },
    () => isToldToEnd, // a job that has ended has a story all the same
  );
  const clock = setInterval(draw, 1000);
  const end = () => {
    isGone = true;
    clearInterval(clock);
    clearTimeout(soon);
    stop();
  };
  await look().catch((error: unknown) => {
    end();
    throw error;
  });
  return {
    title: `${kindWords[job.request.kind]} ${jobTitle(job)}`,
    element: h("section", {}, head, heard, overall, numbers, images.element, messages),
    end,
  };
};

/** What is opened stays open; whoever was at a button that is gone is at the heading above it. */
function replaceHead(head: HTMLElement, now: HTMLElement): void {
  const wasIn = head.contains(document.activeElement);
  const isOpen = head.querySelector("details")?.open ?? false;
  setChildren(head, [now]);
  const details = head.querySelector("details");
  if (details) details.open = isOpen;
  if (wasIn) head.querySelector("h1")?.focus({ preventScroll: true });
}

function jobHead(job: Job, show: (job: Job) => void, go: (where: string) => void): HTMLElement {
  const isOpen = openStates.includes(job.state);
  return h(
    "div",
    {},
    h("p", { class: "back" }, h("a", { href: "#jobs" }, "All jobs")),
    h(
      "div",
      { class: "head" },
      h("h1", { tabindex: "-1" }, `${kindWords[job.request.kind]} ${jobTitle(job)}`),
      h(
        "div",
        { class: "actions" },
        isOpen &&
          !job.cancelRequested &&
          action("Cancel", "danger", async () => show(await api.cancel(job.id))),
        !isOpen &&
          action(job.state === "done" ? "Run again" : "Retry", "primary", async () =>
            go(`job/${(await api.retry(job.id)).id}`),
          ),
      ),
    ),
    h("p", {}, stateBadge(job), job.attempts > 1 && ` attempt ${job.attempts}`, ` by ${job.owner}`),
    failurePart(job),
    verdictPart(job),
    detailsPart(job),
  );
}

function failurePart({ failure, state }: Job): HTMLElement | false {
  if (!failure || state === "done") return false;
  return h(
    "div",
    { class: `note ${state === "refused" ? "refused" : "error"}` },
    h("p", {}, sentence(failure.message)),
    failure.hint !== undefined && h("p", { class: "hint" }, sentence(failure.hint)),
    h("p", { class: "code" }, failure.code),
  );
}

function verdictPart({ result }: Job): HTMLElement | false {
  if (result?.kind !== "verify") return false;
  return h(
    "div",
    { class: `note ${result.allowed ? "good" : "refused"}` },
    h("p", {}, h("strong", {}, result.allowed ? "Trusted" : "Not trusted"), ` ${result.digest}`),
    h("pre", {}, result.reason),
  );
}

function detailsPart(job: Job): HTMLElement {
  const rows: [string, string | undefined][] = [
    ["Job", job.id],
    ["Asked for", exactTime(job.createdAt)],
    ["Begun", job.startedAt === undefined ? undefined : exactTime(job.startedAt)],
    ["Ended", job.endedAt === undefined ? undefined : exactTime(job.endedAt)],
    [
      job.attempts === 0 ? "To begin" : "Tried again",
      job.state === "delayed" && job.notBefore !== undefined ? exactTime(job.notBefore) : undefined,
    ],
    ["Tries again", job.retryOf],
    ["Digest", job.result && "digest" in job.result ? job.result.digest : undefined],
  ];
  return h(
    "details",
    {},
    h("summary", {}, "Details"),
    h(
      "dl",
      {},
      ...rows.flatMap(([name, value]) =>
        value === undefined ? [] : [h("dt", {}, name), h("dd", {}, value)],
      ),
    ),
    h(
      "pre",
      { tabindex: "0", "aria-label": "What was asked for" },
      JSON.stringify(job.request, null, 2),
    ),
  );
}

function timeTaken({ startedAt, endedAt }: Job): string {
  return startedAt === undefined ? "" : duration((endedAt ?? Date.now()) - startedAt);
}

/** Images as rows that stay while they change. */
class ImageTable {
  readonly element = h("div");
  readonly #body = h("tbody");
  readonly #table = table("Images", ["State", "Image", "Progress"], this.#body);
  readonly #more = h("p", { class: "empty" });
  readonly #none = emptyNote("");
  readonly #rows = new Map<string, ImageRow>();

  draw(images: readonly ImageStory[], mayCome: boolean): void {
    const shown = images.slice(0, rowsShown);
    const rows = shown.map((image) => {
      const row = this.#rows.get(image.key) ?? new ImageRow(image);
      this.#rows.set(image.key, row);
      row.draw(image);
      return row.element;
    });
    setChildren(this.#body, rows);
    const hidden = images.length - shown.length;
    setText(this.#more, hidden > 0 ? `and ${counted(hidden, "image")} more` : "");
    setText(this.#none, mayCome ? "No images told of yet." : "No images were told of.");
    setChildren(this.element, images.length === 0 ? [this.#none] : [this.#table, this.#more]);
  }
}

const imageWords: Readonly<Record<ImageStory["state"], readonly [string, string]>> = {
  started: ["running", "Under way"],
  copied: ["done", "Copied"],
  unchanged: ["quiet", "Unchanged"],
  left: ["quiet", "Left"],
  "would-copy": ["running", "Would copy"],
  failed: ["failed", "Failed"],
  refused: ["refused", "Refused"],
};

class ImageRow {
  readonly element: HTMLTableRowElement;
  readonly #badge = h("span");
  readonly #why = h("p", { class: "reason" });
  readonly #progress = h("td", { class: "progress" });
  readonly #bars = new Map<
    string,
    { line: HTMLElement; bar: HTMLProgressElement; text: HTMLElement }
  >();

  constructor(image: ImageStory) {
    this.element = h(
      "tr",
      {},
      h("td", {}, this.#badge),
      h(
        "td",
        { class: "what" },
        h("span", { class: "name" }, imageName(image.from)),
        image.to !== "" && h("span", { class: "to" }, ` → ${imageName(image.to)}`),
        this.#why,
      ),
      this.#progress,
    );
  }

  draw(image: ImageStory): void {
    const [kind, word] = imageWords[image.state];
    this.#badge.className = `badge ${kind}`;
    setText(this.#badge, word);
    setText(this.#why, image.message ?? "");
    this.#why.hidden = image.message === undefined;
    if (image.state === "started") this.#drawBlobs(image);
    else this.#drawEnd(image);
  }

  #drawEnd(image: ImageStory): void {
    this.#bars.clear();
    const told = [
      image.digest && shortDigest(image.digest),
      image.bytes !== undefined && image.bytes > 0 && bytes(image.bytes),
    ].filter((text) => typeof text === "string");
    setChildren(this.#progress, [h("span", { class: "digest" }, told.join(" · "))]);
  }

  #drawBlobs({ blobs }: ImageStory): void {
    const lines = [...blobs].slice(-8).map(([digest, { sent, size }]) => {
      const known = this.#bars.get(digest) ?? blobLine(digest);
      this.#bars.set(digest, known);
      setBar(known.bar, sent, size);
      setText(known.text, size > 0 ? `${bytes(sent)} of ${bytes(size)}` : bytes(sent));
      return known.line;
    });
    setChildren(this.#progress, lines);
  }
}

function blobLine(digest: string) {
  const short = shortDigest(digest);
  const progress = bar(`Blob ${short}`, 0, 0);
  const text = h("span", { class: "amount" });
  return { line: h("div", { class: "blob" }, progress, text), bar: progress, text };
}
