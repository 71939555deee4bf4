import type { LiveSnapshot } from "@ordercast/client";
import { useText } from "../i18n/text";

/** Whether this page hears changes right now. */
export function Connection({ snapshot }: { snapshot: LiveSnapshot }) {
  const { t } = useText();
  return (
    <span
      className="connection"
      role="status"
      data-testid="socket-state"
      data-state={snapshot.state}
      title={snapshot.problem?.message}
    >
      <span className="connection-dot" aria-hidden="true" />
      <span className="connection-text">{t(`connection.${snapshot.state}`)}</span>
    </span>
  );
}
