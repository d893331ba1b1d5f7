import { api, type Block, type Decision } from "./api.ts";
import { h } from "./dom.ts";
import { shortDigest } from "./format.ts";
import { emptyNote, sentence, table, timeText } from "./parts.ts";
import type { MakeView } from "./view.ts";
import { verifyForm } from "./view-new-job.ts";

const outcomes: Readonly<Record<Decision["outcome"], readonly [string, string]>> = {
  admitted: ["done", "Admitted"],
  refused: ["refused", "Refused"],
  undecided: ["quiet", "Undecided"],
};

/** What the policy refused and why, what is blocked, and a way to ask about any image. */
export const trustView: MakeView = async ({ argument, session, go }) => {
  const all = argument === "all";
  const [decisions, blocked] = await Promise.all([
    api.decisions({ limit: "100", ...(!all && { allowed: "false" }) }),
    session.rights.admin ? api.blocked() : [],
  ]);
  return {
    title: "Trust",
    element: h(
      "section",
      {},
      h("h1", { tabindex: "-1" }, "Trust"),
      h("h2", {}, "Ask about an image"),
      verifyForm("", go),
      h("h2", {}, "What clients asked for"),
      h(
        "div",
        { class: "filters", role: "group", "aria-label": "Which decisions" },
        filter("Refused", !all, () => go("trust")),
        filter("All", all, () => go("trust/all")),
      ),
      decisions.length === 0
        ? emptyNote(all ? "Nothing was decided yet." : "Nothing was refused.")
        : decisionTable(decisions),
      blocked.length > 0 && h("h2", {}, "Blocked"),
      blocked.length > 0 && blockTable(blocked),
    ),
  };
};

function filter(label: string, pressed: boolean, onclick: () => void): HTMLElement {
  return h(
    "button",
    { type: "button", class: "plain", "aria-pressed": String(pressed), onclick },
    label,
  );
}

function decisionTable(decisions: readonly Decision[]): HTMLElement {
  const rows = decisions.map((decision) => {
    const [kind, word] = outcomes[decision.outcome];
    return h(
      "tr",
      {},
      h("td", {}, h("span", { class: `badge ${kind}` }, word)),
      h(
        "td",
        { class: "what" },
        h("a", { href: `#decision/${decision.id}` }, decision.image),
        decision.reason !== undefined && h("p", { class: "reason" }, sentence(decision.reason)),
      ),
      h("td", { class: "digest" }, shortDigest(decision.digest)),
      h("td", {}, timeText(Date.parse(decision.at))),
    );
  });
  return table("Decisions", ["Verdict", "Image", "Digest", "When"], h("tbody", {}, ...rows));
}

function blockTable(blocked: readonly Block[]): HTMLElement {
  const rows = blocked.map((block) =>
    h(
      "tr",
      {},
      h("td", { class: "what" }, block.repository ?? shortDigest(block.digest ?? "")),
      h("td", {}, block.reason),
      h("td", {}, timeText(Date.parse(block.at))),
    ),
  );
  return table("Blocked", ["What", "Why", "Since"], h("tbody", {}, ...rows));
}

/** One decision, requirement by requirement: the signatures of the image, and what the policy made of them. */
export const decisionView: MakeView = async ({ argument, session, go }) => {
  const decision = await api.decision(argument);
  const [kind, word] = outcomes[decision.outcome];
  return {
    title: `Decision about ${decision.image}`,
    element: h(
      "section",
      {},
      h("p", { class: "back" }, h("a", { href: "#trust" }, "All decisions")),
      h("h1", { tabindex: "-1" }, decision.image),
      h(
        "p",
        {},
        h("span", { class: `badge ${kind}` }, word),
        " ",
        timeText(Date.parse(decision.at)),
      ),
      decision.reason !== undefined &&
        h(
          "div",
          { class: `note ${decision.outcome === "refused" ? "refused" : "good"}` },
          h("p", {}, sentence(decision.reason)),
          decision.hint !== undefined && h("p", { class: "hint" }, sentence(decision.hint)),
        ),
      h(
        "dl",
        {},
        h("dt", {}, "Digest"),
        h("dd", {}, decision.digest),
        h("dt", {}, "Scope"),
        h("dd", {}, `${decision.scope} (${decision.mode})`),
        decision.policy && h("dt", {}, "Policy"),
        decision.policy &&
          h("dd", {}, `${decision.policy.path} ${decision.policy.sha256.slice(0, 12)}`),
      ),
      ...(decision.images ?? []).map((image) =>
        h(
          "article",
          { class: "card" },
          h(
            "h2",
            {},
            h(
              "span",
              { class: `badge ${image.allowed ? "done" : "refused"}` },
              image.allowed ? "Allowed" : "Refused",
            ),
            ` ${image.platform ?? "Image"} ${shortDigest(image.digest)}`,
          ),
          image.text !== undefined &&
            h("pre", { tabindex: "0", "aria-label": "The verdict" }, image.text),
        ),
      ),
      session.rights.jobs && h("h2", {}, "Ask again"),
      session.rights.jobs && verifyForm(`docker://${decision.image}`, go),
    ),
  };
};
