import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LANGUAGE_TAGS, useLocale } from "../i18n/locale";
import { useText } from "../i18n/text";
import { Button } from "../ui/button";
import { deviceState, notifyHere, silenceHere } from "./device";

/** Asks to be pushed to on this browser, or no more. It shows nothing where that cannot be. */
export function DeviceSwitch({ token }: { token: string }) {
  const { t } = useText();
  const language = useLocale((state) => LANGUAGE_TAGS[state.locale]);
  const queries = useQueryClient();
  const queryKey = ["push", token];
  const { data: state } = useQuery({ queryKey, queryFn: () => deviceState(token), retry: false });
  const change = useMutation({
    mutationFn: async (on: boolean) => (on ? notifyHere(token, language) : silenceHere(token)),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  if (state === undefined || state === "unsupported") return null;
  return (
    <div className="device-switch">
      <Button
        type="button"
        className="button"
        data-testid="notify-here"
        aria-pressed={state === "on"}
        busy={change.isPending}
        disabled={state === "denied"}
        onClick={() => change.mutate(state !== "on")}
      >
        {t("push.here")}
      </Button>
      <p className="field-hint" role="status">
        {state === "denied" && t("push.denied")}
        {state === "on" && t("push.on")}
        {change.isError && t("push.failed")}
      </p>
    </div>
  );
}
