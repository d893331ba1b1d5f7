import { h, setText } from "./dom.ts";

const place = h("div", { role: "status" });
const lost = new Set<object>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Connections are made anew now and then: what is back by then, nobody need know of. */
const silentMs = 4000;

/** Where it is told that changes are not heard of: to be shown whatever else is. */
export const connectionNote: HTMLElement = place;

/** Takes note of whether one stream of changes is there, or is tried again. */
export function noteConnection(stream: object, isThere: boolean): void {
  if (isThere) lost.delete(stream);
  else lost.add(stream);
  if (lost.size > 0) timer ??= setTimeout(draw, silentMs);
  else draw();
}

function draw(): void {
  clearTimeout(timer);
  timer = undefined;
  const isLost = lost.size > 0;
  place.className = isLost ? "note error" : "";
  setText(place, isLost ? "Not connected: what is shown may be old. It is tried again." : "");
}
