import { useEffect } from "react";
import { useText } from "../../i18n/text";
import { Bell, BellOff } from "../../ui/icons";
import { allowSound, playNewOrderSound, useNewOrderSound } from "./new-order-sound";

export function SoundSwitch() {
  const { t } = useText();
  const { wanted, setWanted } = useNewOrderSound();
  useSoundAfterReload(wanted);
  const toggle = async () => {
    setWanted(!wanted);
    if (wanted) return;
    await allowSound();
    // Heard at once, so that its loudness can be set before the first order.
    playNewOrderSound(Date.now());
  };
  return (
    <button type="button" className="button" aria-pressed={wanted} onClick={() => void toggle()}>
      {wanted ? <Bell /> : <BellOff />}
      {wanted ? t("sound.on") : t("sound.off")}
    </button>
  );
}

/** The wish outlives a reload, the browser's permission does not: the next gesture renews it. */
function useSoundAfterReload(wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return;
    const allow = () => void allowSound();
    const options = { once: true };
    addEventListener("pointerdown", allow, options);
    addEventListener("keydown", allow, options);
    return () => {
      removeEventListener("pointerdown", allow);
      removeEventListener("keydown", allow);
    };
  }, [wanted]);
}
