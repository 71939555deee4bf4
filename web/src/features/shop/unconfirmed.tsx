import { useMutation, useQuery } from "@tanstack/react-query";
import { me, resendVerification } from "../../api/auth";
import { useText } from "../../i18n/text";
import { type Session } from "../session/session";
import { Button } from "../../ui/button";

/** Reminds a customer who has not confirmed their address yet of the link that was mailed to it. */
export function Unconfirmed({ session }: { session: Session }) {
  const { t } = useText();
  const { data } = useQuery({
    queryKey: ["me", session.user.id],
    queryFn: ({ signal }) => me(session.token, signal),
    retry: false,
  });
  const again = useMutation({ mutationFn: () => resendVerification(session.user.email) });
  if (data?.emailVerified !== false) return null;
  if (again.isSuccess) return <span role="status">{t("unconfirmed.sent")}</span>;
  return (
    <>
      <span className="muted">{t("unconfirmed.text", { email: session.user.email })}</span>
      <Button
        type="button"
        className="button button--quiet"
        data-testid="resend-verification"
        busy={again.isPending}
        onClick={() => again.mutate()}
      >
        {t("unconfirmed.again")}
      </Button>
    </>
  );
}
