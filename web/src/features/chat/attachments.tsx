import { useText } from "../../i18n/text";

interface Attachment {
  url: string;
  name: string;
}

/** The files of a message, where the shop keeps them; of what any program wrote, those that can be opened. */
export function Attachments({ attachments }: { attachments: readonly unknown[] }) {
  const { t } = useText();
  const files = attachments.filter(isAttachment);
  if (files.length === 0) return null;
  return (
    <ul className="chat-files" aria-label={t("chat.files")}>
      {files.map(({ url, name }) => (
        <li key={url}>
          <a href={url} target="_blank" rel="noreferrer">
            {name}
          </a>
        </li>
      ))}
    </ul>
  );
}

function isAttachment(candidate: unknown): candidate is Attachment {
  if (typeof candidate !== "object" || candidate === null) return false;
  const { url, name } = candidate as Record<string, unknown>;
  return typeof url === "string" && /^https?:/i.test(url) && typeof name === "string" && name !== "";
}
