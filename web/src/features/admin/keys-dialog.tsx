import { useText } from "../../i18n/text";
import { Dialog } from "../../ui/dialog";

const KEYS = [
  ["↑ ↓ ← →", "keys.arrows"],
  ["Enter", "keys.enter"],
  ["M", "keys.more"],
  ["Z", "keys.undo"],
  ["/", "keys.search"],
  ["?", "keys.help"],
] as const;

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
      <div className="dialog-actions">
        <button type="button" className="button button--primary" onClick={onClose}>
          {t("keys.close")}
        </button>
      </div>
    </Dialog>
  );
}
