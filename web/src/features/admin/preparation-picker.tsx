import type { Order } from "@ordercast/client";
import { useId, useState } from "react";
import { useText } from "../../i18n/text";
import { useBoardContext } from "./board-context";
import { MinutesDialog } from "./minutes-dialog";
import { PRESETS_MIN, usePreparation } from "./preparation";

const NONE = "none";
const OTHER = "other";

/** Of an order that waits: in how many minutes it will be ready, said with its acceptance. */
export function PreparationPicker({ order }: { order: Order }) {
  const { t } = useText();
  const select = useId();
  const { usualMinutes } = useBoardContext();
  const [minutes, choose] = usePreparation(order, usualMinutes);
  const [asking, setAsking] = useState(false);
  const presets =
    minutes === null || PRESETS_MIN.includes(minutes)
      ? PRESETS_MIN
      : [...PRESETS_MIN, minutes].toSorted((a, b) => a - b);
  return (
    <div className="driver-picker">
      <label htmlFor={select}>{t("prep.label")}</label>
      <select
        id={select}
        data-testid="preparation"
        value={minutes ?? NONE}
        onChange={({ target }) => {
          if (target.value === OTHER) setAsking(true);
          else choose(target.value === NONE ? null : Number(target.value));
        }}
      >
        {presets.map((each) => (
          <option key={each} value={each}>
            {t("prep.minutes", { count: each })}
          </option>
        ))}
        <option value={OTHER}>{t("prep.other")}</option>
        <option value={NONE}>{t(order.requestedTime == null ? "prep.none" : "prep.wanted")}</option>
      </select>
      {asking && (
        <MinutesDialog
          title={t("prep.title", { number: String(order.number) })}
          onClose={() => setAsking(false)}
          onMinutes={(own) => {
            setAsking(false);
            choose(own);
          }}
        />
      )}
    </div>
  );
}
