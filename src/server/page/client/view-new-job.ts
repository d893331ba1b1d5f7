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
        { name: "to", label: "To", hint: "docker://mirror.example/team/app:1.0" },
      ],
      "Copy",
      ({ from = "", to = "" }) => ({
        kind: "copy",
        from: { image: withTransport(from) },
        to: { image: withTransport(to) },
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
    ],
    "Verify",
    ({ image = "" }) => ({ kind: "verify", image: { image: withTransport(image) } }),
    go,
  );
}

interface Field {
  readonly name: string;
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
        try {
          go(`job/${(await api.start(request(values))).id}`);
        } catch (error) {
          failed.replaceChildren(failureNote(error));
        } finally {
          button.disabled = false;
        }
      },
    },
    ...fields.map(({ name, label, hint, value }) =>
      h(
        "label",
        {},
        h("span", {}, label),
        h("input", {
          name,
          required: true,
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

/** Whoever types a bare name means a registry's. */
function withTransport(text: string): string {
  return /^[a-z][a-z-]*:(?!\d+\/)/.test(text) && !/^[^/]*\.[^/]*:/.test(text)
    ? text
    : `docker://${text}`;
}
