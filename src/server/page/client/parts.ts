import type { Job, JobState } from "../../../jobs/job.ts";
import { ApiFailure } from "./api.ts";
import { h, setText } from "./dom.ts";
import { bytes, counted, exactTime, imageName, relative } from "./format.ts";

const stateWords: Readonly<Record<JobState, string>> = {
  waiting: "Waiting",
  delayed: "Will try again",
  running: "Running",
  done: "Done",
  failed: "Failed",
  refused: "Refused by policy",
  cancelled: "Cancelled",
};

/** States in which something may still happen. */
export const openStates: readonly JobState[] = ["waiting", "delayed", "running"];

/** A state as a word in its colour. */
export function stateBadge(job: Pick<Job, "state" | "cancelRequested" | "attempts">): HTMLElement {
  return h("span", { class: `badge ${job.state}` }, stateWord(job));
}

/** A state as a word. */
export function stateWord({
  state,
  cancelRequested,
  attempts,
}: Pick<Job, "state" | "cancelRequested" | "attempts">): string {
  if (cancelRequested && openStates.includes(state)) return "Being cancelled";
  return state === "delayed" && attempts === 0 ? "Waits for its time" : stateWords[state];
}

/** What a job is about, in a line. */
export function jobTitle({ request }: Pick<Job, "request">): string {
  switch (request.kind) {
    case "copy":
      return `${imageName(request.from.image)} → ${imageName(request.to.image)}`;
    case "sync": {
      const name = typeof request.mirror === "string" ? request.mirror : "a mirror of its own";
      return request.dryRun ? `${name} (dry run)` : name;
    }
    case "sign":
      return `${imageName(request.image.image)} with ${request.key}`;
    case "verify":
      return imageName(request.image.image);
  }
}

/** The kind of a job as a verb. */
export const kindWords: Readonly<Record<Job["request"]["kind"], string>> = {
  copy: "Copy",
  sync: "Mirror",
  sign: "Sign",
  verify: "Verify",
};

/** How far a job is, or what came of it, in a line. */
export function jobNumbers({ progress, result }: Job): string {
  if (result?.kind === "sync") {
    const { images, copied, unchanged, failed } = result.summary;
    const parts = [`${counted(images, "image")}: ${copied} copied`, `${unchanged} unchanged`];
    if (failed > 0) parts.push(`${failed} failed`);
    return parts.join(", ");
  }
  if (result?.kind === "copy") return result.unchanged ? "Nothing to do" : "Copied";
  if (result?.kind === "verify") return result.allowed ? "Trusted" : "Not trusted";
  if (result?.kind === "sign") return `Signed by ${result.keyId}`;
  if (!progress) return "";
  const { images } = progress;
  const failed = images.failed > 0 ? `, ${images.failed} failed` : "";
  return `${images.ended} of ${counted(images.found, "image")}${failed}, ${bytes(progress.bytes.moved)}`;
}

/** A time that goes on telling how long ago it was; see {@link keepTimes}. */
export function timeText(at: number): HTMLElement {
  return h(
    "time",
    { datetime: new Date(at).toISOString(), title: exactTime(at) },
    relative(at, Date.now()),
  );
}

/** Keeps what {@link timeText} made up to date. */
export function keepTimes(): void {
  setInterval(() => {
    for (const element of document.querySelectorAll("time"))
      setText(element, relative(Date.parse(element.dateTime), Date.now()));
  }, 5000);
}

/** A bar; without a size one that only says that something goes on. */
export function bar(label: string, done: number, of: number): HTMLProgressElement {
  const element = h("progress", { "aria-label": label, max: "1" });
  setBar(element, done, of);
  return element;
}

/** Moves a {@link bar}. */
export function setBar(element: HTMLProgressElement, done: number, of: number): void {
  if (of > 0) element.value = Math.min(1, done / of);
  else element.removeAttribute("value");
}

/** A failure, for whoever did what failed. */
export function failureNote(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiFailure ? error.hint : undefined;
  return h(
    "div",
    { class: "note error", role: "alert" },
    h("p", {}, sentence(message)),
    hint !== undefined && h("p", { class: "hint" }, sentence(hint)),
  );
}

/** What stands where a list would be. */
export function emptyNote(text: string, ...more: readonly (Node | string)[]): HTMLElement {
  return h("p", { class: "empty" }, text, ...more);
}

/** Does something when pressed, once at a time, and tells below the button where it fails. */
export function action(label: string, kind: string, work: () => Promise<void>): HTMLElement {
  const place = h("div", { class: "action" });
  const button = h(
    "button",
    {
      type: "button",
      class: kind,
      async onclick() {
        if (button.ariaDisabled === "true") return;
        button.ariaDisabled = "true"; // one that is disabled would lose the focus
        place.querySelector(".note")?.remove();
        try {
          await work();
        } catch (error) {
          place.append(failureNote(error));
        } finally {
          button.ariaDisabled = null;
        }
      },
    },
    label,
  );
  place.append(button);
  return place;
}

/** A table that scrolls by itself where it is too wide; reachable by keyboard then. */
export function table(
  caption: string,
  heads: readonly string[],
  body: HTMLTableSectionElement,
): HTMLElement {
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
      body,
    ),
  );
}

/** The first letter great. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
