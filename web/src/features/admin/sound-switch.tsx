import { useEffect } from "react";
import { useText } from "../../i18n/text";
import { Bell, BellOff } from "../../ui/icons";
import type { Board } from "./board";
import { allowSound, playSound, prepareSound, useAudioState, useSoundWanted } from "./sounds";
import { useRinging } from "./use-sounds";

/** Whether this board is heard: on, off, or on and kept back by the browser, which one press mends. */
export function SoundSwitch({ board }: { board: Board }) {
  const { t } = useText();
  const { wanted, setWanted } = useSoundWanted();
  const audio = useAudioState((state) => state.state);
  const { ringing, silence } = useRinging(board);
  useSoundAfterReload(wanted);
  const isBlocked = wanted && audio === "blocked";
  const toggle = async () => {
    if (!isBlocked) setWanted(!wanted);
    if (wanted && !isBlocked) return;
    await allowSound();
    // Heard at once, so that its loudness can be set before the first order.
    playSound("order");
  };
  return (
    <>
      {wanted && ringing && audio === "running" && (
        <button type="button" className="button sound-silence" data-testid="sound-silence" onClick={silence}>
          {t("sound.silence")}
        </button>
      )}
      <button
        type="button"
        className={isBlocked ? "button sound-blocked" : "button"}
        aria-pressed={wanted}
        data-testid="sound"
        data-state={!wanted ? "off" : isBlocked ? "blocked" : "on"}
        onClick={() => void toggle()}
      >
        {wanted && !isBlocked ? <Bell /> : <BellOff />}
        <span className="tool-text">
          {t(!wanted ? "sound.off" : isBlocked ? "sound.blocked" : "sound.on")}
        </span>
      </button>
    </>
  );
}

/** The wish outlives a reload, the browser's permission does not: the next gesture renews it. */
function useSoundAfterReload(wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return;
    prepareSound();
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
