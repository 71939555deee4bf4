import type { LiveSnapshot } from "@ordercast/client";
import { useText } from "../../i18n/text";

/** The connection in figures. */
export function Facts({ snapshot }: { snapshot: LiveSnapshot }) {
  const { t } = useText();
  return (
    <section className="card facts" aria-labelledby="facts-heading">
      <h2 id="facts-heading">{t("test.facts")}</h2>
      <dl>
        <div>
          <dt>{t("test.state")}</dt>
          <dd>{t(`connection.${snapshot.state}`)}</dd>
        </div>
        <div>
          <dt>{t("test.id")}</dt>
          <dd data-testid="socket-id">{snapshot.socketId ?? "—"}</dd>
        </div>
        <div>
          <dt>{t("test.transport")}</dt>
          <dd data-testid="socket-transport">{snapshot.transport ?? "—"}</dd>
        </div>
        <div>
          <dt>{t("test.recovered")}</dt>
          <dd>{t(snapshot.recovered ? "yes" : "no")}</dd>
        </div>
      </dl>
      {snapshot.problem && <p className="note note--small note--bad">{snapshot.problem.message}</p>}
    </section>
  );
}
