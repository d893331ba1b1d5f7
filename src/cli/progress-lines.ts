import type { CopyEvent, EventBlob } from "../copy/events.ts";
import type { Digest } from "../core/digest.ts";
import { InTurns } from "./in-turns.ts";
import type { ProgressView } from "./progress.ts";

/** Skopeo's lines, in skopeo's order: images of a list are copied side by side but told of one after the other. */
export class CopyLines implements ProgressView {
  readonly #write: (line: string) => void;
  readonly #turns = new InTurns();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  show(event: CopyEvent): void {
    const lines = linesOf(event);
    const tell = () => {
      for (const line of lines) this.#write(line);
    };
    if (event.instance === undefined) {
      if (event.type === "manifest-writing" && event.of === "list") this.#turns.flushAll();
      tell();
      return;
    }
    this.#turns.say(event.instance, tell);
    if (event.type === "instance-copied") this.#turns.end(event.instance);
  }

  close(): void {
    this.#turns.flushAll();
  }
}

/** What skopeo says as that happens; of most events nothing. */
export function linesOf(event: CopyEvent): readonly string[] {
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
      return layersOf(event.blobs).map((digest) => `Copying blob ${digest}`);
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

/** Skopeo tells of every layer of the manifest, also of one that is listed again. */
function layersOf(blobs: readonly EventBlob[]): readonly Digest[] {
  return blobs
    .flatMap(({ digest, positions }) => positions.map((position) => ({ digest, position })))
    .sort((a, b) => a.position - b.position)
    .map(({ digest }) => digest);
}

/** What skopeo says of a signature that is being made. */
function signingLine({ format, position, count }: Extract<CopyEvent, { type: "signing" }>): string {
  const which = count === 1 ? "" : ` ${position}`;
  const how = format === "sigstore" ? "a sigstore signature" : "simple signing";
  return `Creating signature${which}: Signing image using ${how}`;
}
