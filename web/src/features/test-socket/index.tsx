import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { configQuery, type ShopConfig } from "../../api/shop";
import { useSnapshot } from "../../live/use-live";
import { useText } from "../../i18n/text";
import { Connection } from "../../ui/connection";
import { Shell } from "../../ui/shell";
import { Echo } from "./echo";
import { EventLog } from "./event-log";
import { Facts } from "./facts";
import { Settings } from "./settings";
import { AT_FIRST, type TestSettings, useTestSocket } from "./use-test-socket";
import "./test-socket.css";

export default function TestSocketPage() {
  const { t } = useText();
  const config = useQuery(configQuery);
  const [chosen, setChosen] = useState<TestSettings>(AT_FIRST);
  const settings = { ...chosen, url: chosen.url ?? served(config.data) };
  const { live, entries, clear } = useTestSocket(settings, !config.isPending);
  const snapshot = useSnapshot(live);
  return (
    <Shell title={t("test.title")} lead={t("test.lead")} tools={<Connection snapshot={snapshot} />}>
      <div className="test">
        <Settings settings={settings} onChange={setChosen} live={live} state={snapshot.state} />
        <Facts snapshot={snapshot} />
        <Echo live={live} />
        <EventLog entries={entries} onClear={clear} />
      </div>
    </Shell>
  );
}

/** Where this shop serves its sockets, written out. */
function served(config: ShopConfig | undefined): string {
  return config === undefined || config.socketUrl === "" ? location.origin : config.socketUrl;
}
