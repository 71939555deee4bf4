import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { type Thresholds, useBoardSettings } from "./settings";
import { allowSound, playSound } from "./sounds";

const MINUTES_MAX = 999;
const UNDO_S_MAX = 60;

/** How this person's board is, on this device. */
export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const settings = useBoardSettings();
  const { accept, work, undo_s, volume, compact, change } = settings;
  const minutes = (thresholds: Thresholds, name: "accept" | "work", which: keyof Thresholds) => (
    <Field
      label={t(`settings.${name}.${which}`)}
      name={`${name}.${which}`}
      type="number"
      min={1}
      max={MINUTES_MAX}
      value={String(thresholds[which])}
      onChange={({ target }) =>
        change({ [name]: { ...thresholds, [which]: bounded(target.valueAsNumber, 1, MINUTES_MAX) } })
      }
    />
  );
  const listen = async () => {
    await allowSound();
    playSound("order");
  };
  return (
    <Dialog title={t("settings.title")} onClose={onClose}>
      <div className="settings">
        <p className="muted">{t("settings.lead")}</p>
        {minutes(accept, "accept", "amber")}
        {minutes(accept, "accept", "red")}
        {minutes(work, "work", "amber")}
        {minutes(work, "work", "red")}
        <Field
          label={t("settings.undo")}
          name="undo"
          type="number"
          min={0}
          max={UNDO_S_MAX}
          hint={t("settings.undoHint")}
          value={String(undo_s)}
          onChange={({ target }) => change({ undo_s: bounded(target.valueAsNumber, 0, UNDO_S_MAX) })}
        />
        <Field
          label={t("settings.volume")}
          name="volume"
          type="range"
          min={0.05}
          max={1}
          step={0.05}
          value={String(volume)}
          onChange={({ target }) => change({ volume: target.valueAsNumber })}
        />
        <button type="button" className="button" onClick={() => void listen()}>
          {t("settings.listen")}
        </button>
        <label className="settings-choice">
          <input
            type="checkbox"
            checked={compact}
            data-testid="compact"
            onChange={({ target }) => change({ compact: target.checked })}
          />
          {t("settings.compact")}
        </label>
      </div>
      <div className="dialog-actions">
        <button type="button" className="button button--primary" onClick={onClose}>
          {t("keys.close")}
        </button>
      </div>
    </Dialog>
  );
}

const bounded = (value: number, least: number, most: number): number =>
  Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : least;
