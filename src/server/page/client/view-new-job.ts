import { api } from "./api.ts";
import { h } from "./dom.ts";
import { failureNote } from "./parts.ts";
import type { MakeView } from "./view.ts";

/** Forms that start jobs: a copy, a verification. */
export const newJobView: MakeView = async ({ go }) => ({
  title: "New job",
  element: h(
    "section",
    {},
    h("h1", { tabindex: "-1" }, "New job"),
    h("h2", {}, "Copy an image"),
    form(
      [
        { name: "from", label: "From", hint: "docker://registry.example/team/app:1.0" },
        credentialsField("from-credentials"),
        { name: "to", label: "To", hint: "docker://mirror.example/team/app:1.0" },
        credentialsField("to-credentials"),
      ],
      "Copy",
      ({ from, to, "from-credentials": fromBy, "to-credentials": toBy }) => ({
        kind: "copy",
        from: end(from, fromBy),
        to: end(to, toBy),
        options: {},
      }),
      go,
    ),
    h("h2", {}, "Check whether an image is trusted"),
    verifyForm("", go),
    h(
      "p",
      { class: "quiet" },
      "Mirrors are run from ",
      h("a", { href: "#mirrors" }, "their own page"),
      ".",
    ),
  ),
});

/** Asks the server's policy about one image. */
export function verifyForm(image: string, go: (where: string) => void): HTMLElement {
  return form(
    [
      {
        name: "image",
        label: "Image",
        hint: "docker://registry.example/team/app:1.0",
        value: image,
      },
      credentialsField("credentials"),
    ],
    "Verify",
    ({ image, credentials }) => ({ kind: "verify", image: end(image, credentials) }),
    go,
  );
}

function credentialsField(name: string): Field {
  return {
    name,
    label: "Credentials for it (optional)",
    hint: "a name under jobs.credentials",
    optional: true,
  };
}

function end(image = "", credentials = ""): { image: string; credentials?: string } {
  return { image: withTransport(image), ...(credentials !== "" && { credentials }) };
}

interface Field {
  readonly name: string;
  readonly optional?: boolean;
  readonly label: string;
  readonly hint: string;
  readonly value?: string;
}

function form(
  fields: readonly Field[],
  label: string,
  request: (values: Readonly<Record<string, string>>) => object,
  go: (where: string) => void,
): HTMLElement {
  const button = h("button", { class: "primary" }, label);
  const failed = h("div");
  const keys = new Map<string, string>();
  const element = h(
    "form",
    {
      async onsubmit(event) {
        event.preventDefault();
        const values = Object.fromEntries(
          [...new FormData(element)].map(([name, value]) => [name, String(value).trim()]),
        );
        button.disabled = true;
        failed.replaceChildren();
        const asked = request(values);
        const what = JSON.stringify(asked);
        const key = keys.get(what) ?? newKey();
        keys.set(what, key);
        try {
          go(`job/${(await api.start(asked, key)).id}`);
          keys.delete(what);
        } catch (error) {
          failed.replaceChildren(failureNote(error));
        } finally {
          button.disabled = false;
        }
      },
    },
    ...fields.map(({ name, label, hint, value, optional = false }) =>
      h(
        "label",
        {},
        h("span", {}, label),
        h("input", {
          name,
          required: !optional,
          placeholder: hint,
          value,
          autocapitalize: "none",
          autocomplete: "off",
          spellcheck: "false",
        }),
      ),
    ),
    h("div", { class: "actions" }, button),
    failed,
  );
  return element;
}

/** By what there is over plain HTTP, too. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
}

/** Whoever types a bare name means a registry's. */
function withTransport(text: string): string {
  return /^[a-z][a-z-]*:(?!\d+\/)/.test(text) && !/^[^/]*\.[^/]*:/.test(text)
    ? text
    : `docker://${text}`;
}
