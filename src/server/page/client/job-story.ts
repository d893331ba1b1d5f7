import type { JobEvent } from "../../../jobs/ledger.ts";

type ImageEvent = Extract<JobEvent, { readonly type: "image" }>;

/** One image of a job, as far as it was told of. */
export interface ImageStory {
  /** One image may go to several places. */
  readonly key: string;
  readonly from: string;
  /** "" where only its blobs were told of. */
  readonly to: string;
  state: ImageEvent["state"];
  code: string | undefined;
  message: string | undefined;
  digest: string | undefined;
  bytes: number | undefined;
  readonly blobs: Map<string, { sent: number; size: number }>;
}

/** A line told of a job. */
export interface Message {
  readonly at: number;
  readonly level: "info" | "warning" | "error";
  readonly text: string;
}

const keptMessages = 200;

/** What a job's events add up to. */
export class JobStory {
  readonly images = new Map<string, ImageStory>();
  readonly messages: Message[] = [];

  /** Takes in one event. */
  note(event: JobEvent & { readonly at: number }): void {
    switch (event.type) {
      case "image":
        this.#image(event);
        return;
      case "blob":
        for (const { blobs } of this.#underWay(event.image))
          blobs.set(event.digest, { sent: event.sent, size: event.size });
        return;
      case "message":
        this.messages.push({ at: event.at, level: event.level, text: event.text });
        if (this.messages.length > keptMessages) this.messages.shift();
        return;
      case "state":
        if (event.state === "running") this.#begun();
        return;
    }
  }

  /** What is under way first, then what went wrong, then the rest, the latest first. */
  inOrder(): readonly ImageStory[] {
    return [...this.images.values()].reverse().sort((a, b) => rank(a) - rank(b));
  }

  #image(event: ImageEvent): void {
    const image = this.#of(event.from, event.to);
    image.state = event.state;
    image.code = event.code;
    image.message = event.message;
    image.digest = event.digest;
    image.bytes = event.bytes;
    if (event.state !== "started") image.blobs.clear();
  }

  /** Of blobs it is told where they come from, and not for whom. */
  #underWay(from: string): readonly ImageStory[] {
    const all = [...this.images.values()].filter((image) => image.from === from);
    const found = all.filter(({ state }) => state === "started");
    return found.length > 0 || all.length > 0 ? found : [this.#of(from, "")];
  }

  #of(from: string, to: string): ImageStory {
    const key = JSON.stringify([from, to]);
    const known = this.images.get(key);
    if (known) return known;
    const nameless = JSON.stringify([from, ""]);
    const image: ImageStory = {
      key,
      from,
      to,
      state: "started",
      code: undefined,
      message: undefined,
      digest: undefined,
      bytes: undefined,
      blobs: this.images.get(nameless)?.blobs ?? new Map(),
    };
    this.images.delete(nameless);
    this.images.set(key, image);
    return image;
  }

  /** An attempt anew: what was under way in the one before is not any more. */
  #begun(): void {
    for (const [key, { state }] of this.images) if (state === "started") this.images.delete(key);
  }
}

function rank({ state }: ImageStory): number {
  if (state === "started") return 0;
  return state === "failed" || state === "refused" ? 1 : 2;
}
