import { QueryClientProvider } from "@tanstack/react-query";
import { type ComponentType, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadInitialData } from "./api/initial-data";
import { queryClient } from "./api/query-client";
import { configQuery } from "./api/shop";
import { keepDocumentLanguage, useLocale } from "./i18n/locale";
import { loadMessages } from "./i18n/text";
import { keepDocumentTheme } from "./ui/theme";
import "./theme.css";

/** Shows the application in its document. */
export function start(Application: ComponentType): void {
  const root = document.getElementById("root");
  if (root === null) throw new Error("The document has no #root");

  loadInitialData(queryClient);
  // While the page's own script is on its way: amounts are not shown before their digits are known.
  queryClient.query(configQuery).catch(() => undefined); // the pages say it themselves
  keepDocumentLanguage();
  keepDocumentTheme();

  const show = () =>
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={queryClient}>
          <Application />
        </QueryClientProvider>
      </StrictMode>,
    );
  // A page in English is better than none.
  loadMessages(useLocale.getState().locale).then(show, show);
}
