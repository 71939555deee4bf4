import { useEffect } from "react";

// What the server has rendered in our place is shown until a page of ours is; any later page is waited for with nothing.
let html = document.getElementById("root")?.innerHTML ?? "";

export function ServerRendered() {
  return html === "" ? null : <div dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Stands beside a page that has come. */
export function ApplicationShown() {
  useEffect(() => {
    html = "";
  }, []);
  return null;
}
