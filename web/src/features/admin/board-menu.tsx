import { useLocation } from "wouter";
import { useLocale } from "../../i18n/locale";
import { loadMessages, useText } from "../../i18n/text";
import { Lines } from "../../ui/icons";
import { fullScreen } from "../../ui/full-screen";
import { Menu } from "../../ui/menu";
import { useThemeStore, themeNow } from "../../ui/theme";
import { useSessionStore } from "../session/session";

interface BoardMenuProps {
  onSettings: () => void;
  onKeys: () => void;
  onPause: () => void;
  onHours: () => void;
  onSoldOut: () => void;
}

/** What is not of every minute: the other pages, the board's settings, language and colours, the end of the shift. */
export function BoardMenu({ onSettings, onKeys, onPause, onHours, onSoldOut }: BoardMenuProps) {
  const { t } = useText();
  const [, navigate] = useLocation();
  const { locale, setLocale } = useLocale();
  const { chosen, choose } = useThemeStore();
  const signOut = useSessionStore((state) => state.signOut);
  const dark = themeNow(chosen) === "dark";
  const other = locale === "en" ? "bn" : "en";
  const switchLanguage = () =>
    void loadMessages(other).then(
      () => setLocale(other),
      () => undefined,
    );
  const entries = [
    {
      key: "kitchen",
      label: t("kitchen.title"),
      onSelect: () => navigate("/admin/kitchen"),
      testId: "kitchen-open",
    },
    { key: "pause", label: t("pause.title"), onSelect: onPause, testId: "pause-open" },
    { key: "soldOut", label: t("soldOut.title"), onSelect: onSoldOut, testId: "sold-out-open" },
    { key: "hours", label: t("hours.title"), onSelect: onHours, testId: "hours-open" },
    { key: "settings", label: t("settings.title"), onSelect: onSettings, testId: "settings-open" },
    { key: "keys", label: t("keys.title"), onSelect: onKeys, testId: "keys-open" },
    { key: "full", label: t("admin.fullScreen"), onSelect: fullScreen },
    {
      key: "archive",
      label: t("archive.open"),
      onSelect: () => navigate("/admin/orders"),
      testId: "archive-open",
    },
    { key: "chat", label: t("nav.chat"), onSelect: () => navigate("/chat") },
    { key: "shop", label: t("nav.shop"), onSelect: () => navigate("/shop") },
    // The one page that may connect anywhere: the server says so with the document.
    { key: "test", label: t("nav.test"), onSelect: () => location.assign("/test-socket") },
    {
      key: "language",
      label: <span lang={other}>{other === "bn" ? "বাংলা" : "English"}</span>,
      onSelect: switchLanguage,
    },
    {
      key: "theme",
      label: t(dark ? "nav.lightTheme" : "nav.dark"),
      onSelect: () => choose(dark ? "light" : "dark"),
    },
    { key: "out", label: t("login.signOut"), onSelect: signOut, testId: "sign-out" },
  ];
  return (
    <Menu label={t("admin.menu")} testId="board-menu" entries={entries}>
      <Lines />
    </Menu>
  );
}
