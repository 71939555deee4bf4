import { useLocale } from "../i18n/locale";
import { loadMessages, useText } from "../i18n/text";
import { Moon, Sun } from "./icons";
import { themeNow, useThemeStore } from "./theme";

export function LanguageSwitch() {
  const { locale, setLocale } = useLocale();
  const other = locale === "en" ? "bn" : "en";
  // Where its sentences cannot be fetched, the page stays in the one it has.
  const choose = () =>
    void loadMessages(other).then(
      () => setLocale(other),
      () => undefined,
    );
  return (
    <button type="button" className="button button--quiet" lang={other} onClick={choose}>
      {other === "bn" ? "বাংলা" : "English"}
    </button>
  );
}

export function ThemeToggle() {
  const { t } = useText();
  const { chosen, choose } = useThemeStore();
  const dark = themeNow(chosen) === "dark";
  return (
    <button
      type="button"
      className="button button--quiet button--icon"
      aria-pressed={dark}
      aria-label={t("nav.dark")}
      title={t("nav.dark")}
      onClick={() => choose(dark ? "light" : "dark")}
    >
      {dark ? <Sun /> : <Moon />}
    </button>
  );
}
