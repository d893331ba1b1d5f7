import { api, type MirrorRow } from "./api.ts";
import { h } from "./dom.ts";
import { imageName } from "./format.ts";
import { action, emptyNote, jobNumbers, stateBadge, timeText } from "./parts.ts";
import type { MakeView } from "./view.ts";

/** The mirrors of the settings: when they run, how the last run went, and a button for one more. */
export const mirrorsView: MakeView = async ({ go }) => {
  const mirrors = await api.mirrors();
  return {
    title: "Mirrors",
    element: h(
      "section",
      {},
      h("h1", { tabindex: "-1" }, "Mirrors"),
      mirrors.length === 0
        ? emptyNote(
            "No mirrors yet: name one under ",
            h("code", {}, "mirrors:"),
            " in the server's settings.",
          )
        : mirrorList(mirrors, go),
    ),
  };
};

/** Mirrors as cards. */
export function mirrorList(
  mirrors: readonly MirrorRow[],
  go: (where: string) => void,
): HTMLElement {
  return h("ul", { class: "cards" }, ...mirrors.map((mirror) => h("li", {}, card(mirror, go))));
}

function card(mirror: MirrorRow, go: (where: string) => void): HTMLElement {
  const { name, rules, lastJob } = mirror;
  const run = (dryRun: boolean) => async () => go(`job/${(await api.runMirror(name, dryRun)).id}`);
  return h(
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
    h("p", { class: "when" }, ...whenText(mirror)),
    lastJob
      ? h(
          "p",
          {},
          stateBadge(lastJob),
          " ",
          h("a", { href: `#job/${lastJob.id}` }, "last run"),
          " ",
          timeText(lastJob.startedAt ?? lastJob.createdAt),
          jobNumbers(lastJob) === "" ? "" : `: ${jobNumbers(lastJob)}`,
        )
      : h("p", { class: "quiet" }, "Has not run yet"),
    h(
      "div",
      { class: "actions" },
      action("Run now", "primary", run(false)),
      action("Dry run", "plain", run(true)),
    ),
  );
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
