import { useState } from "react";
import { useText } from "../../i18n/text";
import { useShipping } from "../../stores/shipping";
import { Button } from "../../ui/button";

const PATIENCE_MS = 20_000;

/** Takes this device's place for the door's, if the buyer says so: then the shop can tell when it arrives. */
export default function DoorPlace() {
  const { t } = useText();
  const { place, setPlace } = useShipping();
  const [state, setState] = useState<"idle" | "asking" | "failed">("idle");
  if (!("geolocation" in navigator)) return null;
  const ask = () => {
    setState("asking");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        setPlace({ lat: coords.latitude, lng: coords.longitude });
        setState("idle");
      },
      () => setState("failed"),
      { enableHighAccuracy: true, timeout: PATIENCE_MS },
    );
  };
  return (
    <div className="door-place">
      <Button
        type="button"
        className="button button--small"
        data-testid="door-place"
        aria-pressed={place !== null}
        busy={state === "asking"}
        onClick={() => (place === null ? ask() : setPlace(null))}
      >
        {place === null ? t("door.share") : t("door.forget")}
      </Button>
      <p className="field-hint" role="status">
        {state === "asking"
          ? t("position.searching")
          : state === "failed"
            ? t("door.failed")
            : t("door.hint")}
      </p>
    </div>
  );
}
