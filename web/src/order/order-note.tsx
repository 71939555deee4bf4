import { useMutation } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { IdempotencyKey } from "../api/idempotency-key";
import { addNote } from "../api/order-archive";
import { useText } from "../i18n/text";
import { Field } from "../ui/field";
import { ProblemNote } from "../ui/notes";
import { currentToken } from "../features/session/session";

/** The server's bound. */
const NOTE_MAX = 500;

/** What the shop's people note about the order, for each other. */
export function NoteForm({ id, onNoted }: { id: string; onNoted: () => void }) {
  const { t } = useText();
  const [text, setText] = useState("");
  const [key] = useState(() => new IdempotencyKey());
  const noting = useMutation({
    mutationFn: () => addNote(id, text.trim(), key.for({ id, text: text.trim() }), currentToken()),
    onSuccess: () => {
      setText("");
      onNoted();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (text.trim() !== "" && !noting.isPending) noting.mutate();
  };
  return (
    <form className="note-form" onSubmit={submit}>
      <Field
        label={t("opened.note")}
        name="note"
        maxLength={NOTE_MAX}
        autoComplete="off"
        hint={t("opened.noteHint")}
        data-testid="note-text"
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <button type="submit" className="button" data-testid="note-add" aria-disabled={noting.isPending}>
        {t("opened.noteAdd")}
      </button>
      {noting.error && <ProblemNote error={noting.error} />}
    </form>
  );
}
