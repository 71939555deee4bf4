import type { Live } from "@ordercast/client";
import { type KeyboardEvent, type SyntheticEvent, useEffect, useId, useMemo, useState } from "react";
import { useText } from "../../i18n/text";
import { useOutbox, WAITING_MAX } from "./outbox";
import { TypingSignal } from "./typing-signal";

/** As long as the server takes one. */
const TEXT_MAX = 2_000;

interface ComposerProps {
  live: Live;
  conversationId: string;
  writer: string;
}

/** Where one writes, with a connection or without. Enter sends; with Shift it begins a line. */
export function Composer({ live, conversationId, writer }: ComposerProps) {
  const { t } = useText();
  const id = useId();
  const [text, setText] = useState("");
  const add = useOutbox((state) => state.add);
  const full = useOutbox((state) => state.waiting.length >= WAITING_MAX);
  const typing = useMemo(() => new TypingSignal(live, conversationId), [live, conversationId]);
  useEffect(() => () => typing.stop(), [typing]);

  const send = () => {
    if (text.trim() === "" || !add({ conversationId, writer, text: text.trim() })) return;
    setText("");
    typing.stop();
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    send();
  };
  const press = (event: KeyboardEvent) => {
    // While a word is being composed, as in Bengali, Enter chooses it.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form className="chat-composer" onSubmit={submit}>
      <div className="field">
        <label htmlFor={id} className="visually-hidden">
          {t("chat.write")}
        </label>
        <textarea
          id={id}
          rows={2}
          maxLength={TEXT_MAX}
          placeholder={t("chat.write")}
          data-testid="message-input"
          value={text}
          onKeyDown={press}
          onBlur={() => typing.stop()}
          onChange={({ target }) => {
            setText(target.value);
            if (target.value.trim() === "") typing.stop();
            else typing.go();
          }}
        />
      </div>
      <button
        type="submit"
        className="button button--primary"
        data-testid="message-send"
        disabled={full || text.trim() === ""}
      >
        {t("chat.send")}
      </button>
      {full && <p className="field-error">{t("chat.full")}</p>}
    </form>
  );
}
