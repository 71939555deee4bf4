import { useText } from "../i18n/text";
import { useNow_ms } from "./clock";

/** How long ago something was, kept current. */
export function Age({ at }: { at: string }) {
  const { age, dateTime } = useText();
  const now_ms = useNow_ms();
  return (
    <time dateTime={at} title={dateTime(at)}>
      {age(at, now_ms)}
    </time>
  );
}
