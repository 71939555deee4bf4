import type { Live } from "@ordercast/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { openingQuery, resumeShop } from "../../api/opening";
import { productsQuery } from "../../api/shop";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { closedWords } from "../../ui/closed-note";
import { currentToken } from "../session/session";

/** Over the board while buyers cannot order: why, until when, and the way to take orders again. */
export function ClosedBar({ live }: { live: Live }) {
  const text = useText();
  const queries = useQueryClient();
  const { data } = useQuery(openingQuery);
  useEffect(() => {
    const asked = () => void queries.invalidateQueries({ queryKey: openingQuery.queryKey });
    const stops = [
      live.on("shop_update", asked),
      live.on("product_update", () => void queries.invalidateQueries({ queryKey: productsQuery.queryKey })),
      live.on("ready", asked),
      live.onGap(asked),
    ];
    return () => stops.forEach((stop) => stop());
  }, [live, queries]);
  const resuming = useMutation({
    mutationFn: () => resumeShop(currentToken()),
    onSuccess: (opening) => queries.setQueryData(openingQuery.queryKey, opening),
  });
  const words = closedWords(text, data);
  return (
    <div role="status" data-testid="closed-bar">
      {words !== undefined && (
        <div className="closed-bar">
          <p>{[words, data?.pauseReason].filter(Boolean).join(" ")}</p>
          {data?.closedFor === "paused" && (
            <Button
              type="button"
              className="button"
              data-testid="resume"
              busy={resuming.isPending}
              onClick={() => resuming.mutate()}
            >
              {text.t("pause.resume")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
