import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "light" | "dark";

interface ThemeState {
  /** What was chosen here; null follows the system. */
  chosen: Theme | null;
  choose: (theme: Theme) => void;
}

export const useThemeStore = create<ThemeState>()(
  persist((set) => ({ chosen: null, choose: (chosen) => set({ chosen }) }), { name: "ordercast.theme" }),
);

export const themeNow = (chosen: Theme | null): Theme =>
  chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

export function keepDocumentTheme(): void {
  const apply = ({ chosen }: ThemeState) => {
    if (chosen === null) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = chosen;
  };
  apply(useThemeStore.getState());
  useThemeStore.subscribe(apply);
}
