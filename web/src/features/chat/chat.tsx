import type { Live, LiveSnapshot } from "@ordercast/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useLocation } from "wouter";
import { openAbout } from "../../api/conversations";
import { useText } from "../../i18n/text";
import { Connection } from "../../ui/connection";
import { Empty, Loading, ProblemNote } from "../../ui/notes";
import { Shell } from "../../ui/shell";
import { Conversations } from "./conversations";
import { Sender } from "./sender";
import { ThreadView } from "./thread-view";

export interface ChatProps {
  live: Live;
  snapshot: LiveSnapshot;
  /** Of a conversation, or of the order or booking that it is about. */
  id: string | undefined;
  /** Who writes here, as the outbox knows them. */
  writer: string;
  token: () => string | undefined;
  /** Whose conversations to list; a guest has one alone. */
  userId?: string;
  trackingToken?: string;
}

export function Chat(props: ChatProps) {
  const { t } = useText();
  const { id, live, snapshot, writer, token, userId } = props;
  // Of all conversations: what was written in one is sent while another is open.
  const sender = useMemo(() => new Sender(live, writer), [live, writer]);
  useEffect(() => sender.start(), [sender]);
  return (
    <Shell title={t("chat.title")} tools={<Connection snapshot={snapshot} />} wide>
      <div
        className="chat"
        data-open={id === undefined ? undefined : ""}
        data-alone={userId ? undefined : ""}
      >
        {userId !== undefined && <Conversations live={live} userId={userId} token={token} openId={id} />}
        {id === undefined ? (
          <div className="chat-none">
            <Empty title={t("chat.choose")} />
          </div>
        ) : id.startsWith("cnv_") ? (
          <ThreadView key={id} {...props} id={id} sender={sender} />
        ) : (
          <FoundThread key={id} {...props} id={id} />
        )}
      </div>
    </Shell>
  );
}

/** Finds the conversation about an order or a booking, and goes there. */
function FoundThread({ id, token, trackingToken }: ChatProps & { id: string }) {
  const [, navigate] = useLocation();
  const found = useQuery({
    queryKey: ["conversation about", id, trackingToken],
    queryFn: () => openAbout(id, token()),
    staleTime: Infinity,
  });
  const conversationId = found.data?.id;
  useEffect(() => {
    if (conversationId === undefined) return;
    const query = trackingToken === undefined ? "" : `?token=${encodeURIComponent(trackingToken)}`;
    navigate(`/chat/${conversationId}${query}`, { replace: true });
  }, [conversationId, navigate, trackingToken]);
  if (found.error) return <ProblemNote error={found.error} onRetry={() => void found.refetch()} />;
  return <Loading cards={1} />;
}
