import { useParams, useSearchParams } from "wouter";
import { useText } from "../../i18n/text";
import { useLive } from "../../live/use-live";
import { Shell } from "../../ui/shell";
import { LoginForm } from "../session/login";
import { currentToken, type Session, useSession } from "../session/session";
import { useLastingSession } from "../session/use-lasting-session";
import { Chat } from "./chat";
import "./chat.css";

/** `/chat`, `/chat/<conversation>`, and `/chat/<order or booking>`, also by its tracking token. */
export default function ChatPage() {
  const { t } = useText();
  const { id } = useParams<{ id?: string }>();
  const [query] = useSearchParams();
  const session = useSession();
  const trackingToken = query.get("token");
  if (trackingToken !== null && id !== undefined)
    return <GuestChat key={trackingToken} id={id} token={trackingToken} />;
  if (session !== null) return <SignedInChat key={session.user.id} id={id} session={session} />;
  return (
    <Shell title={t("chat.title")}>
      <LoginForm lead={t("chat.signInLead")} />
    </Shell>
  );
}

function SignedInChat({ id, session }: { id: string | undefined; session: Session }) {
  const connection = useLive(currentToken);
  useLastingSession(connection.live, connection.snapshot);
  return (
    <Chat {...connection} id={id} writer={session.user.id} token={currentToken} userId={session.user.id} />
  );
}

function GuestChat({ id, token }: { id: string; token: string }) {
  const connection = useLive(token);
  return <Chat {...connection} id={id} writer={`guest ${token}`} token={() => token} trackingToken={token} />;
}
