import type { Order } from "@ordercast/client";
import { useText } from "../../i18n/text";
import { type Shown, STAGES, stageOf } from "./stages";

interface FiltersProps {
  orders: Order[];
  shown: Shown;
  onChange: (shown: Shown) => void;
  onHelp: () => void;
}

export function Filters({ orders, shown, onChange, onHelp }: FiltersProps) {
  const { t, number } = useText();
  const count = (stage: Shown["stage"]) =>
    stage === "all" ? orders.length : orders.filter((order) => stageOf(order.status) === stage).length;
  return (
    <div className="filters">
      <div className="chips" role="group" aria-label={t("admin.filter")}>
        {(["all", ...STAGES] as const).map((stage) => (
          <button
            key={stage}
            type="button"
            className="chip"
            aria-pressed={shown.stage === stage}
            onClick={() => onChange({ ...shown, stage })}
          >
            {t(`stage.${stage}`)} <span className="chip-count">{number(count(stage))}</span>
          </button>
        ))}
      </div>
      <input
        type="search"
        className="search"
        aria-label={t("admin.search")}
        aria-keyshortcuts="/"
        placeholder={t("admin.search")}
        value={shown.words}
        onChange={({ target }) => onChange({ ...shown, words: target.value })}
      />
      <button type="button" className="button" aria-keyshortcuts="?" data-testid="keys-open" onClick={onHelp}>
        {t("keys.title")}
      </button>
    </div>
  );
}
