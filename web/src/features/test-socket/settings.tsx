import type { ConnectionState, Live } from "@ordercast/client";
import { type SyntheticEvent, useState } from "react";
import { useText } from "../../i18n/text";
import { Field, SelectField } from "../../ui/field";
import { type TestSettings, type TransportChoice, TRANSPORTS } from "./use-test-socket";

interface SettingsProps {
  settings: TestSettings & { url: string };
  onChange: (settings: TestSettings) => void;
  live: Live;
  state: ConnectionState;
}

/** Where and how to connect. Another address or transport is another connection. */
export function Settings({ settings, onChange, live, state }: SettingsProps) {
  const { t } = useText();
  const [typed, setTyped] = useState<string>();
  const url = typed ?? settings.url;
  const connect = (event: SyntheticEvent) => {
    event.preventDefault();
    if (url === settings.url) live.connect();
    else onChange({ ...settings, url });
  };
  return (
    <form className="card test-settings" onSubmit={connect} aria-label={t("test.connection")}>
      <h2>{t("test.connection")}</h2>
      <Field
        label={t("test.url")}
        name="url"
        type="url"
        required
        spellCheck={false}
        value={url}
        onChange={({ target }) => setTyped(target.value)}
      />
      <SelectField
        label={t("test.transports")}
        name="transports"
        value={settings.transports}
        onChange={({ target }) => onChange({ ...settings, transports: target.value as TransportChoice })}
      >
        {(Object.keys(TRANSPORTS) as TransportChoice[]).map((choice) => (
          <option key={choice} value={choice}>
            {t(`transports.${choice}`)}
          </option>
        ))}
      </SelectField>
      <div className="test-actions">
        <button
          type="submit"
          className="button button--primary"
          data-testid="socket-connect"
          disabled={state === "connected" && url === settings.url}
        >
          {t("test.connect")}
        </button>
        <button
          type="button"
          className="button"
          data-testid="socket-disconnect"
          disabled={state === "disconnected"}
          onClick={() => live.disconnect()}
        >
          {t("test.disconnect")}
        </button>
      </div>
    </form>
  );
}
