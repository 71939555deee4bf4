import type { Live } from "@ordercast/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { notificationsQuery, readAll } from "../../api/staff-queries";
import { useLocale } from "../../i18n/locale";
import { useText } from "../../i18n/text";
import { NotificationSettings } from "../../push/settings";
import { Button } from "../../ui/button";
import { Age } from "../../ui/age";
import { Inbox } from "../../ui/icons";
import { currentToken } from "../session/session";

/** What the shop was told and this person has not read: how many, and on demand what. */
export function Notices({ live }: { live: Live }) {
  const { t } = useText();
  const inBengali = useLocale((state) => state.locale) === "bn";
  const [open, setOpen] = useState(false);
  const list = useId();
  const { data, refetch } = useQuery(notificationsQuery(currentToken()));
  const reading = useReadAll();
  useEffect(() => live.on("notification", () => void refetch()), [live, refetch]);
  useEffect(() => live.on("ready", () => void refetch()), [live, refetch]);
  const unread = data?.unread ?? 0;
  const unreadText = t(data?.unreadMore ? "notices.unreadMore" : "notices.unread", { count: unread });
  return (
    <div className="notices">
      <button
        type="button"
        className="button"
        aria-expanded={open}
        aria-controls={list}
        data-testid="notices"
        onClick={() => setOpen(!open)}
      >
        <Inbox />
        <span className="tool-text">{t("notices.title")}</span>
        <span className="notices-count" data-testid="notices-unread" aria-hidden={unread === 0}>
          {unread > 0 && unreadText}
        </span>
      </button>
      <p className="visually-hidden" aria-live="polite">
        {unread > 0 ? unreadText : ""}
      </p>
      <div id={list} className="card notices-list" hidden={!open}>
        {data?.items.length === 0 && <p className="muted">{t("notices.none")}</p>}
        <ul>
          {data?.items.map((notice) => (
            <li key={notice.id} data-severity={notice.severity} data-read={notice.readAt !== null}>
              <strong>{inBengali ? notice.titleBn : notice.title}</strong>
              <span>{inBengali ? notice.textBn : notice.text}</span>
              <Age at={notice.createdAt} />
            </li>
          ))}
        </ul>
        <NotificationSettings token={currentToken() ?? ""} />
        {unread > 0 && (
          <Button
            type="button"
            className="button button--small"
            busy={reading.isPending}
            onClick={() => reading.mutate()}
          >
            {t("notices.readAll")}
          </Button>
        )}
      </div>
    </div>
  );
}

function useReadAll() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => readAll(currentToken()),
    onSuccess: () => queries.invalidateQueries({ queryKey: notificationsQuery(undefined).queryKey }),
  });
}
