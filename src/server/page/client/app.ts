import { ApiFailure, api, type Session } from "./api.ts";
import { connectionNote } from "./connection.ts";
import { h, setChildren } from "./dom.ts";
import { failureNote, keepTimes } from "./parts.ts";
import { chooseTheme, themeButton } from "./theme.ts";
import type { MakeView, View } from "./view.ts";
import { jobView } from "./view-job.ts";
import { jobsView } from "./view-jobs.ts";
import { loginForm } from "./view-login.ts";
import { mirrorsView } from "./view-mirrors.ts";
import { newJobView } from "./view-new-job.ts";
import { overviewView } from "./view-overview.ts";
import { decisionView, trustView } from "./view-trust.ts";

const views: Readonly<Record<string, MakeView>> = {
  "": overviewView,
  jobs: jobsView,
  job: jobView,
  new: newJobView,
  mirrors: mirrorsView,
  trust: trustView,
  decision: decisionView,
};

const links: readonly (readonly [string, string])[] = [
  ["", "Overview"],
  ["jobs", "Jobs"],
  ["mirrors", "Mirrors"],
  ["trust", "Trust"],
];

const main = h("main", { id: "main" });
const nav = h("nav", { "aria-label": "Parts of this page" });
const user = h("div", { class: "user" });
let shown: View | undefined;
let turn = 0;

chooseTheme();
keepTimes();
document.body.append(
  h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the content"),
  h("header", {}, h("a", { class: "brand", href: "#" }, "Amphora"), nav, user),
  connectionNote,
  main,
);
void begin();

async function begin(): Promise<void> {
  try {
    enter(await api.session());
  } catch (error) {
    setChildren(main, [failureNote(error)]);
  }
}

function enter(session: Session): void {
  drawHead(session);
  if (!session.rights.jobs && session.login) {
    nav.hidden = true;
    const why = session.user === null ? undefined : `${session.user} may not see jobs`;
    setChildren(main, [loginForm(() => location.reload(), why)]);
    main.querySelector("input")?.focus();
    return;
  }
  const show = () => showView(session);
  addEventListener("hashchange", show);
  void show();
}

function drawHead(session: Session): void {
  setChildren(
    nav,
    links.map(([where, label]) => h("a", { href: `#${where}` }, label)),
  );
  setChildren(user, [
    h("span", { class: "server", title: `Amphora ${session.server.version}` }, session.server.name),
    ...(session.user === null ? [] : [h("span", {}, session.user)]),
    themeButton(),
    ...(session.user === null
      ? []
      : [h("button", { type: "button", class: "plain", onclick: () => void leave() }, "Log out")]),
  ]);
}

async function leave(): Promise<void> {
  try {
    await api.logout();
    location.reload();
  } catch (error) {
    main.prepend(failureNote(error));
  }
}

async function showView(session: Session): Promise<void> {
  const own = ++turn;
  const [name = "", ...rest] = addressed(location.hash.slice(1)).split("/");
  markLink(name);
  const make = (Object.hasOwn(views, name) && views[name]) || overviewView;
  try {
    const view = await make({
      session,
      argument: rest.join("/"),
      go: (where) => {
        location.hash = where;
      },
    });
    if (own !== turn) return view.end?.();
    shown?.end?.();
    shown = view;
    setChildren(main, [view.element]);
    entitle(view.title);
  } catch (error) {
    if (own !== turn) return;
    if (error instanceof ApiFailure && error.status === 401) return location.reload();
    shown?.end?.();
    shown = undefined;
    const title = "This cannot be shown";
    setChildren(main, [h("h1", { tabindex: "-1" }, title), failureNote(error)]);
    entitle(title);
  }
  main.querySelector("h1")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function entitle(title: string): void {
  document.title = `${title} – Amphora`;
}

/** An address that cannot be read is shown as it is. */
function addressed(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

function markLink(name: string): void {
  const here = name === "job" || name === "new" ? "jobs" : name === "decision" ? "trust" : name;
  nav.hidden = false;
  for (const link of nav.querySelectorAll("a")) {
    if (link.hash.slice(1) === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** The address stays: it says which view is shown. */
function skip(event: Event): void {
  event.preventDefault();
  main.querySelector("h1")?.focus();
}
