import type { CopyEvent } from "../copy/events.ts";
import type { ProgressView } from "./progress.ts";

/** The lines of one image, kept back while an earlier one of the list is still being told of. */
interface Block {
  readonly lines: string[];
  done: boolean;
}

/** Skopeo's lines, in skopeo's order: images of a list are copied side by side but told of one after the other. */
export class CopyLines implements ProgressView {
  readonly #write: (line: string) => void;
  readonly #blocks = new Map<number, Block>();
  #turn = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  show(event: CopyEvent): void {
    const lines = linesOf(event);
    if (event.instance === undefined) {
      if (event.type === "manifest-writing" && event.of === "list") this.#flushAll();
      for (const line of lines) this.#write(line);
      return;
    }
    const block = this.#block(event.instance);
    block.lines.push(...lines);
    if (event.type === "instance-copied") block.done = true;
    this.#flush();
  }

  close(): void {
    this.#flushAll();
  }

  #block(instance: number): Block {
    const found = this.#blocks.get(instance);
    if (found) return found;
    const block = { lines: [], done: false };
    this.#blocks.set(instance, block);
    return block;
  }

  /** Tells what the image whose turn it is has to say, and goes on to the next when it is through. */
  #flush(): void {
    for (;;) {
      const block = this.#blocks.get(this.#turn);
      for (const line of block?.lines.splice(0) ?? []) this.#write(line);
      if (!block?.done) return;
      this.#turn += 1;
    }
  }

  #flushAll(): void {
    const left = [...this.#blocks].sort(([a], [b]) => a - b);
    for (const [, block] of left) for (const line of block.lines.splice(0)) this.#write(line);
  }
}

function linesOf(event: CopyEvent): readonly string[] {
  switch (event.type) {
    case "signatures-reading":
      return [
        event.of === "list" ? "Getting image list signatures" : "Getting image source signatures",
      ];
    case "signatures-checking":
      return [
        `Checking if image ${event.of === "list" ? "list " : ""}destination supports signatures`,
      ];
    case "instances-chosen":
      return [`Copying ${event.chosen} images generated from ${event.held} images in list`];
    case "instance-started":
      return [`Copying image ${event.manifest} (${event.position}/${event.count})`];
    case "blobs-planned":
      return event.blobs.map(({ digest }) => `Copying blob ${digest}`);
    case "config-copying":
      return [`Copying config ${event.config}`];
    case "manifest-writing":
      return [`Writing manifest ${event.of === "list" ? "list " : ""}to image destination`];
    case "signing":
      return [signingLine(event)];
    case "signatures-storing":
      return [event.of === "list" ? "Storing list signatures" : "Storing signatures"];
    default:
      return [];
  }
}

/** What skopeo says of a signature that is being made. */
export function signingLine({
  format,
  position,
  count,
}: Extract<CopyEvent, { type: "signing" }>): string {
  const which = count === 1 ? "" : ` ${position}`;
  const how = format === "sigstore" ? "a sigstore signature" : "simple signing";
  return `Creating signature${which}: Signing image using ${how}`;
}
