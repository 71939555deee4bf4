import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Events } from "@ordercast/client";
import { openingQuery } from "../../api/opening";
import { type Product, productsQuery } from "../../api/shop";
import { useShopIsLive } from "../../api/shop-is-live";
import { useLive } from "../../live/use-live";

/** Everybody in the shop hears of a change at once; their questions come over so long. */
const ASK_WITHIN_MS = 2_000;

/**
 * Hears of the shop while somebody stands in it: whether it is open, and what can be had. While it does, nothing is
 * asked for in turns. What is sold out shows as that at once; how many are left of the rest is asked for.
 */
export default function LiveShop() {
  const queries = useQueryClient();
  const { live, snapshot } = useLive();
  const { socketId } = snapshot;

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: productsQuery.queryKey });
        void queries.invalidateQueries({ queryKey: openingQuery.queryKey });
      }, Math.random() * ASK_WITHIN_MS);
    };
    const stops = [
      live.on("availability_update", ({ productId, availability }) => {
        queries.setQueryData(productsQuery.queryKey, (shown) => without(shown, productId, availability));
        askSoon();
      }),
      live.on("opening_update", ({ paused, pausedUntil, pauseReason }) => {
        if (paused)
          queries.setQueryData(
            openingQuery.queryKey,
            (shown) =>
              shown && {
                ...shown,
                isOpen: false,
                closedFor: "paused" as const,
                opensAt: pausedUntil,
                pauseReason,
              },
          );
        askSoon();
      }),
      live.onGap(askSoon),
    ];
    return () => {
      clearTimeout(timer);
      stops.forEach((stop) => stop());
    };
  }, [live, queries]);

  // A socket without a token has no session that the server could take up again.
  useEffect(() => {
    if (socketId === undefined) return;
    let isOver = false;
    live
      .command("watch_shop", {})
      .then(() => {
        if (isOver) return;
        // They were read before the socket could hear of them.
        void queries.invalidateQueries({ queryKey: productsQuery.queryKey });
        void queries.invalidateQueries({ queryKey: openingQuery.queryKey });
        useShopIsLive.setState({ isLive: true });
      })
      // It goes on asking.
      .catch(() => undefined);
    return () => {
      isOver = true;
      useShopIsLive.setState({ isLive: false });
    };
  }, [live, queries, socketId]);

  return null;
}

function without(
  shown: Product[] | undefined,
  id: string,
  availability: Events["availability_update"]["availability"],
): Product[] | undefined {
  if (availability === "withdrawn") return shown?.filter((each) => each.id !== id);
  if (availability !== "sold_out") return shown;
  return shown?.map((each) => (each.id === id ? { ...each, stock: 0 } : each));
}
