import { api, type Session } from "./api.ts";
import { h } from "./dom.ts";
import { failureNote } from "./parts.ts";

/** Asks who sits there; calls `done` once the server knows them. */
export function loginForm(done: (session: Session) => void, why?: string): HTMLElement {
  const failed = h("div", {}, why !== undefined && h("p", { class: "note error" }, why));
  const button = h("button", { class: "primary" }, "Log in");
  const form = h(
    "form",
    {
      class: "login",
      async onsubmit(event) {
        event.preventDefault();
        const data = new FormData(form);
        button.disabled = true;
        try {
          done(await api.login(String(data.get("user")), String(data.get("password"))));
        } catch (error) {
          failed.replaceChildren(failureNote(error));
        } finally {
          button.disabled = false;
        }
      },
    },
    h("h1", { tabindex: "-1" }, "Log in"),
    h(
      "label",
      {},
      h("span", {}, "User"),
      h("input", {
        name: "user",
        required: true,
        autocomplete: "username",
        autocapitalize: "none",
      }),
    ),
    h(
      "label",
      {},
      h("span", {}, "Password or token"),
      h("input", {
        name: "password",
        type: "password",
        required: true,
        autocomplete: "current-password",
      }),
    ),
    h("div", { class: "actions" }, button),
    failed,
  );
  return form;
}
