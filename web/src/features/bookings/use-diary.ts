import type { Live, LiveSnapshot } from "@ordercast/client";
import { useEffect, useMemo } from "react";
import { useLive } from "../../live/use-live";
import { currentToken, type Session } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Diary } from "./diary";
import { DiaryFeed } from "./diary-feed";

interface Kept {
  diary: Diary;
  feed: DiaryFeed;
  live: Live;
  snapshot: LiveSnapshot;
}

/** The bookings of those days, kept live while they are shown. */
export function useDiary({ user }: Session, days: readonly string[], zone: string): Kept {
  const { live, snapshot } = useLive(currentToken);
  useLastingSession(live, snapshot);
  const which = days.join(" ");
  const isCarer = user.role === "carer";
  const diary = useMemo(
    () => new Diary(which.split(" "), zone, isCarer ? user.id : undefined),
    [which, zone, isCarer, user.id],
  );
  const feed = useMemo(
    () => new DiaryFeed(diary, which.split(" "), live, { isCarer, token: currentToken }),
    [diary, which, live, isCarer],
  );
  useEffect(() => feed.start(), [feed]);
  return { diary, feed, live, snapshot };
}
