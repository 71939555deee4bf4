import type { Live } from "@ordercast/client";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { setDuty } from "../../api/deliveries";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { ProblemNote } from "../../ui/notes";
import { currentToken } from "../session/session";
import { type Sharing, usePosition } from "./position";

/** Work begun or ended, and whether the shop and the buyers see where this telephone is. */
export function Duty({ live, driverId }: { live: Live; driverId: string }) {
  const { t } = useText();
  const [sharing, setSharing] = useKept(`ordercast.sharing.${driverId}`);
  const [onDuty, setOnDuty] = useKept(`ordercast.duty.${driverId}`);
  const position = usePosition(live, sharing === "yes");
  const duty = useMutation({
    mutationFn: (wanted: boolean) => setDuty(wanted, currentToken()),
    onSuccess: (_driver, wanted) => setOnDuty(wanted ? "yes" : "no"),
  });
  return (
    <section className="card duty" aria-label={t("courier.duty")}>
      <div className="duty-switches">
        <Button
          type="button"
          className="button thumb"
          aria-pressed={onDuty === "yes"}
          data-testid="duty"
          busy={duty.isPending}
          onClick={() => duty.mutate(onDuty !== "yes")}
        >
          {t(onDuty === "yes" ? "courier.onDuty" : "courier.offDuty")}
        </Button>
        <button
          type="button"
          className="button thumb"
          aria-pressed={sharing === "yes"}
          data-testid="share-position"
          onClick={() => setSharing(sharing === "yes" ? "no" : "yes")}
        >
          {t("courier.share")}
        </button>
      </div>
      <p className="muted" role="status" data-testid="position-state" data-state={position.state}>
        <SharingText sharing={position} />
      </p>
      {duty.error && <ProblemNote error={duty.error} />}
    </section>
  );
}

function SharingText({ sharing }: { sharing: Sharing }) {
  const { t, time } = useText();
  if (sharing.state === "shared") return t("position.shared", { time: time(sharing.at) });
  return t(`position.${sharing.state}`);
}

/** A choice that this telephone keeps. */
function useKept(key: string): [string | null, (value: string) => void] {
  const [value, setValue] = useState(() => localStorage.getItem(key));
  const keep = (next: string) => {
    localStorage.setItem(key, next);
    setValue(next);
  };
  return [value, keep];
}
