import type { ImageRecord } from "./image-record.ts";

/** The image with this ID, else with exactly this name, else the only one whose ID begins so; earlier ones first. */
export function findImage(images: readonly ImageRecord[], text: string): ImageRecord | undefined {
  return (
    images.find(({ id }) => id === text) ??
    images.find(({ names }) => names.includes(text)) ??
    onlyOneThatBegins(images, text)
  );
}

function onlyOneThatBegins(images: readonly ImageRecord[], prefix: string) {
  const found = prefix === "" ? [] : images.filter(({ id }) => id.startsWith(prefix));
  return found.every(({ id }) => id === found[0]?.id) ? found[0] : undefined;
}
