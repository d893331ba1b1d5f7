import { h, setText } from "./dom.ts";

const key = "amphora-theme";
const themes = ["auto", "light", "dark"] as const;

function current(): (typeof themes)[number] {
  try {
    return themes.find((theme) => theme === localStorage.getItem(key)) ?? "auto";
  } catch {
    return "auto"; // storage is switched off
  }
}

/** Takes up what was chosen here before; otherwise the system's. */
export function chooseTheme(): void {
  document.documentElement.dataset["theme"] = current();
}

/** Goes through the themes. */
export function themeButton(): HTMLElement {
  const label = () => `Theme: ${current()}`;
  const button = h(
    "button",
    {
      type: "button",
      class: "plain",
      onclick() {
        const next = themes[(themes.indexOf(current()) + 1) % themes.length] ?? "auto";
        try {
          localStorage.setItem(key, next);
        } catch {
          // then it is for this page alone
        }
        document.documentElement.dataset["theme"] = next;
        setText(button, label());
      },
    },
    label(),
  );
  return button;
}
