// Shows the sample's component, as its page.jsx does; who and what is in the address, behind the #.
import { createRoot } from "react-dom/client";
import { Chat } from "../../../samples/nextjs_chat/app/dashboard/Chat.jsx";

createRoot(document.getElementById("root")).render(
  <Chat {...Object.fromEntries(new URLSearchParams(location.hash.slice(1)))} />,
);
