import { useQuery } from "@tanstack/react-query";
import { type Opening, openingQuery } from "../api/opening";
import { type Text, useText } from "../i18n/text";

/** Why buyers cannot order now, and from when on they can; undefined while they can. */
export function closedWords({ t, dateTime }: Text, opening: Opening | undefined): string | undefined {
  if (opening === undefined || opening.isOpen) return undefined;
  const why = t(opening.closedFor === "paused" ? "closed.paused" : "closed.hours");
  return opening.opensAt ? `${why} ${t("closed.opens", { time: dateTime(opening.opensAt) })}` : why;
}

/** Says over a page that the shop takes no orders now, and follows it. */
export function ClosedNote() {
  const text = useText();
  const { data } = useQuery(openingQuery);
  const words = closedWords(text, data);
  return (
    <div role="status" className="closed-note" data-testid="shop-closed">
      {words !== undefined && (
        <div className="note note--bad">
          <p>{words}</p>
          {data?.closedFor === "paused" && data.pauseReason && <p>{data.pauseReason}</p>}
        </div>
      )}
    </div>
  );
}
