import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import {
  preferences,
  type Preferences,
  savePreferences,
  type Topic,
  TOPICS,
  type WantedPreferences,
  type Way,
} from "../api/push";
import { useText } from "../i18n/text";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field, SelectField } from "../ui/field";
import { Loading, ProblemNote } from "../ui/notes";
import { DeviceSwitch } from "./device-switch";

/** Opens what somebody wants to be told of, and how. */
export function NotificationSettings({ token }: { token: string }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" data-testid="push-settings" onClick={() => setOpen(true)}>
        {t("push.title")}
      </button>
      {open && <SettingsDialog token={token} onClose={() => setOpen(false)} />}
    </>
  );
}

function SettingsDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const { t } = useText();
  const { data, error, refetch } = useQuery({
    queryKey: ["preferences", token],
    queryFn: ({ signal }) => preferences(token, signal),
    staleTime: 0,
  });
  return (
    <Dialog title={t("push.title")} onClose={onClose}>
      <p>{t("push.lead")}</p>
      {data?.ways.includes("push") && <DeviceSwitch token={token} />}
      {error && <ProblemNote error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loading cards={1} />}
      {data && <PreferencesForm token={token} found={data} onClose={onClose} />}
    </Dialog>
  );
}

interface FormProps {
  token: string;
  found: Preferences;
  onClose: () => void;
}

function PreferencesForm({ token, found, onClose }: FormProps) {
  const { t } = useText();
  const queries = useQueryClient();
  const [quiet, setQuiet] = useState(found.quietHours !== null);
  const saving = useMutation({
    mutationFn: (wanted: WantedPreferences) => savePreferences(token, wanted),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["preferences", token] });
      onClose();
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    saving.mutate(wantedOf(new FormData(event.currentTarget), found));
  };
  return (
    <form onSubmit={submit} className="preferences-form" data-testid="preferences">
      <TopicTable found={found} />
      {found.ways.includes("sms") && (
        <Field
          label={t("push.mobile")}
          name="mobile"
          type="tel"
          pattern="\+[1-9][0-9]{6,14}"
          hint={t("push.mobileHint")}
          defaultValue={found.mobile ?? ""}
        />
      )}
      <SelectField
        label={t("push.language")}
        name="language"
        defaultValue={found.language?.slice(0, 2) ?? ""}
      >
        <option value="">{t("push.anyLanguage")}</option>
        <option value="en">English</option>
        <option value="bn">বাংলা</option>
      </SelectField>
      <label className="check">
        <input
          type="checkbox"
          name="quiet"
          checked={quiet}
          onChange={(event) => setQuiet(event.currentTarget.checked)}
        />
        {t("push.quiet")}
      </label>
      {quiet && <QuietHours found={found} />}
      {saving.isError && <ProblemNote error={saving.error} />}
      <div className="dialog-actions">
        <Button type="submit" className="button button--primary" busy={saving.isPending}>
          {t("push.save")}
        </Button>
        <button type="button" className="button" onClick={onClose}>
          {t("reason.back")}
        </button>
      </div>
    </form>
  );
}

function TopicTable({ found }: { found: Preferences }) {
  const { t } = useText();
  return (
    <table className="preferences-table">
      <caption className="visually-hidden">{t("push.tableCaption")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("push.topic")}</th>
          {found.ways.map((way) => (
            <th key={way} scope="col">
              {t(`push.way.${way}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {topicsOf(found).map(([topic, ways]) => (
          <tr key={topic}>
            <th scope="row">{t(`push.topic.${topic}`)}</th>
            {found.ways.map((way) => (
              <td key={way}>
                <input
                  type="checkbox"
                  name={`${topic}.${way}`}
                  aria-label={`${t(`push.topic.${topic}`)}: ${t(`push.way.${way}`)}`}
                  defaultChecked={ways.includes(way)}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function QuietHours({ found }: { found: Preferences }) {
  const { t } = useText();
  return (
    <fieldset>
      <legend>{t("push.quietLegend", { zone: found.timezone ?? ownZone() })}</legend>
      <div className="field-pair">
        <Field
          label={t("push.quietFrom")}
          name="from"
          type="time"
          required
          defaultValue={found.quietHours?.from ?? "22:00"}
        />
        <Field
          label={t("push.quietTo")}
          name="to"
          type="time"
          required
          defaultValue={found.quietHours?.to ?? "07:00"}
        />
      </div>
      <SelectField
        label={t("push.letsThrough")}
        name="letsThrough"
        defaultValue={found.quietHours === null ? "error" : (found.quietHours.letsThrough ?? "")}
      >
        <option value="error">{t("push.letsThrough.error")}</option>
        <option value="warning">{t("push.letsThrough.warning")}</option>
        <option value="">{t("push.letsThrough.nothing")}</option>
      </SelectField>
    </fieldset>
  );
}

const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

const topicsOf = (found: Preferences) =>
  TOPICS.flatMap((topic): [Topic, Way[]][] => {
    const ways = found.topics[topic];
    return ways === undefined ? [] : [[topic, ways]];
  });

/** What the form says. A way that the shop has not just now stays as it was chosen. */
function wantedOf(form: FormData, found: Preferences): WantedPreferences {
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" && value !== "" ? value : null;
  };
  const chosen = topicsOf(found).map(([topic, ways]): [Topic, Way[]] => [
    topic,
    [
      ...ways.filter((way) => !found.ways.includes(way)),
      ...found.ways.filter((way) => form.has(`${topic}.${way}`)),
    ],
  ]);
  const quiet = form.has("quiet");
  return {
    language: text("language"),
    timezone: quiet ? (found.timezone ?? ownZone()) : found.timezone,
    quietHours: quiet
      ? {
          from: text("from") ?? "22:00",
          to: text("to") ?? "07:00",
          letsThrough: text("letsThrough") as "warning" | "error" | null,
        }
      : null,
    mobile: found.ways.includes("sms") ? text("mobile") : found.mobile,
    topics: Object.fromEntries(chosen),
  };
}
