import type { Live } from "@ordercast/client";
import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { useText } from "../../i18n/text";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { written } from "./use-test-socket";

const EXAMPLE = `"hello", 42, {"nested": [true, null]}`;

/** Sends arguments of any JSON type and shows what comes back with the ack. */
export function Echo({ live }: { live: Live }) {
  const { t } = useText();
  const [typed, setTyped] = useState(EXAMPLE);
  const echo = useMutation({
    mutationFn: async (text: string) => {
      const started = performance.now();
      const answer = await live.ask("echo", ...argumentsIn(text));
      return { answer, took_ms: Math.round((performance.now() - started) * 10) / 10 };
    },
  });
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    echo.mutate(typed);
  };
  const fault = echo.error instanceof SyntaxError ? t("echo.notJson") : undefined;
  return (
    <form className="card echo" onSubmit={send} aria-label={t("echo.title")}>
      <h2>{t("echo.title")}</h2>
      <Field
        label={t("echo.label")}
        name="arguments"
        spellCheck={false}
        value={typed}
        error={fault}
        hint={t("echo.hint")}
        data-testid="echo-input"
        onChange={({ target }) => setTyped(target.value)}
      />
      <Button type="submit" className="button button--primary" data-testid="echo-send" busy={echo.isPending}>
        {t("echo.send")}
      </Button>
      <output className="echo-result" data-testid="echo-result">
        {echo.data?.answer.map(written).join(", ")}
        {echo.error && fault === undefined && echo.error.message}
      </output>
      {echo.data && <p className="muted">{t("echo.took", { ms: echo.data.took_ms })}</p>}
    </form>
  );
}

/** The arguments as a list of JSON values; one bare word is taken as the text it looks like. */
export function argumentsIn(text: string): unknown[] {
  const trimmed = text.trim();
  try {
    return JSON.parse(`[${trimmed}]`) as unknown[];
  } catch (error) {
    if (/^[\p{L}\p{M}\p{N} .!?_-]+$/u.test(trimmed)) return [trimmed];
    throw error;
  }
}
