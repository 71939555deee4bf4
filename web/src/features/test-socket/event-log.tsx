import { useText } from "../../i18n/text";
import type { LogEntry } from "./use-test-socket";

export function EventLog({ entries, onClear }: { entries: LogEntry[]; onClear: () => void }) {
  const { t } = useText();
  return (
    <section className="card event-log" aria-labelledby="log-heading">
      <div className="event-log-head">
        <h2 id="log-heading">{t("log.title")}</h2>
        <button type="button" className="button button--small" onClick={onClear}>
          {t("log.clear")}
        </button>
      </div>
      {/* Scrolls by itself, so the keyboard must be able to reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ol data-testid="event-log" tabIndex={0} aria-labelledby="log-heading" aria-live="off">
        {entries.map(({ id, at, name, detail }) => (
          <li key={id}>
            <time dateTime={at}>{at.slice(11, 23)}</time> <strong>{name}</strong> <span>{detail}</span>
          </li>
        ))}
      </ol>
      {entries.length === 0 && <p className="muted">{t("log.empty")}</p>}
    </section>
  );
}
