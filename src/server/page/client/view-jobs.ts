import type { Job, JobState } from "../../../jobs/job.ts";
import { api } from "./api.ts";
import { h, onceAFrame, setChildren } from "./dom.ts";
import { followJobs } from "./live.ts";
import {
  emptyNote,
  failureNote,
  jobNumbers,
  jobTitle,
  kindWords,
  openStates,
  stateBadge,
  table,
  timeText,
} from "./parts.ts";
import type { MakeView } from "./view.ts";

const filters: Readonly<Record<string, readonly JobState[]>> = {
  All: [],
  "Under way": openStates,
  Failed: ["failed", "refused"],
  Ended: ["done", "cancelled"],
};

/** The jobs, the newest first, as they change. */
export const jobsView: MakeView = async ({ argument, go }) => {
  const chosen = Object.hasOwn(filters, argument) ? argument : "All";
  const states = filters[chosen] ?? [];
  const jobs = new Map<string, Job>();
  const body = h("tbody");
  const place = h("div");
  const rows = new Map<string, { row: HTMLTableRowElement; of: Job }>();
  let next: string | undefined;

  const draw = onceAFrame(() => {
    const shown = [...jobs.values()]
      .filter(({ state }) => states.length === 0 || states.includes(state))
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
    setChildren(
      body,
      shown.map((job) => {
        const known = rows.get(job.id);
        if (known?.of === job) return known.row;
        const row = jobRow(job);
        rows.set(job.id, { row, of: job });
        return row;
      }),
    );
    const list = table("Jobs", ["State", "What", "How far", "Begun", "By"], body);
    if (shown.length === 0) setChildren(place, [emptyNote("No jobs here.")]);
    else if (!place.contains(body)) setChildren(place, [list]);
    more.hidden = next === undefined;
  });
  const load = async () => {
    const page = await api.jobs({ states, ...(next !== undefined && { before: next }) });
    for (const job of page.jobs) jobs.set(job.id, job);
    next = page.next;
    draw();
  };
  const more = h(
    "button",
    {
      type: "button",
      class: "plain",
      hidden: true,
      onclick: () => load().catch((error) => place.append(failureNote(error))),
    },
    "Older jobs",
  );
  const note = (job: Job) => {
    jobs.set(job.id, job);
    draw();
  };
  const refresh = async () => {
    const lists = states.length === 0 ? [states, openStates] : [states];
    const pages = await Promise.all(lists.map((states) => api.jobs({ states })));
    for (const [id, { state }] of jobs) if (openStates.includes(state)) jobs.delete(id);
    for (const page of pages) for (const job of page.jobs) jobs.set(job.id, job);
    draw();
  };
  const stop = followJobs(note, refresh);
  await load().catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    title: "Jobs",
    element: h(
      "section",
      {},
      h(
        "div",
        { class: "head" },
        h("h1", { tabindex: "-1" }, "Jobs"),
        h("a", { class: "button primary", href: "#new" }, "New job"),
      ),
      filterBar(chosen, (name) => go(name === "All" ? "jobs" : `jobs/${name}`)),
      place,
      more,
    ),
    end: stop,
  };
};

function filterBar(chosen: string, choose: (name: string) => void): HTMLElement {
  return h(
    "div",
    { class: "filters", role: "group", "aria-label": "Which jobs" },
    ...Object.keys(filters).map((name) =>
      h(
        "button",
        {
          type: "button",
          class: "plain",
          "aria-pressed": String(name === chosen),
          onclick: () => choose(name),
        },
        name,
      ),
    ),
  );
}

/** One job as a row; the link is what it is about. */
export function jobRow(job: Job): HTMLTableRowElement {
  const why = job.failure && (job.state === "failed" || job.state === "refused");
  return h(
    "tr",
    {},
    h("td", {}, stateBadge(job)),
    h(
      "td",
      { class: "what" },
      h("span", { class: "kind" }, kindWords[job.request.kind], " "),
      h("a", { href: `#job/${job.id}` }, jobTitle(job)),
      why && h("p", { class: "reason" }, job.failure?.message),
    ),
    h("td", {}, jobNumbers(job)),
    h("td", {}, timeText(job.startedAt ?? job.createdAt)),
    h("td", {}, job.owner),
  );
}
